internal import Contracts
internal import Kafka
internal import Ledger
internal import Replication

/// What one lane is made of; each generation makes clients of its own, and shares nothing with the one
/// before but ledger, journal, log and stop.
struct LaneParts: Sendable {
    let plan: LanePlan
    let ledger: Ledger
    let log: Log
    let stop: StopSignal
    let source: ClientConfiguration
    let target: ClientConfiguration
    let checkpointTopic: String
    let journal: LaneJournal

    init(
        plan: LanePlan, ledger: Ledger, log: Log, stop: StopSignal, source: ClientConfiguration,
        target: ClientConfiguration, checkpointTopic: String
    ) {
        self.plan = plan
        self.ledger = ledger
        self.log = log
        self.stop = stop
        self.source = source
        self.target = target
        self.checkpointTopic = checkpointTopic
        journal = LaneJournal(
            log: log, ledger: ledger, lane: plan.id, target: plan.contract.target)
    }

    func tell(_ level: Log.Level, _ message: String, _ fields: [(String, String)]) {
        let own = [("contract", plan.contract.id), ("lane", "\(plan.lane)")]
        log(level, message, own + fields)
    }

    /// The life of one generation, on its thread.
    func run(_ generation: LaneGeneration) -> LaneEnd {
        let from = KafkaSource(
            source, plan: plan, generation: generation,
            log: log.clientSink(cluster: plan.contract.source))
        let to = KafkaPartner(
            target, plan: plan, checkpointTopic: checkpointTopic,
            checkpoints: CheckpointTopicMaker(
                ledger: ledger, topic: checkpointTopic, log: log),
            stop: stop, generation: generation,
            log: log.clientSink(cluster: plan.contract.target))
        to.whileWaiting = { from.serve() }
        let lane = Lane(
            plan: plan, source: from, partner: to,
            ledger: LaneStoreAdapter(LaneStore(ledger: ledger, lane: plan.id), generation),
            world: ServiceWorld(stop: stop, generation: generation, journal: journal))
        let ending = lane.run()
        to.closeAll()
        from.close()
        let halted = if case .halted = ending { true } else { false }
        if !halted && !generation.isOver { journal.left() }
        let kind: LaneEnd.Kind =
            switch ending {
            case .stopped: .stopped
            case .caughtUp: .caughtUp
            case .halted: .halted
            }
        return LaneEnd(lane: plan.lane, kind: kind, predecessor: lane.predecessor)
    }
}
