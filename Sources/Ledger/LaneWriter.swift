/// What each `LedgerChange` is in SQL. Used inside one transaction; the effect on the books equals
/// `LaneBooks.apply`, and the ranges tell how every decided offset came to be.
struct LaneWriter {
    /// Claims that are kept; older ones are below every claim that recovery still reads.
    static let claimsKept = LaneBooks.claimsKept

    let database: Database
    let lane: LaneID
    /// Row of the lane.
    let id: Int64
    /// Milliseconds since the epoch.
    let now: Int64
    let quarantineBytes: Int64

    init(
        database: Database, lane: LaneID, now: Int64, quarantineBytes: Int64
    ) throws(LedgerFailure) {
        self.database = database
        self.lane = lane
        self.now = now
        self.quarantineBytes = quarantineBytes
        let known = try database.integer(
            "SELECT id FROM lane WHERE contract = ?1 AND lane = ?2", .text(lane.contract),
            .int(lane.lane))
        if let known {
            id = known
        } else {
            try database.run(
                "INSERT INTO lane (contract, lane) VALUES (?1, ?2)", .text(lane.contract),
                .int(lane.lane))
            id = database.lastInsertedRow
        }
    }

    func apply(_ change: LedgerChange) throws(LedgerFailure) {
        switch change {
        case .claim(let nonce): try claim(nonce)
        case .start(let offsets, let pin, let clusters, let layout):
            try start(offsets, pin, clusters, layout)
        case .intent(let intent, let quarantined): try open(intent, quarantined)
        case .presence(let steps): try stage(steps)
        case .resetPresence(let partitions, let scope): try resetPresence(partitions, scope)
        case .mark(let batchSeq, let checkpointOffset, let acknowledged):
            try mark(batchSeq, checkpointOffset, acknowledged)
        case .drop(let batchSeq): try drop(batchSeq)
        case .filtered(let progress, let pin): try filtered(progress, pin)
        case .adopt(
            let markers, let pin, let clusters, let layout, let acknowledged, let lastSeq, let why):
            try adopt(markers, pin, clusters, layout, acknowledged, lastSeq, why)
        case .gap(let partition, let to, let why): try gap(partition, to, why)
        case .reposition(let partition, let to, let why): try reposition(partition, to, why)
        case .forgetMarkers(let partitions): try forgetMarkers(partitions)
        case .forgetAcknowledged:
            try database.run("DELETE FROM acknowledged WHERE lane_id = ?1", .integer(id))
            try forgetPresence()
            try note("forget-acknowledged", "")
        case .accept(let clusters, let layout): try accept(clusters, layout)
        case .halt(let halt): try self.halt(halt)
        case .clearHalt: try clearHalt()
        case .applied(let act):
            try database.run(
                "UPDATE act SET applied = ?2 WHERE id = ?1 AND applied IS NULL", .text(act),
                .integer(now))
        case .learn(let acts):
            for act in acts {
                try act.insert(
                    into: database, lane.contract,
                    lane: act.aboutContract == nil ? lane.lane : nil, applied: now)
            }
            if acts.contains(where: { $0.choice == "start-at" }) { try doubtEverything() }
            try note("learn", acts.map(\.choice).joined(separator: " "))
        case .keep(let refused, let pin): try keep(refused, pin)
        case .learnReleases(let releases, let batchSeq): try learn(releases, batchSeq)
        }
    }

    // MARK: Small ones

    private func claim(_ nonce: Nonce) throws(LedgerFailure) {
        let number =
            1
            + (try database.integer(
                "SELECT max(number) FROM claim WHERE lane_id = ?1", .integer(id)) ?? 0)
        try database.run(
            "INSERT INTO claim VALUES (?1, ?2, ?3, ?4)", .integer(id), .integer(number),
            .blob(RowText.nonce(nonce)), .integer(now))
        try database.run(
            "DELETE FROM claim WHERE lane_id = ?1 AND number <= ?2", .integer(id),
            .integer(number - Int64(Self.claimsKept)))
    }

    private func start(
        _ offsets: [SourcePartition: Int64], _ pin: ContractPin, _ clusters: ClusterIDs,
        _ layout: Layout
    ) throws(LedgerFailure) {
        for (partition, offset) in offsets.sorted(by: { $0.key < $1.key }) {
            // Another lane of the contract, or an earlier start, may have stored it: that one holds.
            try database.run(
                """
                INSERT INTO partition (contract, topic, partition, lane_id, start_offset, decided,
                    fingerprints, chain, \(Schema.counts))
                VALUES (?1, ?2, ?3, ?4, ?5, ?5, '', '', 0, 0, 0, 0, 0, 0, 0)
                ON CONFLICT (contract, topic, partition) DO NOTHING
                """, .text(lane.contract), .text(partition.topic), .int(partition.partition),
                .integer(id), .integer(offset))
            if database.changedRows > 0 { try note("start", "\(name(partition)) at \(offset)") }
        }
        try database.run(
            """
            UPDATE lane SET pin = coalesce(pin, ?2), layout = coalesce(layout, ?5),
                partner_cluster = iif(source_cluster IS NULL, ?4, partner_cluster),
                source_cluster = coalesce(source_cluster, ?3)
            WHERE id = ?1
            """, .integer(id), .integer(try version(pin)), .text(clusters.source),
            .text(clusters.partner), .text(RowText.layout(layout)))
    }

