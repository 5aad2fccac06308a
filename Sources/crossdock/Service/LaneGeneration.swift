internal import Kafka
internal import Replication
internal import Synchronization

/// One thread's right to speak for its lane. A thread that hangs in a call is replaced by a generation of
/// its own; when it wakes up it finds the right gone at that very call, and can neither write to the
/// ledger nor send anything.
///
/// Invariant: a generation that is superseded was inside a call to a cluster at that moment, so nothing
/// of it was on its way into the ledger, and nothing will be.
final class LaneGeneration: Sendable {
    enum Place: Sendable { case cluster, ledger }

    /// A call that may block.
    struct Call: Sendable {
        /// In the client library's words ("commit_transaction").
        let operation: String
        let place: Place
        /// How long it may take by its own time-out.
        let bound: Duration
        fileprivate(set) var age = Duration.zero
        fileprivate(set) var isReported = false
        fileprivate let number: UInt64

        var overdue: Duration { age - bound }
    }

    private struct State {
        var isOver = false
        var calls: UInt64 = 0
        var call: Call?
    }

    private let state = Mutex(State())
    private let stop: StopSignal

    init(stop: StopSignal) { self.stop = stop }

    var isOver: Bool { state.withLock { $0.isOver } }
    var isStopping: Bool { stop.isSet || isOver }
    var call: Call? { state.withLock { $0.call } }

    // MARK: By the lane's thread

    /// A call to a cluster that may block. The answer counts only while this generation stands.
    ///
    /// - Parameter right: what the brokers ask for, in kafka-acls' words: named where they deny it.
    func ask<Result>(
        _ operation: StaticString, within bound: Duration, needs right: String? = nil,
        _ body: () throws(KafkaFailure) -> Result
    ) throws(PortFailure) -> Result {
        guard enter(operation, .cluster, bound) else { throw Self.replaced(operation) }
        defer { leave() }
        let outcome = Swift.Result(catching: body)
        guard !isOver else { throw Self.replaced(operation) }
        do throws(KafkaFailure) {
            return try outcome.get()
        } catch {
            throw PortFailure(error, needs: right)
        }
    }

    /// A call to the ledger; nil where this generation is over and nothing was done.
    func keep<Result, Failure: Error>(
        _ operation: StaticString, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result? {
        guard enter(operation, .ledger, .seconds(30)) else { return nil }
        defer { leave() }
        return try body()
    }

    private func enter(_ operation: StaticString, _ place: Place, _ bound: Duration) -> Bool {
        state.withLock { state in
            guard !state.isOver else { return false }
            state.calls += 1
            state.call = Call(
                operation: "\(operation)", place: place, bound: bound, number: state.calls)
            return true
        }
    }

    private func leave() { state.withLock { $0.call = nil } }

    private static func replaced(_ operation: StaticString) -> PortFailure {
        PortFailure(.stopped, "\(operation)", "this thread hung and was replaced")
    }

    // MARK: By the watchdog

    /// The call that the thread is in, `interval` older than at the last look. Looks are counted, not the
    /// clock: a process that was stopped for an hour has no overdue call.
    func look(after interval: Duration) -> Call? {
        state.withLock { state in
            state.call?.age += interval
            return state.call
        }
    }

    /// True the first time that this call is to be reported.
    func report(_ call: Call) -> Bool {
        state.withLock { state in
            guard state.call?.number == call.number, state.call?.isReported == false else {
                return false
            }
            state.call?.isReported = true
            return true
        }
    }

    /// Takes the right away; false where the thread has come back, or is in the ledger.
    func supersede(in call: Call) -> Bool {
        state.withLock { state in
            guard state.call?.number == call.number, call.place == .cluster else { return false }
            state.isOver = true
            return true
        }
    }
}
