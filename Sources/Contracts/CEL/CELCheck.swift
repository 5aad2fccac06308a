/// The Common Expression Language, as contract.md uses it.
package enum CEL {
    /// What an expression is for.
    package enum Purpose: Sendable {
        /// True or false.
        case filter
        /// A computed field: anything that JSON has.
        case value
    }

    /// Mistakes in an expression, all at once, and remarks; empty where it is fine. `format` says what
    /// `value` is: any JSON object, or bytes.
    package static func check(
        _ text: String, _ purpose: Purpose = .filter, format: Stream.Format = .json
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
        if !diagnostics.contains(where: { $0.severity == .error }),
            let mistake = mistake(type, purpose)
        {
            diagnostics.append(CELDiagnostic(syntax.range, mistake))
        }
        return diagnostics.sorted { $0.offset < $1.offset }
    }

    private static func mistake(_ type: CELType, _ purpose: Purpose) -> String? {
        switch (purpose, type) {
        case (.filter, .bool), (.filter, .dyn): nil
        case (.filter, _): "a filter is true or false, and this is \(type.name)"
        case (.value, .type): "a type is nothing that JSON has"
        case (.value, .map(let key, _)) where key != .string && key != .dyn:
            "JSON's members have strings for names, and these are \(key.name)"
        case (.value, _): nil
        }
    }

    /// An expression ready to run; throws the first mistake.
    static func compile(
        _ text: String, _ purpose: Purpose, format: Stream.Format,
        paths: @escaping ([String]) -> Int32
    ) throws(CELDiagnostic) -> CELProgram {
        for diagnostic in check(text, purpose, format: format) where diagnostic.severity == .error {
            throw diagnostic
        }
        var resolver = CELResolver(.record(format))
        let expression = resolver.resolve(try CELParser.parse(text))
        return CELCompiler.compile(
            text, expression, variableCount: resolver.slotCount,
            paths: format == .bytes ? nil : paths)
    }
}
