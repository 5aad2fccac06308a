/// How offsets from `from` up to, not including, `to` came to be decided.
package struct DecidedRange: Hashable, Sendable {
    /// decided | filtered | gap | ledger-gap | skipped | unaccounted, as the schema tells.
    package var kind: String
    package var from: Int64
    package var to: Int64
    /// Nil for a batch without a transaction.
    package var batchSeq: Int64?
    package var pin: ContractPin?
    package var counts: Counts
    /// How many batches they were decided in: more than one where rows have been coalesced, and
    /// `batchSeq` is then the last one's.
    package var batches: Int
    /// Whether each of the batches can still be told apart.
    package var isDetailed: Bool
    package init(
        kind: String, from: Int64, to: Int64, batchSeq: Int64?, pin: ContractPin?, counts: Counts,
        batches: Int = 1, isDetailed: Bool = true
    ) {
        self.kind = kind
        self.from = from
        self.to = to
        self.batchSeq = batchSeq
        self.pin = pin
        self.counts = counts
        self.batches = batches
        self.isDetailed = isDetailed
    }
}

extension Ledger {
    /// The rows that cover what is decided of a partition, by offset.
    package func ranges(
        _ contract: String, _ partition: SourcePartition
    ) throws(LedgerFailure) -> [DecidedRange] {
        try locked { (database) throws(LedgerFailure) in
            var ranges: [DecidedRange] = []
            try database.query(
                """
                SELECT kind, from_offset, to_offset, batch_seq, version, hash, r.read, r.delivered,
                    r.filtered, r.dropped, r.quarantined, r.gaps, r.bytes, batches,
                    batches = 1 OR detail IS NOT NULL
                FROM decided_range AS r JOIN partition ON partition.id = partition_id
                    LEFT JOIN contract_version ON contract_version.id = pin
                WHERE partition.contract = ?1 AND topic = ?2 AND partition = ?3
                ORDER BY from_offset
                """, .text(contract), .text(partition.topic), .int(partition.partition)
            ) { (row) throws(LedgerFailure) in
                ranges.append(
                    DecidedRange(
                        kind: row.text(0), from: row.integer(1), to: row.integer(2),
                        batchSeq: row.optionalInteger(3),
                        pin: row.optionalText(4).map {
                            ContractPin(version: $0, hash: row.text(5))
                        },
                        counts: Counts(row, from: 6), batches: Int(row.integer(13)),
                        isDetailed: row.integer(14) != 0))
            }
            return ranges
        }
    }

    /// Bytes that refused records take of the bound.
    package func quarantineSize() throws(LedgerFailure) -> Int64 {
        try locked { (database) throws(LedgerFailure) in
            try database.integer("SELECT size FROM quarantine_total") ?? 0
        }
    }
}
