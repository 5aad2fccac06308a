import Ledger
import Operations
import Testing

@Suite struct OffsetsReportTests {
    private static let suspended = Act(
        id: "00aa", choice: "suspend", reason: "", argument: "", at: Fixture.now - 60_000)

    private static func marker(
        _ partition: Int32, next: Int64, batch: Int64, at offset: Int64, on checkpoint: Int32 = 0,
        acts: [Act] = [], acknowledged: [PartnerPosition] = []
    ) -> MarkerRow {
        var counts = Fixture.counts(17_133, next - 17_134, quarantined: 1)
        counts.bytes = 4_123_456
        return MarkerRow(
            place: CheckpointPlace(partition: checkpoint, offset: offset, at: Fixture.now - 1_000),
            source: Fixture.partition("flights", partition), lane: 0, nextOffset: next,
            batchSeq: batch, nonce: String(repeating: "0f", count: 16),
            digest: String(repeating: "ab", count: 32), chain: String(repeating: "cd", count: 32),
            counts: counts, pin: ContractPin(version: "1.3.0", hash: "0123456789abcdef"),
            next: ContractPin(version: "1.3.0", hash: "0123456789abcdef"),
            clusters: ClusterIDs(source: "S1", partner: "P1"), acknowledged: acknowledged,
            acts: acts)
    }

    private func offsets(_ markers: [MarkerRow], isThere: Bool = true) -> ContractOffsets {
        var found = ContractOffsets(
            id: "flights-skyways", cluster: "skyways", topic: "crossdock.checkpoints",
            isThere: isThere)
        found.markers = markers
        return found
    }

    private func report(_ contract: ContractOffsets, history: Bool = false) -> OffsetsReport {
        OffsetsReport([contract], withHistory: history, now: Fixture.now)
    }

    @Test("the newest marker of each partition, the claims, all of it within 80 columns")
    func text() {
        var contract = offsets([
            Self.marker(0, next: 50_000, batch: 700, at: 900),
            Self.marker(
                0, next: 61_204, batch: 812, at: 1_233, acts: [Self.suspended],
                acknowledged: [
                    PartnerPosition(topic: "skyways.delays", partition: 0, offset: 17_132)
                ]),
        ])
        contract.claims = [
            ClaimRow(
                place: CheckpointPlace(partition: 0, offset: 12, at: Fixture.now), lane: 0,
                instance: "5eed", nonce: "11", claimed: Fixture.now)
        ]
        let lines = report(contract).lines(width: 80)
        #expect(
            lines.joined(separator: "\n") == """
                flights-skyways: topic crossdock.checkpoints at skyways
                  flights[0]: next 61204, batch 812 of lane 0, record 0@1233
                      61204 read = 17133 delivered + 44070 filtered + 0 dropped + 1 quarantined
                        + 0 gaps; 4123456 bytes delivered
                      contract 1.3.0 (0123456789ab…)
                      nonce 0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f
                      digest abababababababababababababababababababababababababababababababab
                      source S1, partner P1
                      acknowledged before it skyways.delays[0]@17132
                      acts suspend at 2026-11-22T10:29:40Z
                  claim of lane 0 by instance 5eed, 2026-11-22T10:30:40Z, record 0@12
                """)
        #expect(lines.allSatisfy { $0.count <= 80 })
        #expect(!report(contract).isBad)
    }

    @Test("the newest is the later record of a checkpoint partition, and the later batch of two")
    func newest() {
        let contract = offsets([
            Self.marker(1, next: 20_000, batch: 5, at: 1),
            Self.marker(0, next: 30_000, batch: 9, at: 2),
            Self.marker(0, next: 20_000, batch: 8, at: 3),
            Self.marker(1, next: 40_000, batch: 4, at: 9, on: 1),
        ])
        #expect(contract.newest.map(\.batchSeq) == [8, 5])
    }

    @Test("every marker in order where it is asked for, and the JSON says null where it is not")
    func history() {
        let contract = offsets([
            Self.marker(0, next: 50_000, batch: 700, at: 900),
            Self.marker(0, next: 61_204, batch: 812, at: 1_233),
        ])
        let lines = report(contract, history: true).lines(width: 80)
        #expect(lines.contains("  every marker that compaction has left:"))
        #expect(lines.filter { $0.hasPrefix("    record 0@") }.count == 2)
        #expect(report(contract).json.contains(#""history":null"#))
        #expect(report(contract, history: true).json.contains(#""history":[{"topic":"flights""#))
    }

    @Test("a record that does not open is told, and makes the answer bad")
    func unopened() {
        var contract = offsets([])
        contract.unopened = [
            UnopenedRow(
                place: CheckpointPlace(partition: 3, offset: 8, at: -1),
                why: "sealed under another checkpoints.key")
        ]
        #expect(report(contract).isBad)
        #expect(
            report(contract).lines(width: 80) == [
                "flights-skyways: topic crossdock.checkpoints at skyways, no marker",
                "  record 3@8 does not open: sealed under another checkpoints.key",
                "  see runbooks/halts/marker-unreadable.md",
            ])
        #expect(
            report(contract).json.hasSuffix(
                #""unopened":[{"why":"sealed under another checkpoints.key","#
                    + #""checkpointPartition":3,"checkpointOffset":8,"writtenAt":null}]}]}"#))
    }

    @Test("a topic that is not there makes the answer bad")
    func missing() {
        let contract = offsets([], isThere: false)
        #expect(report(contract).isBad)
        #expect(report(contract).lines(width: 80).allSatisfy { $0.count <= 80 })
        #expect(report(contract).json.contains(#""exists":false,"partitions":[]"#))
    }

    @Test("figures, identities and acts of a marker as JSON")
    func json() {
        let contract = offsets([
            Self.marker(
                0, next: 61_204, batch: 812, at: 1_233, acts: [Self.suspended],
                acknowledged: [PartnerPosition(topic: "d", partition: 2, offset: 4)])
        ])
        let json = report(contract).json
        let start = [
            #"{"generatedAt":"2026-11-22T10:30:40.000Z","contracts":[{"id":"flights-skyways","#,
            #""cluster":"skyways","topic":"crossdock.checkpoints","exists":true,"partitions":["#,
            #"{"topic":"flights","partition":0,"lane":0,"nextOffset":61204,"batchSeq":812,"#,
        ]
        #expect(json.hasPrefix(start.joined()))
        let parts = [
            #""read":61204,"delivered":17133,"filtered":44070,"dropped":0,"quarantined":1,"gaps":0,"#,
            #""bytes":4123456,"contract":{"version":"1.3.0","hash":"0123456789abcdef"},"#,
            #""next":{"version":"1.3.0","hash":"0123456789abcdef"},"sourceCluster":"S1","#,
            #""partnerCluster":"P1","acknowledged":[{"topic":"d","partition":2,"offset":4}],"#,
            #""acts":[{"id":"00aa","choice":"suspend","reason":null,"argument":null,"#,
            #""at":"2026-11-22T10:29:40.000Z"}],"checkpointPartition":0,"checkpointOffset":1233,"#,
            #""writtenAt":"2026-11-22T10:30:39.000Z"}]"#,
        ]
        #expect(json.contains(parts.joined()))
    }
}
