import Ledger

/// The partner's cluster: partitions as logs with transactions of version 1 (KIP-98), one coordinator
/// a transactional.id. A value: copying it is a backup.
struct PartnerCluster {
    enum Status { case open, committing, aborting, committed, aborted }

    struct Entry {
        var transaction: Int
        var isControl = false
        var key: [UInt8]?
        var value: [UInt8]?
        var timestamp: Int64 = -1
        /// It carries the header of a released record.
        var isReleased = false
        /// Compacted away.
        var isGone = false
        /// Its transaction was ended, and this partition has not heard of it.
        var isLeftOpen = false
    }

    struct Log {
        var low: Int64 = 0
        var entries: [Entry] = []
        var high: Int64 { low + Int64(entries.count) }
    }

    struct Place: Hashable {
        var topic: String
        var partition: Int32
    }

    struct Transaction {
        var status = Status.open
        var began: Duration
        var places: [Place] = []
        /// When its markers will be written, once committing or aborting.
        var settles: Duration = .zero
        var carriesRecords = false
        var owner: Int
        /// The transactional.id.
        var id: String
    }

    struct Coordinator {
        var epoch = 0
        var transaction: Int?
        /// How the last one ended.
        var lastCommitted: Bool?
        /// The instance that did init last, and the number of inits.
        var owner = -1
        var inits = 0
    }

    enum EndResult { case done, fenced, invalid }

    var clusterID = "partner-cluster"
    var topics: [String: [Log]] = [:]
    let checkpointTopic = "crossdock.checkpoints"
    var transactions: [Transaction] = []
    var coordinators: [String: Coordinator] = [:]
    var transactionTimeout: Duration = .seconds(30)
    var maxMessageBytes = 1000
    /// Of a hundred aborts, so many are declared and not written, as in KAFKA-20734.
    var forgetfulness = Int(SeedTests.number("CROSSDOCK_SIMULATION_FORGETS") ?? 0)
    /// It forgets some of a transaction's partitions only.
    var forgetsInPart = SeedTests.number("CROSSDOCK_SIMULATION_FORGETS") != nil
    /// The next commit's end is not written on this topic.
    var forgetsCommitOn: String?
    /// Aborts that were forgotten, and records of these that a later commit made visible.
    private(set) var forgotten = 0
    var resurrected = 0

    // MARK: Coordinator

    mutating func initialise(_ id: String, owner: Int, now: Duration) -> Int {
        var coordinator = coordinators[id] ?? Coordinator()
        if let open = coordinator.transaction {
            if transactions[open].status == .open { transactions[open].status = .aborting }
            settle(open)
            coordinator.transaction = nil
        }
        coordinator.epoch += 1
        coordinator.lastCommitted = nil
        coordinator.owner = owner
        coordinator.inits += 1
        coordinators[id] = coordinator
        return coordinator.epoch
    }

    /// AddPartitionsToTxn and Produce in one: the offset, nil when the epoch is not the current one.
    mutating func append(
        _ id: String, epoch: Int, at place: Place, key: [UInt8]?, value: [UInt8]?,
        timestamp: Int64, isReleased: Bool = false, now: Duration
    ) -> Int64? {
        guard var coordinator = coordinators[id], coordinator.epoch == epoch else { return nil }
        if let open = coordinator.transaction, transactions[open].status != .open {
            // CONCURRENT_TRANSACTIONS: the client library waits for the markers and tries again.
            settle(open)
            coordinator.transaction = nil
        }
        let transaction: Int
        if let open = coordinator.transaction {
            transaction = open
        } else {
            transaction = transactions.count
            transactions.append(Transaction(began: now, owner: coordinator.owner, id: id))
            coordinator.transaction = transaction
        }
        coordinators[id] = coordinator
        if !transactions[transaction].places.contains(place) {
            transactions[transaction].places.append(place)
        }
        if place.topic != checkpointTopic { transactions[transaction].carriesRecords = true }
        let partition = Int(place.partition)
        topics[place.topic]?[partition].entries.append(
            Entry(
                transaction: transaction, key: key, value: value, timestamp: timestamp,
                isReleased: isReleased))
        return (topics[place.topic]?[partition].high).map { $0 - 1 }
    }

    /// EndTxn: PrepareCommit or PrepareAbort is logged, the markers follow at `settles`.
    mutating func end(
        _ id: String, epoch: Int, commit: Bool, settles: Duration
    ) -> EndResult {
        guard var coordinator = coordinators[id], coordinator.epoch == epoch else { return .fenced }
        guard let open = coordinator.transaction, transactions[open].status == .open else {
            // CompleteCommit answers a second commit with success, CompleteAbort a second abort.
            return coordinator.lastCommitted == commit ? .done : .invalid
        }
        transactions[open].status = commit ? .committing : .aborting
        transactions[open].settles = settles
        coordinator.lastCommitted = commit
        coordinators[id] = coordinator
        return .done
    }

    /// The coordinator gives up on an open transaction: aborted, epoch raised.
    mutating func timeOut(_ id: String) {
        guard var coordinator = coordinators[id], let open = coordinator.transaction,
            transactions[open].status == .open
        else { return }
        transactions[open].status = .aborting
        settle(open)
        coordinator.transaction = nil
        coordinator.lastCommitted = nil
        coordinator.epoch += 1
        coordinators[id] = coordinator
    }

