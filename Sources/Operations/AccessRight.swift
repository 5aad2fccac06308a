package import Contracts

/// One operation on one resource, in the words of kafka-acls; the name is literal.
package struct AccessRight: Hashable, Sendable {
    package enum Resource: String, Hashable, Sendable {
        case topic = "Topic"
        case group = "Group"
        case transactionalID = "TransactionalId"

        /// As kafka-acls takes it.
        fileprivate var option: String {
            switch self {
            case .topic: "--topic"
            case .group: "--group"
            case .transactionalID: "--transactional-id"
            }
        }
    }

    package var resource: Resource
    package var name: String
    /// "Read", "Write", "Create", "Describe", "DescribeConfigs".
    package var operation: String

    package init(_ operation: String, _ resource: Resource, _ name: String) {
        self.operation = operation
        self.resource = resource
        self.name = name
    }

    /// "Write on Topic skyways.delays"
    package var text: String { "\(operation) on \(resource.rawValue) \(name)" }
}

/// What the service needs and nothing else. Read and Write each imply Describe, which is therefore not
/// asked for; a transactional producer needs no IdempotentWrite; partitions are assigned, so the group
/// has no members and needs nothing but its offsets.
package enum NeededRights {
    package static func atSource(_ contract: Contract) -> [AccessRight] {
        var rights = contract.streams.map { AccessRight("Read", .topic, $0.from) }
        rights.append(AccessRight("Read", .group, group(of: contract)))
        for case .group(let other) in contract.streams.map(\.start)
        where other != group(of: contract) {
            let right = AccessRight("Describe", .group, other)
            if !rights.contains(right) { rights.append(right) }
        }
        return rights
    }

    /// - Parameters:
    ///   - transactionalIDs: the lanes', and the one that `check` tries with.
    ///   - createsCheckpoints: the topic is not there, and the first start is to make it.
    package static func atPartner(
        _ contract: Contract, checkpointTopic: String, transactionalIDs: [String],
        createsCheckpoints: Bool
    ) -> [AccessRight] {
        var rights: [AccessRight] = []
        for topic in contract.streams.map(\.to) where !rights.contains(where: { $0.name == topic })
        {
            rights += ["Write", "DescribeConfigs"].map { AccessRight($0, .topic, topic) }
        }
        let operations =
            ["Read", "Write", "DescribeConfigs"] + (createsCheckpoints ? ["Create"] : [])
        rights += operations.map { AccessRight($0, .topic, checkpointTopic) }
        rights += transactionalIDs.map { AccessRight("Write", .transactionalID, $0) }
        return rights
    }

    package static func group(of contract: Contract) -> String { "crossdock.\(contract.id)" }
}

/// The rights of one cluster as an administrator grants them.
package struct AccessRequest: Hashable, Sendable {
    package var cluster: String
    package var bootstrap: String
    /// "User:crossdock"
    package var principal: String
    /// What to put where the principal holds a place holder.
    package var remark: String?
    package private(set) var rights: [AccessRight] = []

    package init(cluster: String, bootstrap: String, principal: String, remark: String?) {
        self.cluster = cluster
        self.bootstrap = bootstrap
        self.principal = principal
        self.remark = remark
    }

    package mutating func add(_ more: [AccessRight]) {
        for right in more where !rights.contains(right) { rights.append(right) }
    }

    /// Resources of a kind that need the same operations share a command, as kafka-acls lets them.
    package var commands: [[String]] {
        var names: [(resource: AccessRight.Resource, name: String, operations: [String])] = []
        for right in rights {
            if let index = names.firstIndex(where: {
                $0.resource == right.resource && $0.name == right.name
            }) {
                names[index].operations.append(right.operation)
            } else {
                names.append((right.resource, right.name, [right.operation]))
            }
        }
        var groups: [(resource: AccessRight.Resource, operations: [String], names: [String])] = []
        for entry in names {
            if let index = groups.firstIndex(where: {
                $0.resource == entry.resource && $0.operations == entry.operations
            }) {
                groups[index].names.append(entry.name)
            } else {
                groups.append((entry.resource, entry.operations, [entry.name]))
            }
        }
        return groups.map { group in
            [
                "kafka-acls", "--bootstrap-server \(Self.quoted(bootstrap))",
                "--command-config admin.properties", "--add",
                "--allow-principal \(Self.quoted(principal))",
            ] + group.operations.map { "--operation \($0)" }
                + group.names.map { "\(group.resource.option) \(Self.quoted($0))" }
        }
    }

    /// Each command on lines that fit, to be copied into a shell as they stand.
    package func lines(width: Int) -> [String] {
        commands.flatMap { words in
            var lines: [String] = []
            var line = words[0]
            for word in words.dropFirst() {
                if line.count + word.count + 3 > width {
                    lines.append(line + " \\")
                    line = "   "
                }
                line += " " + word
            }
            return lines + [line]
        }
    }

    /// As a POSIX shell takes it for one word.
    private static func quoted(_ text: String) -> String {
        let plain = text.utf8.allSatisfy {
            ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x41 && $0 <= 0x5A) || ($0 >= 0x61 && $0 <= 0x7A)
                || "._-:,@/".utf8.contains($0)
        }
        return plain ? text : "'" + text.replacing("'", with: "'\\''") + "'"
    }
}
