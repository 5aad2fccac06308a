import Foundation
import Glibc
import Ledger
import Testing

@Suite struct BackupTests {
    private let directory = TemporaryDirectory()
    private let other = TemporaryDirectory()
    private let lane = LaneID(contract: "flights-skyways", lane: 0)

    private func filled() throws -> (Ledger, LaneStore) {
        try FileManager.default.createDirectory(
            atPath: other.path, withIntermediateDirectories: false)
        let ledger = try Ledger.open(directory: directory.path, access: .service)
        let store = LaneStore(ledger: ledger, lane: lane)
        try store.write([.start([partition(0): 0], pin: pin, clusters: clusters, layout: layout)])
        try write(store, from: 0)
        return (ledger, store)
    }

    private func write(_ store: LaneStore, from first: Int64) throws {
        for number in first..<first + 50 {
            let step = progress(partition(0), number, number + 1, counts(delivered: 1))
            try store.write([
                .intent(intent(number + 1, [step]), quarantined: []),
                .mark(batchSeq: number + 1, checkpointOffset: number, acknowledged: []),
            ])
        }
    }

    private func kind(_ file: String) -> LedgerFailure.Kind? {
        do {
            _ = try Ledger.backUp(directory: directory.path, to: file)
            return nil
        } catch {
            return error.kind
        }
    }

    @Test func `a copy made beside a service is the ledger of that moment, whole and private`()
        throws
    {
        let (ledger, store) = try filled()
        defer { ledger.close() }
        let file = "\(other.path)/ledger.db"
        let report = try Ledger.backUp(directory: directory.path, to: file)
        let books = try store.books()
        try write(store, from: 50)

        #expect(report.partitions.map(\.decided) == [50])
        #expect(report.partitions.first?.counts == books.partitions[partition(0)]?.counts)
        #expect(try FileManager.default.contentsOfDirectory(atPath: other.path) == ["ledger.db"])
        var status = stat()
        #expect(stat(file, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
        #expect(Int64(status.st_size) == report.bytes)

        // Put where a service looks, it is that ledger.
        let copy = try Ledger.open(directory: other.path, access: .service)
        defer { copy.close() }
        #expect(copy.instance == ledger.instance)
        #expect(try LaneStore(ledger: copy, lane: lane).books() == books)
        #expect(try copy.ranges(lane.contract, partition(0)).count == 50)
        #expect(try copy.quickCheck().isEmpty)
    }

    @Test func `a copy can be made of a ledger that nobody uses`() throws {
        try filled().0.close()
        let report = try Ledger.backUp(directory: directory.path, to: "\(other.path)/copy")
        #expect(report.partitions.map(\.decided) == [50])
    }

    @Test func `nothing is overwritten, and nothing is laid into the state directory`() throws {
        let (ledger, _) = try filled()
        defer { ledger.close() }
        let taken = "\(other.path)/taken"
        try "mine".write(toFile: taken, atomically: false, encoding: .utf8)
        #expect(kind(taken) == .unsupported)
        #expect(try String(contentsOfFile: taken, encoding: .utf8) == "mine")
        #expect(kind("\(directory.path)/ledger.db") == .unsupported)
        #expect(kind("\(directory.path)/ledger.db-journal") == .unsupported)
        let name = (directory.path as NSString).lastPathComponent
        #expect(kind("\(other.path)/../\(name)/x") == .unsupported)
        #expect(kind("\(other.path)/nowhere/copy") == .unavailable)
        let left = try FileManager.default.contentsOfDirectory(atPath: directory.path)
        #expect(Set(left) == ["ledger.db", "ledger.db-wal", "ledger.db-shm", "lock"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: other.path) == ["taken"])
    }

    @Test func `a damaged ledger gives no copy`() throws {
        try filled().0.close()
        let file = "\(directory.path)/ledger.db"
        var bytes = try Data(contentsOf: URL(filePath: file))
        for index in stride(from: 8192, to: bytes.count, by: 7) { bytes[index] = 0xAA }
        try bytes.write(to: URL(filePath: file))
        #expect(kind("\(other.path)/copy") == .corrupt)
        #expect(try FileManager.default.contentsOfDirectory(atPath: other.path).isEmpty)
    }
}
