internal import Contracts
internal import Foundation
internal import Glibc
internal import Kafka
internal import Ledger
internal import Replication
internal import Synchronization

/// Clock, randomness, news and the way out, for one lane.
final class ServiceWorld: LaneWorld {
    private let stop: StopSignal
    private let generation: LaneGeneration
    private let journal: LaneJournal
    private var random = SystemRandomNumberGenerator()

    init(stop: StopSignal, generation: LaneGeneration, journal: LaneJournal) {
        self.stop = stop
        self.generation = generation
        self.journal = journal
    }

    var isStopping: Bool { generation.isStopping }

    func now() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    func wallClock() -> Int64 { Int64(Date.now.timeIntervalSince1970 * 1000) }
    func nonce() -> Nonce { Nonce(high: random.next(), low: random.next()) }
    func wait(_ duration: Duration) { stop.sleep(duration) }

    func report(_ news: LaneNews) {
        if !generation.isOver { journal.take(news) }
    }
}
