import Contracts
import Replication
import Testing

/// The token bucket by itself, on a clock of its own.
@Suite struct QuotaBucketTests {
    /// A lane that sends all it may, in records of `size` bytes, at most `most` a batch.
    private struct Sender {
        let lane: Int
        var most = Int.max
        var size = 1
        var pause = Duration.milliseconds(50)
        var next = Duration.zero
        var records = 0
        var bytes = 0

        mutating func turn(_ bucket: QuotaBucket, _ now: Duration) {
            guard now >= next else { return }
            switch bucket.ask(lane: lane, at: now) {
            case .wait(let time, _): next = now + min(time, pause)
            case .granted(let grant):
                var sent = 0
                while sent < most, sent < max(1, grant.records),
                    sent == 0 || sent * size < grant.bytes
                {
                    sent += 1
                }
                bucket.settle(grant, records: sent, bytes: sent * size)
                records += sent
                bytes += sent * size
                next = now + .milliseconds(3)
            }
        }
    }

    private func run(_ senders: inout [Sender], _ bucket: QuotaBucket, seconds: Int) {
        for tick in 0..<seconds * 1000 {
            for index in senders.indices { senders[index].turn(bucket, .milliseconds(tick)) }
        }
    }

    @Test(arguments: [1, 5, 2000, 100_000]) func `records keep to the rate`(rate: Int) {
        var senders = [Sender(lane: 0)]
        run(&senders, QuotaBucket(Quota(recordsPerSecond: rate)), seconds: 20)
        let due = 20 * rate
        #expect(senders[0].records <= due + rate && senders[0].records >= due * 9 / 10)
    }

    @Test(arguments: [1, 300, 5_000, 40_000])
    func `bytes keep to the rate, whatever a record's size`(
        size: Int
    ) {
        var senders = [Sender(lane: 0, size: size)]
        run(&senders, QuotaBucket(Quota(bytesPerSecond: 10_000)), seconds: 40)
        // What a large record takes too much is paid off before the next one.
        #expect(senders[0].bytes <= 400_000 + 10_000 + size)
        #expect(senders[0].bytes >= 360_000 - size)
    }

    @Test func `both bounds hold at once`() {
        var senders = [Sender(lane: 0, size: 100)]
        let quota = Quota(bytesPerSecond: 5_000, recordsPerSecond: 1_000)
        run(&senders, QuotaBucket(quota), seconds: 20)
        #expect((4_500...5_500).contains(senders[0].bytes / 20))
        #expect(senders[0].records == senders[0].bytes / 100)
    }

    @Test func `lanes share it, the slow and the greedy alike`() {
        var senders = [
            Sender(lane: 0), Sender(lane: 1), Sender(lane: 2, pause: .milliseconds(400)),
        ]
        run(&senders, QuotaBucket(Quota(recordsPerSecond: 600)), seconds: 60)
        let sent = senders.map(\.records)
        #expect((32_400...36_600).contains(sent.reduce(0, +)), "\(sent)")
        #expect(sent.allSatisfy { $0 > 6_000 }, "\(sent)")
    }

    @Test func `a lane that went away keeps nobody waiting`() {
        let bucket = QuotaBucket(Quota(recordsPerSecond: 100))
        var gone = Sender(lane: 0)
        gone.turn(bucket, .zero)
        var senders = [Sender(lane: 1)]
        run(&senders, bucket, seconds: 20)
        #expect(senders[0].records >= 1_700)
    }

    @Test func `it begins empty, and saves up no more than a second's worth`() {
        let bucket = QuotaBucket(Quota(recordsPerSecond: 1000))
        guard case .wait(let time, let why) = bucket.ask(lane: 0, at: .seconds(7)) else {
            Issue.record("granted at once")
            return
        }
        #expect(time == .milliseconds(100) && why == "quota: 1000 records/s")
        guard case .granted(let grant) = bucket.ask(lane: 0, at: .seconds(3600)) else {
            Issue.record("not granted after an hour")
            return
        }
        #expect(grant.records == 1000 && grant.bytes == .max)
        guard case .wait = bucket.ask(lane: 0, at: .seconds(3600)) else {
            Issue.record("granted twice")
            return
        }
    }

    @Test func `another rate counts from then on; what is owed is still owed`() {
        let bucket = QuotaBucket(Quota(bytesPerSecond: 10_000))
        _ = bucket.ask(lane: 0, at: .zero)
        guard case .granted(let grant) = bucket.ask(lane: 0, at: .seconds(1)) else {
            Issue.record("not granted")
            return
        }
        bucket.settle(grant, records: 1, bytes: 60_000)
        bucket.set(Quota(bytesPerSecond: 50_000))
        #expect(
            bucket.ask(lane: 0, at: .seconds(1))
                == .wait(.milliseconds(1100), why: "quota: 50000 bytes/s"))
    }
}
