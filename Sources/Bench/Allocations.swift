import CAllocator
import Contracts
import Lab

/// Shows that deciding allocates nothing in steady state.
enum Allocations {
    static func check(_ records: Int) throws {
        let flights = Flights()
        for shape in Shape.allCases {
            let set = Records(shape.records(records, of: flights))
            let decider = try flightsDecider(shape)
            // Buffers grow and names are learnt in the first round.
            for index in 0..<set.count { _ = set.decide(index, decider) }
            let before = crossdock_thread_allocated()
            for index in 0..<set.count { _ = set.decide(index, decider) }
            let bytes = crossdock_thread_allocated() - before
            print("\(shape.rawValue): \(records) records, \(bytes) bytes allocated")
            guard bytes == 0 else { throw BenchFailure("deciding a record allocates") }
        }
    }
}