    private func accept(_ clusters: ClusterIDs, _ layout: Layout) throws(LedgerFailure) {
        try database.run(
            "UPDATE lane SET source_cluster = ?2, partner_cluster = ?3, layout = ?4 WHERE id = ?1",
            .integer(id), .text(clusters.source), .text(clusters.partner),
            .text(RowText.layout(layout)))
        try note("accept", "clusters \(clusters.source), \(clusters.partner)")
    }

    private func halt(_ halt: Halt) throws(LedgerFailure) {
        // Found again after a restart, a halt keeps the time it was first found at.
        try database.run(
            """
            UPDATE lane SET
                halt_since = iif(halt_reason IS ?2 AND halt_topic IS ?4
                    AND halt_partition IS ?5, halt_since, ?6),
                halt_reason = ?2, halt_detail = ?3, halt_topic = ?4, halt_partition = ?5
            WHERE id = ?1
            """, .integer(id), .text(halt.reason), .text(halt.detail),
            .optional(halt.partition?.topic), .optional(halt.partition.map { Int64($0.partition) }),
            .integer(now))
        try note("halt", "\(halt.reason): \(halt.detail)")
    }

    private func clearHalt() throws(LedgerFailure) {
        try database.run(
            """
            UPDATE lane SET halt_reason = NULL, halt_detail = NULL, halt_topic = NULL,
                halt_partition = NULL, halt_since = NULL WHERE id = ?1
            """, .integer(id))
        try note("clear-halt", "")
    }

    private func forgetMarkers(_ partitions: [SourcePartition]) throws(LedgerFailure) {
        for partition in partitions {
            try database.run(
                """
                UPDATE partition SET marker_next = NULL, marker_seq = NULL, marker_nonce = NULL,
                    marker_checkpoint = NULL
                WHERE contract = ?1 AND topic = ?2 AND partition = ?3 AND lane_id = ?4
                """, .text(lane.contract), .text(partition.topic), .int(partition.partition),
                .integer(id))
        }
        try note("forget-markers", partitions.map(name).joined(separator: " "))
    }

    // MARK: Shared

    /// Row of the contract version, made where it is missing.
    func version(_ pin: ContractPin) throws(LedgerFailure) -> Int64 {
        let known = try database.integer(
            "SELECT id FROM contract_version WHERE contract = ?1 AND version = ?2 AND hash = ?3",
            .text(lane.contract), .text(pin.version), .text(pin.hash))
        if let known { return known }
        try database.run(
            """
            INSERT INTO contract_version (contract, version, hash, first_seen)
            VALUES (?1, ?2, ?3, ?4)
            """, .text(lane.contract), .text(pin.version), .text(pin.hash), .integer(now))
        return database.lastInsertedRow
    }

    /// Row of a partition of this lane, nil where there is none.
    func row(of partition: SourcePartition) throws(LedgerFailure) -> Int64? {
        try database.integer(
            """
            SELECT id FROM partition
            WHERE contract = ?1 AND topic = ?2 AND partition = ?3 AND lane_id = ?4
            """, .text(lane.contract), .text(partition.topic), .int(partition.partition),
            .integer(id))
    }

    /// The same where there must be one.
    func knownRow(of partition: SourcePartition) throws(LedgerFailure) -> Int64 {
        guard let row = try row(of: partition) else {
            throw LedgerFailure(
                .corrupt,
                "\(name(partition)) was never started by lane \(lane.lane) of \(lane.contract)")
        }
        return row
    }

    func acknowledge(_ positions: [PartnerPosition]) throws(LedgerFailure) {
        for position in positions {
            try database.run(
                "INSERT OR REPLACE INTO acknowledged VALUES (?1, ?2, ?3, ?4)", .integer(id),
                .text(position.topic), .int(position.partition), .integer(position.offset))
        }
    }

    func note(_ what: String, _ detail: String) throws(LedgerFailure) {
        try database.run(
            "INSERT INTO event (lane_id, at, what, detail) VALUES (?1, ?2, ?3, ?4)", .integer(id),
            .integer(now), .text(what), .text(detail))
    }

    func name(_ partition: SourcePartition) -> String {
        "\(partition.topic)[\(partition.partition)]"
    }
}
