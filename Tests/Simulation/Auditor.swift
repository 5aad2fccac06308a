import Contracts
import Ledger
import Replication

/// A marker as the checker reads it.
struct AuditedMarker {
    var partition: SourcePartition
    var nextOffset: Int64
    var batchSeq: Int64
    var nonce: Nonce
    var counts: Counts
    var acts: [Act]
}

/// The checker: knows what each record must become under each contract version, watches commits and
/// ledger writes as they happen, and looks at everything once more at the end. Properties (a) to (e) of
/// the protocol's model.
final class Auditor {
    let nature: Nature
    unowned let stage: Stage
    let openMarker: (PartnerCluster.Entry) -> AuditedMarker?

    /// Under which version an offset was durably decided; 0 = given up by an accepted gap.
    private(set) var decided: [SourcePartition: [Int64: Int]] = [:]
    /// Source offsets whose records the partner sees, in the order he does.
    private(set) var visible: [SourcePartition: [Int64]] = [:]
    private(set) var newest: [SourcePartition: AuditedMarker] = [:]
    private var newestSeq: Int64 = 0
    var intents: [Nonce: Intent] = [:]
    private var committedNonces: Set<Nonce> = []
    private var droppedNonces: Set<Nonce> = []
    /// Attempts whose intent was written when an act forbade it.
    private var overruled: Set<Nonce> = []
    /// Acts that stand in a committed marker: whatever becomes of the ledgers, they hold.
    private(set) var marked: [Act] = []
    /// Once and for all, whatever becomes of the ledgers.
    var released: [SourcePartition: [Int64: (version: Int, outcome: Release.Outcome)]] = [:]
    /// Releases that ledgers took over from notes.
    private(set) var learnt = 0
    private(set) var commits = 0
    /// From which offset on which keys count as delivered that no record before it tells.
    private var scopes: [SourcePartition: [(from: Int64, unknown: PresenceScope.Unknown)]] = [:]
    private(set) var adoptions = 0
    /// A recorded gap of the ledger has an excuse: it was lost or restored, or a twin ran.
    var mayAdopt = false
    /// Where the source side was damaged on purpose, offsets may be given up.
    var mayGap = false

    init(
        nature: Nature, stage: Stage, openMarker: @escaping (PartnerCluster.Entry) -> AuditedMarker?
    ) {
        self.nature = nature
        self.stage = stage
        self.openMarker = openMarker
    }

    // MARK: At the moment

    /// PrepareCommit is logged: the outcome is fixed.
    func committed(_ transaction: Int) {
        let entries = nature.partner.entries(of: transaction)
        let checkpoint = nature.partner.checkpointTopic
        let markers = entries.filter { $0.place.topic == checkpoint }.compactMap {
            openMarker($0.entry)
        }
        let records = entries.filter { $0.place.topic != checkpoint }
        if markers.isEmpty && records.isEmpty { return }
        commits += 1
        audit(markers)
        auditReleases(entries.map(\.entry), markers.first)
        for record in records where !record.entry.isReleased { see(record.entry, on: record.place) }
        if !records.isEmpty, let nonce = markers.first?.nonce, overruled.contains(nonce) {
            nature.violate("records are committed that were decided after a suspend or a revoke")
        }
        marked = (marked + markers.flatMap(\.acts)).forMarkers
        for marker in markers { compare(marker) }
        if !records.isEmpty && markers.isEmpty {
            nature.violate("records are committed without a marker")
        }
    }

