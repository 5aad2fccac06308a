internal import Contracts
internal import Ledger

/// What earlier transactions of this lane left open on some partition although the coordinator has ended
/// them. Kafka 4.3.1 does so where a partition has no leader at that moment (KAFKA-20734): the end is
/// declared and never written. Such a remainder ends with the next transaction of the same producer id on
/// that partition, and as that one ends: what was aborted would be committed with it. So it is aborted
/// before anything is committed there. See runbooks/decisions/what-a-coordinator-forgets.md.
extension Lane {
    /// After an init, before the claim, and after an abort, which is answered before its end is written. What
    /// is open there can be read, and is known by its seal.
    func endRemains(onCheckpoints partitions: [Int32], afterAbort: Bool = false) throws {
        let places = partitions.map {
            PartnerPosition(topic: partner.checkpointTopic, partition: $0, offset: -1)
        }
        let highs = try highs(of: places)
        let stable = try partner.stableOffsets(places)
        var remains: [OpenPlace] = []
        for index in places.indices where stable[index] < highs[index] {
            guard try holdsOurs(partitions[index], from: stable[index]) else { continue }
            remains.append(
                OpenPlace(known: places[index], stable: stable[index], high: highs[index]))
        }
        // An init has waited for it, and must not leave a twin time to come in between.
        try end(afterAbort ? stillOpen(remains) : remains)
    }

    /// Where the places end. One that is not there has not been looked at: it may be back before the commit.
    private func highs(of places: [PartnerPosition]) throws -> [Int64] {
        let highs = try partner.highWatermarks(places)
        if let index = highs.firstIndex(where: { $0 < 0 }) { throw absence(of: places[index]) }
        return highs
    }

    /// Anything of this lane that the ledger does not know to be committed.
    private func holdsOurs(_ partition: Int32, from offset: Int64) throws -> Bool {
        let committed = Set(books.partitions.values.compactMap(\.marker?.nonce.text))
        let scan = try partner.scanCheckpoints(
            partition: partition, from: offset, uncommitted: true, timeout: .seconds(15)
        ) { record in
            switch codec.open(record) {
            case .marker(let marker):
                marker.lane == plan.lane && !committed.contains(marker.nonce)
            case .claim(let claim): claim.lane == plan.lane
            case .release(let note):
                note.lane == plan.lane && !committed.contains(note.nonce)
            case .foreign, .unreadable: false
            }
        }
        guard scan != .timedOut else {
            throw PortFailure(
                .unavailable, "fetch", "the checkpoint topic could not be read in time")
        }
        return scan == .found
    }

    /// Once the books know what was committed. What is open there cannot be read: what stays open for longer
    /// than others' transactions take counts as this lane's.
    func endRemainsOnTopics() throws {
        var known: [PartnerPosition] = []
        for topic in plan.partnerTopics {
            for partition in written(on: topic) {
                let last = books.acknowledged.first {
                    $0.topic == topic && $0.partition == partition
                }
                known.append(
                    last ?? PartnerPosition(topic: topic, partition: partition, offset: -1))
            }
        }
        let highs = try highs(of: known)
        // One that ends before what is known was cut: the check or the next batch halts, and nothing that
        // is written there may hide it.
        let whole = zip(known, highs).filter { $0.offset < $1 }
        let open = try stillOpen(whole.map { OpenPlace(known: $0, stable: 0, high: $1) })
        try end(open.filter { !$0.isCommitted })
    }

    /// The partitions that this lane may have written to: with `partition: keep` its own alone, so that it
    /// neither waits for other lanes' transactions nor needs the leaders of their partitions.
    private func written(on topic: String) -> [Int32] {
        let count = Int32(layout.partnerPartitions[topic] ?? 0)
        let streams = plan.contract.streams.filter { $0.to == topic }
        guard streams.allSatisfy({ $0.partition == .keep }) else { return Array(0..<count) }
        let sources = Set(streams.map(\.from))
        let kept = partitions.filter { sources.contains($0.topic) }.map(\.partition)
        let acknowledged = books.acknowledged.filter { $0.topic == topic }.map(\.partition)
        return Set(kept + acknowledged).filter { $0 < count }.sorted()
    }

