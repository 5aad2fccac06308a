package import Ledger

/// A contract as its file, and the acts recorded for it, say it.
package struct ContractFile: Sendable, Hashable {
    package enum Standing: Sendable, Hashable {
        case active, draft, suspended, retired, revoked, expired
        /// Its window opens then. Milliseconds since the epoch.
        case early(Int64)
        /// The ledger knows the contract and no file does.
        case missing
    }

    package var id: String
    package var version: String
    /// Source topics in the file's order.
    package var streams: [String]
    package var standing: Standing
    /// When it is in force, whatever else. Milliseconds since the epoch; nil: not bounded.
    package var from: Int64?
    package var until: Int64?
    package init(
        id: String, version: String, streams: [String], standing: Standing, from: Int64? = nil,
        until: Int64? = nil
    ) {
        self.id = id
        self.version = version
        self.streams = streams
        self.standing = standing
        self.from = from
        self.until = until
    }
}

extension ContractFile {
    /// As it stands with the acts recorded about it: a revoke overrules every file, a suspend one that
    /// would run; and by its window.
    func acted(_ row: ContractRow?, at now: Int64) -> ContractFile {
        var file = self
        if standing == .active, let from, now < from { file.standing = .early(from) }
        if standing == .active, let until, now >= until { file.standing = .expired }
        switch (row?.act?.aboutContract, file.standing) {
        case (.revoke, _): file.standing = .revoked
        case (.suspend, .active), (.suspend, .early), (.suspend, .missing), (.suspend, .expired):
            file.standing = .suspended
        default: break
        }
        return file
    }
}

/// A lag seen before, for telling whether it grows.
package struct LagSample: Sendable, Hashable {
    /// Milliseconds since the epoch.
    package var at: Int64
    package var lag: Int64
    package init(at: Int64, lag: Int64) {
        self.at = at
        self.lag = lag
    }
}

