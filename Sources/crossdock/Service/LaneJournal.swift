internal import Contracts
internal import Ledger
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

    private struct Memory {
        var state = ""
        var waitingFor = ""
        var committedAt: ContinuousClock.Instant?
    }

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
            enter("recovering", step)
        case .recovered(let verdict, let batchSeq):
            tell(.info, "recovered", ["verdict": verdict, "batch": "\(batchSeq)"])
        case .running:
            enter("running", "")
        case .idle:
            enter("idle", "")
        case .waiting(let failure, let retry):
            wait(failure, retry)
        case .halted(let halt):
            enter("halted", halt.reason)
            tell(
                .error, "halted",
                [
                    "reason": halt.reason, "detail": halt.detail,
                    "runbook": "runbooks/halts/\(halt.reason).md",
                    "next": "crossdock recover \(lane.contract)",
                ])
        case .still(let standing):
            enter(standing.rawValue, "")
            tell(
                .info, standing.rawValue,
                standing == .suspended ? ["next": "crossdock resume \(lane.contract)"] : [:])
        case .committed(let records, let delivered, let partitions, let seconds):
            committed()
            tell(
                .debug, "committed",
                [
                    "records": "\(records)", "delivered": "\(delivered)",
                    "partitions": "\(partitions)", "seconds": "\(seconds)",
                ])
        case .aborted(let why):
            tell(.warn, "transaction aborted", ["error": why])
        case .unknownOutcome(let why):
            tell(.warn, "commit outcome unknown, the markers decide", ["error": why])
        case .warning(let text):
            tell(.warn, text, [:])
        }
    }

    func left() { enter("stopped", "") }

    private func wait(_ failure: PortFailure, _ retry: Duration) {
        // A partner that is away for an hour is one line, and one more each time the reason changes.
        let known = memory.withLock {
            let same = $0.waitingFor == failure.detail
            $0.waitingFor = failure.detail
            return same
        }
        enter("waiting", failure.detail)
        tell(
            known ? .debug : .warn, failure.kind == .denied ? "refused" : "waiting",
            [
                "operation": failure.operation, "error": failure.detail,
                "retry": "\(Self.seconds(retry))s",
            ])
    }

    private func committed() {
        let now = ContinuousClock.now
        let due = memory.withLock {
            $0.waitingFor = ""
            guard $0.committedAt.map({ now - $0 > .seconds(1) }) ?? true else { return false }
            $0.committedAt = now
            return true
        }
        if due { enter("running", "", committed: true) }
    }

    private func enter(_ state: String, _ detail: String, committed: Bool = false) {
        let changed = memory.withLock {
            let changed = $0.state != "\(state) \(detail)"
            $0.state = "\(state) \(detail)"
            return changed
        }
        guard changed || committed else { return }
        // Only a report suffers where this fails; the lane's own writes tell of a broken ledger.
        try? ledger.setState(lane, state: state, detail: detail, committed: committed)
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
