internal import Foundation
internal import Glibc
internal import Synchronization

/// One line an event on standard error: time, level, message, then `name=value` pairs. No record
/// contents, no secrets. Levels and their order are swift-log's.
final class Log: Sendable {
    enum Level: Int, Comparable, Sendable {
        case debug, info, warn, error
        static func < (a: Level, b: Level) -> Bool { a.rawValue < b.rawValue }

        fileprivate var word: String {
            switch self {
            case .debug: "debug"
            case .info: "info "
            case .warn: "warn "
            case .error: "error"
            }
        }
    }

    private let least: Level
    /// One writer at a time, so that lines do not mix.
    private let turn = Mutex(())

    init(least: Level = .info) { self.least = least }

    func callAsFunction(
        _ level: Level, _ message: String, _ fields: [(String, String)] = []
    ) {
        guard level >= least else { return }
        var line = "\(Self.timestamp()) \(level.word) \(message)"
        for (name, value) in fields { line += " \(name)=\(Self.quoted(value))" }
        line += "\n"
        turn.withLock { _ in
            line.withUTF8 { bytes in
                var rest = UnsafeRawBufferPointer(bytes)
                while !rest.isEmpty {
                    let written = write(STDERR_FILENO, rest.baseAddress, rest.count)
                    if written < 0 && errno == EINTR { continue }
                    guard written > 0 else { return }
                    rest = UnsafeRawBufferPointer(rebasing: rest[written...])
                }
            }
        }
    }

    private static func timestamp() -> String {
        Date.now.formatted(Date.ISO8601FormatStyle())
    }

    /// Quoted where it holds more than one word; control characters cannot break the line.
    private static func quoted(_ value: String) -> String {
        let isWord =
            !value.isEmpty
            && value.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != 0x22 && $0 != 0x3D }
        if isWord { return value }
        var text = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"", "\\": text += "\\\(scalar)"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            default:
                text.unicodeScalars.append(
                    scalar.value < 0x20 || scalar.value == 0x7F ? "\u{FFFD}" : scalar)
            }
        }
        return text + "\""
    }
}