    private func audit(_ markers: [AuditedMarker]) {
        guard let first = markers.first else { return }
        guard let intent = intents[first.nonce] else {
            nature.violate("batch \(first.batchSeq) is committed without an intent")
            return
        }
        if first.batchSeq <= newestSeq {
            nature.violate("batch_seq \(first.batchSeq) after \(newestSeq)")
        }
        newestSeq = first.batchSeq
        committedNonces.insert(first.nonce)
        if droppedNonces.contains(first.nonce) {
            nature.violate("batch \(first.batchSeq) is committed after its intent was dropped")
        }
        for marker in markers where marker.nonce != first.nonce || marker.batchSeq != first.batchSeq
        {
            nature.violate("two batches in one transaction")
        }
        if Set(markers.map(\.partition)) != Set(intent.progress.map(\.partition)) {
            nature.violate("batch \(first.batchSeq) marks other partitions than its intent")
        }
        for step in intent.progress {
            decide(step.partition, step.from, step.to, intent.pin)
            guard let marker = markers.first(where: { $0.partition == step.partition }) else {
                continue
            }
            if marker.nextOffset != step.to {
                nature.violate("\(step.partition) marked \(marker.nextOffset), intent \(step.to)")
            }
            if let last = newest[step.partition], marker.nextOffset < last.nextOffset {
                nature.violate("\(step.partition) goes back to \(marker.nextOffset)")
            }
            newest[step.partition] = marker
        }
    }

    /// (b) Once, under one version.
    private func decide(
        _ partition: SourcePartition, _ from: Int64, _ to: Int64, _ pin: ContractPin
    ) {
        guard let version = stage.version(of: pin) else {
            nature.violate("decided under an unknown contract \(pin.version)")
            return
        }
        guard from < to else { return }
        for offset in from..<to {
            if let earlier = decided[partition]?[offset], earlier != version {
                nature.violate(
                    "\(partition.partition)@\(offset) decided under \(earlier) and \(version)")
            }
            decided[partition, default: [:]][offset] = version
        }
    }

    /// (a) What becomes visible: known, on its partition, not twice, in order.
    private func see(_ entry: PartnerCluster.Entry, on place: PartnerCluster.Place) {
        let found =
            entry.value.map { stage.origins[$0] } ?? stage.retractions[entry.timestamp]
        guard let origin = found, entry.value != nil || stage.onScopeExit == .tombstone else {
            nature.violate("the partner sees a record that nobody sent")
            return
        }
        let partition = origin.partition
        guard place.topic == stage.target, place.partition == partition.partition else {
            nature.violate("\(partition.partition)@\(origin.offset) is on \(place)")
            return
        }
        if entry.key ?? [] != origin.key {
            nature.violate("\(partition.partition)@\(origin.offset) has another key")
        }
        if entry.timestamp != origin.timestamp {
            nature.violate("\(partition.partition)@\(origin.offset) has another timestamp")
        }
        let version = decided[partition]?[origin.offset]
        if entry.value == nil ? version == nil : version != origin.version {
            nature.violate("\(partition.partition)@\(origin.offset) is seen, not decided so")
        }
        if let last = visible[partition]?.last, last >= origin.offset {
            nature.violate(
                "\(partition.partition)@\(origin.offset) is seen after \(last): twice or reordered")
        }
        visible[partition, default: []].append(origin.offset)
    }

    /// (a) None lost below a marker, (c) its counts are what is visible.
    private func compare(_ marker: AuditedMarker) {
        let expected = expectation(marker.partition, below: marker.nextOffset)
        if visible[marker.partition, default: []] != expected.delivered {
            nature.violate(
                "\(marker.partition.partition)<\(marker.nextOffset): sees"
                    + " \(visible[marker.partition, default: []]), not \(expected.delivered)")
        }
        check(marker.counts, expected, "marker \(marker.batchSeq) of \(marker.partition.partition)")
    }

    private func check(_ counts: Counts, _ expected: Expectation, _ what: String) {
        if !counts.balances { nature.violate("\(what): the identity does not hold") }
        if counts.delivered != Int64(expected.delivered.count + expected.released.count)
            || counts.filtered != expected.filtered
            || counts.quarantined != Int64(expected.quarantined.count)
            || counts.gaps != expected.gaps || counts.dropped != 0
        {
            nature.violate("\(what): \(counts), expected \(expected)")
        }
    }

    struct Expectation {
        var delivered: [Int64] = []
        /// Those of them that are tombstones for a key that left.
        var retracted: Set<Int64> = []
        var filtered: Int64 = 0
        var quarantined: [Int64] = []
        var gaps: Int64 = 0
        /// Refused first, delivered later.
        var released: [Int64] = []
    }

