import Contracts
import Foundation
import Lab

/// Nanoseconds that a decision takes, without Kafka.
///
/// Other programs disturb every measurement. So records are timed in slices of well below a millisecond, the
/// peer's right behind ours, and of every slice the best round counts.
struct DecideBench {
    let records: Int
    let rounds: Int
    private let peer = ParsePeer(path: ".build/bench/libpeer.so")
    private static let slice = 500

    init(records: Int, rounds: Int) {
        self.records = records
        self.rounds = rounds
    }

    private struct Times {
        var ours = 0.0
        var peer = 0.0
    }

    func run() throws {
        print(
            peer.map { "peer: \($0.name)" }
                ?? "no peer: Sources/Bench/peers/build makes it from libsimdjson-dev")
        print("                               ns a record    GB/s   peer ns   ratio   to itself")
        let flights = Flights()
        var first: [String: Double] = [:]
        for shape in Shape.allCases {
            let set = Records(shape.records(records, of: flights))
            let decider = try flightsDecider(shape)
            var passing: [Int] = []
            var filtered: [Int] = []
            for index in 0..<set.count {
                switch set.decide(index, decider) {
                case .delivered: passing.append(index)
                case .filtered: filtered.append(index)
                default: throw BenchFailure("\(decider.violation.detail)")
                }
            }
            for (name, chosen) in [("filtered", filtered), ("passing", passing)] {
                let times = try time(set, chosen, decider)
                let own = first[name] ?? times.ours
                first[name] = own
                let size = chosen.reduce(0) { $0 + set[$1].count } / chosen.count
                let label = "\(shape.rawValue), \(name), \(size) B"
                print(
                    label.padding(toLength: 33, withPad: " ", startingAt: 0),
                    String(
                        format: "%7.1f  %6.2f  %8.1f  %6.2f  %10.2f", times.ours,
                        Double(size) / times.ours, times.peer, times.ours / times.peer,
                        times.ours / own))
            }
        }
    }

    /// Nanoseconds a record, ours and the peer's.
    private func time(
        _ set: Records, _ chosen: [Int], _ decider: StreamDecider
    ) throws -> Times {
        let slices = stride(from: 0, to: chosen.count, by: Self.slice).map {
            chosen[$0..<min($0 + Self.slice, chosen.count)]
        }
        var best = slices.map { _ in Times(ours: .infinity, peer: .infinity) }
        var decided = 0
        var parsed = 0
        for _ in 0..<rounds {
            for (number, slice) in slices.enumerated() {
                let ours = measure {
                    for index in slice {
                        decided &+= Int(set.decide(index, decider).rawValue) &+ 1
                    }
                }
                best[number].ours = min(best[number].ours, ours)
                guard let peer else { continue }
                let theirs = measure {
                    for index in slice
                    where peer.isJSON(set[index], readable: set.readable(from: index)) {
                        parsed &+= 1
                    }
                }
                best[number].peer = min(best[number].peer, theirs)
            }
        }
        let each = Double(chosen.count)
        guard peer == nil || parsed == chosen.count * rounds else {
            throw BenchFailure("the peer refuses a record")
        }
        guard decided > 0 else { throw BenchFailure("no record to time") }
        return Times(
            ours: best.reduce(0) { $0 + $1.ours } / each,
            peer: peer == nil ? .nan : best.reduce(0) { $0 + $1.peer } / each)
    }

    @inline(__always)
    private func measure(_ body: () -> Void) -> Double {
        let elapsed = ContinuousClock().measure(body).components
        return Double(elapsed.seconds) * 1e9 + Double(elapsed.attoseconds) / 1e9
    }
}

struct BenchFailure: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}
