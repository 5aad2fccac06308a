import Contracts
import Operations
import Testing

@Suite("the report of check") struct CheckReportTests {
    private static let contract = Contract(
        id: "flights-skyways", version: "1.3.0", hash: "00", file: "contracts/skyways.yaml",
        status: .active, source: "internal", target: "skyways",
        streams: [
            Stream(from: "flights", to: "skyways.delays", format: .json, key: .keep),
            Stream(
                from: "crews", to: "skyways.delays", format: .json, start: .group("mm2-skyways"),
                key: .keep),
        ])

    private func request(creates: Bool = false) -> AccessRequest {
        var request = AccessRequest(
            cluster: "skyways", bootstrap: "b1.skyways.example:9094", principal: "User:crossdock",
            remark: nil)
        request.add(
            NeededRights.atPartner(
                Self.contract, checkpointTopic: "crossdock.checkpoints",
                transactionalIDs: ["0", "1", "check"].map { "crossdock.flights-skyways.\($0)" },
                createsCheckpoints: creates))
        return request
    }

    private func report(_ findings: [CheckFinding]) -> CheckReport {
        CheckReport(
            contracts: [
                ContractCheck(
                    id: "flights-skyways", version: "1.3.0", source: "internal",
                    target: "skyways", findings: findings)
            ], requests: [request()], partners: ["skyways"], generatedAt: Fixture.now)
    }

    private let denied = CheckFinding(
        .failed, "skyways", "write topic skyways.delays", "TOPIC_AUTHORIZATION_FAILED",
        missing: AccessRight("Write", .topic, "skyways.delays"),
        next: "grant Write on Topic skyways.delays, as below")

