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

/// A refused record, without its contents.
package struct QuarantineEntry: Hashable, Sendable {
    package var id: Int64
    package var partition: SourcePartition
    package var offset: Int64
    /// staged | real | unproven | released | discarded.
    package var state: String
    package var rule: String
    package var path: String
    package var detail: String
    /// Bytes that count against the bound.
    package var size: Int64
    /// When it was refused, milliseconds since the epoch.
    package var at: Int64
    package init(
        id: Int64, partition: SourcePartition, offset: Int64, state: String, rule: String,
        path: String, detail: String, size: Int64, at: Int64
    ) {
        self.id = id
        self.partition = partition
        self.offset = offset
        self.state = state
        self.rule = rule
        self.path = path
        self.detail = detail
        self.size = size
        self.at = at
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

    /// Refused records of a contract, oldest first, at most `limit`.
    package func quarantine(
        _ contract: String, limit: Int = 1000
    ) throws(LedgerFailure) -> [QuarantineEntry] {
        try locked { (database) throws(LedgerFailure) in
            var entries: [QuarantineEntry] = []
            try database.query(
                """
                SELECT q.id, topic, partition, offset, state, rule, path, detail, size, at
                FROM quarantine AS q JOIN partition ON partition.id = partition_id
                WHERE contract = ?1 ORDER BY q.id LIMIT ?2
                """, .text(contract), .int(limit)
            ) { (row) throws(LedgerFailure) in
                entries.append(
                    QuarantineEntry(
                        id: row.integer(0),
                        partition: SourcePartition(
                            topic: row.text(1),
                            partition: Int32(truncatingIfNeeded: row.integer(2))),
                        offset: row.integer(3), state: row.text(4), rule: row.text(5),
                        path: row.text(6), detail: row.text(7), size: row.integer(8),
                        at: row.integer(9)))
            }
            return entries
        }
    }

    /// The copy of a refused record, with its reason. Nil where the id is not known.
    package func quarantined(_ id: Int64) throws(LedgerFailure) -> QuarantinedRecord? {
        try locked { (database) throws(LedgerFailure) in
            var record: QuarantinedRecord?
            try database.query(
                """
                SELECT topic, partition, offset, timestamp, key, value, headers, rule, path, detail
                FROM quarantine AS q JOIN partition ON partition.id = partition_id WHERE q.id = ?1
                """, .integer(id)
            ) { (row) throws(LedgerFailure) in
                let headers = try RowText.headers(row.blob(6))
                record = QuarantinedRecord(
                    partition: SourcePartition(
                        topic: row.text(0), partition: Int32(truncatingIfNeeded: row.integer(1))),
                    offset: row.integer(2), timestamp: row.integer(3), key: row.optionalBlob(4),
                    value: row.optionalBlob(5), headerNames: headers.names,
                    headerValues: headers.values, rule: row.text(7), path: row.text(8),
                    detail: row.text(9))
            }
            return record
        }
    }

    /// Bytes that refused records take of the bound.
    package func quarantineSize() throws(LedgerFailure) -> Int64 {
        try locked { (database) throws(LedgerFailure) in
            try database.integer("SELECT size FROM quarantine_total") ?? 0
        }
    }
}
