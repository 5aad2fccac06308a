internal import Contracts

/// Judges a topic's settings, as DescribeConfigs tells them, for what Crossdock does with the topic.
/// Pure; what the brokers do not tell is not judged.
package struct TopicSettings: Sendable {
    package struct Remark: Hashable, Sendable {
        package var isWrong: Bool
        package var text: String
        package var next: String
    }

    private let topic: String
    private let settings: [String: String]

    package init(_ topic: String, _ settings: [String: String]) {
        self.topic = topic
        self.settings = settings
    }

    package var maxMessageBytes: Int? { settings["max.message.bytes"].flatMap { Int($0) } }

    private func milliseconds(_ key: String) -> Int64? { settings[key].flatMap { Int64($0) } }

    private static let day: Int64 = 86_400_000

    // MARK: The checkpoint topic

    /// Markers must stay for ever, the newest of each key, and be found soon.
    package var asCheckpoints: [Remark] {
        var remarks: [Remark] = []
        if let policy = settings["cleanup.policy"], policy != "compact" {
            remarks.append(
                Remark(
                    isWrong: true,
                    text: "cleanup.policy is '\(policy)': markers would "
                        + (policy.contains("delete")
                            ? "be deleted by age, and the lanes halt on that"
                            : "be kept without end"),
                    next: alter("cleanup.policy=compact")))
        }
        if let roll = milliseconds("segment.ms"), roll > Self.day {
            remarks.append(
                Remark(
                    isWrong: false,
                    text: "segment.ms is \(Wording.age(roll)): a start may read the markers of "
                        + "that long, as an open segment is not compacted",
                    next: alter("segment.ms=3600000")))
        }
        if let ratio = settings["min.cleanable.dirty.ratio"].flatMap({ Double($0) }), ratio > 0.5 {
            remarks.append(
                Remark(
                    isWrong: false,
                    text: "min.cleanable.dirty.ratio is \(ratio): it is compacted late, and a "
                        + "start reads more",
                    next: alter("min.cleanable.dirty.ratio=0.1")))
        }
        if let lag = milliseconds("min.compaction.lag.ms"), lag > Self.day {
            remarks.append(
                Remark(
                    isWrong: false,
                    text: "min.compaction.lag.ms is \(Wording.age(lag)): a start reads the markers "
                        + "of that long",
                    next: alter("min.compaction.lag.ms=0")))
        }
        return remarks
    }

    // MARK: A data topic

    /// - Parameters:
    ///   - checkpoints: the checkpoint topic's max.message.bytes, where known: one limit holds for all
    ///     that a lane writes.
    ///   - source: the source topic's, where known.
    ///   - own: message.max.bytes of the operator's settings, where set.
    ///   - dropsKeys: the contract's `key` is `drop`.
    package func asData(checkpoints: Int?, source: Int?, own: Int?, dropsKeys: Bool) -> [Remark] {
        var remarks: [Remark] = []
        if let limit = maxMessageBytes {
            remarks += sizes(limit, checkpoints: checkpoints, source: source, own: own)
        }
        if dropsKeys, settings["cleanup.policy"]?.contains("compact") ?? false {
            remarks.append(
                Remark(
                    isWrong: true,
                    text: "it is compacted and takes no record without a key, and the contract "
                        + "says 'key: drop'",
                    next: "let the contract keep a key, or ask the partner for "
                        + "cleanup.policy=delete"))
        }
        let oldest =
            milliseconds("message.timestamp.before.max.ms")
            ?? milliseconds("message.timestamp.difference.max.ms")
        if let oldest, oldest < 10_000 * Self.day,
            settings["message.timestamp.type"] != "LogAppendTime"
        {
            remarks.append(
                Remark(
                    isWrong: false,
                    text: "records older than \(Wording.age(oldest)) are refused by its brokers, "
                        + "and 'onViolation' decides on them",
                    next: "ask the partner to raise message.timestamp.before.max.ms, where older "
                        + "ones are to be delivered"))
        }
        return remarks
    }

    private func sizes(_ limit: Int, checkpoints: Int?, source: Int?, own: Int?) -> [Remark] {
        let most = min(limit, checkpoints ?? limit, own ?? limit)
        guard let source, source > most else {
            guard let checkpoints, checkpoints < limit else { return [] }
            return [
                Remark(
                    isWrong: false,
                    text: "the checkpoint topic takes \(checkpoints) bytes a record and this one "
                        + "\(limit): the smaller limit holds for both",
                    next: "ask the partner to raise max.message.bytes of the checkpoint topic")
            ]
        }
        let holder =
            most == limit
            ? "it" : most == own ? "message.max.bytes in crossdock.yaml" : "the checkpoint topic"
        return [
            Remark(
                isWrong: false,
                text: "\(holder) takes \(most) bytes a record and the source up to \(source): what "
                    + "is larger when it leaves is a violation",
                next: most == own && most < limit
                    ? "raise message.max.bytes" : "ask the partner to raise max.message.bytes")
        ]
    }

    private func alter(_ setting: String) -> String {
        "ask the partner: "
            + Wording.command(
                "kafka-configs --alter --topic \(topic) --add-config \(setting)")
    }
}
