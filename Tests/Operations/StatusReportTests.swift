import Ledger
import Operations
import Testing

@Suite struct StatusReportTests {
    private func report(_ rows: [ContractRow], running: Bool = true) -> StatusReport {
        StatusReport(
            ledger: LedgerSnapshot(contracts: rows, isServiceRunning: running),
            files: [Fixture.flights, Fixture.stock], now: Fixture.now)
    }

    private let recorded = Act(
        id: "1", choice: "trust-ledger", reason: "checkpoint-lost", argument: "", at: Fixture.now)

    @Test("lanes, what they do, and what to do about a halt")
    func text() {
        let rows = [
            Fixture.skyways(Fixture.lane(.waiting, "all brokers down", secondsAgo: 300)),
            Fixture.retail(
                Fixture.lane(
                    .halted, secondsAgo: 1_260, commitSecondsAgo: 1_300, halt: Fixture.lost)),
        ]
        #expect(
            report(rows).lines(width: 80).joined(separator: "\n") == """
                The service is running.

                flights-skyways 1.3.0, active
                  lane 0  waiting    since 10:25:40 UTC (5 min), last commit 1 s ago
                          all brokers down
                          flights[0]@61204 flights[1]@58990

                retail-stock 2.0.1, active
                  lane 0  halted     since 10:09:40 UTC (21 min), last commit 21 min ago
                          checkpoint-lost: the checkpoint topic holds no marker for stock[0];
                          the ledger knows one at offset 9120 and has decided up to 9120.
                          see runbooks/halts/checkpoint-lost.md, then:
                          crossdock recover retail-stock
                          stock[0]@9120
                """)
        #expect(report(rows).isBad)
    }

    @Test("without a service lanes are stopped, whatever they said last; a halt stands")
    func down() {
        let lines = report(
            [
                Fixture.skyways(Fixture.lane(.running, commitSecondsAgo: 30)),
                Fixture.retail(
                    Fixture.lane(.running, halt: Fixture.lost, pending: [recorded])),
            ], running: false
        ).lines(width: 100)
        #expect(lines.first == "The service is not running; next: crossdock start")
        #expect(lines.contains("  lane 0  stopped    last commit 10:30:10 UTC (30 s)"))
        #expect(lines.contains("          --trust-ledger is recorded and not applied yet"))
    }

    @Test("a version that its file has not brought into force yet is told")
    func version() {
        var row = Fixture.skyways(Fixture.lane(.idle))
        row.pin = ContractPin(version: "1.2.0", hash: "00")
        #expect(
            report([row]).lines(width: 100).contains(
                "flights-skyways 1.2.0, active; its file is version 1.3.0"))
        #expect(report([row]).lines(width: 100).contains("  never started"))
        #expect(!report([row]).isBad)
    }

    @Test("the JSON names the halt, its page, its command and its choices")
    func json() {
        let halted = Fixture.lane(
            .halted, secondsAgo: 1_260, commitSecondsAgo: nil, halt: Fixture.lost)
        let json = report([Fixture.retail(halted)]).json
        #expect(
            json.hasPrefix(
                #"{"generatedAt":"2026-11-22T10:30:40.000Z","serviceRunning":true,"contracts":["#
                    + #"{"id":"flights-skyways","version":"1.3.0","status":"active","#
                    + #""statusSince":null,"lanes":[]},"#))
        #expect(
            json.hasSuffix(
                #""since":"2026-11-22T10:09:40.000Z","runbook":"#
                    + #""runbooks/halts/checkpoint-lost.md","next":"crossdock recover "#
                    + #"retail-stock","choices":["trust-ledger","start-at","retry"],"recorded":null},"#
                    + #""partitions":[{"stream":"stock","partition":0,"currentOffset":9120}]}]}]}"#
            ))
    }
}