    /// Time passes: markers are written, transactions time out.
    mutating func pass(to now: Duration) {
        for (id, coordinator) in coordinators {
            guard let open = coordinator.transaction else { continue }
            switch transactions[open].status {
            case .open:
                if now - transactions[open].began >= transactionTimeout { timeOut(id) }
            case .committing, .aborting:
                if now >= transactions[open].settles {
                    settle(open)
                    coordinators[id]?.transaction = nil
                }
            case .committed, .aborted: coordinators[id]?.transaction = nil
            }
        }
    }

    /// WriteTxnMarkers: visible from here on.
    private mutating func settle(_ transaction: Int) {
        let committed = transactions[transaction].status == .committing
        transactions[transaction].status = committed ? .committed : .aborted
        let isDue = !committed && mayForget(transaction)
        let whole = isDue && !forgetsInPart && isForgotten(transaction)
        for (index, place) in transactions[transaction].places.enumerated() {
            guard var log = log(place) else { continue }
            let forgets =
                whole || isDue && forgetsInPart && isForgotten(transaction &+ 1009 &* index)
                || committed && place.topic == forgetsCommitOn
            if committed && forgets { forgetsCommitOn = nil }
            for index in log.entries.indices {
                let entry = log.entries[index]
                if forgets {
                    if entry.transaction == transaction { log.entries[index].isLeftOpen = true }
                } else if entry.isLeftOpen,
                    transactions[entry.transaction].id == transactions[transaction].id
                {
                    // The marker of a producer ends whatever that producer has open there.
                    if committed, transactions[entry.transaction].status == .aborted {
                        resurrected += 1
                    }
                    log.entries[index].isLeftOpen = false
                    log.entries[index].transaction = transaction
                }
            }
            if !forgets { log.entries.append(Entry(transaction: transaction, isControl: true)) }
            topics[place.topic]?[Int(place.partition)] = log
        }
    }

    /// What it forgot of others, nobody would ever end. What ends a remainder was acknowledged just
    /// before: its partitions have leaders.
    private func mayForget(_ transaction: Int) -> Bool {
        transactions[transaction].owner >= 0
            && entries(of: transaction).contains { $0.entry.key != [] }
    }

    private mutating func isForgotten(_ number: Int) -> Bool {
        guard (number &* 2_654_435_761 >> 8) % 100 < forgetfulness else { return false }
        forgotten += 1
        return true
    }

    // MARK: Readers

    func exists(_ place: Place) -> Bool {
        guard let logs = topics[place.topic] else { return false }
        return place.partition >= 0 && place.partition < logs.count
    }

    func log(_ place: Place) -> Log? {
        exists(place) ? topics[place.topic]?[Int(place.partition)] : nil
    }

    /// Index of the first entry that a read_committed reader may not pass.
    private func stableCount(_ log: Log) -> Int {
        log.entries.firstIndex {
            switch transactions[$0.transaction].status {
            case .open, .committing, .aborting: !$0.isControl
            case .committed, .aborted: $0.isLeftOpen
            }
        } ?? log.entries.count
    }

    /// The last stable offset, -1 where there is no such partition.
    func stable(_ place: Place) -> Int64 {
        log(place).map { $0.low + Int64(stableCount($0)) } ?? -1
    }

    /// What a read_committed reader sees from `offset` on (below the low watermark: from there).
    func committed(
        _ place: Place, from offset: Int64 = 0, uncommitted: Bool = false
    ) -> [(offset: Int64, entry: Entry)] {
        guard let log = log(place) else { return [] }
        let stable = uncommitted ? log.entries.count : stableCount(log)
        let first = Int(max(0, offset - log.low))
        guard first < stable else { return [] }
        return (first..<stable).compactMap { index in
            let entry = log.entries[index]
            guard !entry.isControl, !entry.isGone,
                uncommitted || transactions[entry.transaction].status == .committed
            else { return nil }
            return (log.low + Int64(index), entry)
        }
    }

    /// The entries of a transaction, in the order of each log.
    func entries(of transaction: Int) -> [(place: Place, offset: Int64, entry: Entry)] {
        transactions[transaction].places.flatMap { place in
            guard let log = log(place) else {
                return [(place: Place, offset: Int64, entry: Entry)]()
            }
            return log.entries.indices.compactMap { index in
                let entry = log.entries[index]
                guard entry.transaction == transaction, !entry.isControl else { return nil }
                return (place, log.low + Int64(index), entry)
            }
        }
    }

    /// Log compaction of the checkpoint topic: the newest record of each key stays.
    mutating func compactCheckpoints() {
        guard let logs = topics[checkpointTopic] else { return }
        for (partition, log) in logs.enumerated() {
            var newest: Set<[UInt8]> = []
            let stable = stableCount(log)
            for index in (0..<stable).reversed() {
                let entry = log.entries[index]
                guard !entry.isControl, !entry.isGone else { continue }
                let seen =
                    transactions[entry.transaction].status == .committed
                    && newest.insert(entry.key ?? []).inserted
                if !seen { topics[checkpointTopic]?[partition].entries[index].isGone = true }
            }
        }
    }

    mutating func recreate(_ topic: String, partitions: Int) {
        topics[topic] = Array(repeating: Log(), count: partitions)
    }
}
