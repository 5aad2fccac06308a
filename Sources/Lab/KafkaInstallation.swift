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
    func run(_ script: String, _ arguments: [String]) throws(LabFailure) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: home + "/bin/" + script)
        process.arguments = arguments
        var environment = ProcessInfo.processInfo.environment
        environment.merge(Self.javaOptions) { _, new in new }
        process.environment = environment
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        do { try process.run() } catch { throw LabFailure("\(script): \(error)") }
        let text = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw LabFailure("\(script): \(String(decoding: text.suffix(2000), as: UTF8.self))")
        }
    }

    /// A small JVM that is up soon.
    static let javaOptions = [
        "KAFKA_HEAP_OPTS": "-Xms128m -Xmx512m",
        "KAFKA_JVM_PERFORMANCE_OPTS":
            "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.awt.headless=true",
    ]
}
