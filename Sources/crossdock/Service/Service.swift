internal import Contracts
internal import Foundation
internal import Glibc
internal import Kafka
internal import Ledger
internal import Replication
internal import Synchronization

/// The service: every lane of every active contract, each on a thread of its own, until SIGTERM. The
/// one place where concrete parts are put together.
final class Service: Sendable {
    private let project: Project
    private let secrets: Secrets
    private let ledger: Ledger
    private let log: Log
    private let untilCaughtUp: Bool
    private let stop = StopSignal()
    private let isReloadAsked = Atomic<Bool>(false)
    /// By contract.
    private let quotas = Mutex<[String: QuotaBucket]>([:])

    init(
        project: Project, secrets: Secrets, ledger: Ledger, log: Log, untilCaughtUp: Bool
    ) {
        self.project = project
        self.secrets = secrets
        self.ledger = ledger
        self.log = log
        self.untilCaughtUp = untilCaughtUp
    }

    /// Runs until SIGTERM or SIGINT, or until every lane has caught up.
    func run() -> ExitCode {
        let active = project.contracts.filter { $0.status == .active }
        for contract in project.contracts where contract.status != .active {
            log(
                .info, "not active",
                [("contract", contract.id), ("status", contract.status.rawValue)])
        }
        releaseSleeping()
        log(
            .info, "started",
            [
                ("contracts", "\(active.count)"),
                ("lanes", "\(active.count * project.configuration.lanes)"),
                ("state", project.configuration.stateDirectory), ("version", CommandTable.version),
            ])
        if active.isEmpty {
            log(.warn, "no contract is active: nothing runs until one says 'status: active'")
        }
        let fleet = Fleet { [self] in makeRun($0, after: $1) }
        for contract in active { fleet.want(contract) }
        fleet.turn { _, _ in }
        watch(fleet)
        if !untilCaughtUp { keepUp(fleet) }
        let keeper = LedgerKeeper(
            ledger: ledger, keeping: Keeping(project.configuration), log: log, stop: stop)
        keeper.start()
        if !wait(for: fleet) { leaveBehind(fleet.runners) }
        if !stop.isSet { keeper.finish() }
        let lanes = fleet.runners.count
        log(.info, "stopped", [("lanes", "\(lanes)"), ("halted", "\(fleet.halted)")])
        return fleet.halted == 0 ? .fine : .bad
    }

    private func lanePlans(
        _ contract: Contract, after predecessors: [Int: Predecessor] = [:]
    ) -> [LanePlan] {
        let quota = quota(of: contract)
        return (0..<project.configuration.lanes).map {
            LanePlan(
                contract: contract, lane: $0, lanes: project.configuration.lanes,
                keys: secrets.keys, checkpointKey: secrets.checkpointKey,
                untilCaughtUp: untilCaughtUp, predecessor: predecessors[$0], quota: quota)
        }
    }

    /// A quota's level outlives a change of the contract.
    private func quota(of contract: Contract) -> QuotaBucket? {
        quotas.withLock { quotas in
            let bucket = contract.quota.map { quotas[contract.id] ?? QuotaBucket($0) }
            if let bucket, let quota = contract.quota { bucket.set(quota) }
            quotas[contract.id] = bucket
            return bucket
        }
    }

    private func makeRun(_ contract: Contract, after predecessors: [Int: Predecessor])
        -> ContractRun
    {
        let (own, ends) = (StopSignal(within: stop), LaneEnds())
        let runners = lanePlans(contract, after: predecessors).map { plan in
            let parts = LaneParts(
                plan: plan, ledger: ledger, log: log, stop: own,
                source: secrets.client(contract.source), target: secrets.client(contract.target),
                checkpointTopic: project.configuration.checkpoints.topic)
            return LaneRunner(parts, ended: ends.add)
        }
        return ContractRun(contract, runners: runners, stop: own, ends: ends)
    }

    // MARK: The watchdog

