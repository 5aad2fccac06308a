import Foundation
import Testing

@testable import Contracts

/// The CEL specification's cases. Everything has to come out as the case says, save what
/// runbooks/cel-left-out.md lists with its reason: exactly these cases are left out, and none of them passes.
@Suite(.enabled(if: ConformanceFolder.canRun, ConformanceFolder.skipReason))
struct CELConformanceTests {
    enum Verdict {
        case passed
        case skipped(String)
        case failed(String)
    }

    private static let messages = "needs protobuf messages"

    /// Cases that cannot come out as written.
    private let broken: [String: String] = [
        "parse.json/bytes_literals/triple_single_quoted_unescaped_punctuation":
            "wants a backslash that the expression does not hold",
        "parse.json/bytes_literals/triple_double_quoted_unescaped_punctuation":
            "wants a backslash that the expression does not hold",
    ]

    @Test func `every case that this release evaluates comes out as the specification says`() throws
    {
        let folder = ConformanceFolder.folder("cel")
        let page = try ConformanceFolder.page("cel-left-out.md")
        var skipped: [String: String] = [:]
        var total = 0
        for file in try ConformanceFolder.files(folder, ".json") {
            var counts = (passed: 0, skipped: 0)
            for (name, test) in try cases(file) {
                total += 1
                switch verdict(test) {
                case .passed:
                    counts.passed += 1
                    if let reason = broken[name] { Issue.record("\(name) passes, but: \(reason)") }
                case .failed(let text):
                    guard let reason = broken[name] else {
                        Issue.record("\(name): \(test["expr"] ?? ""): \(text)")
                        continue
                    }
                    counts.skipped += 1
                    skipped[name] = reason
                case .skipped(let reason):
                    counts.skipped += 1
                    skipped[name] = reason
                }
            }
            ConformanceFolder.report(
                "\(file.lastPathComponent): \(counts.passed) passed, \(counts.skipped) skipped")
        }
        for (reason, cases) in Dictionary(grouping: skipped, by: \.value) {
            ConformanceFolder.report("skipped \(cases.count): \(reason)")
        }
        #expect(total > 1000)
        // `| case | reason |`
        let listed = Dictionary(
            page.filter { $0.first?.contains(".json/") == true }.map { ($0[0], $0[1]) }
        ) { first, _ in first }
        for (name, reason) in skipped.sorted(by: <) where listed[name] != reason {
            Issue.record("not listed in runbooks/cel-left-out.md: | \(name) | \(reason) |")
        }
        for name in listed.keys.sorted() where skipped[name] == nil {
            Issue.record("\(name) is listed in runbooks/cel-left-out.md and passes")
        }
    }

