internal import Contracts

/// A contract's file as it stands now.
struct FoundContract {
    var file: String
    /// As far as it could be read.
    var id: String?
    /// Nil where there is a problem.
    var contract: Contract?
    /// Each in one line, with its place.
    var problems: [String]

    init(file: String, id: String?, contract: Contract?, problems: [String] = []) {
        self.file = file
        self.id = id
        self.contract = contract
        self.problems = problems
    }

    init(_ reading: ContractReading) {
        self.init(
            file: reading.file, id: reading.id?.text, contract: reading.contract,
            problems: reading.diagnostics.filter { $0.severity == .error }.map(\.text))
    }
}

/// What contract files ask of the running service. Pure.
enum ContractChanges {
    enum Step: Hashable {
        case start(Contract)
        /// Of a higher version than what runs under its id.
        case replace(Contract)
        case stop(id: String, why: String)
        /// Nothing ran under its id, and nothing is to.
        case idle(Contract)
        case refuse(Refusal)
    }

    struct Refusal: Hashable {
        var file: String
        /// Of the contract that runs on; nil where none does.
        var id: String?
        var problems: [String]
    }

    /// - Parameter running: what is in force, by id each once.
    static func steps(running: [Contract], found: [FoundContract]) -> [Step] {
        let files = Dictionary(grouping: found.filter { $0.id != nil }) { $0.id ?? "" }
        var steps: [Step] = []
        var present: Set<String> = []
        for file in found {
            let before =
                running.first { $0.id == file.id }
                ?? running.first { runs in
                    // A file that cannot be read is still the file of what was read from it.
                    file.contract == nil && runs.file == file.file
                }
            if let before { present.insert(before.id) }
            if let id = file.id, let same = files[id], same.count > 1 {
                let names = same.map(\.file).joined(separator: " and ")
                steps.append(
                    refuse(file, before, ["\(file.file): the id '\(id)' stands in \(names)"]))
            } else if let contract = file.contract {
                step(contract, file, before).map { steps.append($0) }
            } else {
                steps.append(refuse(file, before, file.problems))
            }
        }
        for contract in running where !present.contains(contract.id) {
            steps.append(.stop(id: contract.id, why: "its file \(contract.file) is gone"))
        }
        return steps
    }

    private static func step(
        _ contract: Contract, _ file: FoundContract, _ before: Contract?
    ) -> Step? {
        guard let before else {
            return contract.status == .active ? .start(contract) : .idle(contract)
        }
        if contract.hash == before.hash { return nil }
        guard contract.status == .active else {
            return .stop(id: contract.id, why: "its file says status: \(contract.status.rawValue)")
        }
        if let problem = problem(of: contract, after: before) {
            return refuse(file, before, ["\(file.file): error: \(problem)"])
        }
        return .replace(contract)
    }

    private static func refuse(
        _ file: FoundContract, _ before: Contract?, _ problems: [String]
    ) -> Step {
        .refuse(Refusal(file: file.file, id: before?.id, problems: problems))
    }

    /// Why it cannot take over from what runs.
    private static func problem(of contract: Contract, after before: Contract) -> String? {
        if contract.version == before.version {
            return "the content changed under version \(before.version); give it a higher one"
        }
        guard let new = SemanticVersion(contract.version),
            let old = SemanticVersion(before.version), new > old
        else {
            return "version \(contract.version) is not higher than \(before.version), which runs"
        }
        for (word, new, old) in [
            ("source", contract.source, before.source), ("target", contract.target, before.target),
        ] where new != old {
            return
                "'\(word)' was cluster '\(old)' and is '\(new)': that takes a new contract, or a "
                + "restart"
        }
        return keysLost(contract, before)
    }

    /// What a stream retracts it finds by the key that left, under the rule of then.
    private static func keysLost(_ contract: Contract, _ before: Contract) -> String? {
        for stream in contract.streams where stream.onScopeExit == .tombstone {
            guard let old = before.streams.first(where: { $0.from == stream.from }),
                old.onScopeExit == .tombstone
            else { continue }
            for (word, changed) in [
                ("key", old.key != stream.key), ("to", old.to != stream.to),
                ("partition", old.partition != stream.partition),
            ] where changed {
                return
                    "'\(word)' of the stream from '\(stream.from)' changed, and 'onScopeExit' is "
                    + "tombstone: what was delivered could no longer be retracted. A restart takes the "
                    + "file, and halts as presence-lost for a choice"
            }
        }
        return nil
    }
}
