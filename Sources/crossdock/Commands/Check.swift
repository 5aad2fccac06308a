internal import Contracts
internal import Kafka
internal import Ledger
internal import Operations
internal import Replication

/// `crossdock check`: a pre-flight on both clusters, by trying.
enum Check: Command {
    static let name = "check"
    static let summary = "try both clusters: reach, topics, rights"
    static let group = CommandGroup.setUp
    static let positionals = [
        Positional(
            "CONTRACT", required: false, repeats: true,
            "a contract's id or file; without any, all that crossdock.yaml names")
    ]
    static let options = [Option.json]
    static let discussion = """
        Tries what the service will do, and changes nothing: logs in to both clusters,
        reads the source topics and the checkpoint topic, looks at partition counts and
        settings, and writes one record to each partner topic in a transaction that is
        aborted, under the transactional id crossdock.CONTRACT.check. Consumers that
        read uncommitted see that record. The service may run meanwhile.

        Then come the rights that each cluster has to grant, as kafka-acls commands:
        all of them and none more. admin.properties stands for the administrator's
        own client settings. Where the checkpoint topic is not there yet, Create on it
        is among them; the partner may make the topic and leave that one out.

        Exit 1 when a trial failed, 2 when a cluster cannot be reached.
        """

    static func run(
        _ arguments: ParsedArguments, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        let project = try Project.load(arguments, console)
        let contracts = try chosen(arguments.positionals, of: project)
        let secrets = try Secrets(project.configuration)
        var requests = Requests(secrets)
        var checks: [ContractCheck] = []
        var isUnreachable = false
        for contract in contracts {
            if console.errorIsTerminal { console.redraw("trying \(contract.id) …") }
            let pair = attempt(contract, project.configuration, secrets, &requests)
            checks.append(
                ContractCheck(
                    id: contract.id, version: contract.version, source: contract.source,
                    target: contract.target, findings: pair.flatMap(\.findings)))
            isUnreachable = isUnreachable || pair.contains { $0.isUnreachable }
        }
        if console.errorIsTerminal { console.redraw("") }
        let report = CheckReport(
            contracts: checks, requests: requests.all, partners: Set(contracts.map(\.target)),
            generatedAt: Ledger.wallClock())
        show(report, arguments, console)
        return isUnreachable ? .cannotRun : report.isBad ? .bad : .fine
    }

    private static func attempt(
        _ contract: Contract, _ configuration: Configuration, _ secrets: Secrets,
        _ requests: inout Requests
    ) -> [Trial] {
        let topic = configuration.checkpoints.topic
        var source = SourceTrial(contract, secrets.client(contract.source))
        source.run()
        let lanes = (0..<configuration.lanes).map {
            LanePlan(
                contract: contract, lane: $0, lanes: configuration.lanes, keys: [:],
                checkpointKey: [])
        }
        var partner = PartnerTrial(
            contract, secrets.client(contract.target), checkpointTopic: topic, lanes: lanes,
            source: source
        ) { isKnown(topic, on: $0, configuration.stateDirectory) }
        partner.run()
        requests.add(NeededRights.atSource(contract), to: contract.source)
        requests.add(
            NeededRights.atPartner(
                contract, checkpointTopic: topic, transactionalIDs: partner.transactionalIDs,
                createsCheckpoints: partner.createsCheckpoints), to: contract.target)
        return [source.trial, partner.trial]
    }

    private static func isKnown(_ topic: String, on cluster: String, _ directory: String) -> Bool {
        do throws(LedgerFailure) {
            return try Ledger.open(directory: directory, access: .reader)
                .checkpointTopicSeen(cluster: cluster, topic: topic)
        } catch {
            return false
        }
    }

    private static func chosen(
        _ words: [String], of project: Project
    ) throws(CommandFailure) -> [Contract] {
        guard !words.isEmpty else { return project.contracts.filter { $0.status != .retired } }
        var chosen: [Contract] = []
        for word in words {
            guard
                let contract = project.contracts.first(where: { $0.id == word || $0.file == word })
            else {
                let ids = project.contracts.map(\.id)
                throw CommandFailure(
                    .usage,
                    "no contract that \(project.configuration.file) names has the id or the file "
                        + "'\(word)'\(Spelling.hint(for: word, among: ids))",
                    next: "there are: \(ids.joined(separator: ", "))")
            }
            if !chosen.contains(where: { $0.id == contract.id }) { chosen.append(contract) }
        }
        return chosen
    }

    private static func show(
        _ report: CheckReport, _ arguments: ParsedArguments, _ console: Console
    ) {
        if arguments.wantsJSON { return console.out(report.json) }
        let lines = report.lines(width: console.width) { text, outcome in
            let colour: Console.Colour =
                switch outcome {
                case .ok: .green
                case .warning: .yellow
                case .failed: .red
                case .untried: .grey
                }
            return console.paint(text, colour)
        }
        for line in lines { console.out(line) }
    }
}

/// The rights of all contracts, by cluster.
private struct Requests {
    private let secrets: Secrets
    private(set) var all: [AccessRequest] = []

    init(_ secrets: Secrets) { self.secrets = secrets }

    mutating func add(_ rights: [AccessRight], to cluster: String) {
        if let index = all.firstIndex(where: { $0.cluster == cluster }) {
            all[index].add(rights)
            return
        }
        let client = secrets.client(cluster)
        var request = AccessRequest(
            cluster: cluster, bootstrap: client.bootstrapServers, principal: client.principal.name,
            remark: client.principal.remark)
        request.add(rights)
        all.append(request)
    }
}
