internal import Contracts
internal import Cryptography
internal import Ledger

/// Reads the contracts again while the service runs: at SIGHUP, and by itself soon after a file changed.
/// What can take effect is handed to the fleet; what cannot leaves what runs as it is, and is said once.
struct ContractReload {
    private let project: Project
    private let secrets: Secrets
    private let ledger: Ledger
    private let log: Log
    private let configuration: [UInt8]?
    private var watch: ContractWatch
    private var lookedAt = ContinuousClock.now
    /// By file: what was said of it last.
    private var told: [String: [String]] = [:]
    private var isBlind = false

    private static let interval = Duration.seconds(1)

    init(_ project: Project, secrets: Secrets, ledger: Ledger, log: Log) {
        self.project = project
        self.secrets = secrets
        self.ledger = ledger
        self.log = log
        configuration = Self.digest(project.configuration.file)
        watch = ContractWatch(patterns: project.configuration.contracts)
    }

    // MARK: When

    /// Called often.
    mutating func whenChanged(_ fleet: Fleet) {
        guard ContinuousClock.now - lookedAt >= Self.interval else { return }
        lookedAt = .now
        if watch.look() { read(fleet) }
    }

    /// SIGHUP: everything is read, whatever stat says, and what is refused is said again.
    mutating func now(_ fleet: Fleet) {
        log(.info, "SIGHUP: contracts are read again")
        if Self.digest(project.configuration.file) != configuration {
            log(
                .warn, "crossdock.yaml changed and is not read again",
                [("file", project.configuration.file), ("next", "restart the service")])
        }
        told = [:]
        read(fleet)
    }

    private static func digest(_ file: String) -> [UInt8]? {
        do throws(Files.Failure) { return SHA256.hash(try Files.read(file)) } catch { return nil }
    }

    // MARK: What

    private mutating func read(_ fleet: Fleet) {
        guard watch.files != nil else {
            if !isBlind { log(.error, "the contracts' directory cannot be read; they stay as is") }
            isBlind = true
            return
        }
        isBlind = false
        let configuration = project.configuration
        let found = watch.read { paths in
            paths.filter(Files.exists).map { Self.find($0, configuration) }
        }
        // Changed while it was read: the next look sees to it.
        guard let found else { return }
        var refusals: [ContractChanges.Refusal] = []
        for step in ContractChanges.steps(running: fleet.contracts, found: found) {
            if let refusal = carryOut(step, fleet) { refusals.append(refusal) }
        }
        tell(refusals, fleet)
    }

    private static func find(_ path: String, _ configuration: Configuration) -> FoundContract {
        do throws(Files.Failure) {
            return FoundContract(try Project.readOne(path, configuration))
        } catch {
            return FoundContract(
                file: path, id: nil, contract: nil,
                problems: ["\(path): error: cannot be read: \(error.reason)"])
        }
    }

    /// Why it was not, where it was not.
    private func carryOut(
        _ step: ContractChanges.Step, _ fleet: Fleet
    ) -> ContractChanges.Refusal? {
        switch step {
        case .start(let contract), .replace(let contract):
            let before = fleet.contracts.first { $0.id == contract.id }
            if let problem = admit(contract, after: before) {
                return ContractChanges.Refusal(
                    file: contract.file, id: before?.id, problems: [problem])
            }
            log(
                .info, "contract taken",
                [("contract", contract.id), ("version", contract.version), ("file", contract.file)])
            fleet.want(contract)
        case .stop(let id, let why):
            log(.warn, "contract stops at its lanes' next batch", [("contract", id), ("why", why)])
            fleet.drop(id)
        case .idle: break
        case .refuse(let refusal): return refusal
        }
        return nil
    }

    private func admit(_ contract: Contract, after before: Contract?) -> String? {
        do throws(CommandFailure) {
            try Start.tryKeys(contract, secrets)
            if let before,
                let problem = TopicFit(secrets: secrets).problem(of: contract, after: before)
            {
                return "\(contract.file): error: \(problem)"
            }
            try Start.pin(contract, in: ledger)
            return nil
        } catch {
            return error.message
        }
    }

    private mutating func tell(_ refusals: [ContractChanges.Refusal], _ fleet: Fleet) {
        for refusal in refusals where told[refusal.file] != refusal.problems {
            let id = refusal.id.map { [("contract", $0)] } ?? []
            for problem in refusal.problems {
                log(.error, "contract mistake", id + [("mistake", problem)])
            }
            let stays = fleet.contracts.first { $0.id == refusal.id }.map {
                "version \($0.version) goes on"
            }
            log(
                .error, "contract not taken",
                id + [
                    ("file", refusal.file), ("effect", stays ?? "nothing runs by this file"),
                    ("next", "crossdock validate"),
                ])
        }
        told = Dictionary(refusals.map { ($0.file, $0.problems) }) { $0 + $1 }
        for contract in fleet.contracts {
            let problem = refusals.first { $0.id == contract.id }?.problems.first
            let remark = problem.map { "its changed file is not taken: \($0)" } ?? ""
            fleet.run(of: contract.id)?.runners.forEach { $0.remark(remark) }
        }
    }
}
