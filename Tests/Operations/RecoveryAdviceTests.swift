import Ledger
import Operations
import Testing

@Suite struct RecoveryAdviceTests {
    private func advice(
        _ row: ContractRow, lane: Int? = nil, running: Bool = true
    ) -> RecoveryAdvice {
        RecoveryAdvice(row, lane: lane, isServiceRunning: running, now: Fixture.now)
    }

    private var lost: ContractRow {
        Fixture.retail(Fixture.lane(.halted, secondsAgo: 1_260, halt: Fixture.lost))
    }

    @Test("the JSON tells the same: found, causes, choices and their commands")
    func json() throws {
        let text = advice(lost).json
        #expect(
            text.hasPrefix(
                #"{"generatedAt":"2026-11-22T10:30:40.000Z","contract":"retail-stock","#
                    + #""serviceRunning":true,"halts":[{"reason":"checkpoint-lost","meaning":"#))
        #expect(
            text.contains(
                #""lanes":[{"lane":0,"since":"2026-11-22T10:09:40.000Z","found":"the checkpoint "#
                    + #"topic holds no marker for stock[0];"#))
        #expect(
            text.contains(
                #"{"choice":"start-at","argument":"OFFSET|TIME|earliest|latest","effect":"#))
        #expect(text.contains(#""command":"crossdock recover retail-stock --trust-ledger"}"#))
        #expect(text.hasSuffix(#""runbook":"runbooks/halts/checkpoint-lost.md"}]}"#))
        #expect(advice(Fixture.retail(Fixture.lane(.running))).json.hasSuffix(#""halts":[]}"#))
    }

    @Test("a halt is explained: found, causes, choices, and that nothing was changed")
    func explained() {
        let lines = advice(lost).lines(width: 80)
        #expect(lines.allSatisfy { $0.count <= 80 })
        let text = lines.joined(separator: "\n")
        #expect(
            text.hasPrefix(
                """
                retail-stock lane 0 halted, checkpoint-lost, since 10:09:40 UTC (21 min).
                Found: the checkpoint topic holds no marker for stock[0]; the ledger knows one
                  at offset 9120 and has decided up to 9120.
                The checkpoint topic holds no marker where there must be one.
                What may have happened:
                  - the topic was deleted, recreated or emptied, or its cleanup.policy is
                    'delete'
                """))
        #expect(
            text.contains(
                """
                Choices, each recorded in the ledger:
                  --trust-ledger
                      write new markers at the ledger's offsets and go on. Right if only the
                      checkpoint topic was lost.
                """))
        #expect(text.contains("\n  --start-at OFFSET|TIME|earliest|latest\n"))
        #expect(
            text.hasSuffix("See runbooks/halts/checkpoint-lost.md.\nNothing was changed."))
    }

    @Test("a halt without a choice says so", arguments: HaltGuide.all.filter(\.choices.isEmpty))
    func choiceless(_ guide: HaltGuide) {
        let halt = Halt(reason: guide.reason, detail: "found")
        let advice = advice(Fixture.retail(Fixture.lane(.halted, halt: halt)))
        #expect(
            advice.lines(width: 80).contains(
                "There is no choice to record: the cause has to go, then start again."))
        for (word, _) in HaltChoice.words {
            #expect(advice.refusal(of: word)?.contains("there is no choice") == true)
        }
    }

    @Test("every explanation fits 80 columns", arguments: HaltGuide.all)
    func fits(_ guide: HaltGuide) {
        let halt = Halt(reason: guide.reason, detail: "partitions of the partner's topic 'x'")
        let lines = advice(Fixture.retail(Fixture.lane(.halted, halt: halt))).lines(width: 80)
        #expect(lines.allSatisfy { $0.count <= 80 })
    }

    @Test("a choice that does not fit is refused with those that do")
    func refused() {
        #expect(advice(lost).refusal(of: "trust-ledger") == nil)
        #expect(
            advice(lost).refusal(of: "accept-gap")
                == "--accept-gap is no answer to checkpoint-lost, for which retail-stock lane 0 "
                + "is halted; offered: --trust-ledger, --start-at, --retry")
    }

    @Test("lanes that halted for different reasons are told apart, and one can be named")
    func severalLanes() {
        var row = lost
        let gap = Halt(reason: "retention-gap", detail: "gone")
        row.lanes.append(Fixture.lane(.halted, lane: 1, halt: gap))
        row.lanes.append(Fixture.lane(.running, lane: 2))
        #expect(advice(row).cases.map(\.reason) == ["checkpoint-lost", "retention-gap"])
        #expect(advice(row).refusal(of: "trust-ledger") != nil)
        #expect(advice(row).refusal(of: "start-at") == nil)
        #expect(advice(row, lane: 0).refusal(of: "trust-ledger") == nil)
        #expect(advice(row, lane: 2).cases.isEmpty)
    }

    @Test("lanes that halted for one reason and accept different choices are told apart, too")
    func severalChoices() {
        var row = lost
        let cut = Halt(reason: "source-truncated", detail: "stock[0] ends at 0 now")
        let gone = Halt(reason: "source-truncated", detail: "stock[1] is not there any more: …")
        row.lanes = [
            Fixture.lane(.halted, lane: 0, halt: cut), Fixture.lane(.halted, lane: 1, halt: gone),
        ]
        #expect(advice(row).cases.map { $0.choices.map(\.word) } == [["start-at"], ["retry"]])
        #expect(advice(row).refusal(of: "retry") != nil)
        #expect(advice(row, lane: 1).refusal(of: "retry") == nil)
    }

    @Test("who is not halted has nothing to choose")
    func notHalted() {
        let advice = advice(Fixture.retail(Fixture.lane(.running)))
        #expect(advice.lines(width: 80) == ["retail-stock is not halted. Nothing was changed."])
        #expect(advice.refusal(of: "take-over") != nil)
    }

    @Test("what was recorded is confirmed, with who takes it up and when")
    func confirmed() {
        #expect(
            advice(lost).confirmation(of: "start-at", argument: "9000", width: 100) == [
                "Recorded: --start-at 9000 for retail-stock lane 0, halted for checkpoint-lost.",
                "The running service takes it up within two seconds; see: crossdock status",
            ])
        #expect(
            advice(lost, running: false).confirmation(
                of: "trust-ledger", argument: "", width: 100
            ).last
                == "The service is not running and takes it up when it does; next: crossdock start")
    }
}