    /// On a thread of its own: what it writes about a stalled lane may itself have to wait.
    private func watch(_ fleet: Fleet) {
        let interval = Duration.milliseconds(500)
        let thread = Thread { [self] in
            while true {
                stop.pause(interval)
                for runner in fleet.runners { runner.look(after: interval) }
            }
        }
        thread.name = "watchdog"
        thread.start()
    }

    // MARK: Contracts that change

    /// On a thread of its own: files on a network and clusters may keep it waiting, and neither lanes nor
    /// signals wait with it.
    private func keepUp(_ fleet: Fleet) {
        let thread = Thread { [self] in
            var reload = ContractReload(project, secrets: secrets, ledger: ledger, log: log)
            while !stop.isSet {
                stop.sleep(.milliseconds(100))
                if isReloadAsked.exchange(false, ordering: .relaxed) {
                    reload.now(fleet)
                } else {
                    reload.whenChanged(fleet)
                }
                fleet.turn { what, contract in
                    log(
                        .info, "contract \(what)",
                        [("contract", contract.id), ("version", contract.version)])
                }
            }
        }
        thread.name = "contracts"
        thread.start()
    }

    // MARK: The way out

    /// Waits for the lanes; after SIGTERM for no longer than the drain may take. False where a lane is
    /// left behind in a call.
    private func wait(for fleet: Fleet) -> Bool {
        var drained: ContinuousClock.Instant?
        let hadTerminal = isatty(STDERR_FILENO) == 1
        while true {
            if fleet.left <= 0 && (untilCaughtUp || stop.isSet) { return true }
            switch stop.wait(milliseconds: stop.isSet ? 20 : 200) {
            case .stop: log(.info, "stopping")
            // A terminal that was closed ends what ran in it.
            case .hangUp where hadTerminal && isatty(STDERR_FILENO) != 1: stop.set()
            case .hangUp where untilCaughtUp:
                log(.warn, "SIGHUP: a run --until-caught-up keeps the contracts it began with")
            case .hangUp: isReloadAsked.store(true, ordering: .relaxed)
            case .nothing: break
            }
            guard stop.isSet else { continue }
            fleet.close()
            let end = drained ?? .now + Self.drain
            drained = end
            if ContinuousClock.now >= end { return false }
        }
    }

    /// Longer than a lane gives its open transaction after SIGTERM (`StopSignal.patience`), and shorter
    /// than service managers wait before they kill.
    private static let drain = Duration.seconds(8)

    /// As after kill -9: whatever the partner's coordinator made of an open transaction, the next start
    /// reads from the markers.
    private func leaveBehind(_ runners: [LaneRunner]) {
        for runner in runners {
            guard let call = runner.call else { continue }
            log(
                .warn, "left behind: the outcome of what was open is read at the next start",
                [
                    ("contract", runner.lane.contract), ("lane", "\(runner.lane.lane)"),
                    ("operation", call.operation),
                ])
        }
        log(.info, "stopped", [("lanes", "\(runners.count)"), ("drained", "no")])
        // No exit handlers: other threads still use what these would free.
        _exit(ExitCode.fine.rawValue)
    }

    /// Lanes of contracts that do not run now: an open transaction of a dead one would hide everything
    /// behind it on its checkpoint partition until it times out.
    private func releaseSleeping() {
        let sleeping = project.contracts.filter { $0.status != .active }
            .flatMap { lanePlans($0) }
        for plan in sleeping where isKnown(plan.id) {
            let configuration = secrets.client(plan.contract.target)
            let sink = log.clientSink(cluster: plan.contract.target)
            let thread = Thread { [log] in
                let producer = TransactionalProducer(
                    configuration, transactionalID: plan.transactionalID, topics: [],
                    checkpointTopic: "", log: sink)
                do {
                    try producer.initialise(careful: false, timeout: .seconds(10))
                } catch {
                    log(
                        .warn, "an open transaction, if there is one, was left to time out",
                        [("transactionalId", plan.transactionalID), ("error", "\(error)")])
                }
                producer.close()
            }
            thread.start()
        }
    }

    private func isKnown(_ lane: LaneID) -> Bool {
        let books = try? LaneStore(ledger: ledger, lane: lane).books()
        return books.map { !$0.claims.isEmpty } ?? false
    }
}
