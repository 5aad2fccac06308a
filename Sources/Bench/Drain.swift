import Foundation
import Glibc
import Kafka
import Lab

/// What a copier did, seen from outside.
struct Measured {
    /// Source records decided a second, from the first committed ones seen to the last.
    var recordsPerSecond: Double
    /// User and system time of the process over the same stretch, µs a source record.
    var cpuPerRecord: Double
    /// Peak resident set, MB.
    var peakMegabytes: Double
    /// From its start to the first committed records, s.
    var startup: Double
}

/// Runs a copier and watches the partner's committed end offsets, the same way for everybody: what starts
/// slowly is not held against it, and what it says of itself does not count.
struct Drain {
    let partner: ClusterClient
    let topic: String
    let partitions: Int
    /// Source records, and those of them that must arrive.
    let records: Int
    let expected: Int

    private struct Sample {
        var time: ContinuousClock.Instant
        var offsets: Int64
        var cpu: Double
    }

    /// Ends the child where it does not end by itself.
    func run(_ child: ChildProcess, log: String) throws -> Measured {
        defer { child.end() }
        let start = ContinuousClock.now
        var first: Sample?
        var last = Sample(time: start, offsets: 0, cpu: 0)
        var process = ProcessFigures()
        while true {
            let isRunning = child.isRunning
            if isRunning { process.read(child.pid) }
            let offsets = try committed()
            let now = ContinuousClock.now
            if offsets > last.offsets {
                last = Sample(time: now, offsets: offsets, cpu: process.cpu)
                if first == nil { first = last }
            }
            let isQuiet = now - last.time > .seconds(2)
            if !isRunning || offsets >= Int64(expected) && isQuiet { break }
            guard now - last.time < .seconds(120) else {
                throw BenchFailure("\(topic): nothing has arrived for two minutes; see \(log)")
            }
            usleep(20_000)
        }
        if let code = child.exitCode, code != 0 {
            throw BenchFailure("\(topic): exit code \(code); see \(log)")
        }
        try checkComplete()
        guard let first else { throw BenchFailure("\(topic): nothing arrived; see \(log)") }
        // Control records stand among the offsets: the share of the stretch is what counts.
        let share = Double(last.offsets - first.offsets) / Double(last.offsets)
        let decided = share * Double(records)
        let seconds = (last.time - first.time) / .seconds(1)
        return Measured(
            recordsPerSecond: decided / seconds,
            cpuPerRecord: (last.cpu - first.cpu) * 1e6 / decided,
            peakMegabytes: process.peakMegabytes, startup: (first.time - start) / .seconds(1))
    }

    private func committed() throws -> Int64 {
        let all = (0..<partitions).map { TopicPartition(topic: topic, partition: Int32($0)) }
        // A topic that the copier makes itself is not there at first.
        guard
            let ranges = try? partner.watermarks(
                all, isolation: .readCommitted, timeout: .seconds(10))
        else { return 0 }
        return ranges.reduce(0) { $0 + ($1?.high ?? 0) }
    }

    /// Counts what a partner's consumer gets.
    private func checkComplete() throws {
        var count = 0
        let isWhole = try partner.read(
            topic: topic, from: .earliest, limit: expected * 2 + 1, timeout: .seconds(120)
        ) { _ in count += 1 }
        guard isWhole, count == expected else {
            throw BenchFailure("\(topic) holds \(count) records and should hold \(expected)")
        }
    }
}

/// Of /proc (proc(5)); the last figures stay where the process is gone.
private struct ProcessFigures {
    /// User and system time, s.
    private(set) var cpu = 0.0
    private(set) var peakMegabytes = 0.0
    private let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))

    mutating func read(_ pid: Int32) {
        if let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
            let name = text.lastIndex(of: ")")
        {
            let fields = text[name...].split(separator: " ")
            if fields.count > 13, let user = Double(fields[12]), let system = Double(fields[13]) {
                cpu = (user + system) / ticks
            }
        }
        if let text = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
            let kilobytes = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst()
                .first.flatMap({ Double($0) })
        {
            peakMegabytes = kilobytes / 1024
        }
    }
}
