/// One line that the client library logged, or an error event, without secrets.
package struct ClientLogLine: Hashable, Sendable {
    /// syslog's: 0 emergency … 3 error, 4 warning, 5 notice, 6 info, 7 debug.
    package var level: Int
    /// What the line is about, in librdkafka's words ("FAIL", "PRODUCER"); "EVENT" for an error event.
    package var facility: String
    package var text: String

    package init(level: Int, facility: String, text: String) {
        self.level = level
        self.facility = facility
        self.text = text
    }
}

/// Takes a client's log lines. Called on the client library's threads: it may append to a queue
/// under a lock and nothing else.
package typealias ClientLogSink = @Sendable (ClientLogLine) -> Void

/// Cuts the values of secret keys out of text.
struct Redactor: Sendable {
    private let secrets: [String]

    init(_ secrets: [String]) {
        self.secrets = secrets.filter { !$0.isEmpty }.sorted { $0.utf8.count > $1.utf8.count }
    }

    func clean(_ text: String) -> String {
        guard secrets.contains(where: { text.contains($0) }) else { return text }
        return secrets.reduce(text) { text, secret in
            text.split(separator: secret, omittingEmptySubsequences: false)
                .joined(separator: "[redacted]")
        }
    }
}
