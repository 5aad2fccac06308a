/// A lane's rows as `LaneBooks`.
struct LaneReader {
    let database: Database
    let lane: LaneID

    func books() throws(LedgerFailure) -> LaneBooks {
        var books = LaneBooks()
        books.pending = try ActReader(database: database).pending(lane)
        books.acts = try ActReader(database: database).forMarkers(lane)
        guard let id = try readLane(into: &books) else { return books }
        try readPartitions(id, into: &books)
        books.intent = try intent(id)
        try database.query(
            "SELECT nonce FROM claim WHERE lane_id = ?1 ORDER BY number", .integer(id)
        ) { (row) throws(LedgerFailure) in
            books.claims.append(try RowText.nonce(row.blob(0)))
        }
        try database.query(
            """
            SELECT topic, partition, offset FROM acknowledged WHERE lane_id = ?1
            ORDER BY topic, partition
            """, .integer(id)
        ) { (row) throws(LedgerFailure) in
            books.acknowledged.append(
                PartnerPosition(
                    topic: row.text(0), partition: Int32(truncatingIfNeeded: row.integer(1)),
                    offset: row.integer(2)))
        }
        return books
    }

    /// Nil where the ledger has no row for the lane yet.
    private func readLane(into books: inout LaneBooks) throws(LedgerFailure) -> Int64? {
        var id: Int64?
        try database.query(
            """
            SELECT lane.id, version, hash, source_cluster, partner_cluster, layout,
                last_batch_seq, generation, halt_reason, halt_detail, halt_topic, halt_partition
            FROM lane LEFT JOIN contract_version ON contract_version.id = pin
            WHERE lane.contract = ?1 AND lane = ?2
            """, .text(lane.contract), .int(lane.lane)
        ) { (row) throws(LedgerFailure) in
            id = row.integer(0)
            if let version = row.optionalText(1) {
                books.pin = ContractPin(version: version, hash: row.text(2))
            }
            if let source = row.optionalText(3) {
                books.clusters = ClusterIDs(source: source, partner: row.text(4))
            }
            if let layout = row.optionalText(5) { books.layout = try RowText.layout(layout) }
            books.lastBatchSeq = row.integer(6)
            books.generation = row.integer(7)
            books.halt = Halt(row, from: 8)
        }
        return id
    }

    private func readPartitions(
        _ id: Int64, into books: inout LaneBooks
    ) throws(LedgerFailure) {
        try database.query(
            """
            SELECT topic, partition, start_offset, decided, marker_next, marker_seq, marker_nonce,
                marker_checkpoint, fingerprints, chain, \(Schema.counts), presence, presence_rule
            FROM partition WHERE lane_id = ?1
            """, .integer(id)
        ) { (row) throws(LedgerFailure) in
            let partition = SourcePartition(
                topic: row.text(0), partition: Int32(truncatingIfNeeded: row.integer(1)))
            var known = PartitionBooks(partition: partition, startOffset: row.integer(2))
            known.decided = row.integer(3)
            if let next = row.optionalInteger(4) {
                known.marker = MarkerPoint(
                    nextOffset: next, batchSeq: row.integer(5),
                    nonce: try RowText.nonce(row.blob(6)), checkpointOffset: row.integer(7))
            }
            known.fingerprints = try RowText.fingerprints(row.text(8))
            known.chain = row.text(9)
            known.counts = Counts(row, from: 10)
            known.presence = row.optionalText(17).flatMap(PresenceScope.Unknown.init).map {
                PresenceScope(unknown: $0, rule: row.text(18))
            }
            books.partitions[partition] = known
        }
    }

