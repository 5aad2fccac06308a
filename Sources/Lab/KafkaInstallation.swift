internal import Foundation

/// An unpacked Apache Kafka (4.x) on this machine, to run one-node clusters from.
package struct KafkaInstallation: Sendable {
    package let home: String

    /// - Throws: where there is no Kafka in `home`.
    package init(home: String) throws(LabFailure) {
        let script = home + "/bin/kafka-server-start.sh"
        guard FileManager.default.isExecutableFile(atPath: script) else {
            throw LabFailure("no Kafka in \(home): bin/kafka-server-start.sh is missing")
        }
        self.home = URL(fileURLWithPath: home).standardizedFileURL.path
    }

    /// KAFKA_HOME where it is set, else `shared/kafka` beside the working directory or beside a folder
    /// above it; nil where there is none.
    package static func discover() throws(LabFailure) -> KafkaInstallation? {
        if let home = ProcessInfo.processInfo.environment["KAFKA_HOME"], !home.isEmpty {
            return try KafkaInstallation(home: home)
        }
        var folder = URL(fileURLWithPath: FileManager.default.currentDirectoryPath)
        while folder.path != "/" {
            folder.deleteLastPathComponent()
            let home = folder.appendingPathComponent("shared/kafka").path
            if let found = try? KafkaInstallation(home: home) { return found }
        }
        return nil
    }

    /// Runs one of Kafka's scripts to its end.
    ///
    /// - Parameter log: file that takes what it says.
    func run(_ script: String, _ arguments: [String], log: String) throws(LabFailure) {
        let child = try ChildProcess(
            home + "/bin/" + script, arguments, environment: Self.javaOptions, log: log)
        defer { child.end() }
        guard child.wait(.seconds(60)) == 0 else {
            let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
            throw LabFailure("\(script) failed: \(text.suffix(2000))")
        }
    }

    /// A small JVM that is up soon.
    package static let javaOptions = [
        "KAFKA_HEAP_OPTS": "-Xms128m -Xmx512m",
        "KAFKA_JVM_PERFORMANCE_OPTS":
            "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.awt.headless=true",
    ]
}