    private func cases(_ file: URL) throws -> [(String, [String: Any])] {
        let json = try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any]
        let sections = json?["section"] as? [[String: Any]] ?? []
        return sections.flatMap { section in
            (section["test"] as? [[String: Any]] ?? []).map { test in
                ("\(file.lastPathComponent)/\(section["name"] ?? "")/\(test["name"] ?? "")", test)
            }
        }
    }

    /// A case that needs protobuf messages is skipped, also where it would come out right by being refused.
    private func verdict(_ test: [String: Any]) -> Verdict {
        let needsMessages = CELCase.needsMessages(test)
        switch run(test) {
        case .passed where !CELCase.makesMessage(test): return .passed
        case let other: return needsMessages ? .skipped(Self.messages) : other
        }
    }

    private func run(_ test: [String: Any]) -> Verdict {
        let expression = test["expr"] as? String ?? ""
        let wantsError = test["eval_error"] != nil
        let (environment, values) = CELCase.environment(test)
        let syntax: CELSyntax
        do {
            syntax = try CELParser.parse(expression)
        } catch {
            return wantsError ? .passed : .failed("\(error.message) at \(error.offset)")
        }
        var resolver = CELResolver(environment)
        let resolved = resolver.resolve(syntax)
        var checker = CELChecker()
        let type = checker.check(resolved)
        if (test["disable_check"] as? Bool) != true {
            let mistakes = resolver.diagnostics + checker.diagnostics
            if let error = mistakes.first(where: { $0.severity == .error }) {
                return wantsError ? .passed : .failed(error.message)
            }
            if let wanted = (test["typed_result"] as? [String: Any])?["deduced_type"],
                CELCase.type(wanted) != type
            {
                return .failed("is deduced to be \(type)")
            }
        }
        if (test["check_only"] as? Bool) == true { return .passed }
        let program = CELCompiler.compile(
            expression, resolved, variableCount: resolver.slotCount, paths: nil)
        return evaluate(program, values, test)
    }

    private func evaluate(
        _ program: CELProgram, _ values: [CELCase.Value], _ test: [String: Any]
    ) -> Verdict {
        let slots = UnsafeMutablePointer<JSONSpan>.allocate(capacity: 1)
        defer { slots.deallocate() }
        var evaluator = CELEvaluator(program, slots: slots, topic: "")
        defer { evaluator.free() }
        for (slot, value) in values.enumerated() {
            evaluator.variables[slot] = CELCase.value(value, &evaluator)
        }
        let value = evaluator.run(
            CELInput(value: nil, key: nil, headers: .none, partition: 0, offset: 0))
        if value.isFailure {
            let text = CELFailure(rawValue: UInt8(value.payload))?.text ?? ""
            return test["eval_error"] != nil ? .passed : .failed(text)
        }
        if test["eval_error"] != nil { return .failed("no error, but \(value.typeName)") }
        let typed = (test["typed_result"] as? [String: Any])?["result"] as? [String: Any]
        let expected =
            test["value"] as? [String: Any] ?? typed ?? ["bool_value": true]
        return matches(value, expected) ? .passed : .failed("comes out as \(text(value))")
    }

    private func text(_ value: CELValue) -> String {
        switch value.tag {
        case .int: "\(value.asInt)"
        case .uint: "\(value.payload)u"
        case .double: "\(value.asDouble)"
        case .string: String(decoding: value.text, as: UTF8.self)
        case .bytes: "\(Array(value.text))"
        case .bool: "\(value.payload == 1)"
        default: "\(value.typeName)"
        }
    }

    private func matches(_ value: CELValue, _ expected: [String: Any]) -> Bool {
        guard let (kind, wanted) = expected.first else { return false }
        switch kind {
        case "null_value": return value.tag == .null
        case "bool_value": return value.tag == .bool && (value.payload == 1) == (wanted as? Bool)
        case "int64_value":
            return value.tag == .int && "\(value.asInt)" == "\(wanted)"
        case "uint64_value": return value.tag == .uint && "\(value.payload)" == "\(wanted)"
        case "double_value":
            let number =
                (wanted as? Double) ?? Double(
                    "\(wanted)".replacingOccurrences(
                        of: "Infinity", with: "inf")) ?? 0
            return value.tag == .double
                && (value.asDouble == number
                    || value.asDouble.isNaN && number.isNaN)
        case "string_value":
            return value.tag == .string && Array(value.text) == Array("\(wanted)".utf8)
        case "bytes_value":
            let data = Data(base64Encoded: wanted as? String ?? "") ?? Data()
            return value.tag == .bytes && Array(value.text) == Array(data)
        case "type_value":
            return value.tag == .type && Array(value.text) == Array("\(wanted)".utf8)
        case "list_value":
            let items = (wanted as? [String: Any])?["values"] as? [[String: Any]] ?? []
            return value.tag == .list && value.length == items.count
                && zip(value.values, items).allSatisfy { matches($0, $1) }
        case "map_value":
            let entries = (wanted as? [String: Any])?["entries"] as? [[String: Any]] ?? []
            guard value.tag == .map, value.length == entries.count else { return false }
            return entries.allSatisfy { entry in
                stride(from: 0, to: value.length * 2, by: 2).contains { place in
                    matches(value.values[place], entry["key"] as? [String: Any] ?? [:])
                        && matches(value.values[place + 1], entry["value"] as? [String: Any] ?? [:])
                }
            }
        default: return false
        }
    }
}
