import Ledger
import Replication

/// Virtual clock, seeded nonces, the way out.
final class FakeWorld: LaneWorld {
    private let process: Process
    /// Everything is decided and on record: the run may end.
    private let isAtRest: () -> Bool
    private var restsSince: Duration?
    private var haltedSince: Duration?
    private(set) var news: [LaneNews] = []
    private(set) var halt: Halt?

    init(process: Process, isAtRest: @escaping () -> Bool) {
        self.process = process
        self.isAtRest = isAtRest
    }

    private var nature: Nature { process.nature }

    func now() -> Duration { nature.now }
    func wallClock() -> Int64 { nature.wallClock }
    func nonce() -> Nonce { Nonce(high: nature.random.next(), low: nature.random.next()) }

    func wait(_ duration: Duration) {
        guard process.lives else { return }
        if nature.isExhausted {
            nature.violate("the lane does not come to rest")
            process.die()
            return
        }
        process.sleep(max(duration, .milliseconds(1)))
    }

    var isStopping: Bool {
        guard process.lives else { return process.isStopping }
        if process.isStopping { return true }
        if let haltedSince, nature.now - haltedSince > .seconds(20) { process.isStopping = true }
        if isAtRest() {
            let since = restsSince ?? nature.now
            restsSince = since
            if nature.now - since > .milliseconds(300) { process.isStopping = true }
        } else {
            restsSince = nil
        }
        return process.isStopping
    }

    func report(_ item: LaneNews) {
        news.append(item)
        nature.note("i\(process.instance) \(item)")
        switch item {
        case .halted(let found):
            halt = found
            haltedSince = haltedSince ?? nature.now
        case .running, .idle, .committed, .still:
            halt = nil
            haltedSince = nil
        default: break
        }
    }
}
