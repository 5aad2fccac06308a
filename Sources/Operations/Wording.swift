internal import Foundation

/// Times and figures as every report words them.
package enum Wording {
    /// RFC 3339 in UTC, to the second.
    package static func time(_ milliseconds: Int64) -> String {
        date(milliseconds).formatted(Date.ISO8601FormatStyle())
    }

    /// RFC 3339 in UTC, to the millisecond.
    package static func preciseTime(_ milliseconds: Int64) -> String {
        date(milliseconds).formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }

    /// "10:09:40 UTC (21 min)"; with the day where it was more than 12 hours ago.
    package static func since(_ milliseconds: Int64, now: Int64) -> String {
        let text = time(milliseconds)
        let isRecent = abs(now - milliseconds) < 12 * 3_600_000
        let shown = isRecent ? String(text.dropFirst(11).prefix(8)) : String(text.prefix(16))
        return "\(shown.replacing("T", with: " ")) UTC (\(age(now - milliseconds)))"
    }

    /// "4 s", "21 min", "5 h", "3 days".
    package static func age(_ milliseconds: Int64) -> String {
        let seconds = max(0, milliseconds) / 1000
        switch seconds {
        case ..<120: return "\(seconds) s"
        case ..<7_200: return "\(seconds / 60) min"
        case ..<172_800: return "\(seconds / 3_600) h"
        default: return "\(seconds / 86_400) days"
        }
    }

    /// "312 B", "4.2 KiB", "16 MiB".
    package static func bytes(_ count: Int64) -> String {
        var rest = Double(count)
        var unit = 0
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        while rest >= 1023.5, unit < units.count - 1 {
            rest /= 1024
            unit += 1
        }
        let tenths = Int((rest * 10).rounded())
        let shown =
            unit == 0 || tenths >= 100 || tenths % 10 == 0
            ? "\(Int(rest.rounded()))" : "\(tenths / 10).\(tenths % 10)"
        return "\(shown) \(units[unit])"
    }

    /// "0s", "0.4s", "42s", "5m12s", "3h05m", "2d04h".
    package static func span(_ seconds: Double) -> String {
        if seconds < 0.05 { return "0s" }
        if seconds < 9.95 {
            let tenths = Int((seconds * 10).rounded())
            return tenths % 10 == 0 ? "\(tenths / 10)s" : "\(tenths / 10).\(tenths % 10)s"
        }
        let whole = Int(min(seconds, 1e12).rounded())
        switch whole {
        case ..<60: return "\(whole)s"
        case ..<3_600: return "\(whole / 60)m\(padded(whole % 60))s"
        case ..<86_400: return "\(whole / 3_600)h\(padded(whole % 3_600 / 60))m"
        default: return "\(whole / 86_400)d\(padded(whole % 86_400 / 3_600))h"
        }
    }

    /// Words on lines of at most `width` columns; every line but the first is indented by `hanging`,
    /// the first by `indent`. A word that is longer stands alone. A no-break space holds what is to
    /// be copied in one piece together, and becomes a plain one.
    package static func wrapped(
        _ text: String, width: Int, indent: Int = 0, hanging: Int = 2
    ) -> [String] {
        var lines: [String] = []
        var line = String(repeating: " ", count: indent)
        var isEmpty = true
        for word in text.split(separator: " ") {
            if !isEmpty, line.count + 1 + word.count > width {
                lines.append(line)
                line = String(repeating: " ", count: hanging)
                isEmpty = true
            }
            line += (isEmpty ? "" : " ") + word
            isEmpty = false
        }
        return (lines + [line]).map { $0.replacing("\u{A0}", with: " ") }
    }

    /// A command line that is not to be broken by `wrapped`.
    static func command(_ words: String) -> String { words.replacing(" ", with: "\u{A0}") }

    private static func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    private static func date(_ milliseconds: Int64) -> Date {
        Date(timeIntervalSince1970: Double(milliseconds) / 1000)
    }
}