    private struct OpenPlace {
        var name: String { "\(known.topic)[\(known.partition)]" }
        /// The offset: of the last record there that is known to be committed, -1 = none.
        var known: PartnerPosition
        /// Everything below it is decided.
        var stable: Int64
        /// What this lane wrote stands below it.
        var high: Int64

        /// What is open begins with, or before, what was committed: it is somebody else's, or the end of a
        /// commit was forgotten, which the next commit there makes good.
        var isCommitted: Bool { stable <= known.offset }
    }

    private func stillOpen(_ places: [OpenPlace]) throws -> [OpenPlace] {
        let since = world.now()
        let others = max(.seconds(2), plan.contract.delivery.maxInterval + .seconds(1))
        var isTold = false
        var open = places
        while true {
            let stable = try partner.stableOffsets(open.map(\.known))
            for index in open.indices { open[index].stable = stable[index] }
            open.removeAll { $0.stable >= $0.high }
            let waited = world.now() - since
            // Behind somebody else's transaction a remainder does not show until that one has ended.
            let older = open.first(where: \.isCommitted)
            let longest = partner.transactionTimeout + .seconds(2)
            if open.isEmpty || waited >= (older == nil ? others : longest) { return open }
            if world.isStopping { throw PortFailure(.stopped, "list_offsets", "stopping") }
            if let older, !isTold, waited >= others {
                isTold = true
                world.report(
                    .warning(
                        "partner: a transaction holds \(older.name) open from offset \(older.stable) "
                            + "on; the lane waits at most \(Int(longest.seconds)) s for its end"))
            }
            world.wait(.milliseconds(50))
        }
    }

    /// A transaction that writes a record without contents to each place, and is aborted: its end ends what
    /// stands open before it.
    private func end(_ remains: [OpenPlace]) throws {
        if remains.isEmpty { return }
        try partner.begin()
        isOpen = true
        do {
            for place in remains.map(\.known) {
                if let topic = plan.partnerTopics.firstIndex(of: place.topic) {
                    try produceNothing(topic: topic, partition: place.partition)
                } else {
                    try partner.produceCheckpoint(partition: place.partition, key: [], value: [])
                }
            }
        } catch let failure as PortFailure where failure.kind == .refused {
            // It says nothing about a record of the source.
            throw PortFailure(.unavailable, failure.operation, failure.detail)
        }
        let half = partner.transactionTimeout / 2
        let answers = try partner.flush(timeout: half)
        // What a broker refuses has its partition in the transaction, too.
        let refused = answers.refusal == nil ? 0 : answers.failed
        guard answers.failure == nil, answers.count + refused == remains.count else {
            throw PortFailure(
                .unavailable, "produce", answers.failure ?? "not acknowledged in time")
        }
        isOpen = false
        switch partner.abort(timeout: half) {
        case .aborted where !partner.isDirty: break
        case .aborted: throw Renew(cause: .renew("an EndTxn may still be under way"))
        case .unknown(let why): throw PortFailure(.unavailable, "abort_transaction", why)
        case .fenced(let why): throw PortFailure(.fenced, "abort_transaction", why)
        }
        for place in remains {
            world.report(
                .warning(
                    "partner: \(place.name) held a transaction open "
                        + "from offset \(place.stable) on; if it was this lane's, its coordinator had "
                        + "forgotten to end it (KAFKA-20734), and it is aborted now"))
        }
    }

    private func produceNothing(topic: Int, partition: Int32) throws {
        let byte: [UInt8] = [0]
        try byte.withUnsafeBytes { byte in
            let nothing = OutputRecord(
                key: UnsafeRawBufferPointer(rebasing: byte[..<0]), value: nil,
                headers: UnsafeBufferPointer(start: nil, count: 0), timestamp: -1,
                partition: partition)
            guard try partner.produce(nothing, topic: topic) == .accepted else {
                throw PortFailure(.unavailable, "produce", "the local queue is full")
            }
        }
    }
}