    /// What must have become of everything below an offset, as it was decided.
    func expectation(_ partition: SourcePartition, below end: Int64) -> Expectation {
        var expected = Expectation()
        let start = stage.startOffset(of: partition)
        guard start < end else { return expected }
        var holds: [[UInt8]: Bool] = [:]
        var lastScope: Int64?
        for offset in start..<end {
            guard let version = decided[partition]?[offset] else {
                nature.violate("\(partition.partition)@\(offset) is passed and was never decided")
                return expected
            }
            if let released = released[partition]?[offset] {
                if released.outcome == .delivered { expected.released.append(offset) }
                expected.filtered += released.outcome == .filtered ? 1 : 0
                continue
            }
            if version == 0 {
                expected.gaps += 1
                continue
            }
            guard let record = stage.records[partition]?[offset] else { continue }
            let scope = scopes[partition]?.last { $0.from <= offset }
            if let scope, scope.from > (lastScope ?? -1) {
                holds = [:]
                lastScope = scope.from
            }
            switch record.fate(under: version) {
            case .delivered:
                holds[record.key] = true
                expected.delivered.append(offset)
            case .filtered:
                guard stage.onScopeExit == .tombstone,
                    holds[record.key] ?? (scope?.unknown == .present)
                else {
                    expected.filtered += 1
                    continue
                }
                holds[record.key] = false
                expected.delivered.append(offset)
                expected.retracted.insert(offset)
            case .quarantined: expected.quarantined.append(offset)
            }
        }
        return expected
    }

    // MARK: The ledger

    func wrote(_ instance: Int, _ change: LedgerChange, _ before: LaneBooks, _ after: LaneBooks) {
        switch change {
        case .intent(let intent, _):
            if before.intent != nil { nature.violate("an intent replaces an open one") }
            if intent.batchSeq <= before.lastBatchSeq, !mayAdopt {
                nature.violate("intent \(intent.batchSeq) after \(before.lastBatchSeq)")
            }
            for step in intent.progress { adjoins(step, before) }
            intents[intent.nonce] = intent
            if standing(of: instance) != .active { overruled.insert(intent.nonce) }
        case .mark(let batchSeq, _, _):
            if before.intent?.batchSeq != batchSeq { nature.violate("mark \(batchSeq) of nothing") }
            if let intent = before.intent { isProven(intent) }
        case .drop(let batchSeq):
            if let intent = before.intent, intent.batchSeq == batchSeq { isDisproven(intent) }
        case .filtered(let progress, let pin):
            for step in progress {
                adjoins(step, before)
                if nature.partner.coordinators[stage.transactionalID]?.owner == instance {
                    decide(step.partition, step.from, step.to, pin)
                }
            }
        case .adopt(let markers, _, _, _, _, _, _):
            adoptions += 1
            if !mayAdopt { nature.violate("the ledger adopts markers and never suffered") }
            // What stands in a committed marker stays decided, also when a twin has moved on since.
            for marker in markers {
                let known = newest[marker.partition]?.nextOffset ?? 0
                let end = max(marker.point.nextOffset, known)
                decided[marker.partition] = decided[marker.partition]?.filter { $0.key < end }
            }
        case .learnReleases(let releases, _):
            learnt += releases.count
            for release in releases where released[release.source]?[release.offset] == nil {
                nature.violate(
                    "\(release.source)@\(release.offset) is learnt as released, and is not")
            }
        case .gap(let partition, let to, _):
            if !mayGap { nature.violate("a gap without a reason") }
            let from = before.partitions[partition]?.decided ?? to
            for offset in from..<max(from, to) { decided[partition, default: [:]][offset] = 0 }
        case .resetPresence(let partitions, let scope):
            guard let unknown = scope?.unknown else { return }
            for partition in partitions {
                let from = before.partitions[partition]?.decided ?? 0
                scopes[partition, default: []].removeAll { $0.from >= from }
                scopes[partition, default: []].append((from, unknown))
            }
        case .reposition, .forgetMarkers:
            if !mayGap { nature.violate("\(change) without a reason") }
        default: break
        }
    }

    /// What was decided under a suspend may go out after its resume.
    func acted(_ instance: Int) {
        if standing(of: instance) == .active { overruled = [] }
    }

