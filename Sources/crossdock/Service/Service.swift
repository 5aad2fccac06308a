internal import Contracts
internal import Foundation
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
    private let endings = Mutex<[LaneEnding]>([])

    enum LaneEnding: Sendable { case stopped, caughtUp, halted }

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
        let plans = project.contracts.filter { $0.status == .active }.flatMap(lanePlans)
        for contract in project.contracts where contract.status != .active {
            log(
                .info, "not active",
                [("contract", contract.id), ("status", contract.status.rawValue)])
        }
        releaseSleeping()
        log(
            .info, "started",
            [
                ("contracts", "\(Set(plans.map(\.contract.id)).count)"),
                ("lanes", "\(plans.count)"), ("state", project.configuration.stateDirectory),
                ("version", CommandTable.version),
            ])
        if plans.isEmpty {
            log(.warn, "no contract is active: nothing runs until one says 'status: active'")
        }
        for plan in plans { start(plan) }
        let keeper = LedgerKeeper(
            ledger: ledger, keeping: Keeping(project.configuration), log: log, stop: stop)
        keeper.start()
        while endings.withLock({ $0.count }) < plans.count || (plans.isEmpty && !untilCaughtUp) {
            if stop.wait(milliseconds: 200) { log(.info, "stopping") }
            if plans.isEmpty && stop.isSet { break }
        }
        if !stop.isSet { keeper.finish() }
        let halted = endings.withLock { $0.count { $0 == .halted } }
        log(.info, "stopped", [("lanes", "\(plans.count)"), ("halted", "\(halted)")])
        return halted == 0 ? .fine : .bad
    }

    private func lanePlans(_ contract: Contract) -> [LanePlan] {
        (0..<project.configuration.lanes).map {
            LanePlan(
                contract: contract, lane: $0, lanes: project.configuration.lanes,
                keys: secrets.keys, checkpointKey: secrets.checkpointKey,
                untilCaughtUp: untilCaughtUp)
        }
    }

    private func start(_ plan: LanePlan) {
        let parts = LaneParts(
            plan: plan, ledger: ledger, log: log, stop: stop,
            source: secrets.client(plan.contract.source),
            target: secrets.client(plan.contract.target),
            checkpointTopic: project.configuration.checkpoints.topic)
        let thread = Thread { [self] in
            let ending = parts.run()
            endings.withLock { $0.append(ending) }
        }
        thread.name = "lane \(plan.contract.id).\(plan.lane)"
        thread.stackSize = 4 << 20
        thread.start()
    }

    /// Lanes of contracts that do not run now: an open transaction of a dead one would hide everything
    /// behind it on its checkpoint partition until it times out.
    private func releaseSleeping() {
        let sleeping = project.contracts.filter { $0.status != .active }.flatMap(lanePlans)
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

/// What one lane's thread is made of; nothing of it is shared but ledger, log and stop.
private struct LaneParts: Sendable {
    let plan: LanePlan
    let ledger: Ledger
    let log: Log
    let stop: StopSignal
    let source: ClientConfiguration
    let target: ClientConfiguration
    let checkpointTopic: String

    func run() -> Service.LaneEnding {
        let id = plan.id
        let journal = LaneJournal(
            log: log, ledger: ledger, lane: id, target: plan.contract.target)
        let from = KafkaSource(
            source, contract: plan.contract, log: log.clientSink(cluster: plan.contract.source))
        let to = KafkaPartner(
            target, plan: plan, checkpointTopic: checkpointTopic,
            checkpoints: CheckpointTopicMaker(
                ledger: ledger, topic: checkpointTopic, log: log),
            log: log.clientSink(cluster: plan.contract.target))
        let lane = Lane(
            plan: plan, source: from, partner: to,
            ledger: LaneStoreAdapter(LaneStore(ledger: ledger, lane: id)),
            world: ServiceWorld(stop: stop, journal: journal))
        let ending = lane.run()
        to.closeAll()
        from.close()
        switch ending {
        case .stopped:
            journal.left()
            return .stopped
        case .caughtUp:
            journal.left()
            return .caughtUp
        case .halted: return .halted
        }
    }
}