    private func intent(_ id: Int64) throws(LedgerFailure) -> Intent? {
        var intent: Intent?
        try database.query(
            """
            SELECT batch_seq, nonce, digest, now.version, now.hash, next.version, next.hash
            FROM intent JOIN contract_version AS now ON now.id = pin
                JOIN contract_version AS next ON next.id = next
            WHERE lane_id = ?1
            """, .integer(id)
        ) { (row) throws(LedgerFailure) in
            intent = Intent(
                batchSeq: row.integer(0), nonce: try RowText.nonce(row.blob(1)),
                digest: row.text(2),
                pin: ContractPin(version: row.text(3), hash: row.text(4)),
                next: ContractPin(version: row.text(5), hash: row.text(6)), progress: [])
        }
        guard intent != nil else { return nil }
        try database.query(
            """
            SELECT topic, partition, from_offset, to_offset, p.fingerprints, p.chain,
                p.read, p.delivered, p.filtered, p.dropped, p.quarantined, p.gaps, p.bytes
            FROM intent_progress AS p JOIN partition ON partition.id = partition_id
            WHERE p.lane_id = ?1 ORDER BY place
            """, .integer(id)
        ) { (row) throws(LedgerFailure) in
            intent?.progress.append(
                Progress(
                    partition: SourcePartition(
                        topic: row.text(0), partition: Int32(truncatingIfNeeded: row.integer(1))),
                    from: row.integer(2), to: row.integer(3), counts: Counts(row, from: 6),
                    fingerprints: try RowText.fingerprints(row.text(4)), chain: row.text(5)))
        }
        intent?.releases = try releases(id)
        return intent
    }

    /// What the open intent releases, by id.
    func releases(_ id: Int64) throws(LedgerFailure) -> [Release] {
        var releases: [Release] = []
        try database.query(
            """
            SELECT q.id, topic, partition, offset, q.batch_seq, outcome, i.bytes
            FROM intent_release AS i JOIN quarantine AS q ON q.id = quarantine_id
                JOIN partition ON partition.id = partition_id
            WHERE i.lane_id = ?1 ORDER BY q.id
            """, .integer(id)
        ) { (row) throws(LedgerFailure) in
            guard let outcome = Release.Outcome(rawValue: row.text(5)) else {
                throw LedgerFailure(.corrupt, "a release in the ledger is unreadable")
            }
            releases.append(
                Release(
                    id: row.integer(0),
                    source: SourcePartition(
                        topic: row.text(1), partition: Int32(truncatingIfNeeded: row.integer(2))),
                    offset: row.integer(3), refusedIn: row.integer(4), outcome: outcome,
                    bytes: row.integer(6)))
        }
        return releases
    }

    /// Records whose release was asked for, oldest first: at most `limit`, and `bytes` of copies, but one.
    /// None that will be decided again anyway.
    func requests(limit: Int, bytes: Int64) throws(LedgerFailure) -> [ReleaseRequest] {
        var ids: [Int64] = []
        var left = bytes
        try database.query(
            """
            SELECT q.id, q.size FROM release_request AS r
                JOIN lane ON lane.id = r.lane_id JOIN quarantine AS q ON q.id = quarantine_id
                JOIN partition ON partition.id = partition_id
            WHERE lane.contract = ?1 AND lane.lane = ?2 AND state = 'real' AND offset < decided
            ORDER BY quarantine_id LIMIT ?3
            """, .text(lane.contract), .int(lane.lane), .int(limit)
        ) { (row) throws(LedgerFailure) in
            left -= row.integer(1)
            if ids.isEmpty || left >= 0 { ids.append(row.integer(0)) }
        }
        var requests: [ReleaseRequest] = []
        for id in ids {
            guard let found = try Quarantine(database: database).record(id) else { continue }
            requests.append(
                ReleaseRequest(id: id, refusedIn: found.batchSeq, record: found.record))
        }
        return requests
    }
}

extension Halt {
    /// Reason, detail, topic, partition; nil where there is no reason.
    init?(_ row: Row, from column: Int32) {
        guard let reason = row.optionalText(column) else { return nil }
        let partition = row.optionalText(column + 2).map {
            SourcePartition(
                topic: $0, partition: Int32(truncatingIfNeeded: row.integer(column + 3)))
        }
        self.init(reason: reason, detail: row.text(column + 1), partition: partition)
    }
}
