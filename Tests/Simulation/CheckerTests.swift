import Testing

/// The checker must be able to fail: ports that lie about what the protocol rests on are found out.
@Suite struct CheckerTests {
    private func complaints(_ defect: Defect, _ adversary: any Adversary) -> [String] {
        let stage = CrashTests.small(adversary)
        stage.nature.effectLimit = 3_000
        stage.nature.defect = defect
        stage.run()
        stage.verify()
        return stage.nature.violations
    }

    @Test(arguments: Defect.allCases.filter { $0 != .ledgerForgetsReleases })
    func aLieIsFoundOut(_ defect: Defect) {
        let adversaries: [any Adversary] = [
            Peace(),
            Trap(.commit, 0, .doubled(9), recordsOnly: true),
            Trap(.commit, 0, .lostRequest, recordsOnly: true),
            Trap(.commit, 0, .crashBefore, recordsOnly: true),
            Trap([
                .init(operation: .commit, call: 0, recordsOnly: true, fault: .late(12))
            ]),
        ]
        let found = adversaries.contains { !complaints(defect, $0).isEmpty }
        #expect(found || (0..<300).contains { isFoundBySeed(defect, $0) }, "goes unnoticed")
    }

    private func isFoundBySeed(_ defect: Defect, _ seed: UInt64) -> Bool {
        let stage =
            defect == .nobodyIsFenced
            ? TwinTests.stage(seed)
            : SeedTests.stage(seed, keys: defect == .ledgerForgetsPresence ? 3 : nil)
        stage.nature.defect = defect
        if defect == .nobodyIsFenced {
            stage.runTwins(switches: 20)
        } else {
            stage.run()
            stage.verify()
        }
        return !stage.nature.violations.isEmpty
    }
}
