import Ledger
import Operations
import Testing

@Suite struct LagJSONTests {
    @Test("the JSON has the documented members in the documented order")
    func document() {
        var report = Fixture.mockUp
        report.contracts.removeFirst()
        #expect(
            report.json
                == #"{"generatedAt":"2026-11-22T10:30:40.000Z","contracts":[{"id":"retail-stock","#
                + #""version":"2.0.1","status":"HALTED","lag":2752,"timeLagSeconds":312,"#
                + #""partitions":[{"stream":"stock","topic":"stock","partition":0,"#
                + #""currentOffset":9120,"logStartOffset":0,"logEndOffset":11872,"lag":2752,"#
                + #""timeLagSeconds":312,"read":9120,"delivered":9120,"filtered":0,"dropped":0,"#
                + #""quarantined":0,"gaps":0,"status":"HALTED","reason":"checkpoint-lost"}]}]}"#)
    }

    @Test("unknown is null")
    func unknown() {
        let report = Fixture.builder([Fixture.retail(Fixture.lane(.idle))], ends: [:]).report()
        let json = report.json
        #expect(
            json.contains(
                #""currentOffset":9120,"logStartOffset":null,"logEndOffset":null,"lag":null,"#
                    + #""timeLagSeconds":null"#))
        #expect(json.contains(#""status":"IDLE","lag":null,"timeLagSeconds":null"#))
    }

    @Test(
        "seconds are decimals to the millisecond",
        arguments: [
            (400, "0.4"), (1_500, "1.5"), (12, "0.012"), (61_007, "61.007"), (2_000, "2"),
        ] as [(Int64, String)])
    func seconds(_ milliseconds: Int64, _ text: String) {
        var ends = Fixture.ends
        ends[LagBuilder.Key("retail-stock", Fixture.partition("stock", 0))] = PartitionEnds(
            start: 0, end: 11_872, oldest: .at(Fixture.now - milliseconds))
        let report = Fixture.builder([Fixture.retail(Fixture.lane(.running))], ends: ends).report()
        #expect(report.json.contains("\"timeLagSeconds\":\(text),\"read\""))
    }
}
