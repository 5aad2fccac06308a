import Ledger
import Replication

/// Lies that the protocol cannot survive: the checker must see each of them.
enum Defect: String, CaseIterable, Sendable {
    case ledgerForgetsIntents, ledgerForgetsMarks, ledgerForgetsFiltered, ledgerForgetsQuarantine
    case ledgerForgetsPresence
    /// Seen by `ReleaseTests`: other runs release nothing.
    case ledgerForgetsReleases
    /// "Committed", and nothing was.
    case commitThatIsNone
    /// "Not sent", and it was.
    case commitDenied
    /// An old epoch still writes and commits.
    case nobodyIsFenced
    /// A second EndTxn is under way, and the producer says that it is clean.
    case hidesDirt
    /// A record is acknowledged and not there.
    case losesARecord
    /// A record stands there twice.
    case doublesARecord
    case sourceSkips, sourceRepeats
    /// Transactions do not hide what is open or aborted.
    case readsUncommitted
}

/// Everything outside the processes: clusters, disks, clock, network, adversary. One per run.
final class Nature {
    struct Trace {
        var effect: Effect
        var fault: Fault?
        var note: String
    }

    /// An EndTxn request that is still under way.
    struct Wandering {
        var arrivesAt: Int
        var arrivesBy: Duration
        var id: String
        var epoch: Int
        var commit: Bool
    }

    private(set) var now: Duration = .zero
    private var forgotten = 0
    var effects = 0
    var internalCluster = InternalCluster()
    var partner = PartnerCluster()
    var disks: [LedgerDisk] = []
    var adversary: any Adversary
    var random: SeededRandom
    var wandering: [Wandering] = []
    var trace: [Trace] = []
    var notes: [String] = []
    /// What the checker found wrong; empty is good.
    var violations: [String] = []
    /// A port that is wrong on purpose, to see the checker fail.
    var defect: Defect?
    /// A fence shows as some other error now and then.
    var masksFences = false
    /// A poll returns fewer records than it could.
    var pollsAtRandom = false
    /// Faults that were injected.
    var injected = 0
    /// Called for every transaction whose outcome becomes "committed", before it is visible.
    var onCommit: (Int) -> Void = { _ in }
    /// Called after every change that a ledger has stored: instance, change, books before and after.
    var onWrite: (Int, LedgerChange, LaneBooks, LaneBooks) -> Void = { _, _, _, _ in }
    /// Called before every effect: sources grow, operators act.
    var onEffect: (Nature) -> Void = { _ in }
    /// Hands the processor to another instance (twins); nil where there is one only.
    var scheduler: Scheduler?
    var neighbours = 0
    /// So many times, a partition that is asked for does not seem to exist, half of the time.
    var hidings = 0
    /// An abort is answered, and its markers are written so much later at most.
    var slowAborts: Duration = .zero
    /// More virtual time than any run needs.
    var deadline: Duration = .seconds(4 * 3600)
    var effectLimit = 40_000
    var isExhausted: Bool { now > deadline || effects > effectLimit }

    init(seed: UInt64, adversary: any Adversary) {
        self.adversary = adversary
        random = SeededRandom(seed: seed)
    }

    func violate(_ what: String) {
        if violations.count < 8, !violations.contains(what) {
            violations.append("effect \(effects): \(what)")
        }
    }

    func note(_ text: @autoclosure () -> String) {
        if trace.count < 4000 {
            let effect = Effect(
                number: effects, instance: -1, operation: .poll, carriesRecords: false)
            trace.append(Trace(effect: effect, fault: nil, note: text()))
        }
    }

    // MARK: Time

    /// Milliseconds since the epoch.
    var wallClock: Int64 { 1_767_225_600_000 + now / .milliseconds(1) }

    func pass(_ duration: Duration) {
        now += duration
        deliverWandering()
        partner.pass(to: now)
        if partner.forgotten != forgotten {
            forgotten = partner.forgotten
            note("the coordinator forgets to write an abort")
        }
        if partner.resurrected > 0 {
            violate("aborted records became visible")
            partner.resurrected = 0
        }
    }

    private func deliverWandering() {
        guard !wandering.isEmpty else { return }
        let due = wandering.filter { $0.arrivesAt <= effects || $0.arrivesBy <= now }
        wandering.removeAll { $0.arrivesAt <= effects || $0.arrivesBy <= now }
        for request in due {
            let result = end(
                request.id, epoch: request.epoch, commit: request.commit, settles: now)
            note("a late EndTxn(\(request.commit ? "commit" : "abort")) arrives: \(result)")
        }
    }

    /// EndTxn at the coordinator; a commit that takes hold is shown to the checker.
    func end(
        _ id: String, epoch: Int, commit: Bool, settles: Duration
    ) -> PartnerCluster.EndResult {
        let open = partner.coordinators[id]?.transaction
        let wasOpen = open.map { partner.transactions[$0].status == .open } ?? false
        let result = partner.end(id, epoch: epoch, commit: commit, settles: settles)
        if let open, wasOpen, result == .done, commit { onCommit(open) }
        return result
    }

