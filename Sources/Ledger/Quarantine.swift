/// What has become of a refused record, as operators are told.
package enum QuarantineState: String, Hashable, Sendable, CaseIterable {
    /// Refused, with a copy here.
    case held
    /// Held, and its lane is about to release it.
    case releasing
    /// Delivered after all.
    case released
    /// Released, and today's contract filters it.
    case filtered
    /// An operator gave it up.
    case discarded
    /// Its batch is not known to be committed yet.
    case staged
    /// It is not certain that it was not delivered: never released.
    case unproven
}

/// A refused record, without its contents.
package struct QuarantineEntry: Hashable, Sendable {
    package var id: Int64
    package var partition: SourcePartition
    package var offset: Int64
    package var state: QuarantineState
    package var rule: String
    package var path: String
    package var detail: String
    /// Bytes that count against the bound.
    package var size: Int64
    /// When it was refused, milliseconds since the epoch.
    package var at: Int64
    /// Under which contract it was refused last.
    package var version: String
    /// The batch that refused it.
    package var batchSeq: Int64
    /// The last answer: delivered | filtered | refused | discarded; nil where there is none.
    package var outcome: String?
    /// When that was, milliseconds since the epoch.
    package var answeredAt: Int64?
    /// The batch that released it.
    package var releasedIn: Int64?
    package var lane: Int

    package init(
        id: Int64, partition: SourcePartition, offset: Int64, state: QuarantineState, rule: String,
        path: String, detail: String, size: Int64, at: Int64, version: String, batchSeq: Int64,
        outcome: String?, answeredAt: Int64?, releasedIn: Int64?, lane: Int
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
        self.version = version
        self.batchSeq = batchSeq
        self.outcome = outcome
        self.answeredAt = answeredAt
        self.releasedIn = releasedIn
        self.lane = lane
    }
}

/// Which records of a contract are meant; what is nil leaves it open.
package struct QuarantineFilter: Hashable, Sendable {
    package var state: QuarantineState?
    package var rule: String?
    package init(state: QuarantineState? = nil, rule: String? = nil) {
        self.state = state
        self.rule = rule
    }
}

package struct QuarantineTotal: Hashable, Sendable {
    package var state: QuarantineState
    package var rule: String
    package var records: Int64
    package var bytes: Int64

    package init(state: QuarantineState, rule: String, records: Int64, bytes: Int64) {
        self.state = state
        self.rule = rule
        self.records = records
        self.bytes = bytes
    }
}

/// Rows of refused records.
struct Quarantine {
    let database: Database

    private static let word = """
        CASE WHEN state = 'real' AND r.quarantine_id IS NOT NULL THEN 'releasing'
            WHEN state = 'real' THEN 'held'
            WHEN state = 'released' AND outcome = 'filtered' THEN 'filtered'
            ELSE state END
        """
    private static let joined = """
        FROM quarantine AS q JOIN partition ON partition.id = q.partition_id
            LEFT JOIN release_request AS r ON r.quarantine_id = q.id
            LEFT JOIN quarantine_outcome AS o ON o.quarantine_id = q.id
        """

    /// By id, from behind `after` on.
    func entries(
        _ contract: String, _ filter: QuarantineFilter, after: Int64, limit: Int, id: Int64? = nil
    ) throws(LedgerFailure) -> [QuarantineEntry] {
        var entries: [QuarantineEntry] = []
        try database.query(
            """
            SELECT q.id, topic, partition, offset, \(Self.word) AS word, rule, path, detail, size,
                q.at, version, q.batch_seq, outcome, o.at, o.batch_seq,
                (SELECT lane.lane FROM lane WHERE lane.id = q.lane_id)
            \(Self.joined) LEFT JOIN contract_version ON contract_version.id = q.pin
            WHERE partition.contract = ?1 AND q.id > ?2 AND (?3 IS NULL OR word = ?3)
                AND (?4 IS NULL OR rule = ?4) AND (?6 IS NULL OR q.id = ?6)
            ORDER BY q.id LIMIT ?5
            """, .text(contract), .integer(after), .optional(filter.state?.rawValue),
            .optional(filter.rule), .int(limit), .optional(id)
        ) { (row) throws(LedgerFailure) in
            entries.append(
                QuarantineEntry(
                    id: row.integer(0),
                    partition: SourcePartition(
                        topic: row.text(1), partition: Int32(truncatingIfNeeded: row.integer(2))),
                    offset: row.integer(3), state: try state(row.text(4)), rule: row.text(5),
                    path: row.text(6), detail: row.text(7), size: row.integer(8),
                    at: row.integer(9), version: row.text(10), batchSeq: row.integer(11),
                    outcome: row.optionalText(12), answeredAt: row.optionalInteger(13),
                    releasedIn: row.optionalInteger(14), lane: Int(row.integer(15))))
        }
        return entries
    }

