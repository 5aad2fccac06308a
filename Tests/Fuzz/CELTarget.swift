import Contracts

/// An expression, a NUL, a record: what is checked without a mistake runs, comes to an end, and what it yields
/// leaves as JSON.
enum CELTarget {
    nonisolated(unsafe) private static let validator = try? Validator()

    static func run(_ data: UnsafeRawBufferPointer) -> CInt {
        let end = data.firstIndex(of: 0) ?? data.count
        let text = String(decoding: data[..<end], as: UTF8.self)
        let value = UnsafeRawBufferPointer(rebasing: data[min(end + 1, data.count)...])
        for purpose in [CEL.Purpose.filter, .value] {
            let mistakes = CEL.check(text, purpose)
            for found in mistakes {
                require(
                    found.offset >= 0 && found.length >= 0
                        && found.offset + found.length <= text.utf8.count,
                    "\(found) is not inside")
            }
            let isFine = !mistakes.contains { $0.severity == .error }
            var stream = Stream(from: "a", to: "b", format: .json, fields: [], key: .drop)
            switch purpose {
            case .filter: stream.filter = Expression(text: text)
            case .value:
                let output = Path(steps: [Path.Step(member: "v")])
                stream.fields = [
                    Field(source: .value(Expression(text: text)), output: output)
                ]
            }
            let made = try? decider(stream)
            require((made != nil) == isFine, "checked one way and compiled another")
            guard let made else { continue }
            let outcome = Outcome(made, record(value))
            if let output = outcome.value {
                require(
                    output.withUnsafeBytes { validator?.takes($0) ?? false },
                    "what leaves is no JSON: \(String(decoding: output, as: UTF8.self))")
            }
            require(Outcome(made, record(value)) == outcome, "decided differently twice")
        }
        return 0
    }
}
