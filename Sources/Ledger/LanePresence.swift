/// The index of keys that the partner holds, in SQL.
extension LaneWriter {
    /// Staged under the open intent, behind what is staged already.
    func stage(_ steps: [PresenceStep]) throws(LedgerFailure) {
        var number =
            try database.integer(
                "SELECT max(number) FROM staged_presence WHERE lane_id = ?1", .integer(id)) ?? 0
        for step in steps {
            let row = Value.integer(try knownRow(of: step.partition))
            for change in step.changes {
                number += 1
                try database.run(
                    "INSERT INTO staged_presence VALUES (?1, ?2, ?3, ?4, ?5)", .integer(id),
                    .integer(number), row, .blob(RowText.hash(change.hash)),
                    .int(change.isPresent ? 1 : 0))
            }
        }
    }

    /// What is staged becomes real: of several changes about a key the last holds.
    func settlePresence() throws(LedgerFailure) {
        let staged = try database.integer(
            "SELECT 1 FROM staged_presence WHERE lane_id = ?1 LIMIT 1", .integer(id))
        guard staged != nil else { return }
        try database.run(
            """
            INSERT OR REPLACE INTO presence
            SELECT partition_id, hash, present FROM staged_presence WHERE lane_id = ?1
            ORDER BY number
            """, .integer(id))
        // Where unknown keys are absent, an absent one needs no row.
        try database.run(
            """
            DELETE FROM presence WHERE present = 0 AND (partition_id, hash) IN (
                SELECT s.partition_id, hash FROM staged_presence AS s
                    JOIN partition ON partition.id = s.partition_id
                WHERE s.lane_id = ?1 AND s.present = 0 AND presence = 'absent')
            """, .integer(id))
    }

    func resetPresence(
        _ partitions: [SourcePartition], _ scope: PresenceScope?
    ) throws(LedgerFailure) {
        for partition in partitions {
            guard let row = try row(of: partition) else { continue }
            try setPresence(row, scope)
        }
        let words = scope.map { "an unknown key counts as \($0.unknown.rawValue)" } ?? "not kept"
        try note("presence", "\(partitions.map(name).joined(separator: " ")): \(words)")
    }

    /// Of every partition of the lane.
    func forgetPresence() throws(LedgerFailure) {
        var rows: [Int64] = []
        try database.query("SELECT id FROM partition WHERE lane_id = ?1", .integer(id)) {
            (row) throws(LedgerFailure) in rows.append(row.integer(0))
        }
        for row in rows { try setPresence(row, nil) }
    }

    /// The index is empty from here on.
    func setPresence(_ partition: Int64, _ scope: PresenceScope?) throws(LedgerFailure) {
        try database.run("DELETE FROM presence WHERE partition_id = ?1", .integer(partition))
        try database.run(
            "UPDATE partition SET presence = ?2, presence_rule = ?3 WHERE id = ?1",
            .integer(partition), .optional(scope?.unknown.rawValue), .optional(scope?.rule))
    }
}

extension LaneReader {
    func presence(
        of partition: SourcePartition, after last: KeyHash?, limit: Int
    ) throws(LedgerFailure) -> [PresenceChange] {
        var page: [PresenceChange] = []
        page.reserveCapacity(limit)
        try database.query(
            """
            SELECT hash, present FROM presence
            WHERE partition_id = (
                    SELECT id FROM partition WHERE contract = ?1 AND topic = ?2 AND partition = ?3)
                AND hash > ?4
            ORDER BY hash LIMIT ?5
            """, .text(lane.contract), .text(partition.topic), .int(partition.partition),
            .blob(last.map(RowText.hash) ?? []), .int(limit)
        ) { (row) throws(LedgerFailure) in
            page.append(
                PresenceChange(try RowText.hash(row.blob(0)), isPresent: row.integer(1) != 0))
        }
        return page
    }
}
