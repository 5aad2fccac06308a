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
        var resolver = CELResolver(.record(format))
        let expression = resolver.resolve(syntax)
        var checker = CELChecker(text: text)
        let type = checker.check(expression)
        var diagnostics = resolver.diagnostics + checker.diagnostics
        if type != .bool, type != .dyn, !diagnostics.contains(where: { $0.severity == .error }) {
            diagnostics.append(
                CELDiagnostic(syntax.range, "a filter is true or false, and this is \(type.name)"))
        }
        return diagnostics.sorted { $0.offset < $1.offset }
    }

    /// A filter ready to run; throws the first mistake.
    static func compile(
        _ text: String, format: Stream.Format, paths: @escaping ([String]) -> Int32
    ) throws(CELDiagnostic) -> CELProgram {
        for diagnostic in check(text, format: format) where diagnostic.severity == .error {
            throw diagnostic
        }
        var resolver = CELResolver(.record(format))
        let expression = resolver.resolve(try CELParser.parse(text))
        return CELCompiler.compile(
            text, expression, variableCount: resolver.slotCount,
            paths: format == .bytes ? nil : paths)
    }
}