    /// By the instance's ledger and by every committed marker.
    func standing(of instance: Int) -> ContractStanding {
        (nature.disks[instance].books.acts + marked).standing
    }

    private func adjoins(_ step: Progress, _ books: LaneBooks) {
        if !step.counts.balances { nature.violate("a batch whose identity does not hold") }
        guard let known = books.partitions[step.partition] else {
            nature.violate("\(step.partition) is decided before it is started")
            return
        }
        if known.decided != step.from || step.to < step.from {
            nature.violate(
                "\(step.partition.partition): \(step.from)..<\(step.to) after \(known.decided)")
        }
    }

    /// A mark needs a commit, a drop that there is none and never will be.
    private func isProven(_ intent: Intent) {
        if !committedNonces.contains(intent.nonce) {
            nature.violate("batch \(intent.batchSeq) is marked, and it is not committed")
        }
    }

    private func isDisproven(_ intent: Intent) {
        droppedNonces.insert(intent.nonce)
        if committedNonces.contains(intent.nonce) {
            nature.violate("batch \(intent.batchSeq) is dropped, and it is committed")
        }
    }

    /// The ledger was exchanged. What was filtered beyond the newest marker, and is on record nowhere
    /// else, may be decided again; what the new one holds beyond that very marker stays decided.
    func ledgerExchanged(_ instance: Int) {
        let books = nature.disks[instance].books
        for partition in stage.partitions {
            let end = newest[partition]?.nextOffset ?? 0
            decided[partition] = decided[partition]?.filter { $0.key < end }
            guard let known = books.partitions[partition], let pin = books.pin,
                known.marker?.nonce == newest[partition]?.nonce, known.marker != nil
            else { continue }
            decide(partition, end, known.decided, pin)
        }
    }

    // MARK: At the end

    /// (d) Everything is decided, ledger and marker agree, and a fresh reader sees what he should.
    func settled(_ instance: Int) {
        let books = nature.disks[instance].books
        if books.intent != nil { nature.violate("an intent is open at rest") }
        if books.acts.standing != standing(of: instance) {
            nature.violate("\(books.acts.standing) at rest, and acts say \(standing(of: instance))")
        }
        var quarantined: Set<LedgerDisk.Coordinates> = []
        for partition in stage.partitions {
            guard let known = books.partitions[partition] else {
                nature.violate("\(partition) is unknown at rest")
                continue
            }
            let expected = expectation(partition, below: known.decided)
            check(known.counts, expected, "ledger of \(partition.partition)")
            for offset in expected.quarantined {
                quarantined.insert(.init(partition: partition, offset: offset))
            }
            if newest[partition]?.acts != books.acts {
                nature.violate("\(partition.partition): the marker does not carry the acts")
            }
            if known.marker?.nonce != newest[partition]?.nonce
                || known.marker?.nextOffset != known.decided
            {
                nature.violate("\(partition.partition): ledger and marker differ at rest")
            }
            let place = PartnerCluster.Place(topic: stage.target, partition: partition.partition)
            let all = nature.partner.committed(place).map(\.entry)
            let seen = all.filter { !$0.isReleased }.map { $0.value ?? [] }
            let due = expected.delivered.map { offset -> [UInt8] in
                if expected.retracted.contains(offset) { return [] }
                let version = decided[partition]?[offset] ?? 0
                return stage.records[partition]?[offset]?.output(under: version) ?? []
            }
            if seen != due {
                nature.violate("\(partition.partition): the partner's view differs at rest")
            }
            let late = Set(all.filter(\.isReleased).map { $0.value ?? [] })
            if late != Set(expected.released.map { output(partition, $0) })
                || all.filter(\.isReleased).count != expected.released.count
            {
                nature.violate("\(partition.partition): what was released differs at rest")
            }
        }
        if !mayAdopt, nature.disks[instance].realQuarantine != quarantined {
            nature.violate(
                "quarantine holds \(nature.disks[instance].realQuarantine.count) rows, not"
                    + " \(quarantined.count)")
        }
        if nature.disks[instance].doubledRows > 0 { nature.violate("quarantined twice") }
    }
}
