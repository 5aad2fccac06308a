import Foundation

/// Conformance cases of others: `CROSSDOCK_SHARED`, else `shared` beside the checkout.
enum ConformanceFolder {
    private static let repository = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The cells of every table row in a page of runbooks/.
    static func page(_ name: String) throws -> [[String]] {
        let text = try String(
            contentsOf: repository.appendingPathComponent("runbooks/\(name)"), encoding: .utf8)
        return text.split(separator: "\n").filter { $0.hasPrefix("| ") }.map { row in
            row.dropFirst().dropLast().split(separator: "|").map {
                $0.trimmingCharacters(in: CharacterSet(charactersIn: " `"))
            }
        }
    }

    static func folder(_ name: String) -> URL? {
        let shared =
            ProcessInfo.processInfo.environment["CROSSDOCK_SHARED"].map {
                URL(fileURLWithPath: $0)
            } ?? repository.deletingLastPathComponent().appendingPathComponent("shared")
        let folder = shared.appendingPathComponent("conformance/\(name)")
        if FileManager.default.fileExists(atPath: folder.path) { return folder }
        report("SKIPPED: no conformance cases at \(folder.path) (CROSSDOCK_SHARED)")
        return nil
    }

    static func files(_ folder: URL, _ suffix: String) throws -> [URL] {
        try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { $0.lastPathComponent.hasSuffix(suffix) }
            .sorted { $0.lastPathComponent < $1.lastPathComponent }
    }

    static func report(_ line: String) {
        FileHandle.standardError.write(Data((line + "\n").utf8))
    }
}
