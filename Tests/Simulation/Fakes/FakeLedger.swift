import Ledger
import Replication

/// What an instance's disk holds. A value: copying it is a backup.
struct LedgerDisk {
    struct Row: Hashable {
        enum Standing { case staged, real, unproven, released }
        var standing: Standing
        var batchSeq: Int64
        var rule: String
        var id: Int64
        var record: QuarantinedRecord
        /// An operator asked for its release, and it was not answered yet.
        var isRequested = false
    }

    struct Coordinates: Hashable {
        var partition: SourcePartition
        var offset: Int64
    }

    var instance: String
    var books = LaneBooks()
    var quarantine: [Coordinates: Row] = [:]
    private(set) var presence: [SourcePartition: [KeyHash: Bool]] = [:]
    private(set) var stagedPresence: [PresenceStep] = []
    /// Rises with each act that an operator records here.
    private(set) var newestAct: Int64 = 0
    /// Rows that are proven stay; a second one of the same coordinates is a mistake.
    var doubledRows = 0
    private(set) var lastRow: Int64 = 0

    init(instance: String) { self.instance = instance }

    mutating func apply(_ change: LedgerChange) {
        switch change {
        case .intent(let intent, let rows):
            for row in rows {
                let place = Coordinates(partition: row.partition, offset: row.offset)
                let known = quarantine[place]?.standing
                if known == .real || known == .released { doubledRows += 1 }
                lastRow += 1
                quarantine[place] = Row(
                    standing: .staged, batchSeq: intent.batchSeq, rule: row.rule, id: lastRow,
                    record: row)
            }
        case .mark(let batchSeq, _, _):
            turn(batchSeq) { $0.standing = .real }
            if let intent = books.intent, intent.batchSeq == batchSeq {
                forget(intent.progress)
                for release in intent.releases { close(release) }
            }
        case .filtered(let progress, _): forget(progress)
        case .drop(let batchSeq):
            quarantine = quarantine.filter {
                $0.value.standing != .staged || $0.value.batchSeq != batchSeq
            }
        case .adopt(let markers, _, _, _, _, _, _):
            for (place, row) in quarantine where row.standing == .staged {
                quarantine[place]?.standing = .unproven
            }
            for marker in markers {
                for (place, row) in quarantine
                where row.standing == .real && place.partition == marker.partition
                    && place.offset >= marker.point.nextOffset
                {
                    quarantine[place]?.standing = .unproven
                }
            }
        case .keep(let refused, _):
            for (place, row) in quarantine {
                guard let one = refused.first(where: { $0.id == row.id }) else { continue }
                quarantine[place]?.rule = one.rule
                quarantine[place]?.isRequested = false
            }
        case .learnReleases(let releases, _):
            for release in releases {
                let place = Coordinates(partition: release.source, offset: release.offset)
                guard let row = quarantine[place], row.standing == .real,
                    row.batchSeq <= release.refusedIn
                else { continue }
                close(release)
                books.move(release)
            }
        default: break
        }
        applyToPresence(change)
        books.apply(change)
        presence = presence.filter { books.partitions[$0.key]?.presence != nil }
    }

    private mutating func applyToPresence(_ change: LedgerChange) {
        switch change {
        case .presence(let steps): stagedPresence += steps
        case .intent, .adopt: stagedPresence = []
        case .drop(let batchSeq) where books.intent?.batchSeq == batchSeq: stagedPresence = []
        case .mark(let batchSeq, _, _) where books.intent?.batchSeq == batchSeq:
            for step in stagedPresence {
                let keepsAbsent = books.partitions[step.partition]?.presence?.unknown == .present
                for change in step.changes {
                    let stays = change.isPresent || keepsAbsent
                    presence[step.partition, default: [:]][change.hash] =
                        stays ? change.isPresent : nil
                }
            }
            stagedPresence = []
        case .resetPresence(let partitions, _):
            for partition in partitions { presence[partition] = nil }
        default: break
        }
    }

    private mutating func close(_ release: Release) {
        let place = Coordinates(partition: release.source, offset: release.offset)
        quarantine[place]?.standing = .released
        quarantine[place]?.isRequested = false
    }

    /// An operator asks for the release of everything that is held.
    mutating func requestReleases() {
        for (place, row) in quarantine where row.standing == .real {
            quarantine[place]?.isRequested = true
        }
    }

