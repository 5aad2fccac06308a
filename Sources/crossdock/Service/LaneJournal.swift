internal import Contracts
internal import Ledger
internal import Operations
internal import Replication
internal import Synchronization

/// What a lane tells about itself: a line in the log, and its state in the ledger, where `lag` and
/// `status` read it.
final class LaneJournal: Sendable {
    private let log: Log
    private let ledger: Ledger
    private let lane: LaneID
    private let target: String
    private let memory = Mutex(Memory())
    private let writing = Mutex(())

    private struct Memory {
        var state = ""
        var detail = ""
        /// Of the service, about the lane's contract.
        var remark = ""
        /// What was told, and when: an outage of an hour is a line at its beginning, a reminder now
        /// and then, and a line at its end.
        var told: [String: ContinuousClock.Instant] = [:]
        var waitsSince: ContinuousClock.Instant?
        var committedAt: ContinuousClock.Instant?

        var said: String { [detail, remark].filter { !$0.isEmpty }.joined(separator: "; ") }
    }

    private static let reminder = Duration.seconds(600)
    /// Told anew after a commit.
    private static let troubles = ["waiting", "refused", "aborted", "unknown", "recovered"]

    init(log: Log, ledger: Ledger, lane: LaneID, target: String) {
        self.log = log
        self.ledger = ledger
        self.lane = lane
        self.target = target
        enter("starting", "")
    }

    func take(_ news: LaneNews) {
        switch news {
        case .recovering(let step):
            // A try during an outage is part of the wait.
            if !waits { enter("recovering", step) }
        case .recovered(let verdict, let batchSeq):
            tell(
                once("recovered", .info), "recovered",
                ["verdict": verdict, "batch": "\(batchSeq)"])
        case .running:
            enter("running", "")
        case .idle:
            endWait()
            enter("idle", "")
        case .waiting(let failure, let retry):
            wait(failure, retry)
        case .halted(let halt):
            memory.withLock { $0.waitsSince = nil }
            enter("halted", halt.reason)
            tell(
                .error, "halted",
                [
                    "reason": halt.reason, "detail": halt.detail,
                    "runbook": "runbooks/halts/\(halt.reason).md",
                    "next": "crossdock recover \(lane.contract)",
                ])
        case .still(let stillness): stand(stillness)
        case .throttled(let why):
            endWait()
            enter("throttled", why)
            tell(once("throttled", .info), "held to its quota", ["why": why])
        case .committed(let records, let delivered, let partitions, let seconds):
            committed()
            tell(
                .debug, "committed",
                [
                    "records": "\(records)", "delivered": "\(delivered)",
                    "partitions": "\(partitions)", "seconds": "\(seconds)",
                ])
        case .released(let delivered, let filtered, let refused):
            tell(
                .info, "released",
                [
                    "delivered": "\(delivered)", "filtered": "\(filtered)",
                    "refused": "\(refused)",
                ])
        case .aborted(let why):
            tell(once("aborted", .warn), "transaction aborted", ["error": why])
        case .unknownOutcome(let why):
            tell(
                once("unknown", .warn), "commit outcome unknown, the markers decide",
                ["error": why])
        case .warning(let text):
            tell(once(text, .warn), text, [:])
        }
    }

    func left() { enter("stopped", "") }
    func stalls(_ why: String) { enter("stalled", why) }

    private func stand(_ stillness: Stillness) {
        switch stillness {
        case .suspended:
            enter("suspended", "")
            tell(.info, "suspended", ["next": "crossdock resume \(lane.contract)"])
        case .revoked:
            enter("revoked", "")
            tell(.info, "revoked", [:])
        case .early(let from):
            enter("waiting", "its window opens at \(Wording.time(from))")
            tell(.info, "waits for its window", ["from": Wording.time(from)])
        case .over(let until):
            enter("expired", "its window ended at \(Wording.time(until))")
            tell(
                .info, "expired",
                ["until": Wording.time(until), "next": "a later 'until' in a new version resumes"])
        }
    }

    private func wait(_ failure: PortFailure, _ retry: Duration) {
        memory.withLock { if $0.waitsSince == nil { $0.waitsSince = .now } }
        enter("waiting", failure.detail)
        let word = failure.kind == .denied ? "refused" : "waiting"
        tell(
            once(word, .warn), word,
            [
                "operation": failure.operation, "error": failure.detail,
                "retry": "\(Self.seconds(retry))s",
            ])
    }

    private var waits: Bool { memory.withLock { $0.state == "waiting" } }

    /// `level`, and debug where the same was told not long ago.
    private func once(_ what: String, _ level: Log.Level) -> Log.Level {
        memory.withLock { memory in
            let now = ContinuousClock.now
            if let last = memory.told[what], now - last < Self.reminder { return .debug }
            memory.told[what] = now
            return level
        }
    }

    private func endWait() {
        let since = memory.withLock { memory in
            defer { memory.waitsSince = nil }
            for word in Self.troubles { memory.told[word] = nil }
            return memory.waitsSince
        }
        guard let since else { return }
        tell(.info, "goes on", ["after": "\(Self.seconds(.now - since))s"])
    }

    private func committed() {
        endWait()
        let now = ContinuousClock.now
        let due = memory.withLock {
            guard $0.committedAt.map({ now - $0 > .seconds(1) }) ?? true else { return false }
            $0.committedAt = now
            return true
        }
        guard due else { return }
        enter(committed: true) { memory in
            // Until it has not had to wait for a while.
            guard memory.state != "throttled" else { return }
            memory.state = "running"
            memory.detail = ""
        }
    }

    /// Says `text` beside the lane's state until it is taken back with "".
    func remark(_ text: String) {
        enter { $0.remark = text }
    }

    private func enter(_ state: String, _ detail: String, committed: Bool = false) {
        enter(committed: committed) { memory in
            memory.state = state
            memory.detail = detail
        }
    }

    private func enter(committed: Bool = false, _ change: (inout Memory) -> Void) {
        let changed = memory.withLock { memory in
            let before = (memory.state, memory.said)
            change(&memory)
            return before != (memory.state, memory.said)
        }
        guard changed || committed else { return }
        // Two threads speak: whoever writes last writes what holds now.
        writing.withLock { _ in
            let (state, detail) = memory.withLock { ($0.state, $0.said) }
            // Only a report suffers where this fails; the lane's own writes tell of a broken ledger.
            try? ledger.setState(lane, state: state, detail: detail, committed: committed)
        }
    }

    private func tell(
        _ level: Log.Level, _ message: String, _ fields: KeyValuePairs<String, String>
    ) {
        var all: [(String, String)] = [("contract", lane.contract), ("lane", "\(lane.lane)")]
        all += fields.map { ($0.key, $0.value) }
        log(level, message, all)
    }

    private static func seconds(_ duration: Duration) -> String {
        let tenths = Int(
            (Double(duration.components.seconds) * 10
                + Double(duration.components.attoseconds) * 1e-17).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }
}