    @Test("every trial under its cluster, what failed with what to do, and the grants to copy")
    func text() {
        let lines = report([
            CheckFinding(.ok, "skyways", "cluster", "reached, its id is 5L6g3nShT-eMCtK--X86sw"),
            denied,
            CheckFinding(.untried, "internal", "group crossdock.flights-skyways", "no topic"),
        ]).lines(width: 80)
        #expect(
            lines.joined(separator: "\n") == #"""
                flights-skyways 1.3.0, internal to skyways
                  internal
                    untried  group crossdock.flights-skyways: no topic
                  skyways, b1.skyways.example:9094, as User:crossdock
                    ok       cluster: reached, its id is 5L6g3nShT-eMCtK--X86sw
                    FAILED   write topic skyways.delays: TOPIC_AUTHORIZATION_FAILED
                             -> grant Write on Topic skyways.delays, as below

                What the administrator of skyways grants, and nothing more:

                kafka-acls --bootstrap-server b1.skyways.example:9094 \
                    --command-config admin.properties --add --allow-principal User:crossdock \
                    --operation Write --operation DescribeConfigs --topic skyways.delays
                kafka-acls --bootstrap-server b1.skyways.example:9094 \
                    --command-config admin.properties --add --allow-principal User:crossdock \
                    --operation Read --operation Write --operation DescribeConfigs \
                    --topic crossdock.checkpoints
                kafka-acls --bootstrap-server b1.skyways.example:9094 \
                    --command-config admin.properties --add --allow-principal User:crossdock \
                    --operation Write --transactional-id crossdock.flights-skyways.0 \
                    --transactional-id crossdock.flights-skyways.1 \
                    --transactional-id crossdock.flights-skyways.check

                1 ok, 1 failed, 1 not tried
                """#)
    }

    @Test("bad where something failed, not where it could not be tried")
    func outcome() {
        #expect(report([denied]).isBad)
        #expect(!report([CheckFinding(.untried, "skyways", "writing", "no topic")]).isBad)
        #expect(!report([CheckFinding(.warning, "skyways", "settings", "small")]).isBad)
    }

    @Test("JSON names the missing right and every right needed")
    func json() {
        let json = report([denied]).json
        #expect(json.contains(#""ok":false"#))
        #expect(
            json.contains(
                #""missing":{"operation":"Write","resourceType":"Topic","resourceName":"skyways.delays"}"#
            ))
        #expect(
            json.contains(
                #""cluster":"skyways","principal":"User:crossdock","rights":[{"operation":"Write","#
            ))
    }

    @Test("Create is asked for where the checkpoint topic is to be made, and only there")
    func creation() {
        let create = AccessRight("Create", .topic, "crossdock.checkpoints")
        #expect(!request().rights.contains(create))
        #expect(request(creates: true).rights.contains(create))
    }

    @Test("at home: each source topic and the group once, and another replicator's group")
    func home() {
        #expect(
            NeededRights.atSource(Self.contract) == [
                AccessRight("Read", .topic, "flights"), AccessRight("Read", .topic, "crews"),
                AccessRight("Read", .group, "crossdock.flights-skyways"),
                AccessRight("Describe", .group, "mm2-skyways"),
            ])
    }

    @Test("what a shell would take apart is quoted")
    func quoting() {
        var request = AccessRequest(
            cluster: "skyways", bootstrap: "b1:9094", principal: "User:CN=o'neil, O=Sky",
            remark: nil)
        request.add([AccessRight("Read", .topic, "t")])
        #expect(request.commands[0].contains(#"--allow-principal 'User:CN=o'\''neil, O=Sky'"#))
    }
}

@Suite("settings of the partner's topics") struct TopicSettingsTests {
    private func checkpoints(_ settings: [String: String]) -> [TopicSettings.Remark] {
        TopicSettings("crossdock.checkpoints", settings).asCheckpoints
    }

    @Test("markers must be compacted and never deleted")
    func policy() {
        let good = [
            "cleanup.policy": "compact", "segment.ms": "3600000",
            "min.cleanable.dirty.ratio": "0.1", "min.compaction.lag.ms": "0",
        ]
        #expect(checkpoints(good).isEmpty)
        for policy in ["delete", "compact,delete", "delete,compact"] {
            let found = checkpoints(good.merging(["cleanup.policy": policy]) { $1 })
            #expect(found.map(\.isWrong) == [true])
            #expect(
                found[0].text.contains("'\(policy)'") && found[0].text.contains("deleted by age"))
        }
    }

    @Test(
        "what makes a start slow is a warning",
        arguments: [
            ("segment.ms", "604800000"), ("min.cleanable.dirty.ratio", "0.9"),
            ("min.compaction.lag.ms", "172800000"),
        ])
    func slow(key: String, value: String) {
        let found = checkpoints(["cleanup.policy": "compact", key: value])
        #expect(found.map(\.isWrong) == [false])
        #expect(found[0].text.contains(key))
    }

    @Test(
        "the smallest limit is told with who holds it",
        arguments: [
            (1_000_000, nil, 2_000_000, nil, "it takes 1000000 bytes a record and the source"),
            (1_000_000, 1_000_000, 1_000_000, nil, ""),
            (1_000_000, 65_536, 500_000, nil, "the checkpoint topic takes 65536 bytes"),
            (1_000_000, 65_536, nil, nil, "the checkpoint topic takes 65536 bytes"),
            (1_000_000, nil, 500_000, 100_000, "message.max.bytes in crossdock.yaml takes 100000"),
            (1_000_000, nil, nil, nil, ""),
        ] as [(Int, Int?, Int?, Int?, String)])
    func sizes(limit: Int, checkpoints: Int?, source: Int?, own: Int?, said: String) {
        let found = TopicSettings("t", ["max.message.bytes": "\(limit)"])
            .asData(checkpoints: checkpoints, source: source, own: own, dropsKeys: false)
        #expect(found.count == (said.isEmpty ? 0 : 1))
        #expect(found.allSatisfy { !$0.isWrong && $0.text.hasPrefix(said) })
    }

    @Test("a compacted topic and a contract without keys do not fit")
    func keys() {
        let topic = TopicSettings("t", ["cleanup.policy": "compact"])
        #expect(
            topic.asData(checkpoints: nil, source: nil, own: nil, dropsKeys: true).map(\.isWrong)
                == [true])
        #expect(topic.asData(checkpoints: nil, source: nil, own: nil, dropsKeys: false).isEmpty)
    }

    @Test("records too old for the topic are foretold, unless the broker sets the time")
    func age() {
        var settings = ["message.timestamp.before.max.ms": "604800000"]
        func found() -> [TopicSettings.Remark] {
            TopicSettings("t", settings)
                .asData(checkpoints: nil, source: nil, own: nil, dropsKeys: false)
        }
        #expect(
            found().map(\.text) == [
                "records older than 7 days are refused by its brokers, and 'onViolation' decides on them"
            ])
        settings["message.timestamp.type"] = "LogAppendTime"
        #expect(found().isEmpty)
        settings = ["message.timestamp.before.max.ms": "9223372036854775807"]
        #expect(found().isEmpty)
    }
}
