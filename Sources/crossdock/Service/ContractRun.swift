internal import Contracts
internal import Replication
internal import Synchronization

/// How a lane's thread ended, and what the lane's next thread in this process has to know.
struct LaneEnd: Sendable {
    enum Kind: Sendable { case stopped, caughtUp, halted }

    var lane: Int
    var kind: Kind
    var predecessor: Predecessor
}

/// Collects how the lanes of a run end.
final class LaneEnds: Sendable {
    private let list = Mutex<[LaneEnd]>([])
    func add(_ end: LaneEnd) { list.withLock { $0.append(end) } }
    var all: [LaneEnd] { list.withLock { $0 } }
}

/// The lanes of one contract under one content, from their start until the last has left.
final class ContractRun: Sendable {
    let contract: Contract
    let runners: [LaneRunner]
    private let stop: StopSignal
    private let ends: LaneEnds

    init(_ contract: Contract, runners: [LaneRunner], stop: StopSignal, ends: LaneEnds) {
        self.contract = contract
        self.runners = runners
        self.stop = stop
        self.ends = ends
    }

    var left: Int { runners.count - ends.all.count }
    var halted: Int { ends.all.count { $0.kind == .halted } }
    var predecessors: [Int: Predecessor] {
        Dictionary(ends.all.map { ($0.lane, $0.predecessor) }) { $1 }
    }

    func start() { for runner in runners { runner.start() } }

    /// The lanes end what is open, as a drain does, and leave.
    func end() { stop.set() }
}

/// What runs and what is to run, contract by contract. A contract's lanes have all left before lanes
/// with another content of it start, by the same path as at a start: so a change takes effect between
/// two batches, and no other contract notices. Belongs to one thread.
final class Fleet {
    private var wanted: [String: Contract] = [:]
    private var runs: [String: ContractRun] = [:]
    private var predecessors: [String: [Int: Predecessor]] = [:]
    /// Makes the lanes of a contract, which do not run yet.
    private let make: (Contract, [Int: Predecessor]) -> ContractRun

    init(make: @escaping (Contract, [Int: Predecessor]) -> ContractRun) { self.make = make }

    /// What is to run, by id.
    var contracts: [Contract] { wanted.values.sorted { $0.id < $1.id } }
    var runners: [LaneRunner] { runs.values.flatMap(\.runners) }
    var left: Int { runs.values.reduce(0) { $0 + $1.left } }
    var halted: Int { runs.values.reduce(0) { $0 + $1.halted } }

    func want(_ contract: Contract) { wanted[contract.id] = contract }
    func drop(_ id: String) { wanted[id] = nil }
    /// Its lanes, where some run.
    func run(of id: String) -> ContractRun? { runs[id] }

    /// Ends lanes that are not wanted any more and starts those that are; true where it changed
    /// anything.
    func turn(_ tell: (String, Contract) -> Void) -> Bool {
        var changed = false
        for (id, run) in runs where run.contract.hash != wanted[id]?.hash {
            run.end()
            guard run.left == 0 else { continue }
            predecessors[id] = run.predecessors
            runs[id] = nil
            changed = true
            if wanted[id] == nil { tell("stopped", run.contract) }
        }
        for contract in contracts where runs[contract.id] == nil {
            let run = make(contract, predecessors[contract.id] ?? [:])
            runs[contract.id] = run
            run.start()
            changed = true
            tell("runs", contract)
        }
        return changed
    }
}
