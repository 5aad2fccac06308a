internal import Kafka

extension Log {
    /// Where the client library's own lines go. What matters of an outage is told by the lane, once;
    /// the library tells it every few seconds.
    func clientSink(cluster: String) -> ClientLogSink {
        { [self] line in
            // Syslog levels: 2 and below is a defect or a fatal state.
            self(
                line.level <= 2 ? .error : .debug, "client",
                [("cluster", cluster), ("facility", line.facility), ("text", line.text)])
        }
    }
}
