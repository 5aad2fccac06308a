internal import Contracts
internal import Ledger

/// `onScopeExit: tombstone`: which keys the partner holds has to be known before anything is decided. A
/// wrong "absent" would leave at the partner what should be retracted, a wrong "present" would show it the
/// key of a record that never matched: so where the index is not known to be whole, the lane halts and an
/// operator chooses between the two.
extension Lane {
    private var retracting: [Stream] {
        plan.contract.streams.filter { $0.onScopeExit == .tombstone }
    }

    private func stream(of partition: SourcePartition) -> Stream? {
        retracting.first { $0.from == partition.topic }
    }

    private var presenceKey: PresenceKey {
        PresenceKey(contract: plan.contract.id, secret: plan.checkpointKey)
    }

    /// At a first start nothing has been delivered yet, save where another replicator is taken over from.
    var firstPresence: [LedgerChange] {
        retracting.compactMap { stream in
            if case .group = stream.start { return nil }
            let mine = partitions.filter { $0.topic == stream.from }
            return mine.isEmpty ? nil : reset(mine, stream, unknown: .absent)
        }
    }

    private func reset(
        _ partitions: [SourcePartition], _ stream: Stream, unknown: PresenceScope.Unknown
    ) -> LedgerChange {
        .resetPresence(
            partitions,
            PresenceScope(unknown: unknown, rule: rule(of: stream)))
    }

    private func rule(of stream: Stream) -> String {
        presenceKey.rule(
            of: stream, keys: plan.keys,
            partnerPartitions: layout.partnerPartitions[stream.to] ?? 0)
    }

    // MARK: Is it known?

    /// Throws a `Halt` where the index is none of this contract's.
    func expectPresence() throws {
        for partition in partitions {
            guard let stream = stream(of: partition), let known = books.partitions[partition]
            else { continue }
            if let why = doubt(known.presence, stream) {
                throw Halt(
                    reason: "presence-lost",
                    detail: "which keys of \(partition.topic)[\(partition.partition)] the partner "
                        + "holds is not known, and the contract says 'onScopeExit: tombstone': "
                        + why,
                    partition: partition)
            }
        }
    }

    private func doubt(_ scope: PresenceScope?, _ stream: Stream) -> String? {
        guard let scope else {
            return
                "the ledger was lost or is not the latest, the partner's topics were exchanged, the "
                + "partition appeared later, or records were delivered before the contract said so"
        }
        guard scope.rule != rule(of: stream) else { return nil }
        return
            "the stream's key, 'to' or 'partition', a secret behind its key or, under "
            + "'partition: key', the partner's partition count is another one than when these keys "
            + "were delivered"
    }

    /// For every partition of the lane that the halt is about: one choice, not one a partition.
    func answerPresence(_ act: Act) throws {
        let unknown: PresenceScope.Unknown = act.choice == "presume-absent" ? .absent : .present
        let changes: [LedgerChange] = retracting.compactMap { stream in
            let doubtful = partitions.filter { partition in
                guard partition.topic == stream.from, let known = books.partitions[partition]
                else { return false }
                return doubt(known.presence, stream) != nil
            }
            return doubtful.isEmpty ? nil : reset(doubtful, stream, unknown: unknown)
        }
        try save(changes + [.applied(act: act.id), .clearHalt])
    }

    // MARK: Into the loop

    /// The index of every partition that has one, from the ledger. Where the contract does not retract any
    /// more, what is delivered from now on is not noted: the index goes.
    func loadPresence() throws -> [SourcePartition: KeyPresence] {
        let left = books.partitions.values
            .filter { $0.presence != nil && stream(of: $0.partition) == nil }
            .map(\.partition).sorted()
        if !left.isEmpty { try save([.resetPresence(left, nil)]) }
        let key = presenceKey
        var presences: [SourcePartition: KeyPresence] = [:]
        for partition in partitions where stream(of: partition) != nil {
            guard let scope = books.partitions[partition]?.presence else { continue }
            let presence = KeyPresence(key: key, unknown: scope.unknown)
            var last: KeyHash?
            while true {
                let page = try ledger.presence(of: partition, after: last, limit: 20_000)
                guard let end = page.last else { break }
                presence.load(page)
                last = end.hash
            }
            presences[partition] = presence
        }
        return presences
    }

    /// What the open batch changes of the index, to be staged with its intent.
    var presenceChanges: [LedgerChange] {
        let steps = slots.compactMap { slot -> PresenceStep? in
            guard let changes = slot.presence?.batchChanges, !changes.isEmpty else { return nil }
            return PresenceStep(partition: slot.partition, changes: changes)
        }
        return steps.isEmpty ? [] : [.presence(steps)]
    }
}
