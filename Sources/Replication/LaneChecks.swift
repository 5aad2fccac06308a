internal import Contracts
internal import Foundation
internal import Ledger

/// Source and partner against what the books say of them: at the end of every recovery, every few
/// seconds while running, and before the next commit after a wait. A consumer that waited can go on in
/// a recreated topic without an error.
extension Lane {
    /// Throws a `Halt`, or `Renew` where partitions appeared.
    func check() throws {
        try checkCounts()
        let marks = try source.watermarks(partitions)
        for (partition, mark) in zip(partitions, marks) {
            guard let known = books.partitions[partition] else { continue }
            if let halt = known.outside(mark) { throw halt }
        }
        try checkFingerprints(marks)
        try checkPartner()
        checkedAt = world.now()
        quietSince = checkedAt
        hasWaited = false
    }

    /// After a recovery: what the operator chose for a halt found here is carried out.
    func checkAndAnswer() throws {
        if let halt = books.halt, isLasting(halt) {
            guard try answer(halt) else { throw halt }
        }
        while true {
            do {
                try check()
                return try expectPresence()
            } catch let halt as Halt {
                guard try answer(halt) else { throw halt }
            }
        }
    }

    /// A partner's topic that was cut and has grown since looks whole: only a choice ends this halt.
    func isLasting(_ halt: Halt) -> Bool { halt.reason == "partner-truncated" }

    private func checkCounts() throws {
        let internalFacts = try source.facts(topics: plan.sourceTopics)
        let partnerFacts = try partner.facts(topics: plan.partnerTopics)
        if internalFacts.clusterID != clusters.source || partnerFacts.clusterID != clusters.partner
        {
            throw Renew(cause: .renew("a cluster's id changed"))
        }
        let today = plan.partitions(of: internalFacts)
        if let halt = gone(today) { throw halt }
        if today != partitions { throw Renew(cause: .renew("partitions appeared")) }
        if partnerFacts.partitions != layout.partnerPartitions
            || partnerFacts.checkpointPartitions != layout.checkpointPartitions
        {
            throw Renew(cause: .renew("the partner's partition counts changed"))
        }
    }

    /// A partition that was read, here or before a restart, and that its topic does not have any more.
    private func gone(_ today: [SourcePartition]) -> Halt? {
        let known = Set(books.partitions.keys).union(partitions)
            .filter { plan.sourceTopics.contains($0.topic) }
        guard let gone = known.subtracting(today).min() else { return nil }
        let decided = books.partitions[gone].map { ", decided up to \($0.decided)," } ?? ""
        return Halt(
            reason: "source-truncated",
            detail:
                "\(gone.topic)[\(gone.partition)]\(decided) is not there any more: the topic was "
                + "deleted or recreated with fewer partitions", partition: gone)
    }

    /// The newest fingerprint whose record is still there must match, and so must the oldest: it was there
    /// at an earlier check, so that a topic that was swapped since does not pass by records of its own.
    /// None there: unverified.
    private func checkFingerprints(_ marks: [Watermarks]) throws {
        var open: [(partition: SourcePartition, prints: [Fingerprint])] = []
        for (partition, mark) in zip(partitions, marks) {
            let prints = books.partitions[partition]?.fingerprints.filter { $0.offset >= mark.low }
            if let prints, !prints.isEmpty { open.append((partition, prints)) }
        }
        _ = try standing(
            open.filter { $0.prints.count > 1 }.compactMap { entry in
                entry.prints.first.map { (entry.partition, $0) }
            })
        anchors = [:]
        while !open.isEmpty {
            let found = try standing(
                open.compactMap { entry in entry.prints.last.map { (entry.partition, $0) } })
            open = open.compactMap { entry in
                guard !found.contains(entry.partition) else {
                    anchors[entry.partition] = entry.prints.last
                    unverified.remove(entry.partition)
                    return nil
                }
                let older = Array(entry.prints.dropLast())
                if older.isEmpty {
                    guard unverified.insert(entry.partition).inserted else { return nil }
                    world.report(
                        .warning(
                            "source unverified: no fingerprint of \(entry.partition.topic)["
                                + "\(entry.partition.partition)] is comparable any more"))
                    return nil
                }
                return (entry.partition, older)
            }
        }
    }

    /// Of which partitions the record is in its place; it is not there where it was compacted away. Another
    /// one in its place is a halt. Its time counts, too: a topic that was filled anew may hold the same
    /// records at the same places.
    private func standing(_ prints: [(partition: SourcePartition, print: Fingerprint)]) throws
        -> Set<SourcePartition>
    {
        var found: [Int: Fingerprint] = [:]
        try source.probe(prints.map { SourcePosition($0.partition, $0.print.offset) }) {
            index, record in
            guard let record else { return }
            found[index] = codec.fingerprint(of: record)
        }
        for (index, there) in found where there != prints[index].print {
            let partition = prints[index].partition
            throw Halt(
                reason: "source-truncated",
                detail: "the record at \(partition.topic)[\(partition.partition)]@"
                    + "\(there.offset) is not the one that was read: the topic was truncated "
                    + "or recreated", partition: partition)
        }
        return Set(found.keys.map { prints[$0].partition })
    }

