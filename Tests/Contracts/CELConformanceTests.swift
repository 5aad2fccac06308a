import Foundation
import Testing

@testable import Contracts

/// The CEL specification's cases. What this release refuses by name is counted with its reason;
/// everything else has to come out as the case says.
@Suite struct CELConformanceTests {
    enum Verdict {
        case passed
        case skipped(String)
        case failed(String)
    }

    /// Cases that cannot come out as written.
    private let broken: [String: String] = [
        "parse.json/bytes_literals/triple_single_quoted_unescaped_punctuation":
            "wants a backslash that the expression does not hold",
        "parse.json/bytes_literals/triple_double_quoted_unescaped_punctuation":
            "wants a backslash that the expression does not hold",
    ]

    @Test func `every case that this release evaluates comes out as the specification says`() throws
    {
        guard let folder = ConformanceFolder.folder("cel") else { return }
        var reasons: [String: Int] = [:]
        var total = 0
        for file in try ConformanceFolder.files(folder, ".json") {
            var passed = 0
            var skipped = 0
            for (name, test) in try cases(file) {
                total += 1
                switch verdict(test) {
                case .passed:
                    passed += 1
                    if let reason = broken[name] { Issue.record("\(name) passes, but: \(reason)") }
                case .failed where broken[name] != nil:
                    skipped += 1
                    reasons[broken[name] ?? "", default: 0] += 1
                case .skipped(let reason):
                    skipped += 1
                    reasons[reason, default: 0] += 1
                case .failed(let text):
                    Issue.record("\(name): \(test["expr"] ?? ""): \(text)")
                }
            }
            ConformanceFolder.report(
                "\(file.lastPathComponent): \(passed) passed, \(skipped) skipped")
        }
        for (reason, count) in reasons.sorted(by: { $0.value > $1.value }) {
            ConformanceFolder.report("skipped \(count): \(reason)")
        }
        #expect(total > 1000)
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

    private func verdict(_ test: [String: Any]) -> Verdict {
        let expression = test["expr"] as? String ?? ""
        if test["type_env"] != nil || test["bindings"] != nil {
            return .skipped("variables other than a record's")
        }
        if let kind = test["check_only"] as? Bool, kind { return .skipped("types of check_only") }
        let wantsError = test["eval_error"] != nil
        let syntax: CELSyntax
        do {
            syntax = try CELParser.parse(expression)
        } catch {
            if let reason = refusal([error]) { return .skipped(reason) }
            return wantsError ? .passed : .failed("\(error.message) at \(error.offset)")
        }
        var checker = CELChecker(variables: [:])
        _ = checker.type(of: syntax)
        if let reason = refusal(checker.diagnostics) { return .skipped(reason) }
        if (test["disable_check"] as? Bool) != true,
            let error = checker.diagnostics.first(where: { $0.severity == .error })
        {
            return wantsError ? .passed : .failed(error.message)
        }
        return run(expression, syntax, test)
    }

    private func refusal(_ diagnostics: [CELDiagnostic]) -> String? {
        for diagnostic in diagnostics {
            if diagnostic.message.contains("this release") { return diagnostic.message }
            if diagnostic.message.hasPrefix("unknown variable") { return "names outside a record" }
        }
        return nil
    }

    private func run(
        _ expression: String, _ syntax: CELSyntax, _ test: [String: Any]
    ) -> Verdict {
        let program = CELCompiler.compile(expression, syntax, paths: nil)
        let slots = UnsafeMutablePointer<JSONSpan>.allocate(capacity: 1)
        defer { slots.deallocate() }
        var evaluator = CELEvaluator(program, slots: slots, topic: "")
        defer { evaluator.free() }
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
        default: value.typeName
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
