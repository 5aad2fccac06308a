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
/// two batches, and no other contract notices.
final class Fleet: Sendable {
    private struct State {
        var wanted: [String: Contract] = [:]
        var runs: [String: ContractRun] = [:]
        var predecessors: [String: [Int: Predecessor]] = [:]
        var isClosed = false
    }

    private let state = Mutex(State())
    /// Makes the lanes of a contract, which do not run yet.
    private let make: @Sendable (Contract, [Int: Predecessor]) -> ContractRun

    init(make: @escaping @Sendable (Contract, [Int: Predecessor]) -> ContractRun) {
        self.make = make
    }

    /// What is to run.
    var contracts: [Contract] { state.withLock { $0.wanted.values.sorted { $0.id < $1.id } } }
    var runners: [LaneRunner] { runs.flatMap(\.runners) }
    var left: Int { runs.reduce(0) { $0 + $1.left } }
    var halted: Int { runs.reduce(0) { $0 + $1.halted } }
    private var runs: [ContractRun] { state.withLock { Array($0.runs.values) } }

    func want(_ contract: Contract) { state.withLock { $0.wanted[contract.id] = contract } }
    func drop(_ id: String) { state.withLock { $0.wanted[id] = nil } }
    /// Its lanes, where some run.
    func run(of id: String) -> ContractRun? { state.withLock { $0.runs[id] } }
    /// The process ends: nothing starts any more.
    func close() { state.withLock { $0.isClosed = true } }

    /// Ends lanes that are not wanted any more and starts those that are. For one thread; nobody waits
    /// for it while lanes are made, which asks the ledger.
    func turn(_ tell: (String, Contract) -> Void) {
        for contract in clear() { tell("stopped", contract) }
        let vacant = state.withLock { state in
            state.wanted.values.filter { state.runs[$0.id] == nil }.sorted { $0.id < $1.id }
                .map { ($0, state.predecessors[$0.id] ?? [:]) }
        }
        for (contract, predecessors) in vacant {
            let run = make(contract, predecessors)
            let isOpen = state.withLock { state in
                if !state.isClosed { state.runs[contract.id] = run }
                return !state.isClosed
            }
            guard isOpen else { return }
            run.start()
            tell("runs", contract)
        }
    }

    /// Asks lanes to leave that are not wanted as they are, and forgets those that have left: gives back
    /// those that nothing follows.
    private func clear() -> [Contract] {
        state.withLock { state in
            var gone: [Contract] = []
            for (id, run) in state.runs where run.contract.hash != state.wanted[id]?.hash {
                run.end()
                guard run.left == 0 else { continue }
                state.predecessors[id] = run.predecessors
                state.runs[id] = nil
                if state.wanted[id] == nil { gone.append(run.contract) }
            }
            return gone
        }
    }
}
