internal import Foundation
internal import Ledger
internal import Replication
internal import Synchronization

/// Keeps one lane alive: starts its thread, and another one with clients of its own where the thread does
/// not come back from a call. The new generation recovers as after a crash: its init fences the old
/// producer, the markers say what became of the old transaction.
final class LaneRunner: Sendable {
    /// How far beyond its own bound a call is reported, and its thread replaced: on a busy machine a
    /// time-out comes late.
    private static let reportAfter = Duration.seconds(5)
    private static let replaceAfter = Duration.seconds(15)
    /// Each hung thread keeps its clients and what they hold.
    private static let mostHung = 3

    private let parts: LaneParts
    private let ended: @Sendable (LaneEnd) -> Void
    private let state: Mutex<State>

    private struct State {
        var current: LaneGeneration
        var hung = 0
    }

    init(_ parts: LaneParts, ended: @escaping @Sendable (LaneEnd) -> Void) {
        self.parts = parts
        self.ended = ended
        state = Mutex(State(current: LaneGeneration(stop: parts.stop)))
    }

    var lane: LaneID { parts.plan.id }
    /// What the lane's thread is doing now, where that may block.
    var call: LaneGeneration.Call? { state.withLock { $0.current }.call }

    /// Stands in the reports beside what the lane does, until it is taken back with "".
    func remark(_ text: String) { parts.journal.remark(text) }

    func start() { start(state.withLock { $0.current }) }

    private func start(_ generation: LaneGeneration) {
        let thread = Thread { [self] in
            let ending = parts.run(generation)
            if generation.isOver { returned() } else { ended(ending) }
        }
        thread.name = "lane \(lane.contract).\(lane.lane)"
        thread.stackSize = 4 << 20
        thread.start()
    }

    private func returned() {
        state.withLock { $0.hung -= 1 }
        parts.tell(.info, "a replaced thread has come back and ended", [])
    }

    // MARK: The watchdog's

    /// Called every `interval`.
    func look(after interval: Duration) {
        let generation = state.withLock { $0.current }
        guard let call = generation.look(after: interval), call.overdue >= Self.reportAfter else {
            return
        }
        if generation.report(call) { report(call) }
        guard call.overdue >= Self.replaceAfter, call.place == .cluster else { return }
        replace(generation, call)
    }

    private func report(_ call: LaneGeneration.Call) {
        parts.tell(
            .error, "a call does not come back",
            [
                ("operation", call.operation), ("bound", "\(call.bound.wholeSeconds)s"),
                ("next", call.place == .cluster ? "its thread is replaced soon" : "check the disk"),
            ])
        // A ledger that hangs takes no line about it.
        guard call.place == .cluster else { return }
        parts.journal.stalls("hangs in \(call.operation)")
    }

    private func replace(_ generation: LaneGeneration, _ call: LaneGeneration.Call) {
        let next: LaneGeneration? = state.withLock { state in
            guard state.hung < Self.mostHung, generation.supersede(in: call) else { return nil }
            state.hung += 1
            state.current = LaneGeneration(stop: parts.stop)
            return state.current
        }
        guard let next else { return }
        parts.tell(.error, "a thread that hangs is replaced", [("operation", call.operation)])
        start(next)
    }
}

extension Duration {
    var wholeSeconds: Int64 { components.seconds }
}
