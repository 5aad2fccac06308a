internal import Lab

/// What both clusters hold, compared record for record with what the flights and the contract say.
struct DemoCheck {
    private(set) var delivered = 0
    private(set) var filtered = 0
    private(set) var lost = 0
    private(set) var doubled = 0
    /// Records that stand where another one should, although none is lost or doubled.
    private(set) var reordered = 0
    /// Records with another key, value, header or timestamp than they should have, or that should not
    /// be there at all.
    private(set) var wrong = 0

    var read: Int { delivered + filtered }
    var holds: Bool { lost == 0 && doubled == 0 && reordered == 0 && wrong == 0 }

    /// - Parameters:
    ///   - source: the source topic by partition, as read from the internal cluster.
    ///   - partner: the partner topic by partition, as its read_committed consumer sees it.
    init(_ contract: DemoContract, source: [[SeenRecord]], partner: [[SeenRecord]]) {
        for (partition, records) in source.enumerated() {
            var expected: [SeenRecord] = []
            for (offset, record) in records.enumerated() {
                let row = DemoContract.row(partition: partition, offset: offset)
                if record != contract.input(row, timestamp: record.timestamp) { wrong += 1 }
                if contract.passes(row) {
                    expected.append(contract.output(row, timestamp: record.timestamp))
                } else {
                    filtered += 1
                }
            }
            delivered += expected.count
            compare(expected, partner[partition])
        }
    }

    private mutating func compare(_ expected: [SeenRecord], _ found: [SeenRecord]) {
        guard expected != found else { return }
        var places: [SeenRecord: Int] = [:]
        for (place, record) in expected.enumerated() { places[record] = place }
        var seen: Set<SeenRecord> = []
        var last = -1
        for record in found {
            guard let place = places[record] else {
                wrong += 1
                continue
            }
            if !seen.insert(record).inserted {
                doubled += 1
            } else if place < last {
                reordered += 1
            }
            last = max(last, place)
        }
        lost += expected.count - seen.count
    }
}
