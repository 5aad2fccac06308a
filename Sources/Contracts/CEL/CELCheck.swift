/// The Common Expression Language, as contract.md uses it.
package enum CEL {
    /// Mistakes in a filter, all at once, and remarks; empty where it is fine. `format` says what
    /// `value` is: any JSON object, or bytes.
    package static func check(
        _ text: String, format: Stream.Format = .json
    ) -> [CELDiagnostic] {
        let syntax: CELSyntax
        do {
            syntax = try CELParser.parse(text)
        } catch {
            return [error]
        }
        var checker = CELChecker(variables: variables(format), text: text)
        let type = checker.type(of: syntax)
        var diagnostics = checker.diagnostics
        if type != .bool, type != .dyn, !diagnostics.contains(where: { $0.severity == .error }) {
            diagnostics.append(
                CELDiagnostic(syntax.range, "a filter is true or false, and this is \(type.name)"))
        }
        return diagnostics
    }

    /// What a record offers to an expression.
    static func variables(_ format: Stream.Format) -> [String: CELType] {
        [
            "value": format == .bytes ? .bytes : .dyn, "key": .dyn, "headers": .map(.dyn),
            "topic": .string, "partition": .int, "offset": .int,
        ]
    }

    /// A filter ready to run; throws the first mistake.
    static func compile(
        _ text: String, format: Stream.Format, paths: @escaping ([String]) -> Int32
    ) throws(CELDiagnostic) -> CELProgram {
        for diagnostic in check(text, format: format) where diagnostic.severity == .error {
            throw diagnostic
        }
        let syntax = try CELParser.parse(text)
        return CELCompiler.compile(text, syntax, paths: format == .bytes ? nil : paths)
    }
}
