/// Changes that overrule what the ledger believed: adoption, gaps, an operator's move.
extension LaneWriter {
    func adopt(
        _ markers: [AdoptedMarker], _ pin: ContractPin, _ clusters: ClusterIDs, _ layout: Layout,
        _ acknowledged: [PartnerPosition], _ lastBatchSeq: Int64, _ why: String
    ) throws(LedgerFailure) {
        let version = try version(pin)
        // Whether the open batch was delivered is not proven; its refused records are kept.
        try settleStaged(as: "unproven")
        try removeIntent()
        for marker in markers { try adopt(marker, why) }
        try database.run(
            """
            UPDATE lane SET pin = ?2, source_cluster = ?3, partner_cluster = ?4, layout = ?5,
                last_batch_seq = max(last_batch_seq, ?6), generation = generation + 1
            WHERE id = ?1
            """, .integer(id), .integer(version), .text(clusters.source), .text(clusters.partner),
            .text(RowText.layout(layout)), .integer(lastBatchSeq))
        try database.run("DELETE FROM acknowledged WHERE lane_id = ?1", .integer(id))
        try acknowledge(acknowledged)
        try note("adopt", why)
    }

    private func adopt(_ marker: AdoptedMarker, _ why: String) throws(LedgerFailure) {
        let next = marker.point.nextOffset
        let row: Int64
        if let known = try position(of: marker.partition) {
            row = known.row
            if known.decided < next {
                // The markers tell what the missing batches did, in figures.
                try addRange(
                    row, known.decided, next, "ledger-gap", marker.counts.since(known.counts))
            } else if known.decided > next {
                try void(row, beyond: next, why, countsBelow: marker.counts)
                try doubt(row, from: next)
            }
        } else {
            try insert(marker.partition)
            row = try knownRow(of: marker.partition)
            // Where the contract began is not in the marker: nothing below it is known any more.
            try addRange(row, 0, next, "ledger-gap", marker.counts)
        }
        try database.run(
            """
            UPDATE partition SET lane_id = ?2, decided = ?3, marker_next = ?3, marker_seq = ?4,
                marker_nonce = ?5, marker_checkpoint = ?6, fingerprints = ?7, chain = ?8,
                read = ?9, delivered = ?10, filtered = ?11, dropped = ?12, quarantined = ?13,
                gaps = ?14, bytes = ?15
            WHERE id = ?1
            """,
            [
                .integer(row), .integer(id), .integer(next), .integer(marker.point.batchSeq),
                .blob(RowText.nonce(marker.point.nonce)), .integer(marker.point.checkpointOffset),
                .text(RowText.fingerprints(marker.fingerprints)), .text(marker.chain),
            ] + marker.counts.values.map(Value.integer))
        try setPresence(row, nil)
    }

    func gap(_ partition: SourcePartition, _ to: Int64, _ why: String) throws(LedgerFailure) {
        guard let known = try position(of: partition), to > known.decided else { return }
        var counts = Counts()
        counts.read = to - known.decided
        counts.gaps = counts.read
        try addRange(known.row, known.decided, to, "gap", counts)
        try database.run(
            "UPDATE partition SET decided = ?2, read = read + ?3, gaps = gaps + ?3 WHERE id = ?1",
            .integer(known.row), .integer(to), .integer(counts.gaps))
        try note("gap", "\(name(partition)) \(known.decided) to \(to): \(why)")
    }

    func reposition(
        _ partition: SourcePartition, _ to: Int64, _ why: String
    ) throws(LedgerFailure) {
        guard let known = try position(of: partition) else { return }
        if to < known.decided {
            try void(known.row, beyond: to, why)
            try doubt(known.row, from: to)
        } else if to > known.decided {
            try addRange(known.row, known.decided, to, "skipped", Counts())
        }
        try database.run(
            "UPDATE partition SET decided = ?2, fingerprints = '' WHERE id = ?1",
            .integer(known.row), .integer(to))
        try note("reposition", "\(name(partition)) \(known.decided) to \(to): \(why)")
    }

    // MARK: Inside

    private func insert(_ partition: SourcePartition) throws(LedgerFailure) {
        try database.run(
            """
            INSERT INTO partition (contract, topic, partition, lane_id, start_offset, decided,
                fingerprints, chain, \(Schema.counts))
            VALUES (?1, ?2, ?3, ?4, 0, 0, '', '', 0, 0, 0, 0, 0, 0, 0)
            """, .text(lane.contract), .text(partition.topic), .int(partition.partition),
            .integer(id))
    }

    private struct Position {
        var row: Int64
        var decided: Int64
        var counts: Counts
    }

    private func position(of partition: SourcePartition) throws(LedgerFailure) -> Position? {
        var position: Position?
        try database.query(
            """
            SELECT id, decided, \(Schema.counts) FROM partition
            WHERE contract = ?1 AND topic = ?2 AND partition = ?3
            """, .text(lane.contract), .text(partition.topic), .int(partition.partition)
        ) { (row) throws(LedgerFailure) in
            position = Position(
                row: row.integer(0), decided: row.integer(1), counts: Counts(row, from: 2))
        }
        return position
    }

    /// Rows beyond an offset become void. One that reaches across it is void as a whole, as its figures
    /// cannot be divided; the part that stays is covered by an unaccounted row, with what is missing of
    /// `countsBelow` where those are known.
    private func void(
        _ row: Int64, beyond point: Int64, _ why: String, countsBelow: Counts? = nil
    ) throws(LedgerFailure) {
        // A row of many batches whose ends are known is cut at the end of one of them.
        if let packed = try across(row, point) { try RangeRow.unpack(row, packed, in: database) }
        let across = try across(row, point)
        let from = across ?? point
        try database.run(
            """
            INSERT INTO void_range (partition_id, from_offset, to_offset, kind, pin,
                batch_seq, at, batches, \(Schema.counts), voided, why)
            SELECT partition_id, from_offset, to_offset, kind, pin, batch_seq, at, batches,
                \(Schema.counts), ?3, ?4
            FROM decided_range WHERE partition_id = ?1 AND from_offset >= ?2
            """, .integer(row), .integer(from), .integer(now), .text(why))
        try database.run(
            "DELETE FROM decided_range WHERE partition_id = ?1 AND from_offset >= ?2",
            .integer(row), .integer(from))
        guard across != nil else { return }
        let kept = try countsBelow?.since(summedRanges(row)) ?? Counts()
        try addRange(row, from, point, "unaccounted", kept)
    }

    /// Where the row begins that reaches across an offset. Rows do not overlap: only the last one that
    /// begins before it can.
    private func across(_ row: Int64, _ point: Int64) throws(LedgerFailure) -> Int64? {
        try database.integer(
            """
            SELECT from_offset FROM (
                SELECT from_offset, to_offset FROM decided_range
                WHERE partition_id = ?1 AND from_offset < ?2 ORDER BY from_offset DESC LIMIT 1)
            WHERE to_offset > ?2
            """, .integer(row), .integer(point))
    }

    /// Reads every range of a partition: for rare turns only.
    private func summedRanges(_ partition: Int64) throws(LedgerFailure) -> Counts {
        var sum = Counts()
        try database.query(
            """
            SELECT sum(read), sum(delivered), sum(filtered), sum(dropped), sum(quarantined),
                sum(gaps), sum(bytes)
            FROM decided_range WHERE partition_id = ?1
            """, .integer(partition)
        ) { (row) throws(LedgerFailure) in sum = Counts(row, from: 0) }
        return sum
    }
}
