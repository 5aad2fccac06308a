/// The port calls that an adversary may interfere with. Every one of them is a numbered effect.
enum Operation: String, CaseIterable, Sendable {
    case assign, poll, sourceFacts, watermarks, groupOffsets, timeOffsets, probe, groupCommit
    case partnerFacts, highWatermarks, stableOffsets, scan
    case initialise, begin, produce, produceCheckpoint, flush, commit, abort
    case books, write, newestAct

    /// Leaves something behind that outlives the process: a crash before any other call is the same
    /// as a crash after the last of these.
    var outlivesTheProcess: Bool {
        switch self {
        case .groupCommit, .initialise, .produce, .produceCheckpoint, .commit, .abort, .write: true
        default: false
        }
    }
}

struct Effect: Sendable {
    /// From 0, over all instances and lives.
    var number: Int
    var instance: Int
    var operation: Operation
    /// Of a commit: the transaction holds a claim or markers, and no record.
    var carriesRecords: Bool
}

/// What goes wrong at one effect.
enum Fault: Hashable, Sendable {
    case crashBefore
    /// Done, but the process dies before it learns of it.
    case crashAfter
    /// Not done, and said so.
    case fail(Word)
    /// Done, and said to have failed.
    case failAfter(Word)
    /// Commit and abort: the request is done, its reply lost.
    case lostReply
    /// Commit and abort: the request never arrives.
    case lostRequest
    /// Commit and abort: the request arrives that many effects later; the outcome is unknown.
    case late(Int)
    /// Commit and abort: done and known, but a second request of the kind arrives later (DIRTY).
    case doubled(Int)
    /// Commit: certainly never sent.
    case notSent
    /// Commit: known to the coordinator, but transaction markers are written that much later.
    case slowVisibility(milliseconds: Int)
    /// Produce: the local queue is full.
    case queueFull
    /// Produce: accepted, and never heard of again.
    case swallowed
    /// Flush: a delivery fails, the transaction must be aborted.
    case deliveryFails
    /// The process stands still that long before the call.
    case stall(milliseconds: Int)
    /// Somebody else's transaction opens on the checkpoint partition and hangs that long.
    case neighbour(milliseconds: Int)
    /// Group commit: lost.
    case lost
    /// The coordinator ends the open transaction and raises the epoch, before the call.
    case transactionTimeout

    enum Word: String, Sendable {
        case unavailable, denied, fenced, abortable, fatal
    }
}

protocol Adversary: AnyObject {
    func fault(at effect: Effect) -> Fault?
}

/// Nothing goes wrong.
final class Peace: Adversary {
    func fault(at effect: Effect) -> Fault? { nil }
}

/// Faults at given effect numbers.
final class Script: Adversary {
    private var faults: [Int: Fault]
    init(_ faults: [Int: Fault]) { self.faults = faults }
    func fault(at effect: Effect) -> Fault? { faults.removeValue(forKey: effect.number) }
}

/// A fault at the n-th call of a kind.
final class Trap: Adversary {
    struct Spring {
        var operation: Operation
        /// From 0, among the calls of that operation that match.
        var call: Int
        var recordsOnly = false
        var fault: Fault
    }

    private var springs: [Spring]
    private var plainCalls: [Operation: Int] = [:]
    private var recordCalls: [Operation: Int] = [:]

    init(_ springs: [Spring]) { self.springs = springs }
    convenience init(_ operation: Operation, _ call: Int, _ fault: Fault, recordsOnly: Bool = false)
    {
        self.init([
            Spring(operation: operation, call: call, recordsOnly: recordsOnly, fault: fault)
        ])
    }

    func fault(at effect: Effect) -> Fault? {
        let plain = plainCalls[effect.operation, default: 0]
        plainCalls[effect.operation] = plain + 1
        let records = recordCalls[effect.operation, default: 0]
        if effect.carriesRecords { recordCalls[effect.operation] = records + 1 }
        return springs.first { spring in
            guard spring.operation == effect.operation else { return false }
            guard spring.recordsOnly else { return spring.call == plain }
            return effect.carriesRecords && spring.call == records
        }?.fault
    }
}

