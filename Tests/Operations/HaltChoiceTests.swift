import Foundation
import Ledger
import Operations
import Replication
import Testing

/// The table's choices against the production reconcile table: what is offered is accepted, and what is
/// not offered is not.
@Suite struct HaltChoiceTests {
    private static let pin = ContractPin(version: "1.0.0", hash: "aa")
    private static let clusters = ClusterIDs(source: "inside", partner: "outside")
    private static let zero = SourcePartition(topic: "flights", partition: 0)

    private static func layout(lanes: Int = 2, checkpoints: Int = 1, partner: Int = 6) -> Layout {
        Layout(
            lanes: lanes, hash: "crc32c", checkpointPartitions: checkpoints,
            partnerPartitions: ["skyways.delays": partner])
    }

    private static func nonce(_ number: UInt64) -> Nonce { Nonce(high: 7, low: number) }

    /// One batch committed up to offset 100, known to the ledger.
    private static var books: LaneBooks {
        var books = LaneBooks()
        books.apply(.start([zero: 0], pin: pin, clusters: clusters, layout: layout()))
        let progress = Progress(
            partition: zero, from: 0, to: 100, counts: Counts(), fingerprints: [], chain: "")
        books.apply(
            .intent(
                Intent(
                    batchSeq: 5, nonce: nonce(5), digest: "d", pin: pin, next: pin,
                    progress: [progress]), quarantined: []))
        books.apply(.mark(batchSeq: 5, checkpointOffset: 3, acknowledged: []))
        return books
    }

    /// Markers are made by the lane alone; a test makes one from its text form.
    private struct MarkerText: Encodable {
        var contract = "flights-skyways"
        var lane = 0
        var pin = HaltChoiceTests.pin
        var next: ContractPin
        var topic = "flights"
        var partition = 0
        var nextOffset: Int64
        var batchSeq: Int64
        var nonce: String
        var digest = "d"
        var counts = Counts()
        var chain = ""
        var clusters = HaltChoiceTests.clusters
        var layout = HaltChoiceTests.layout()
        var acknowledged: [PartnerPosition] = []
        var fingerprints: [Fingerprint] = []
        var acts: [String] = []
    }

    private static func marker(_ batchSeq: Int64, next: ContractPin = pin) throws -> Marker {
        let text = MarkerText(
            next: next, nextOffset: batchSeq * 20, batchSeq: batchSeq,
            nonce: nonce(UInt64(batchSeq)).text)
        return try JSONDecoder().decode(Marker.self, from: JSONEncoder().encode(text))
    }

    private static func view(_ marker: Marker?) -> CheckpointView {
        var view = CheckpointView()
        view.anyOfContract = marker != nil
        if let marker { view.markers[zero] = .init(marker: marker, offset: 3) }
        return view
    }

    private static func today(
        clusters: ClusterIDs = clusters, layout: Layout = layout(),
        group: [SourcePartition: Int64] = [:]
    ) -> Circumstances {
        Circumstances(
            pin: pin, lane: 0, partitions: [zero], clusters: clusters, layout: layout,
            groupOffsets: group, contractStarted: true)
    }

    struct Case: CustomTestStringConvertible {
        var name: String
        var books: LaneBooks
        var view: CheckpointView
        var now: Circumstances
        var testDescription: String { name }
    }

    static func cases() throws -> [Case] {
        let other = ContractPin(version: "2.0.0", hash: "cc")
        return [
            Case(
                name: "cluster-changed", books: books, view: view(try marker(5)),
                now: today(clusters: ClusterIDs(source: "inside", partner: "elsewhere"))),
            Case(
                name: "layout-changed", books: books, view: view(try marker(5)),
                now: today(layout: layout(partner: 12))),
            Case(
                name: "layout-changed", books: books, view: view(try marker(5)),
                now: today(layout: layout(lanes: 3))),
            Case(
                name: "layout-changed", books: books, view: view(try marker(5)),
                now: today(layout: layout(checkpoints: 4))),
            Case(name: "checkpoint-lost", books: books, view: view(nil), now: today()),
            Case(
                name: "checkpoint-lost", books: LaneBooks(), view: view(nil),
                now: today(group: [zero: 100])),
            Case(name: "partner-restored", books: books, view: view(try marker(4)), now: today()),
            Case(
                name: "contract-changed", books: LaneBooks(),
                view: view(try marker(5, next: other)),
                now: today()),
        ]
    }

    @Test("a halt accepts exactly the choices that it is said to offer", arguments: try cases())
    func offered(_ one: Case) throws {
        guard
            case .halt(let halt) = Reconciliation.judge(
                books: one.books, view: one.view, now: one.now)
        else {
            Issue.record("no halt")
            return
        }
        #expect(halt.reason == one.name)
        let offered = HaltGuide.choices(
            for: halt, knowsPartitions: !one.books.partitions.isEmpty)
        // `retry` answers nothing: it has the lane look again.
        for (word, argument) in HaltChoice.words where word != "retry" {
            let act = Act(
                id: "1", choice: word, reason: halt.reason,
                argument: argument == nil ? "" : "earliest", at: 0)
            let verdict = Reconciliation.judge(
                books: one.books, view: one.view, now: one.now, acts: [act])
            var goesOn = true
            if case .halt = verdict { goesOn = false }
            #expect(goesOn == offered.contains { $0.word == word }, "\(halt.detail): --\(word)")
        }
    }
}
