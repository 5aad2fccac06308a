import Foundation
import Testing

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

    private static let cases =
        (ProcessInfo.processInfo.environment["CROSSDOCK_SHARED"].map { URL(fileURLWithPath: $0) }
        ?? repository.deletingLastPathComponent().appendingPathComponent("shared"))
        .appendingPathComponent("conformance")

    /// False where there are no cases, which is said loudly, and CI does not demand them.
    static let canRun: Bool = {
        if FileManager.default.fileExists(atPath: cases.path) { return true }
        report("SKIPPED: no conformance cases at \(cases.path) (CROSSDOCK_SHARED)")
        let demand = ProcessInfo.processInfo.environment["CI"]?.lowercased() ?? ""
        return !["", "0", "false"].contains(demand)
    }()

    static let skipReason: Comment = "no conformance cases found: set CROSSDOCK_SHARED"

    static func folder(_ name: String) -> URL { cases.appendingPathComponent(name) }

    static func files(_ folder: URL, _ suffix: String) throws -> [URL] {
        try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { $0.lastPathComponent.hasSuffix(suffix) }
            .sorted { $0.lastPathComponent < $1.lastPathComponent }
    }

    static func report(_ line: String) {
        FileHandle.standardError.write(Data((line + "\n").utf8))
    }
}