/// Random faults out of a seed, a bounded number of them, so that every run can come to rest.
final class Chaos: Adversary {
    private var random: SeededRandom
    private var budget: Int
    /// Of a thousand effects.
    private let rate: Int
    private let crashes: Bool

    init(seed: UInt64, budget: Int, rate: Int, crashes: Bool = true) {
        random = SeededRandom(seed: seed ^ 0xC4A0_5000)
        self.budget = budget
        self.rate = rate
        self.crashes = crashes
    }

    func fault(at effect: Effect) -> Fault? {
        guard budget > 0 else { return nil }
        // Commits, aborts and ledger writes are where the protocol is decided.
        let weight =
            switch effect.operation {
            case .commit, .abort: 6
            case .write, .initialise, .flush: 2
            default: 1
            }
        guard random.below(1000) < rate * weight else { return nil }
        let fault = random.pick(choices(effect.operation))
        if !crashes, fault == .crashBefore || fault == .crashAfter { return nil }
        budget -= 1
        return fault
    }

    private func choices(_ operation: Operation) -> [Fault] {
        let anywhere: [Fault] = [
            .crashBefore, .crashAfter, .stall(milliseconds: 700), .stall(milliseconds: 40_000),
            .transactionTimeout, .neighbour(milliseconds: 22_000),
        ]
        switch operation {
        case .commit:
            return anywhere + [
                .lostReply, .lostRequest, .late(3), .late(25), .doubled(2), .doubled(12), .notSent,
                .slowVisibility(milliseconds: 3_000), .lostReply, .lostRequest,
            ]
        case .abort:
            return anywhere + [.lostReply, .lostRequest, .late(4), .late(20), .doubled(6)]
        case .initialise:
            return anywhere + [.fail(.unavailable), .failAfter(.unavailable), .fail(.fatal)]
        case .begin: return anywhere + [.fail(.fatal)]
        case .produce: return anywhere + [.queueFull, .fail(.abortable), .swallowed]
        case .produceCheckpoint: return anywhere + [.fail(.abortable), .swallowed]
        case .flush:
            return anywhere + [
                .deliveryFails, .fail(.unavailable), .fail(.abortable), .fail(.fatal),
            ]
        case .groupCommit: return anywhere + [.lost]
        case .newestAct: return [.crashBefore, .fail(.unavailable)]
        default: return anywhere + [.fail(.unavailable)]
        }
    }
}

/// Walks every sequence of choices of a bounded depth: each run takes the next path of the tree.
final class Odometer: Adversary {
    let depth: Int
    /// Decision points passed before the first choice.
    let skip: Int
    let menu: (Effect) -> [Fault]
    private var path: [Int] = []
    private var widths: [Int] = []
    private var taken = 0
    private var skipped = 0

    init(depth: Int, skip: Int, menu: @escaping (Effect) -> [Fault]) {
        self.depth = depth
        self.skip = skip
        self.menu = menu
    }

    /// The choices of the present run, 0 = nothing goes wrong.
    var choices: [Int] { Array(path.prefix(taken)) }
    var isChoosing: Bool { skipped == skip && taken < depth }

    func fault(at effect: Effect) -> Fault? {
        let options = menu(effect)
        guard !options.isEmpty, taken < depth else { return nil }
        guard skipped >= skip else {
            skipped += 1
            return nil
        }
        if taken == path.count {
            path.append(0)
            widths.append(options.count + 1)
        }
        let choice = path[taken]
        taken += 1
        return choice == 0 ? nil : options[choice - 1]
    }

    /// Goes to the next path; false when all have been walked.
    func advance() -> Bool {
        path.removeSubrange(taken...)
        widths.removeSubrange(taken...)
        taken = 0
        skipped = 0
        while let last = path.last, let width = widths.last {
            if last + 1 < width {
                path[path.count - 1] = last + 1
                return true
            }
            path.removeLast()
            widths.removeLast()
        }
        return false
    }
}
