internal import Contracts

/// What the tests of one contract came to.
struct TestReport {
    var file: String
    /// Nil where it, or the file of tests beside it, has mistakes.
    var contract: Contract?
    var results: [(test: ContractTest, differences: [ContractTestDifference])] = []

    var isGood: Bool {
        contract != nil && !results.isEmpty && results.allSatisfy(\.differences.isEmpty)
    }

    private var failed: Int { results.count { !$0.differences.isEmpty } }

    // MARK: for a person

    /// Differences of one test that are shown.
    private static let shownDifferences = 8
    /// Lines of a text that is shown whole.
    private static let shownLines = 4

    func lines(_ console: Console) -> [String] {
        guard contract != nil else { return [file, "  invalid; no test was run"] }
        guard !results.isEmpty else {
            return [file, "  no tests; see: crossdock help test"]
        }
        var lines = [file]
        for (test, differences) in results {
            let name = Shown.cut(test.name, console.width - 8)
            guard !differences.isEmpty else {
                lines.append("  \(console.paint("ok", .green))    \(name)")
                continue
            }
            lines.append("  \(console.paint("FAIL", .red))  \(name)")
            lines.append("        \(test.file):\(test.mark.line)")
            for difference in differences.prefix(Self.shownDifferences) {
                lines += Self.lines(difference, console)
            }
            let more = differences.count - Self.shownDifferences
            if more > 0 { lines.append("        … and \(more) more") }
        }
        return lines
    }

    private static func lines(
        _ difference: ContractTestDifference, _ console: Console
    ) -> [String] {
        let width = console.width - 20
        var difference = difference
        difference.expected = Shown.oneLine(difference.expected)
        difference.got = Shown.oneLine(difference.got)
        let from = Shown.firstDifference(
            difference.expected, difference.got, width, longest: width * shownLines)
        return ["        \(Shown.cut(difference.what, console.width - 8))"]
            + Self.lines("expected", difference.expected, from, width)
            + Self.lines("got", difference.got, from, width)
    }

    /// Whole, so that it can be copied, where it fits into a few lines.
    private static func lines(
        _ label: String, _ text: String, _ from: Int, _ width: Int
    ) -> [String] {
        let shown = Shown.window(text, from, from > 0 ? width : width * shownLines)
        return Shown.wrapped(shown, width).enumerated().map { index, line in
            let head = index == 0 ? label : ""
            return "          \(head)\(String(repeating: " ", count: 10 - head.count))\(line)"
        }
    }

    static func summary(_ reports: [TestReport]) -> String {
        let all = reports.reduce(0) { $0 + $1.results.count }
        let failed = reports.reduce(0) { $0 + $1.failed }
        let invalid = reports.count { $0.contract == nil }
        let idle = reports.count { $0.contract != nil && $0.results.isEmpty }
        var text = "\(all) test\(all == 1 ? "" : "s"): \(all - failed) passed, \(failed) failed"
        if invalid > 0 { text += "; \(count(invalid)) invalid" }
        if idle > 0 { text += "; \(count(idle)) without tests" }
        return text
    }

    private static func count(_ number: Int) -> String {
        "\(number) contract\(number == 1 ? "" : "s")"
    }

    // MARK: for machines

    static func json(_ reports: [TestReport]) -> JSON {
        .object([
            ("contracts", .array(reports.map(\.json))),
            ("passed", .int(reports.reduce(0) { $0 + $1.results.count - $1.failed })),
            ("failed", .int(reports.reduce(0) { $0 + $1.failed })),
        ])
    }

    private var json: JSON {
        .object([
            ("file", .string(file)), ("id", .optional(contract?.id)),
            ("version", .optional(contract?.version)), ("ok", .bool(isGood)),
            (
                "tests",
                .array(
                    results.map { test, differences in
                        .object([
                            ("name", .string(test.name)), ("file", .string(test.file)),
                            ("line", .int(test.mark.line)), ("stream", .string(test.stream.from)),
                            ("result", .string(differences.isEmpty ? "passed" : "failed")),
                            (
                                "differences",
                                .array(
                                    differences.map {
                                        .object([
                                            ("what", .string($0.what)),
                                            ("expected", .string($0.expected)),
                                            ("got", .string($0.got)),
                                        ])
                                    })
                            ),
                        ])
                    })
            ),
        ])
    }
}
