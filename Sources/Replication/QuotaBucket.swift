package import Contracts
internal import Synchronization

/// The token bucket of one contract, shared by its lanes: what they deliver in any stretch of time is at
/// most the rate times that time, and one second's worth more. Records and bytes have a level each; a
/// record larger than all that is left passes, and the level goes below zero until it is paid off.
///
/// Lanes that find too little wait in line, and are served in its order: none takes what another has
/// waited for longer. The line holds whoever asked a short while ago; a lane that has nothing more to
/// send just does not come back.
package final class QuotaBucket: Sendable {
    /// What a batch may deliver: it is full at the first of these. At least one record passes.
    package struct Grant: Hashable, Sendable {
        package var records: Int
        package var bytes: Int
    }

    package enum Answer: Hashable, Sendable {
        case granted(Grant)
        /// Ask again then; `why` names the bound.
        case wait(Duration, why: String)
    }

    private struct Level {
        /// Per second; nil: no bound.
        var rate: Double?
        var tokens = 0.0

        /// One second's worth.
        var burst: Double { rate ?? 0 }

        mutating func refill(_ seconds: Double) { add((rate ?? 0) * seconds) }
        mutating func add(_ count: Double) {
            if rate != nil { tokens = min(burst, tokens + count) }
        }
        /// So little that a batch is not worth it counts as nothing: a tenth of a second's.
        var least: Double { max(1, burst * 0.1) }
        var secondsToLeast: Double { rate.map { max(0, (least - tokens) / $0) } ?? 0 }
        var whole: Int { rate == nil ? .max : Int(tokens) }
    }

    private struct State {
        var quota: Quota
        var records = Level()
        var bytes = Level()
        /// When it was last refilled; nil before the first question: it begins empty, so that restarts
        /// give nothing away.
        var at: Duration?
        var line: [(lane: Int, askedAt: Duration)] = []
    }

    private let state: Mutex<State>

    /// A lane asks much more often than that while it waits.
    private static let patience = Duration.seconds(2)

    package init(_ quota: Quota) {
        state = Mutex(State(quota: quota))
        set(quota)
    }

    /// Other rates from now on; the levels stay.
    package func set(_ quota: Quota) {
        state.withLock { state in
            state.quota = quota
            state.records.rate = quota.recordsPerSecond.map(Double.init)
            state.bytes.rate = quota.bytesPerSecond.map(Double.init)
            state.records.add(0)
            state.bytes.add(0)
        }
    }

    /// - Parameter now: monotonic, the same clock for all lanes.
    package func ask(lane: Int, at now: Duration) -> Answer {
        state.withLock { state in
            let passed = max(.zero, now - (state.at ?? now)).seconds
            state.at = max(now, state.at ?? now)
            state.records.refill(passed)
            state.bytes.refill(passed)
            state.line.removeAll { now - $0.askedAt > Self.patience && $0.lane != lane }
            let (records, bytes) = (state.records.secondsToLeast, state.bytes.secondsToLeast)
            let isFirst = state.line.first.map { $0.lane == lane } ?? true
            guard isFirst, max(records, bytes) <= 0 else {
                if let place = state.line.firstIndex(where: { $0.lane == lane }) {
                    state.line[place].askedAt = now
                } else {
                    state.line.append((lane, now))
                }
                return .wait(
                    .milliseconds(max(5, Int64((max(records, bytes) * 1000).rounded(.up)))),
                    // Where both are about as short, it is told of the records.
                    why: state.records.rate == nil || bytes > records + 0.05
                        ? state.quota.bytesWords : state.quota.recordsWords)
            }
            state.line.removeAll { $0.lane == lane }
            let grant = Grant(records: state.records.whole, bytes: state.bytes.whole)
            state.records.add(-Double(grant.records))
            state.bytes.add(-Double(grant.bytes))
            return .granted(grant)
        }
    }

    /// Gives back what a batch did not use, or takes what it used beyond its grant.
    package func settle(_ grant: Grant, records: Int, bytes: Int) {
        state.withLock { state in
            // A bound that came or went meanwhile has nothing to do with this grant.
            if grant.records < .max { state.records.add(Double(grant.records - records)) }
            if grant.bytes < .max { state.bytes.add(Double(grant.bytes - bytes)) }
        }
    }
}
