internal import Cryptography
internal import Foundation
internal import Lab

/// Where the demo's service lives: configuration, contract, keys, state and log in a temporary directory
/// that goes with the demo.
struct DemoDirectory {
    let path: String
    var config: String { path + "/crossdock.yaml" }

    /// - Parameter tailSecret: the pseudonym key, as text.
    init(tailSecret: String) throws(LabFailure) {
        let parent = Environment.value("TMPDIR").flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
        var template = Array("\(parent)/crossdock-demo-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw LabFailure("\(parent): \(String(cString: strerror(errno)))")
        }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let markers = "base64:" + Base64.encode(Random.bytes(32))
        try make("contracts")
        try make("secrets")
        try write("contracts/skyways.yaml", DemoContract.text)
        try write("secrets/tail.key", tailSecret)
        try write("secrets/checkpoints.key", markers)
    }

    /// Writes crossdock.yaml for two clusters.
    func configure(source: String, partner: String) throws(LabFailure) {
        try write(
            "crossdock.yaml",
            """
            stateDirectory: ./state
            contracts: [contracts/*.yaml]
            clusters:
              internal: { bootstrap.servers: "\(source)" }
              skyways: { bootstrap.servers: "\(partner)" }
            keys:
              tail-2026: ${file:./secrets/tail.key}
            checkpoints:
              topic: \(DemoContract.checkpoints)
              key: ${file:./secrets/checkpoints.key}
            lanes: \(DemoContract.lanes)

            """)
    }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// The last lines of a file, for a failure's message.
    func tail(of name: String) -> String {
        guard let bytes = try? Files.read(file(name)) else { return "" }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").suffix(12)
            .joined(separator: "\n")
    }

    func remove() { try? FileManager.default.removeItem(atPath: path) }

    private func make(_ name: String) throws(LabFailure) {
        do throws(Files.Failure) {
            try Files.makeDirectory(file(name), mode: 0o700)
        } catch {
            throw LabFailure("\(file(name)): \(error.reason)")
        }
    }

    private func write(_ name: String, _ text: String) throws(LabFailure) {
        do throws(Files.Failure) {
            try Files.create(file(name), Array(text.utf8), mode: 0o600)
        } catch {
            throw LabFailure("\(file(name)): \(error.reason)")
        }
    }
}