    func totals(_ contract: String) throws(LedgerFailure) -> [QuarantineTotal] {
        var totals: [QuarantineTotal] = []
        try database.query(
            """
            SELECT \(Self.word) AS word, rule, count(*), sum(size) \(Self.joined)
            WHERE partition.contract = ?1 GROUP BY word, rule ORDER BY word, rule
            """, .text(contract)
        ) { (row) throws(LedgerFailure) in
            totals.append(
                QuarantineTotal(
                    state: try state(row.text(0)), rule: row.text(1), records: row.integer(2),
                    bytes: row.integer(3)))
        }
        return totals
    }

    /// The copy, with its reason and the batch that refused it. Nil where the id is not known.
    func record(
        _ id: Int64
    ) throws(LedgerFailure) -> (record: QuarantinedRecord, batchSeq: Int64)? {
        var found: (QuarantinedRecord, Int64)?
        try database.query(
            """
            SELECT topic, partition, offset, timestamp, key, value, headers, rule, path, detail,
                batch_seq
            FROM quarantine AS q JOIN partition ON partition.id = partition_id WHERE q.id = ?1
            """, .integer(id)
        ) { (row) throws(LedgerFailure) in
            let headers = try RowText.headers(row.blob(6))
            let record = QuarantinedRecord(
                partition: SourcePartition(
                    topic: row.text(0), partition: Int32(truncatingIfNeeded: row.integer(1))),
                offset: row.integer(2), timestamp: row.integer(3), key: row.optionalBlob(4),
                value: row.optionalBlob(5), headerNames: headers.names,
                headerValues: headers.values, rule: row.text(7), path: row.text(8),
                detail: row.text(9))
            found = (record, row.integer(10))
        }
        return found.map { ($0.0, $0.1) }
    }

    private func state(_ word: String) throws(LedgerFailure) -> QuarantineState {
        guard let state = QuarantineState(rawValue: word) else {
            throw LedgerFailure(.corrupt, "a quarantined record in the ledger is '\(word)'")
        }
        return state
    }
}

extension Ledger {
    /// Refused records of a contract by id, oldest first, at most `limit`.
    package func quarantine(
        _ contract: String, _ filter: QuarantineFilter = QuarantineFilter(), after: Int64 = 0,
        limit: Int = 1000
    ) throws(LedgerFailure) -> [QuarantineEntry] {
        try locked { (database) throws(LedgerFailure) in
            try database.snapshot { () throws(LedgerFailure) in
                try Quarantine(database: database).entries(
                    contract, filter, after: after, limit: limit)
            }
        }
    }

    /// One of a contract's refused records. Nil where it has none with the id.
    package func quarantineEntry(
        _ contract: String, _ id: Int64
    ) throws(LedgerFailure) -> QuarantineEntry? {
        try locked { (database) throws(LedgerFailure) in
            try Quarantine(database: database).entries(
                contract, QuarantineFilter(), after: 0, limit: 1, id: id
            ).first
        }
    }

    /// Counts and sizes by state and rule. Reads an index, no copy of a record.
    package func quarantineTotals(
        _ contract: String
    ) throws(LedgerFailure) -> [QuarantineTotal] {
        try locked { (database) throws(LedgerFailure) in
            try Quarantine(database: database).totals(contract)
        }
    }

    /// The copy of a refused record, with its reason. Nil where the id is not known.
    package func quarantined(_ id: Int64) throws(LedgerFailure) -> QuarantinedRecord? {
        try locked { (database) throws(LedgerFailure) in
            try Quarantine(database: database).record(id)?.record
        }
    }
}
