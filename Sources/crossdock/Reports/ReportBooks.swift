internal import Contracts
internal import Ledger
internal import Operations

/// What `lag`, `status` and `recover` work from: crossdock.yaml, the contracts as far as they can be
/// read, and the ledger. A contract with mistakes keeps no report from being made.
struct ReportBooks {
    let configuration: Configuration
    let files: [ContractFile]
    /// Those without mistakes.
    let contracts: [Contract]

    init(_ arguments: ParsedArguments, _ console: Console) throws(CommandFailure) {
        configuration = try Project.configuration(arguments, console)
        let paths = Project.contractFiles(of: configuration).filter(Files.exists)
        let readings = try Project.read(paths, configuration)
        var files: [ContractFile] = []
        for reading in readings {
            if let contract = reading.contract {
                files.append(ContractFile(contract))
            } else {
                console.progress("\(reading.file) has mistakes; see: crossdock validate")
                guard let id = reading.id?.text, !files.contains(where: { $0.id == id }) else {
                    continue
                }
                files.append(ContractFile(id: id, version: "", streams: [], standing: .active))
            }
        }
        self.files = files
        contracts = readings.compactMap(\.contract)
    }

    /// The ledger as it is now; an empty one where no service has run yet.
    func ledger() throws(CommandFailure) -> LedgerSnapshot {
        let directory = configuration.stateDirectory
        do throws(LedgerFailure) {
            let ledger = try Ledger.open(directory: directory, access: .reader)
            return LedgerSnapshot(
                lanes: try ledger.report(), acts: try ledger.contractActs(),
                isServiceRunning: ledger.isServiceRunning)
        } catch {
            if error.kind == .missing {
                return LedgerSnapshot(
                    contracts: [],
                    isServiceRunning: Ledger.isServiceRunning(directory: directory))
            }
            throw Self.failure(error)
        }
    }

    /// What the ledger knows of a contract; an empty row where a file has the id and it never ran.
    func row(
        of id: String, _ snapshot: LedgerSnapshot
    ) throws(CommandFailure) -> ContractRow {
        if let row = snapshot.contracts.first(where: { $0.id == id }) { return row }
        if files.contains(where: { $0.id == id }) {
            return ContractRow(id: id, pin: nil, lanes: [], partitions: [])
        }
        let known = Set(snapshot.contracts.map(\.id) + files.map(\.id))
        throw CommandFailure(
            .usage,
            "no contract has the id '\(id)'\(Spelling.hint(for: id, among: known.sorted()))",
            next: "see: crossdock status")
    }

    static func failure(_ error: LedgerFailure) -> CommandFailure {
        let next: String? =
            switch error.kind {
            case .corrupt: "see \(HaltGuide.page(of: "ledger-corrupt"))"
            case .inUse: "stop that one first; what it does: crossdock status"
            default: nil
            }
        return CommandFailure(
            error.kind == .missing ? .bad : .cannotRun,
            error.kind == .corrupt ? "the ledger is damaged: \(error.detail)" : error.detail,
            next: next)
    }
}

extension ContractFile {
    init(_ contract: Contract) {
        let standing: Standing =
            switch contract.status {
            case .active: .active
            case .draft: .draft
            case .suspended: .suspended
            case .retired: .retired
            }
        self.init(
            id: contract.id, version: contract.version, streams: contract.streams.map(\.from),
            standing: standing, from: contract.effective.from, until: contract.effective.until)
    }
}
