/// Intent, mark, drop, and batches without a transaction.
extension LaneWriter {
    func open(
        _ intent: Intent, _ quarantined: [QuarantinedRecord]
    ) throws(LedgerFailure) {
        try removeIntent()
        let pin = try version(intent.pin)
        let next = intent.next == intent.pin ? pin : try version(intent.next)
        try database.run(
            "INSERT INTO intent VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", .integer(id),
            .integer(intent.batchSeq), .blob(RowText.nonce(intent.nonce)), .text(intent.digest),
            .integer(pin), .integer(next), .integer(now))
        for (place, step) in intent.progress.enumerated() {
            try database.run(
                """
                INSERT INTO intent_progress (lane_id, place, partition_id, from_offset, to_offset,
                    fingerprints, chain, \(Schema.counts))
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
                """,
                [
                    .integer(id), .int(place), .integer(try knownRow(of: step.partition)),
                    .integer(step.from), .integer(step.to),
                    .text(RowText.fingerprints(step.fingerprints)), .text(step.chain),
                ] + step.counts.values.map(Value.integer))
        }
        try stage(quarantined, batchSeq: intent.batchSeq, pin: pin)
        try stage(intent.releases)
    }

    func mark(
        _ batchSeq: Int64, _ checkpointOffset: Int64, _ acknowledged: [PartnerPosition]
    ) throws(LedgerFailure) {
        guard try isOpen(batchSeq) else { return }
        try database.run(
            """
            INSERT INTO decided_range (partition_id, from_offset, to_offset, kind, pin, batch_seq,
                at, chain, \(Schema.counts))
            SELECT partition_id, from_offset, to_offset, 'decided', pin, batch_seq, ?2, chain,
                \(Schema.counts)
            FROM intent_progress JOIN intent USING (lane_id)
            WHERE lane_id = ?1 AND from_offset < to_offset
            """, .integer(id), .integer(now))
        try database.run(
            """
            UPDATE partition SET
                decided = p.to_offset, fingerprints = p.fingerprints, chain = p.chain,
                read = partition.read + p.read, delivered = partition.delivered + p.delivered,
                filtered = partition.filtered + p.filtered,
                dropped = partition.dropped + p.dropped,
                quarantined = partition.quarantined + p.quarantined,
                gaps = partition.gaps + p.gaps, bytes = partition.bytes + p.bytes,
                marker_next = p.to_offset, marker_seq = ?2, marker_checkpoint = ?3,
                marker_nonce = (SELECT nonce FROM intent WHERE lane_id = ?1)
            FROM intent_progress AS p
            WHERE p.lane_id = ?1 AND partition.id = p.partition_id
            """, .integer(id), .integer(batchSeq), .integer(checkpointOffset))
        try database.run(
            """
            UPDATE lane SET pin = (SELECT next FROM intent WHERE lane_id = ?1),
                last_batch_seq = max(last_batch_seq, ?2)
            WHERE id = ?1
            """, .integer(id), .integer(batchSeq))
        try acknowledge(acknowledged)
        try settleStaged(as: "real")
        try settlePresence()
        try settleReleases(batchSeq)
        // An older attempt's row about a record that is not refused now says what did not happen.
        try database.run(
            """
            DELETE FROM quarantine WHERE id IN (
                SELECT q.id FROM intent_progress AS p JOIN quarantine AS q
                    ON q.partition_id = p.partition_id AND q.state <> 'staged'
                    AND q.offset >= p.from_offset AND q.offset < p.to_offset
                WHERE p.lane_id = ?1 AND q.state = 'unproven')
            """, .integer(id))
        try removeIntent()
    }

    func drop(_ batchSeq: Int64) throws(LedgerFailure) {
        if try isOpen(batchSeq) { try removeIntent() }
    }

