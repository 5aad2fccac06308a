import Ledger
import Operations
import Testing

@Suite struct LagTableTests {
    @Test("a wide terminal gets one line a partition with every column")
    func wide() {
        let text = LagTable(Fixture.mockUp, width: 160).lines.joined(separator: "\n")
        #expect(
            text == """
                CONTRACT         STREAM   PARTITION  CURRENT-OFFSET  LOG-END-OFFSET   LAG  TIME-LAG  DELIVERED  FILTERED  DROPPED  QUARANTINED  STATUS
                flights-skyways  flights          0           61204           61204     0        0s      17133     44070        0            1  IDLE
                flights-skyways  flights          1           58990           60118  1128      0.4s      16501     42489        0            0  OK
                flights-skyways  (all)            -          120194          121322  1128      0.4s      33634     86559        0            1  OK
                retail-stock     stock            0            9120           11872  2752     5m12s       9120         0        0            0  HALTED checkpoint-lost

                retail-stock lane 0 is halted, checkpoint-lost: the checkpoint topic holds no marker for stock[0]; the ledger knows one at offset 9120 and has decided up to
                  9120.
                  see runbooks/halts/checkpoint-lost.md, then: crossdock recover retail-stock
                """)
    }

    @Test("140 columns get the same without the halt's word in the line")
    func almostWide() {
        let wide = LagTable(Fixture.mockUp, width: 160).lines
        let lines = LagTable(Fixture.mockUp, width: 140).lines
        #expect(Array(lines.prefix(4)) == Array(wide.prefix(4)))
        #expect(
            lines.dropFirst(4).joined(separator: "\n") == """
                retail-stock     stock            0            9120           11872  2752     5m12s       9120         0        0            0  HALTED

                retail-stock lane 0 is halted, checkpoint-lost: the checkpoint topic holds no marker for stock[0]; the ledger knows one at offset 9120 and
                  has decided up to 9120.
                  see runbooks/halts/checkpoint-lost.md, then: crossdock recover retail-stock
                """)
    }

    @Test("80 columns get headings, a refused column, and every figure whole")
    func narrow() {
        let lines = LagTable(Fixture.mockUp, width: 80).lines
        #expect(lines.allSatisfy { $0.count <= 80 })
        #expect(
            lines.joined(separator: "\n") == """
                           CURRENT-  LOG-END-        TIME-
                PARTITION    OFFSET    OFFSET   LAG    LAG  DELIVERED  FILTERED  REFUSED  STATUS
                flights-skyways  flights
                        0     61204     61204     0     0s      17133     44070        1  IDLE
                        1     58990     60118  1128   0.4s      16501     42489        0  OK
                    (all)    120194    121322  1128   0.4s      33634     86559        1  OK
                retail-stock  stock
                        0      9120     11872  2752  5m12s       9120         0        0  HALTED

                retail-stock lane 0 is halted, checkpoint-lost: the checkpoint topic holds no
                  marker for stock[0]; the ledger knows one at offset 9120 and has decided up to
                  9120.
                  see runbooks/halts/checkpoint-lost.md, then: crossdock recover retail-stock
                """)
    }

    @Test("between 80 and the full width the headers stay in one piece")
    func middle() {
        let lines = LagTable(Fixture.mockUp, width: 110).lines
        #expect(
            lines[0]
                == "PARTITION  CURRENT-OFFSET  LOG-END-OFFSET   LAG  TIME-LAG  DELIVERED  FILTERED"
                + "  REFUSED  STATUS")
        #expect(lines.allSatisfy { $0.count <= 110 })
    }

    @Test("large figures move the columns together before a line gets too long")
    func largeFigures() {
        var report = Fixture.mockUp
        report.contracts[0].partitions[0].currentOffset = 123_456_789
        report.contracts[0].partitions[0].logEndOffset = 123_456_789
        let lines = LagTable(report, width: 80).lines
        #expect(lines.allSatisfy { $0.count <= 80 })
        #expect(lines[3].contains(" 123456789 123456789 "))
    }

    @Test("what is unknown is a dash, in rows and sum")
    func unknown() {
        let report = Fixture.builder([Fixture.skyways(Fixture.lane(.running))], ends: [:]).report()
        let lines = LagTable(report, width: 140).lines
        #expect(
            lines[1].split(separator: " ") == [
                "flights-skyways", "flights", "0", "61204", "-", "-", "-", "17133", "44070", "0",
                "1", "OK",
            ])
        #expect(
            lines[3].split(separator: " ") == [
                "flights-skyways", "(all)", "-", "120194", "-", "-", "-", "33634", "86559", "0",
                "1", "OK",
            ])
    }

    @Test("colour takes no room")
    func colour() {
        let plain = LagTable(Fixture.mockUp, width: 140).lines
        let painted = LagTable(Fixture.mockUp, width: 140) { text, _ in
            "\u{1B}[31m\(text)\u{1B}[0m"
        }.lines
        let stripped = painted.map {
            $0.replacing("\u{1B}[31m", with: "").replacing("\u{1B}[0m", with: "")
        }
        #expect(stripped == plain)
        #expect(painted != plain)
    }

    @Test("lanes that wait for the same are told of once, with since when")
    func waits() {
        let row = ContractRow(
            id: "flights-skyways", pin: nil,
            lanes: [
                Fixture.lane(.waiting, "all brokers down", lane: 0, secondsAgo: 300),
                Fixture.lane(.waiting, "all brokers down", lane: 1, secondsAgo: 240),
            ], partitions: [])
        let report = Fixture.builder([row], files: [Fixture.flights], ends: [:]).report()
        #expect(report.contracts[0].status == .waiting)
        #expect(
            LagTable(report, width: 140).lines.last
                == "flights-skyways lanes 0, 1 wait since 10:25:40 UTC (5 min): all brokers down")
    }
}
