/// A stream cannot be decided as its contract says: a key is missing, or the contract was not checked.
package struct EngineError: Error, Hashable, Sendable {
    package var message: String
    package init(message: String) { self.message = message }
}

/// Why a record did not conform, as the record path notes it: no text is made before somebody asks.
enum Trouble {
    case none
    case json(JSONFault)
    case filter(CELFailure, node: Int32)
    case filterNotBool(CELValue.Tag)
    case absent(field: Int32)
    case null(field: Int32)
    case type(field: Int32, JSONKind)
    case check(field: Int32, ValueChecks.Breach)
    case transform(field: Int32, JSONKind)
    /// The computed field, its program and why that has no value.
    case computed(field: Int32, CELFailure, node: Int32)
    case key(JSONKind)
    case keyTransform(JSONKind)

    /// `programs`: of the computed fields, by field.
    func violation(
        _ stream: Stream, _ filter: CELProgram?, _ programs: [Int: CELProgram]
    ) -> Violation {
        func path(_ field: Int32) -> String {
            switch stream.fields[Int(field)].source {
            case .path(let path): path.text
            case .value(let expression): expression.text
            case .constant: ""
            }
        }
        switch self {
        case .none: return Violation(rule: .check, detail: "")
        case .json(let fault): return Violation(rule: .invalidJSON, detail: fault.text)
        case .filter(let failure, let node):
            let part = filter?.source(of: node) ?? ""
            return Violation(
                rule: .filterError, path: filter?.text ?? "", detail: "\(part): \(failure.text)")
        case .filterNotBool(let tag):
            return Violation(
                rule: .filterNotBool, path: filter?.text ?? "",
                detail: "is \(CELValue(tag).typeName), not bool")
        case .absent(let field):
            return Violation(rule: .required, path: path(field), detail: "is absent")
        case .null(let field):
            return Violation(rule: .required, path: path(field), detail: "is null")
        case .type(let field, let kind):
            let wanted = stream.fields[Int(field)].type?.rawValue ?? ""
            return Violation(
                rule: .type, path: path(field), detail: "is \(kind.name), not \(wanted)")
        case .check(let field, let breach):
            return Violation(rule: .check, path: path(field), detail: breach.text)
        case .computed(let field, let failure, let node):
            let part = programs[Int(field)]?.source(of: node) ?? ""
            return Violation(
                rule: .computed, path: path(field), detail: "\(part): \(failure.text)")
        case .transform(let field, let kind):
            return Violation(
                rule: .transform, path: path(field),
                detail: "the transform does not take this \(kind.name)")
        case .key(let kind):
            return Violation(rule: .key, path: keyPath(stream), detail: "the key is \(kind.name)")
        case .keyTransform(let kind):
            return Violation(
                rule: .key, path: keyPath(stream),
                detail: "the transform does not take this \(kind.name)")
        }
    }

    private func keyPath(_ stream: Stream) -> String {
        if case .path(let path, _) = stream.key { path.text } else { "" }
    }
}