    func filtered(_ progress: [Progress], _ pin: ContractPin) throws(LedgerFailure) {
        let version = try version(pin)
        try database.run("UPDATE lane SET pin = ?2 WHERE id = ?1", .integer(id), .integer(version))
        for step in progress {
            let row = try knownRow(of: step.partition)
            try database.run(
                """
                UPDATE partition SET decided = ?2, fingerprints = ?3, chain = ?4,
                    read = read + ?5, delivered = delivered + ?6, filtered = filtered + ?7,
                    dropped = dropped + ?8, quarantined = quarantined + ?9, gaps = gaps + ?10,
                    bytes = bytes + ?11
                WHERE id = ?1
                """,
                [
                    .integer(row), .integer(step.to),
                    .text(RowText.fingerprints(step.fingerprints)), .text(step.chain),
                ] + step.counts.values.map(Value.integer))
            try addRange(
                row, step.from, step.to, "filtered", step.counts, pin: version, chain: step.chain)
            // Decided again, and not refused: another version of the contract may say so.
            try database.run(
                """
                DELETE FROM quarantine WHERE partition_id = ?1 AND offset >= ?2 AND offset < ?3
                    AND state <> 'staged' AND state = 'unproven'
                """, .integer(row), .integer(step.from), .integer(step.to))
        }
    }

    private func isOpen(_ batchSeq: Int64) throws(LedgerFailure) -> Bool {
        try database.integer("SELECT batch_seq FROM intent WHERE lane_id = ?1", .integer(id))
            == batchSeq
    }

    /// The intent and what is still staged under it go.
    func removeIntent() throws(LedgerFailure) {
        try database.run("DELETE FROM intent_progress WHERE lane_id = ?1", .integer(id))
        try database.run("DELETE FROM intent_release WHERE lane_id = ?1", .integer(id))
        try database.run("DELETE FROM intent WHERE lane_id = ?1", .integer(id))
        try database.run(
            "DELETE FROM quarantine WHERE state = 'staged' AND lane_id = ?1", .integer(id))
        try database.run("DELETE FROM staged_presence WHERE lane_id = ?1", .integer(id))
    }

    // MARK: Ranges

    /// A row for offsets that no transaction decided.
    func addRange(
        _ partition: Int64, _ from: Int64, _ to: Int64, _ kind: String, _ counts: Counts,
        pin: Int64? = nil, chain: String = ""
    ) throws(LedgerFailure) {
        guard from < to else { return }
        try RangeRow(
            from: from, to: to, kind: kind, pin: pin, at: now, counts: counts, chain: chain
        ).insert(into: database, partition)
    }

    // MARK: Quarantine

    /// Errors: `quarantineFull` where the bound is exceeded.
    private func stage(
        _ records: [QuarantinedRecord], batchSeq: Int64, pin: Int64
    ) throws(LedgerFailure) {
        guard !records.isEmpty else { return }
        for record in records {
            let headers = RowText.headers(names: record.headerNames, values: record.headerValues)
            // A row has its own weight, so that records without contents are bounded too.
            let size =
                Self.rowWeight + headers.count + (record.key?.count ?? 0)
                + (record.value?.count ?? 0)
            try database.run(
                """
                INSERT OR REPLACE INTO quarantine (partition_id, offset, lane_id, state, batch_seq,
                    pin, at, rule, path, detail, size, timestamp, key, headers, value)
                VALUES (?1, ?2, ?3, 'staged', ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
                """,
                [
                    .integer(try knownRow(of: record.partition)), .integer(record.offset),
                    .integer(id), .integer(batchSeq), .integer(pin), .integer(now),
                    .text(record.rule), .text(record.path), .text(record.detail), .int(size),
                    .integer(record.timestamp), .optional(record.key), .blob(headers),
                    .optional(record.value),
                ])
        }
        let total = try database.integer("SELECT size FROM quarantine_total") ?? 0
        guard total > quarantineBytes else { return }
        throw LedgerFailure(
            .quarantineFull,
            "the quarantine would hold \(total) bytes, its bound is \(quarantineBytes)")
    }

    /// Staged rows take their state, instead of older rows about the same records.
    func settleStaged(as state: String) throws(LedgerFailure) {
        let staged = try database.integer(
            "SELECT 1 FROM quarantine WHERE state = 'staged' AND lane_id = ?1 LIMIT 1", .integer(id)
        )
        guard staged != nil else { return }
        try database.run(
            """
            DELETE FROM quarantine WHERE state <> 'staged' AND (partition_id, offset) IN (
                SELECT partition_id, offset FROM quarantine
                WHERE state = 'staged' AND lane_id = ?1)
            """, .integer(id))
        try database.run(
            "UPDATE quarantine SET state = ?2 WHERE state = 'staged' AND lane_id = ?1",
            .integer(id), .text(state))
    }
}