    /// As the store answers them.
    var requests: [ReleaseRequest] {
        quarantine
            .filter { place, row in
                row.isRequested && row.standing == .real
                    && place.offset < books.partitions[place.partition]?.decided ?? 0
            }
            .map { ReleaseRequest(id: $1.id, refusedIn: $1.batchSeq, record: $1.record) }
            .sorted { $0.id < $1.id }
    }

    /// An operator's act. `isChoice`: one that the lane still has to apply.
    mutating func record(_ act: Act, isChoice: Bool) {
        newestAct += 1
        books.acts = (books.acts + [act]).forMarkers
        if isChoice { books.pending.append(act) }
    }

    private mutating func turn(_ batchSeq: Int64, _ body: (inout Row) -> Void) {
        for (place, row) in quarantine where row.standing == .staged && row.batchSeq == batchSeq {
            var turned = row
            body(&turned)
            quarantine[place] = turned
        }
    }

    /// What is decided again, and is not refused any more.
    private mutating func forget(_ progress: [Progress]) {
        for step in progress {
            quarantine = quarantine.filter { place, row in
                row.standing != .unproven || place.partition != step.partition
                    || !(step.from..<step.to).contains(place.offset)
            }
        }
    }

    var realQuarantine: Set<Coordinates> {
        Set(quarantine.filter { $0.value.standing == .real }.map(\.key))
    }
}

extension LaneBooks {
    fileprivate mutating func move(_ release: Release) {
        guard var known = partitions[release.source] else { return }
        known.counts = known.counts + release.counts
        partitions[release.source] = known
    }
}

/// The ledger as one lane uses it: a write is all there or not there.
final class FakeLedger: LaneLedger {
    private let process: Process

    init(process: Process) { self.process = process }

    private var nature: Nature { process.nature }
    var instance: String { nature.disks[process.instance].instance }

    private func perform<T>(
        _ operation: Operation, _ body: () -> T
    ) throws(LedgerFault) -> T {
        let fault = process.enter(operation)
        switch fault {
        case .crashBefore: throw LedgerFault(.stopped, "the process has died")
        case .fail: throw LedgerFault(.unavailable, "injected: disk is full")
        default: break
        }
        let result = body()
        if fault == .crashAfter {
            process.die()
            throw LedgerFault(.stopped, "the process has died")
        }
        return result
    }

    func books() throws(LedgerFault) -> LaneBooks {
        try perform(.books) { nature.disks[process.instance].books }
    }

    func contractStarted() throws(LedgerFault) -> Bool {
        try perform(.books) { !nature.disks[process.instance].books.partitions.isEmpty }
    }

    func write(_ changes: [LedgerChange]) throws(LedgerFault) {
        try perform(.write) {
            for change in changes where !isForgotten(change) {
                let before = nature.disks[process.instance].books
                nature.disks[process.instance].apply(stored(change))
                nature.onWrite(
                    process.instance, change, before, nature.disks[process.instance].books)
            }
        }
    }

    private func stored(_ change: LedgerChange) -> LedgerChange {
        if nature.defect == .ledgerForgetsQuarantine, case .intent(let intent, _) = change {
            return .intent(intent, quarantined: [])
        }
        return change
    }

    private func isForgotten(_ change: LedgerChange) -> Bool {
        switch (nature.defect, change) {
        case (.ledgerForgetsIntents, .intent), (.ledgerForgetsMarks, .mark),
            (.ledgerForgetsFiltered, .filtered), (.ledgerForgetsPresence, .presence),
            (.ledgerForgetsReleases, .learnReleases):
            true
        default: false
        }
    }

    func presence(of partition: SourcePartition, after last: KeyHash?, limit: Int)
        throws(LedgerFault) -> [PresenceChange]
    {
        try perform(.books) {
            let known = nature.disks[process.instance].presence[partition] ?? [:]
            return known.filter { entry in last.map { entry.key > $0 } ?? true }
                .sorted { $0.key < $1.key }.prefix(limit)
                .map { PresenceChange($0.key, isPresent: $0.value) }
        }
    }

    func newestAct() throws(LedgerFault) -> Int64 {
        try perform(.newestAct) { nature.disks[process.instance].newestAct }
    }

    func releaseRequests(limit: Int, bytes: Int64) throws(LedgerFault) -> [ReleaseRequest] {
        try perform(.books) { Array(nature.disks[process.instance].requests.prefix(limit)) }
    }
}