    /// A second supplier's transaction on the same checkpoint partition, hanging for a while.
    func openNeighbour(partition: Int32, hangs: Duration) {
        openNeighbour(
            at: PartnerCluster.Place(topic: partner.checkpointTopic, partition: partition),
            hangs: hangs, commits: neighbours % 2 != 0)
    }

    func isHidden() -> Bool {
        guard hidings > 0, random.chance(50) else { return false }
        hidings -= 1
        return true
    }

    func openNeighbour(at place: PartnerCluster.Place, hangs: Duration, commits: Bool) {
        neighbours += 1
        let id = "neighbour-\(neighbours)"
        let epoch = partner.initialise(id, owner: -1, now: now)
        guard partner.exists(place) else { return }
        _ = partner.append(
            id, epoch: epoch, at: place, key: Array("neighbour".utf8), value: [1, 2, 3],
            timestamp: 0, now: now)
        // Ends by itself: prepared now, markers written when it has hung long enough.
        _ = partner.end(id, epoch: epoch, commit: commits, settles: now + hangs)
    }
}

/// One running process of the service. After its death every port call is `stopped` and does nothing.
final class Process {
    let nature: Nature
    let instance: Int
    let transactionalID: String
    let checkpointPartition: Int32
    private(set) var isDead = false
    private(set) var callsAfterDeath = 0
    var isStopping = false
    /// SIGTERM has come from outside.
    private(set) var wasAsked = false

    init(nature: Nature, instance: Int, transactionalID: String, checkpointPartition: Int32) {
        self.nature = nature
        self.instance = instance
        self.transactionalID = transactionalID
        self.checkpointPartition = checkpointPartition
    }

    func die() { isDead = true }

    func askToStop() {
        wasAsked = true
        isStopping = true
    }

    /// False in a dead process. Counts how long a loop runs on after its death.
    var lives: Bool {
        guard isDead else { return true }
        callsAfterDeath += 1
        if callsAfterDeath == 500 { nature.violate("the lane does not return after `stopped`") }
        if callsAfterDeath > 500 { isStopping = true }
        return false
    }

    /// Announces an effect: what goes wrong with it, or `.crashBefore` in a process that is dead.
    func enter(_ operation: Operation, carriesRecords: Bool = false) -> Fault? {
        guard lives else { return .crashBefore }
        if nature.isExhausted {
            nature.violate("the lane does not come to rest")
            die()
            return .crashBefore
        }
        nature.scheduler?.turn(of: instance)
        let effect = Effect(
            number: nature.effects, instance: instance, operation: operation,
            carriesRecords: carriesRecords)
        nature.effects += 1
        nature.pass(.milliseconds(1))
        nature.onEffect(nature)
        let fault = nature.adversary.fault(at: effect)
        if nature.trace.count < 4000 {
            nature.trace.append(Nature.Trace(effect: effect, fault: fault, note: ""))
        }
        if fault != nil { nature.injected += 1 }
        switch fault {
        case .crashBefore: die()
        case .stall(let milliseconds):
            if let scheduler = nature.scheduler {
                scheduler.sleep(instance, .milliseconds(milliseconds))
            } else {
                nature.pass(.milliseconds(milliseconds))
            }
            return isDead ? .crashBefore : nil
        case .transactionTimeout:
            nature.partner.timeOut(transactionalID)
            return nil
        case .neighbour(let milliseconds):
            nature.openNeighbour(
                partition: checkpointPartition, hangs: .milliseconds(milliseconds))
            return nil
        default: break
        }
        return fault
    }

    /// A port call whose faults are: not done, done and not known, crashed.
    func perform<T>(
        _ operation: Operation, _ body: () throws(PortFailure) -> T
    ) throws(PortFailure) -> T {
        let fault = enter(operation)
        switch fault {
        case .crashBefore: throw Self.stopped(operation)
        case .fail(let word): throw Self.failure(word, operation)
        default: break
        }
        let result = try body()
        switch fault {
        case .crashAfter:
            die()
            throw Self.stopped(operation)
        case .failAfter(let word): throw Self.failure(word, operation)
        default: return result
        }
    }

    static func stopped(_ operation: Operation) -> PortFailure {
        PortFailure(.stopped, operation.rawValue, "the process has died")
    }

    static func failure(_ word: Fault.Word, _ operation: Operation) -> PortFailure {
        let kind: PortFailure.Kind =
            switch word {
            case .unavailable: .unavailable
            case .denied: .denied
            case .fenced: .fenced
            case .abortable: .abortable
            case .fatal: .fatal
            }
        return PortFailure(kind, operation.rawValue, "injected")
    }

    func sleep(_ duration: Duration) {
        if let scheduler = nature.scheduler {
            scheduler.sleep(instance, duration)
        } else {
            nature.pass(duration)
        }
    }
}

extension Duration {
    static func / (a: Duration, b: Duration) -> Int64 {
        let (x, y) = (a.components, b.components)
        let unit = y.seconds * 1000 + y.attoseconds / 1_000_000_000_000_000
        return (x.seconds * 1000 + x.attoseconds / 1_000_000_000_000_000) / max(1, unit)
    }
}
