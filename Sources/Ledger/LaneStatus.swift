/// What a lane is doing, as the service last said.
package struct LaneStatus: Hashable, Sendable {
    /// starting | recovering | running | idle | waiting | halted | stopped.
    package var state: String
    /// What it waits for or halted on, in words.
    package var detail: String
    /// Milliseconds since the epoch, all of them.
    package var since: Int64
    package var retryAt: Int64?
    package var lastCommit: Int64?
    package var heartbeat: Int64
    package init(
        state: String, detail: String, since: Int64, retryAt: Int64? = nil,
        lastCommit: Int64? = nil, heartbeat: Int64
    ) {
        self.state = state
        self.detail = detail
        self.since = since
        self.retryAt = retryAt
        self.lastCommit = lastCommit
        self.heartbeat = heartbeat
    }
}

/// One lane for a report.
package struct LaneReport: Hashable, Sendable {
    package var lane: LaneID
    package var pin: ContractPin?
    package var clusters: ClusterIDs?
    package var halt: Halt?
    /// Milliseconds since the epoch.
    package var haltSince: Int64?
    package var pending: [Act]
    package var status: LaneStatus?
    package var partitions: [PartitionReport]
    package init(
        lane: LaneID, pin: ContractPin? = nil, clusters: ClusterIDs? = nil, halt: Halt? = nil,
        haltSince: Int64? = nil, pending: [Act] = [], status: LaneStatus? = nil,
        partitions: [PartitionReport] = []
    ) {
        self.lane = lane
        self.pin = pin
        self.clusters = clusters
        self.halt = halt
        self.haltSince = haltSince
        self.pending = pending
        self.status = status
        self.partitions = partitions
    }
}

/// One source partition for a report.
package struct PartitionReport: Hashable, Sendable {
    package var partition: SourcePartition
    package var startOffset: Int64
    /// D: the next undecided offset.
    package var decided: Int64
    package var markerNext: Int64?
    package var counts: Counts
    package init(
        partition: SourcePartition, startOffset: Int64, decided: Int64, markerNext: Int64?,
        counts: Counts
    ) {
        self.partition = partition
        self.startOffset = startOffset
        self.decided = decided
        self.markerNext = markerNext
        self.counts = counts
    }
}

extension Ledger {
    /// Says what a lane is doing. Not durable by itself: it rides with the next durable write, and only
    /// reports read it. `since` moves when the state changes; its detail may change meanwhile.
    package func setState(
        _ lane: LaneID, state: String, detail: String, committed: Bool = false,
        retryAt: Int64? = nil
    ) throws(LedgerFailure) {
        let now = clock()
        try hastily { (database) throws(LedgerFailure) in
            try database.run(
                """
                INSERT INTO lane_state VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?5)
                ON CONFLICT (contract, lane) DO UPDATE SET
                    since = iif(state = ?3, since, ?5), state = ?3, detail = ?4,
                    retry_at = ?6, last_commit = coalesce(?7, last_commit), heartbeat = ?5
                """, .text(lane.contract), .int(lane.lane), .text(state), .text(detail),
                .integer(now), .optional(retryAt), committed ? .integer(now) : .null)
        }
    }

    /// Every lane whose thread is alive: `lag` tells a stalled lane from one that says nothing.
    package func beat(_ lanes: [LaneID]) throws(LedgerFailure) {
        let now = clock()
        try hastily { (database) throws(LedgerFailure) in
            try database.transaction { () throws(LedgerFailure) in
                for lane in lanes {
                    try database.run(
                        "UPDATE lane_state SET heartbeat = ?3 WHERE contract = ?1 AND lane = ?2",
                        .text(lane.contract), .int(lane.lane), .integer(now))
                }
            }
        }
    }

    // MARK: Reports

    /// Every lane the ledger knows, by contract and lane, from one state of the file.
    package func report() throws(LedgerFailure) -> [LaneReport] {
        try locked { (database) throws(LedgerFailure) in
            try database.snapshot { () throws(LedgerFailure) in
                var lanes: [LaneID: LaneReport] = [:]
                try Self.lanes(database, into: &lanes)
                try Self.states(database, into: &lanes)
                try Self.partitions(database, into: &lanes)
                for lane in Array(lanes.keys) {
                    lanes[lane]?.pending = try ActReader(database: database).pending(lane)
                }
                return lanes.values.sorted {
                    ($0.lane.contract, $0.lane.lane) < ($1.lane.contract, $1.lane.lane)
                }
            }
        }
    }

    /// Every contract about which an act was recorded, by id: its acts, oldest first.
    package func contractActs() throws(LedgerFailure) -> [String: [Act]] {
        try locked { (database) throws(LedgerFailure) in
            var contracts: [String] = []
            try database.query("SELECT DISTINCT contract FROM act WHERE lane IS NULL") {
                (row) throws(LedgerFailure) in contracts.append(row.text(0))
            }
            var acts: [String: [Act]] = [:]
            for contract in contracts {
                acts[contract] = try ActReader(database: database).acts(of: contract)
            }
            return acts
        }
    }

    private static func lanes(
        _ database: Database, into lanes: inout [LaneID: LaneReport]
    ) throws(LedgerFailure) {
        try database.query(
            """
            SELECT lane.contract, lane, version, hash, source_cluster, partner_cluster,
                halt_reason, halt_detail, halt_topic, halt_partition, halt_since
            FROM lane LEFT JOIN contract_version ON contract_version.id = pin
            """
        ) { (row) throws(LedgerFailure) in
            let id = LaneID(contract: row.text(0), lane: Int(row.integer(1)))
            lanes[id] = LaneReport(
                lane: id,
                pin: row.optionalText(2).map { ContractPin(version: $0, hash: row.text(3)) },
                clusters: row.optionalText(4).map {
                    ClusterIDs(source: $0, partner: row.text(5))
                },
                halt: Halt(row, from: 6), haltSince: row.optionalInteger(10))
        }
    }

    private static func states(
        _ database: Database, into lanes: inout [LaneID: LaneReport]
    ) throws(LedgerFailure) {
        try database.query(
            """
            SELECT contract, lane, state, detail, since, retry_at, last_commit, heartbeat
            FROM lane_state
            """
        ) { (row) throws(LedgerFailure) in
            let id = LaneID(contract: row.text(0), lane: Int(row.integer(1)))
            lanes[id, default: LaneReport(lane: id)].status = LaneStatus(
                state: row.text(2), detail: row.text(3), since: row.integer(4),
                retryAt: row.optionalInteger(5), lastCommit: row.optionalInteger(6),
                heartbeat: row.integer(7))
        }
    }

    private static func partitions(
        _ database: Database, into lanes: inout [LaneID: LaneReport]
    ) throws(LedgerFailure) {
        try database.query(
            """
            SELECT lane.contract, lane.lane, topic, partition, start_offset, decided, marker_next,
                \(Schema.counts)
            FROM partition JOIN lane ON lane.id = lane_id ORDER BY topic, partition
            """
        ) { (row) throws(LedgerFailure) in
            let id = LaneID(contract: row.text(0), lane: Int(row.integer(1)))
            lanes[id, default: LaneReport(lane: id)].partitions.append(
                PartitionReport(
                    partition: SourcePartition(
                        topic: row.text(2), partition: Int32(truncatingIfNeeded: row.integer(3))),
                    startOffset: row.integer(4), decided: row.integer(5),
                    markerNext: row.optionalInteger(6), counts: Counts(row, from: 7)))
        }
    }
}
