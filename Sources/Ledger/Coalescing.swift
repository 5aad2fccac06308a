/// How long a batch stands by itself in the ledger, all in milliseconds.
package struct Keeping: Hashable, Sendable {
    /// Each batch can be told apart: crossdock.yaml's `ledger.keepDetail`.
    package var detail: Int64
    /// Then a row an hour for so long, then a row a day.
    package static let hours: Int64 = 30 * 86_400_000
    /// A batch is a row of its own for so long; after that its figures stand in a shared row.
    package static let rows: Int64 = 600_000
    /// Refused records go after so long: `quarantine.keepFor`. Nil: never.
    package var quarantined: Int64?

    package init(detail: Int64, quarantined: Int64? = nil) {
        self.detail = detail
        self.quarantined = quarantined
    }
}

/// Makes one row of many: adjacent ones of one partition and one contract version that were decided in
/// the same UTC hour, later the same UTC day. Counts are summed and the chain head of the last is kept,
/// so that cover and identity are the same before and after. Rows that account for an exception
/// (gap, ledger-gap, skipped, unaccounted) stay as they are.
struct Coalescing {
    let database: Database
    let partition: Int64
    let now: Int64
    let keeping: Keeping

    /// Rows that one transaction reads at most: a lane waits for it.
    static let pageRows = 1500
    /// Bytes of detail a row: with the rest of the row it fills three overflow pages of 4 KiB.
    static let detailBytes = 12_600

    private struct Bucket: Equatable {
        enum Level { case packed, hour, day }
        var level: Level
        /// Hours or days since the epoch.
        var number: Int64
    }

    /// Rewrites the first run of rows at or behind `offset` that can be one row, in one transaction.
    /// Returns where to look next, nil where the partition is through.
    func step(from offset: Int64) throws(LedgerFailure) -> Int64? {
        let rows = try RangeRow.read(
            database, partition, from: offset, limit: Self.pageRows)
        var start = 0
        var last = 0
        while start < rows.count {
            guard let bucket = bucket(rows[start]) else {
                if rows[start].isOrdinary { return nil }
                last = start
                start += 1
                continue
            }
            let end = end(of: bucket, rows, start)
            if try rewrite(rows[start..<end], bucket) { return rows[start].from }
            last = start
            start = end
        }
        // The last run of a full page may go on behind it.
        return rows.count < Self.pageRows ? nil : rows[last].from
    }

    /// Nil for a row that stays as it is: an exception, or a young one.
    private func bucket(_ row: RangeRow) -> Bucket? {
        guard row.isOrdinary else { return nil }
        switch now - row.at {
        case ...Keeping.rows: return nil
        case ...keeping.detail: return Bucket(level: .packed, number: row.at / 3_600_000)
        case ...(keeping.detail + Keeping.hours):
            return Bucket(level: .hour, number: row.at / 3_600_000)
        default: return Bucket(level: .day, number: row.at / 86_400_000)
        }
    }

    private func end(of bucket: Bucket, _ rows: [RangeRow], _ start: Int) -> Int {
        var end = start + 1
        // Detail is added to, never taken apart; what has lost it does not get it again.
        let takesMore = bucket.level != .packed || rows[start].takesDetail
        while takesMore, end < rows.count, rows[end].from == rows[end - 1].to,
            rows[end].pin == rows[start].pin, self.bucket(rows[end]) == bucket,
            bucket.level != .packed || rows[end].isSingle
        {
            end += 1
        }
        return end
    }

    // MARK: Writing

    /// True where something was written.
    private func rewrite(
        _ rows: ArraySlice<RangeRow>, _ bucket: Bucket
    ) throws(LedgerFailure) -> Bool {
        if bucket.level == .packed { return try pack(rows) }
        guard rows.count > 1 || rows.contains(where: { $0.detailBytes > 0 }) else { return false }
        try replace(rows, detail: nil)
        return true
    }

    private func pack(_ rows: ArraySlice<RangeRow>) throws(LedgerFailure) -> Bool {
        guard rows.count > 1, let first = rows.first else { return false }
        var taken = rows.startIndex
        var packed = PackedBatches(since: first.since)
        if first.detailBytes > 0 {
            packed = PackedBatches(
                try RangeRow.detail(database, partition, at: first.from),
                batchSeq: first.batchSeq, at: first.at)
            taken += 1
        }
        while taken < rows.endIndex, packed.bytes.count < Self.detailBytes {
            packed.append(PackedBatches.Batch(rows[taken]))
            taken += 1
        }
        try replace(rows[..<taken], detail: packed.bytes)
        return true
    }

    private func replace(
        _ rows: ArraySlice<RangeRow>, detail: [UInt8]?
    ) throws(LedgerFailure) {
        guard let sum = RangeRow(sumOf: rows) else { return }
        try database.transaction { () throws(LedgerFailure) in
            try database.run(
                """
                DELETE FROM decided_range
                WHERE partition_id = ?1 AND from_offset >= ?2 AND from_offset < ?3
                """, .integer(partition), .integer(sum.from), .integer(sum.to))
            try sum.insert(into: database, partition, detail: detail)
        }
    }
}

extension RangeRow {
    fileprivate var takesDetail: Bool {
        isSingle || (detailBytes > 0 && detailBytes < Coalescing.detailBytes)
    }

    /// One row for adjacent ones, nil for none.
    fileprivate init?(sumOf rows: ArraySlice<RangeRow>) {
        guard var sum = rows.first else { return nil }
        for row in rows.dropFirst() {
            sum.to = row.to
            sum.batchSeq = row.batchSeq ?? sum.batchSeq
            sum.at = row.at
            sum.batches += row.batches
            sum.counts = sum.counts + row.counts
            sum.chain = row.chain
            if row.kind != "filtered" { sum.kind = row.kind }
        }
        self = sum
    }
}

extension PackedBatches.Batch {
    fileprivate init(_ row: RangeRow) {
        self.init(
            from: row.from, to: row.to, batchSeq: row.batchSeq, at: row.at, counts: row.counts)
    }
}