/// From rows to a report: pure.
package struct LagBuilder: Sendable {
    package struct Key: Hashable, Sendable {
        package var contract: String
        package var partition: SourcePartition
        package init(_ contract: String, _ partition: SourcePartition) {
            self.contract = contract
            self.partition = partition
        }
    }

    /// Milliseconds since the epoch.
    package var now: Int64
    package var ledger: LedgerSnapshot
    /// Read a moment before `ledger`, where there was doubt: what moved in between does not stall.
    package var earlier: LedgerSnapshot?
    package var files: [ContractFile]
    /// Absent: unknown.
    package var ends: [Key: PartitionEnds]
    /// Oldest first.
    package var samples: [Key: [LagSample]] = [:]

    /// Input that waits that long without a commit: STALL. Milliseconds; above a transaction's timeout.
    package static let stallAfter: Int64 = 45_000
    /// Lag that never fell over that long and rose: WARN. Milliseconds.
    package static let growsAfter: Int64 = 30_000

    package init(
        now: Int64, ledger: LedgerSnapshot, files: [ContractFile], ends: [Key: PartitionEnds]
    ) {
        self.now = now
        self.ledger = ledger
        self.files = files
        self.ends = ends
    }

    /// Contracts in the files' order, then those that only the ledger knows.
    package func report() -> LagReport {
        let known = Set(files.map(\.id))
        let orphans = ledger.contracts.filter { !known.contains($0.id) }.map {
            ContractFile(
                id: $0.id, version: $0.pin?.version ?? "", streams: [], standing: .missing)
        }
        let shown = (files + orphans).map { $0.acted(row($0.id), at: now) }.filter { file in
            // What is not to run and never ran is nobody's lag.
            let isIdle = file.standing == .draft || file.standing == .retired
            return !isIdle || row(file.id) != nil
        }
        return LagReport(
            generatedAt: now, contracts: shown.map(contract),
            isServiceRunning: ledger.isServiceRunning)
    }

    private func row(_ id: String) -> ContractRow? { ledger.contracts.first { $0.id == id } }

    private func contract(_ file: ContractFile) -> ContractLag {
        let row = row(file.id)
        let rows = partitions(file, row)
        var sum = Counts()
        for entry in rows { sum = sum + entry.counts }
        let lags = rows.compactMap(\.lag)
        let times = rows.compactMap(\.timeLagSeconds)
        return ContractLag(
            id: file.id, version: row?.pin?.version ?? file.version, partitions: rows,
            status: rows.map(\.status).max() ?? verdict(file, row, nil, nil, nil, nil).status,
            lag: lags.count == rows.count && !rows.isEmpty ? lags.reduce(0, +) : nil,
            timeLagSeconds: times.count == rows.count ? times.max() : nil, counts: sum,
            remarks: LagRemarks(file: file, row: row, rows: rows, now: now).text)
    }

    private func partitions(_ file: ContractFile, _ row: ContractRow?) -> [PartitionLag] {
        let known = row?.partitions ?? []
        var all = Set(known.map(\.partition))
        for key in ends.keys where key.contract == file.id { all.insert(key.partition) }
        func place(_ topic: String) -> Int { file.streams.firstIndex(of: topic) ?? .max }
        let ordered = all.sorted { a, b in
            let (left, right) = (place(a.topic), place(b.topic))
            return left == right ? a < b : left < right
        }
        return ordered.map { partition in
            line(partition, known.first { $0.partition == partition }, file, row)
        }
    }

    private func line(
        _ partition: SourcePartition, _ known: PartitionRow?, _ file: ContractFile,
        _ row: ContractRow?
    ) -> PartitionLag {
        let ends = ends[Key(file.id, partition)]
        var lag: Int64?
        var seconds: Double?
        if let ends, let known {
            let distance = max(0, ends.end - max(known.decided, ends.start))
            lag = distance
            switch ends.oldest {
            case _ where distance == 0, .none: seconds = 0
            case .at(let time): seconds = Double(max(0, now - time)) / 1000
            case .unknown: break
            }
        }
        let lane = known.flatMap { entry in row?.lanes.first { $0.lane == entry.lane } }
        let verdict = verdict(file, row, lane, known, lag, seconds)
        return PartitionLag(
            stream: partition.topic, partition: partition.partition, lane: known?.lane,
            currentOffset: known?.decided, logStartOffset: ends?.start, logEndOffset: ends?.end,
            lag: lag, timeLagSeconds: seconds, counts: known?.counts ?? Counts(),
            status: verdict.status, reason: verdict.reason)
    }

    // MARK: Status

    private typealias Verdict = (status: LagStatus, reason: String?)

    private func verdict(
        _ file: ContractFile, _ row: ContractRow?, _ lane: LaneRow?, _ known: PartitionRow?,
        _ lag: Int64?, _ seconds: Double?
    ) -> Verdict {
        switch file.standing {
        case .revoked: return (.revoked, nil)
        case .expired: return (.expired, file.until.map { "since \(Wording.time($0))" })
        case .retired: return (.expired, "retired")
        case .suspended: return (.suspended, nil)
        case .draft: return (.suspended, "draft")
        case .active, .early, .missing: break
        }
        // A halt that concerns no known partition yet (a first start's) is the whole contract's.
        let halt = lane?.halt ?? (known == nil ? row?.lanes.lazy.compactMap(\.halt).first : nil)
        if let halt { return (.halted, halt.reason) }
        if case .missing = file.standing { return (.stop, "no-contract-file") }
        guard ledger.isServiceRunning else { return (.stop, nil) }
        if case .early(let from) = file.standing {
            return (.waiting, "its window opens at \(Wording.time(from))")
        }
        guard let lane = lane ?? anyLane(row) else { return (.waiting, "not started yet") }
        return running(file, lane, known, lag, seconds)
    }

    /// The lane that speaks for a partition that no lane has taken up yet: one that waits, if any.
    private func anyLane(_ row: ContractRow?) -> LaneRow? {
        row?.lanes.first { $0.state == .waiting } ?? row?.lanes.first
    }

    private func running(
        _ file: ContractFile, _ lane: LaneRow, _ known: PartitionRow?, _ lag: Int64?,
        _ seconds: Double?
    ) -> Verdict {
        switch lane.state {
        case .halted: return (.halted, nil)
        case .stopped: return (.stop, lane.detail.isEmpty ? nil : lane.detail)
        case .stalled: return (.stall, "since \(Wording.time(lane.since)): \(lane.detail)")
        // A lane that was told to go on has not yet.
        case .starting, .recovering, .waiting, .suspended, .revoked, .expired:
            let what = lane.detail.isEmpty ? lane.state.rawValue : lane.detail
            return (.waiting, "since \(Wording.time(lane.since)): \(what)")
        case .running, .idle, .throttled: break
        }
        guard let known else { return (.waiting, "not started yet") }
        // What the service says beside it: a quota that holds it, a changed file that was not taken.
        let said = lane.detail.isEmpty ? nil : lane.detail
        guard let lag else { return (lane.state == .idle ? .idle : .ok, said) }
        if lag == 0 { return (.idle, said) }
        // Lag that a quota makes is what was agreed.
        if lane.state == .throttled { return (.ok, said) }
        let key = Key(file.id, known.partition)
        if isStalled(key, lane, known, seconds) {
            let last = max(lane.lastCommit ?? lane.since, lane.since)
            return (.stall, "no commit since \(Wording.time(last))")
        }
        return grows(key, lag) ? (.warn, "lag grows") : (.ok, said)
    }

    private func isStalled(
        _ key: Key, _ lane: LaneRow, _ known: PartitionRow, _ seconds: Double?
    ) -> Bool {
        let quiet = now - max(lane.lastCommit ?? lane.since, lane.since)
        guard quiet > Self.stallAfter else { return false }
        // Input that has only just arrived has not waited.
        if let seconds, seconds * 1000 < Double(Self.stallAfter) { return false }
        let before = earlier?.contracts.first { $0.id == key.contract }?.partitions.first {
            $0.partition == key.partition
        }
        return before == nil || before?.decided == known.decided
    }

    private func grows(_ key: Key, _ lag: Int64) -> Bool {
        guard let past = samples[key], past.count >= 3, let first = past.first,
            now - first.at >= Self.growsAfter
        else { return false }
        let lags = past.map(\.lag) + [lag]
        return lags.allSatisfy { $0 > 0 } && lag > first.lag
            && zip(lags, lags.dropFirst()).allSatisfy { $0 <= $1 }
    }
}
