/// Quarantined records that are decided anew. Figures tell what has become of each offset as of now: a
/// released record moves from quarantined to delivered (or filtered), in its partition's figures and in
/// the range that holds its offset.
extension LaneWriter {
    /// What a row weighs whose copy of the record is gone, or that never had one.
    static let rowWeight = 256

    /// Errors: `unavailable` where an operator discarded one of the records meanwhile.
    func stage(_ releases: [Release]) throws(LedgerFailure) {
        for release in releases {
            try database.run(
                """
                INSERT INTO intent_release (lane_id, quarantine_id, outcome, bytes)
                SELECT ?1, q.id, ?3, ?4 FROM quarantine AS q
                    JOIN release_request AS r ON r.lane_id = q.lane_id AND quarantine_id = q.id
                WHERE q.id = ?2 AND q.lane_id = ?1 AND state = 'real'
                """, .integer(id), .integer(release.id), .text(release.outcome.rawValue),
                .integer(release.bytes))
            guard database.changedRows == 1 else {
                throw LedgerFailure(
                    .unavailable,
                    "quarantined record \(release.id) is not to be released any more")
            }
        }
    }

    func stagedReleases() throws(LedgerFailure) -> [Release] {
        try LaneReader(database: database, lane: lane).releases(id)
    }

    /// After the commit. The partition's figures move with the batch's progress.
    func settleReleases(_ batchSeq: Int64) throws(LedgerFailure) {
        let releases = try stagedReleases()
        guard !releases.isEmpty else { return }
        for release in releases {
            try moveInRange(release)
            try close(release.id, release.outcome.rawValue, batchSeq)
        }
        try note("release", "\(releases.count) records in batch \(batchSeq)")
    }

    /// From the partner's checkpoint topic: true whatever this ledger believes. Of a record that it holds
    /// no copy of, or that was refused again since, it says nothing.
    func learn(_ releases: [Release], _ batchSeq: Int64) throws(LedgerFailure) {
        var learnt = 0
        for release in releases {
            let partition = try row(of: release.source)
            let held = try database.integer(
                """
                SELECT id FROM quarantine WHERE partition_id = ?1 AND offset = ?2
                    AND state = 'real' AND batch_seq <= ?3
                """, .optional(partition), .integer(release.offset), .integer(release.refusedIn))
            guard let partition, let held else { continue }
            try moveInRange(release)
            let moved = release.counts
            try database.run(
                """
                UPDATE partition SET delivered = delivered + ?2, filtered = filtered + ?3,
                    quarantined = quarantined + ?4, bytes = bytes + ?5 WHERE id = ?1
                """, .integer(partition), .integer(moved.delivered), .integer(moved.filtered),
                .integer(moved.quarantined), .integer(moved.bytes))
            try close(held, release.outcome.rawValue, batchSeq)
            learnt += 1
        }
        if learnt > 0 { try note("learn-releases", "\(learnt) records of batch \(batchSeq)") }
    }

    /// They stay where they are, for the new reason.
    func keep(_ refused: [RefusedRelease], _ pin: ContractPin) throws(LedgerFailure) {
        let version = try version(pin)
        for one in refused {
            try database.run(
                """
                UPDATE quarantine SET rule = ?2, path = ?3, detail = ?4, pin = ?5
                WHERE id = ?1 AND lane_id = ?6 AND state = 'real'
                """, .integer(one.id), .text(one.rule), .text(one.path), .text(one.detail),
                .integer(version), .integer(id))
            guard database.changedRows > 0 else { continue }
            try answered(one.id, "refused", nil)
        }
        if !refused.isEmpty { try note("release-refused", "\(refused.count) records") }
    }

    /// Rows from an offset on are about to be decided again: nothing of them may be released.
    func doubt(_ partition: Int64, from offset: Int64) throws(LedgerFailure) {
        try database.run(
            """
            DELETE FROM release_request WHERE lane_id = ?1 AND quarantine_id IN (
                SELECT id FROM quarantine
                WHERE partition_id = ?2 AND offset >= ?3 AND state = 'real')
            """, .integer(id), .integer(partition), .integer(offset))
        try database.run(
            """
            UPDATE quarantine SET state = 'unproven'
            WHERE partition_id = ?1 AND offset >= ?2 AND state = 'real'
            """, .integer(partition), .integer(offset))
    }

    /// The same of every row of the lane: a move elsewhere, of which this ledger knows nothing more, may
    /// have had them decided again.
    func doubtEverything() throws(LedgerFailure) {
        try database.run("DELETE FROM release_request WHERE lane_id = ?1", .integer(id))
        try database.run(
            "UPDATE quarantine SET state = 'unproven' WHERE lane_id = ?1 AND state = 'real'",
            .integer(id))
    }

    // MARK: Inside

    private func moveInRange(_ release: Release) throws(LedgerFailure) {
        let partition = try knownRow(of: release.source)
        guard let packed = try rangeStart(partition, release.offset) else { return }
        // The figures of each batch are kept apart as long as they can be.
        try RangeRow.unpack(partition, packed, in: database)
        guard let from = try rangeStart(partition, release.offset) else { return }
        let moved = release.counts
        try database.run(
            """
            UPDATE decided_range SET delivered = delivered + ?3, filtered = filtered + ?4,
                quarantined = quarantined + ?5, bytes = bytes + ?6
            WHERE partition_id = ?1 AND from_offset = ?2
            """, .integer(partition), .integer(from), .integer(moved.delivered),
            .integer(moved.filtered), .integer(moved.quarantined), .integer(moved.bytes))
    }

    /// Of the row that covers an offset.
    private func rangeStart(
        _ partition: Int64, _ offset: Int64
    ) throws(LedgerFailure) -> Int64? {
        try database.integer(
            """
            SELECT from_offset FROM (
                SELECT from_offset, to_offset FROM decided_range
                WHERE partition_id = ?1 AND from_offset <= ?2 ORDER BY from_offset DESC LIMIT 1)
            WHERE to_offset > ?2
            """, .integer(partition), .integer(offset))
    }

    private func close(
        _ record: Int64, _ outcome: String, _ batchSeq: Int64
    ) throws(LedgerFailure) {
        try database.run(
            "UPDATE quarantine SET state = 'released' WHERE id = ?1", .integer(record))
        try QuarantineCopy.drop(database, record)
        try answered(record, outcome, batchSeq)
    }

    private func answered(
        _ record: Int64, _ outcome: String, _ batchSeq: Int64?
    ) throws(LedgerFailure) {
        try database.run(
            "DELETE FROM release_request WHERE lane_id = ?1 AND quarantine_id = ?2", .integer(id),
            .integer(record))
        try database.run(
            "INSERT OR REPLACE INTO quarantine_outcome VALUES (?1, ?2, ?3, ?4)",
            .integer(record), .text(outcome), .integer(now), .optional(batchSeq))
    }
}

/// The copy of a record, which is all that takes room.
enum QuarantineCopy {
    static func drop(_ database: Database, _ record: Int64) throws(LedgerFailure) {
        try database.run(
            """
            UPDATE quarantine SET key = NULL, headers = x'', value = NULL, size = ?2 WHERE id = ?1
            """, .integer(record), .int(LaneWriter.rowWeight))
    }
}
