/// A row of `decided_range`, without its `detail`.
struct RangeRow: Hashable {
    var from: Int64
    var to: Int64
    var kind: String
    var pin: Int64?
    /// Of its last batch with a transaction.
    var batchSeq: Int64?
    /// When its last batch was decided, milliseconds since the epoch.
    var at: Int64
    /// When its first was.
    var since: Int64
    var batches: Int64
    var counts: Counts
    var chain: String
    /// Of its detail, 0 where it has none.
    var detailBytes: Int

    init(
        from: Int64, to: Int64, kind: String, pin: Int64?, batchSeq: Int64? = nil, at: Int64,
        counts: Counts, chain: String = ""
    ) {
        self.from = from
        self.to = to
        self.kind = kind
        self.pin = pin
        self.batchSeq = batchSeq
        self.at = at
        since = at
        batches = 1
        self.counts = counts
        self.chain = chain
        detailBytes = 0
    }

    /// Decided by the lane, in the order of things; all else is an account of an exception.
    var isOrdinary: Bool { kind == "decided" || kind == "filtered" }
    /// One batch, as it was written.
    var isSingle: Bool { batches == 1 && detailBytes == 0 }

    // MARK: SQL

    /// Rows of a partition from an offset on, at most `limit`.
    static func read(
        _ database: Database, _ partition: Int64, from offset: Int64, limit: Int
    ) throws(LedgerFailure) -> [RangeRow] {
        var rows: [RangeRow] = []
        // The length of a blob is known without reading it.
        try database.query(
            """
            SELECT from_offset, to_offset, kind, pin, batch_seq, at, chain, coalesce(since, at),
                batches, coalesce(length(detail), 0), \(Schema.counts)
            FROM decided_range WHERE partition_id = ?1 AND from_offset >= ?2
            ORDER BY from_offset LIMIT ?3
            """, .integer(partition), .integer(offset), .int(limit)
        ) { (row) throws(LedgerFailure) in
            var found = RangeRow(
                from: row.integer(0), to: row.integer(1), kind: row.text(2),
                pin: row.optionalInteger(3), batchSeq: row.optionalInteger(4), at: row.integer(5),
                counts: Counts(row, from: 10), chain: row.text(6))
            found.since = row.integer(7)
            found.batches = row.integer(8)
            found.detailBytes = Int(row.integer(9))
            rows.append(found)
        }
        return rows
    }

    static func detail(
        _ database: Database, _ partition: Int64, at from: Int64
    ) throws(LedgerFailure) -> [UInt8] {
        var detail: [UInt8] = []
        try database.query(
            "SELECT detail FROM decided_range WHERE partition_id = ?1 AND from_offset = ?2",
            .integer(partition), .integer(from)
        ) { (row) throws(LedgerFailure) in detail = row.blob(0) }
        return detail
    }

    func insert(
        into database: Database, _ partition: Int64, detail: [UInt8]? = nil
    ) throws(LedgerFailure) {
        try database.run(
            """
            INSERT INTO decided_range (partition_id, from_offset, to_offset, kind, pin, batch_seq,
                at, chain, since, batches, detail, \(Schema.counts))
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
            """,
            [
                .integer(partition), .integer(from), .integer(to), .text(kind), .optional(pin),
                .optional(batchSeq), .integer(at), .text(chain),
                batches == 1 ? .null : .integer(since), .integer(batches), .optional(detail),
            ] + counts.values.map(Value.integer))
    }

    /// Puts the batches of a coalesced row in its place, where it still knows them; else leaves it. The
    /// chain head is known behind the last of them alone.
    static func unpack(
        _ partition: Int64, _ from: Int64, in database: Database
    ) throws(LedgerFailure) {
        let packed = try read(database, partition, from: from, limit: 1)
        guard let row = packed.first, row.from == from, row.detailBytes > 0 else { return }
        let batches = try PackedBatches.unpack(
            detail(database, partition, at: from), from: row.from, since: row.since)
        guard batches.last?.to == row.to, batches.count == Int(row.batches) else {
            throw LedgerFailure(.corrupt, "a coalesced row does not hold what it says")
        }
        try database.run(
            "DELETE FROM decided_range WHERE partition_id = ?1 AND from_offset = ?2",
            .integer(partition), .integer(from))
        for batch in batches {
            try RangeRow(
                from: batch.from, to: batch.to,
                kind: batch.batchSeq == nil ? "filtered" : "decided", pin: row.pin,
                batchSeq: batch.batchSeq, at: batch.at, counts: batch.counts,
                chain: batch.to == row.to ? row.chain : ""
            ).insert(into: database, partition)
        }
    }
}
