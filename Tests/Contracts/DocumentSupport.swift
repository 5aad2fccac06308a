import Contracts
import Testing

/// A file's text in which the places that diagnostics must point at stand between `⟦` and `⟧`.
struct Marked {
    var text = ""
    /// In the order of the opening brackets.
    var places: [Mark] = []

    init(_ marked: String) {
        var line = 1
        var column = 1
        var open: [Int] = []
        for scalar in marked.unicodeScalars {
            switch scalar {
            case "⟦":
                open.append(places.count)
                places.append(Mark(line: line, column: column, length: 0))
            case "⟧":
                let index = open.removeLast()
                places[index].length = max(1, column - places[index].column)
            default:
                text.unicodeScalars.append(scalar)
                column = scalar == "\n" ? 1 : column + 1
                line += scalar == "\n" ? 1 : 0
            }
        }
    }
}

/// Reads the marked text as a contract and requires exactly these diagnostics, one a place.
func expect(
    _ marked: String, _ messages: String..., severity: Diagnostic.Severity = .error,
    configuration: Configuration? = nil, at location: SourceLocation = #_sourceLocation
) {
    let file = Marked(marked)
    let reading = ContractReader.read(
        bytes: Array(file.text.utf8), file: "c.yaml", configuration: configuration)
    let wanted = zip(file.places, messages).map { place, message in
        Diagnostic(
            severity: severity, file: "c.yaml", line: place.line, column: place.column,
            length: place.length, message: message)
    }
    #expect(file.places.count == messages.count, sourceLocation: location)
    #expect(
        reading.diagnostics.map(shown) == wanted.map(shown), sourceLocation: location)
    #expect((reading.contract == nil) == reading.hasErrors, sourceLocation: location)
}

/// The contract of a text that must be without mistakes; warnings are allowed.
func contract(
    _ text: String, at location: SourceLocation = #_sourceLocation
) throws -> Contract {
    let reading = ContractReader.read(bytes: Array(text.utf8), file: "c.yaml")
    #expect(reading.diagnostics.filter { $0.severity == .error } == [], sourceLocation: location)
    return try #require(reading.contract, sourceLocation: location)
}

private func shown(_ diagnostic: Diagnostic) -> String {
    "\(diagnostic.text) [\(diagnostic.length)]"
}

enum Sample {
    static let top = """
        apiVersion: crossdock/v1
        kind: ReplicationContract
        id: a
        version: 1.0.0
        status: active
        source: { cluster: internal }
        target: { cluster: partner }

        """

    /// A valid contract of one JSON stream, with these lines added to or after its stream.
    static func stream(_ lines: String = "", without: Set<String> = []) -> String {
        let own = [
            ("from", "from: orders"), ("to", "to: partner.orders"), ("format", "format: json"),
            ("key", "key: keep"), ("fields", "fields: [id]"),
        ].filter { !without.contains($0.0) }.map(\.1)
        let all =
            own + lines.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        return top + "streams:\n"
            + all.enumerated().map { ($0.offset == 0 ? "  - " : "    ") + $0.element }
            .joined(separator: "\n") + "\n"
    }

    /// A valid contract whose one stream has these fields.
    static func fields(_ fields: String...) -> String {
        stream(
            "fields:\n" + fields.map { "  - \($0)" }.joined(separator: "\n"), without: ["fields"])
    }

    static let configuration = Configuration(
        file: "crossdock.yaml", directory: ".", stateDirectory: "state", contracts: [],
        clusters: [
            "internal": Cluster(name: "internal", settings: []),
            "partner": Cluster(name: "partner", settings: []),
        ],
        keys: ["tail-2026": .environment("TAIL"), "card-2026": .environment("CARD")],
        checkpoints: Checkpoints(topic: "t", key: .environment("KEY")))
}