    private func checkPartner() throws {
        let known = books.acknowledged
        guard !known.isEmpty else { return }
        for (position, high) in zip(known, try partner.highWatermarks(known)) {
            if high < 0 { throw absence(of: position) }
            guard high <= position.offset else { continue }
            throw Halt(
                reason: "partner-truncated",
                detail:
                    "the partner's \(position.topic)[\(position.partition)] ends at \(high); it "
                    + "acknowledged offset \(position.offset) before: recreated or truncated")
        }
    }

    func absence(of position: PartnerPosition) -> PortFailure {
        PortFailure(
            .unavailable, "watermarks",
            "\(position.topic)[\(position.partition)] is not there on the partner cluster")
    }

    // MARK: The operator's answer

    private func answer(_ halt: Halt) throws -> Bool {
        guard let act = books.pending.first(where: { $0.reason == halt.reason }) else {
            return false
        }
        switch (halt.reason, act.choice) {
        case ("retention-gap", "accept-gap"):
            try acceptGaps(act)
        case ("presence-lost", "retract-unknown"), ("presence-lost", "presume-absent"):
            try answerPresence(act)
        case ("partner-truncated", "trust-ledger"):
            try save([.forgetAcknowledged, .applied(act: act.id), .clearHalt])
        case ("partner-truncated", "start-at"):
            try save([.forgetAcknowledged])
            try move(partitions, act)
        case ("retention-gap", "start-at"), ("source-truncated", "start-at"):
            try move(halt.partition.map { [$0] } ?? partitions, act)
        default:
            return false
        }
        return true
    }

    private func acceptGaps(_ act: Act) throws {
        var changes: [LedgerChange] = []
        for (partition, mark) in zip(partitions, try source.watermarks(partitions)) {
            guard let known = books.partitions[partition], known.decided < mark.low else {
                continue
            }
            changes.append(.gap(partition, to: mark.low, why: "accepted by the operator"))
            marksDue.insert(partition)
        }
        try save(changes + [.applied(act: act.id)])
    }

    private func move(_ partitions: [SourcePartition], _ act: Act) throws {
        let changes: [LedgerChange] = try partitions.map {
            marksDue.insert($0)
            return .reposition(
                $0, to: try place(.spoken(act.argument), $0), why: "operator's choice")
        }
        try save(changes + [.applied(act: act.id), .clearHalt])
    }

    // MARK: Positions

    func place(_ placement: Placement, _ partition: SourcePartition) throws -> Int64 {
        let mark = try source.watermarks([partition])[0]
        switch placement {
        case .low, .spoken("earliest"): return mark.low
        case .spoken("latest"): return mark.high
        case .spoken(let text):
            if let offset = Int64(text) { return min(max(offset, mark.low), mark.high) }
            guard let time = Self.milliseconds(text) else {
                throw Halt(
                    reason: "markers-disagree",
                    detail: "'\(text)' is no offset, no RFC 3339 time, not earliest, not latest")
            }
            return try source.offsets([partition], at: time)[0]
        }
    }

    /// RFC 3339, with or without fractions of a second.
    private static func milliseconds(_ text: String) -> Int64? {
        let whole = Date.ISO8601FormatStyle()
        let fraction = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        guard let date = (try? whole.parse(text)) ?? (try? fraction.parse(text)) else { return nil }
        return Int64((date.timeIntervalSince1970 * 1000).rounded())
    }

    /// `start` of each stream, as offsets.
    func firstOffsets() throws -> [SourcePartition: Int64] {
        var offsets: [SourcePartition: Int64] = [:]
        for stream in plan.contract.streams {
            let mine = partitions.filter { $0.topic == stream.from }
            let marks = try source.watermarks(mine)
            let found: [Int64]
            switch stream.start {
            case .earliest: found = marks.map(\.low)
            case .latest: found = marks.map(\.high)
            case .time(let time): found = try source.offsets(mine, at: time)
            case .group(let group):
                let committed = try source.groupOffsets(mine, group: group)
                found = zip(committed, marks).map { $0 ?? $1.low }
            }
            for (partition, offset) in zip(mine, found) { offsets[partition] = offset }
        }
        return offsets
    }
}

extension PartitionBooks {
    /// Whether D lies outside what the source holds.
    fileprivate func outside(_ mark: Watermarks) -> Halt? {
        let name = "\(partition.topic)[\(partition.partition)]"
        if decided < mark.low {
            return Halt(
                reason: "retention-gap",
                detail:
                    "\(name) begins at \(mark.low) now and is decided up to \(decided): offsets "
                    + "\(decided) to \(mark.low - 1) were deleted before they were read",
                partition: partition)
        }
        guard decided > mark.high else { return nil }
        return Halt(
            reason: "source-truncated",
            detail:
                "\(name) ends at \(mark.high) now and is decided up to \(decided): the topic was "
                + "truncated or recreated", partition: partition)
    }
}
