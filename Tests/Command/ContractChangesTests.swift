import Contracts
import Testing

@testable import crossdock

/// What contract files ask of the running service.
@Suite struct ContractChangesTests {
    private func contract(
        _ id: String = "a", _ version: String = "1.0.0", hash: String? = nil,
        status: Contract.Status = .active, target: String = "partner", file: String? = nil,
        streams: [Contracts.Stream] = []
    ) -> Contract {
        Contract(
            id: id, version: version, hash: hash ?? "\(id) \(version) \(status)",
            file: file ?? "\(id).yaml", status: status, source: "internal", target: target,
            streams: streams)
    }

    private func found(_ contracts: Contract...) -> [FoundContract] {
        contracts.map { FoundContract(file: $0.file, id: $0.id, contract: $0) }
    }

    private func refused(
        _ running: Contract, _ file: FoundContract, _ words: String
    ) -> Bool {
        let steps = ContractChanges.steps(running: [running], found: [file])
        guard steps.count == 1, case .refuse(let refusal) = steps[0] else { return false }
        return refusal.id == running.id && refusal.problems.joined().contains(words)
    }

    @Test func `files that did not change ask for nothing`() {
        let both = [contract("a"), contract("b")]
        #expect(
            ContractChanges.steps(running: both, found: found(both[1], both[0])).isEmpty)
        // Nor does one that was only renamed.
        let renamed = contract("a", file: "other.yaml")
        #expect(ContractChanges.steps(running: both, found: found(renamed, both[1])).isEmpty)
    }

    @Test func `a stream that retracts keeps the rule of its key`() {
        func retracting(_ version: String, _ change: (inout Contracts.Stream) -> Void) -> Contract {
            var stream = Stream(
                from: "o", to: "p.o", format: .json, key: .keep, onScopeExit: .tombstone)
            change(&stream)
            return contract("a", version, streams: [stream])
        }
        let running = retracting("1.0.0") { _ in }
        let others: [(String, Contract)] = [
            ("'key' of the stream", retracting("1.1.0") { $0.key = .pseudonym(.init(key: "k")) }),
            ("'to' of the stream", retracting("1.1.0") { $0.to = "p.other" }),
            ("'partition' of the stream", retracting("1.1.0") { $0.partition = .key }),
        ]
        for (words, other) in others { #expect(refused(running, found(other)[0], words)) }
        for free in [
            retracting("1.1.0") { $0.filter = Expression(text: "value.a") },
            retracting("1.1.0") { $0.onScopeExit = .ignore },
        ] {
            let steps = ContractChanges.steps(running: [running], found: found(free))
            #expect(steps == [.replace(free)])
        }
    }

    @Test(arguments: ["1.0.1", "1.1.0", "2.0.0-rc.1", "1.0.10"])
    func `a higher version takes over`(version: String) {
        let next = contract("a", version)
        let steps = ContractChanges.steps(running: [contract()], found: found(next))
        #expect(steps == [.replace(next)])
    }

    @Test func `what may not take over is refused, and what runs stays`() {
        let running = contract("a", "1.1.0")
        let changed = contract("a", "1.1.0", hash: "other")
        #expect(refused(running, found(changed)[0], "content changed under version 1.1.0"))
        for version in ["1.0.9", "1.1.0-rc.1", "1.1.0+build.2"] {
            #expect(refused(running, found(contract("a", version))[0], "is not higher"))
        }
        let moved = contract("a", "1.2.0", target: "other")
        #expect(refused(running, found(moved)[0], "'target' was cluster 'partner'"))
    }

    @Test func `a file with mistakes is still the file of what runs`() {
        let mistake = FoundContract(
            file: "a.yaml", id: nil, contract: nil, problems: ["a.yaml:1:1: error: no YAML"])
        #expect(refused(contract(), mistake, "a.yaml:1:1: error: no YAML"))
        // It may have been renamed and broken at once.
        let elsewhere = FoundContract(
            file: "z.yaml", id: "a", contract: nil, problems: ["z.yaml:3:1: error: x"])
        #expect(refused(contract(), elsewhere, "z.yaml:3:1"))
    }

    @Test func `two files with one id are a mistake, whichever came first`() {
        let running = contract("m", file: "m.yaml")
        for file in ["a.yaml", "z.yaml"] {
            let second = contract("m", "2.0.0", file: file)
            let steps = ContractChanges.steps(running: [running], found: found(running, second))
            #expect(steps.count == 2)
            for step in steps {
                guard case .refuse(let refusal) = step else {
                    Issue.record("\(step)")
                    continue
                }
                #expect(refusal.id == "m" && refusal.problems[0].contains("m.yaml and \(file)"))
            }
        }
    }

    @Test(arguments: [Contract.Status.suspended, .retired, .draft])
    func `a file that says it is not to run stops it, whatever its version`(
        status: Contract.Status
    ) {
        let file = contract("a", "1.0.0", status: status)
        let steps = ContractChanges.steps(running: [contract()], found: found(file))
        #expect(steps == [.stop(id: "a", why: "its file says status: \(status.rawValue)")])
        #expect(ContractChanges.steps(running: [], found: found(file)) == [.idle(file)])
    }

    @Test func `a file that is gone stops its contract and no other`() {
        let steps = ContractChanges.steps(
            running: [contract("a"), contract("b")], found: found(contract("b")))
        #expect(steps == [.stop(id: "a", why: "its file a.yaml is gone")])
    }

    @Test func `a new file starts`() {
        let new = contract("b")
        #expect(
            ContractChanges.steps(running: [contract()], found: found(contract(), new))
                == [.start(new)])
    }
}
