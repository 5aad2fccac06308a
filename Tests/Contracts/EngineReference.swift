import Contracts
import Cryptography
import Foundation

/// What leaves, decided the slow and obvious way on trees: shares nothing with the engine but the
/// document's types and libcrypto, and is what the engine is held against. Its other part is
/// EngineReferenceValues.swift.
struct Reference {
    struct Breach: Error {}
    /// The reference has no opinion.
    struct Unknown: Error {}

    var stream: Contracts.Stream
    var document: Document?
    /// What is no part of the value.
    var sample: EngineRecord

    /// The outcome, without the words of a violation.
    func outcome() throws -> Outcome {
        do {
            return try decide()
        } catch is Breach {
            switch stream.onViolation {
            case .quarantine: return Outcome(decision: .quarantined)
            case .drop: return Outcome(decision: .dropped)
            case .stop: return Outcome(decision: .stopped)
            }
        }
    }

    private func decide() throws -> Outcome {
        guard let document else {
            guard stream.forwardsTombstones else { return Outcome(decision: .filtered) }
            return try addressed(nil)
        }
        guard document.hasUniqueNames else { throw Breach() }
        if let filter = stream.filter, try !Sentence.holds(filter.text, document) {
            return Outcome(decision: .filtered)
        }
        return try addressed(output(document))
    }

    private func addressed(_ value: String?) throws -> Outcome {
        var outcome = Outcome(decision: .delivered, value: value)
        outcome.key = try key()
        outcome.headers = sample.headers.filter { stream.headers.contains($0.0) }
            .map { "\($0.0)=\($0.1 ?? "null")" }
        switch (stream.partition, outcome.key) {
        case (.keep, _): outcome.partition = sample.partition
        case (.key, nil): outcome.partition = sample.partition % 6
        case (.key, let key?):
            outcome.partition = Int32(Murmur.hash(Array(key.utf8)) & 0x7FFF_FFFF) % 6
        }
        return outcome
    }

    private func key() throws -> String? {
        switch stream.key {
        case .keep: return sample.key
        case .drop: return nil
        case .pseudonym(let pseudonym):
            return sample.key.map { Values.pseudonym($0, pseudonym) }
        case .path(let path, let transform):
            guard let value = document?.walk(path.steps.map(\.member)) else { throw Breach() }
            return try Values.keyText(value, transform)
        }
    }

    private func output(_ record: Document) throws -> String {
        let parts = stream.fields.map { field -> Part in
            guard case .path(let path) = field.source else {
                return Part(field: field, source: [], output: field.output.steps)
            }
            return Part(field: field, source: path.steps, output: field.output.steps)
        }
        return try object(parts, record, []) ?? "{}"
    }

    private struct Part {
        var field: Field
        var source: [Path.Step]
        var output: [Path.Step]
    }

    /// nil: no member at all.
    private func object(_ parts: [Part], _ base: Document, _ indices: [Int]) throws -> String? {
        var done: Set<String> = []
        var members: [String] = []
        for part in parts {
            let head = part.output[0]
            guard done.insert(head.member).inserted else { continue }
            let group = parts.filter { $0.output[0].member == head.member }
            guard let value = try member(head, group, base, indices) else { continue }
            members.append(JSONLiteral.quoted(head.member) + ":" + value)
        }
        return members.isEmpty ? nil : "{" + members.joined(separator: ",") + "}"
    }

    private func member(
        _ head: Path.Step, _ group: [Part], _ base: Document, _ indices: [Int]
    ) throws -> String? {
        let part = group[0]
        if head.elements {
            let end = part.source.firstIndex { $0.elements } ?? 0
            guard case .array(let elements) = base.walk(part.source[...end].map(\.member)) else {
                if group.contains(where: { $0.field.required }) { throw Breach() }
                return nil
            }
            let inner = group.map {
                Part(
                    field: $0.field, source: Array($0.source[(end + 1)...]),
                    output: Array($0.output.dropFirst()))
            }
            let texts = try elements.enumerated().map { index, element in
                if inner[0].output.isEmpty {
                    return try leaf(inner[0], element, indices + [index]) ?? ""
                }
                return try object(inner, element, indices + [index]) ?? "{}"
            }
            return "[" + texts.joined(separator: ",") + "]"
        }
        if part.output.count == 1 { return try leaf(part, base, indices) }
        let inner = group.map {
            Part(field: $0.field, source: $0.source, output: Array($0.output.dropFirst()))
        }
        return try object(inner, base, indices)
    }

    private func leaf(_ part: Part, _ base: Document, _ indices: [Int]) throws -> String? {
        switch part.field.source {
        case .constant(let json): return json
        case .value(let expression): return try Sentence.value(expression.text, document)
        case .path: break
        }
        guard let value = base.walk(part.source.map(\.member)) else {
            if part.field.required { throw Breach() }
            return part.field.fallback
        }
        if case .null = value {
            if part.field.required { throw Breach() }
            return "null"
        }
        if let type = part.field.type, !Values.conforms(value, type) { throw Breach() }
        if let checks = part.field.checks, !Values.passes(value, checks) { throw Breach() }
        guard case .encrypt(let key) = part.field.transform else {
            return try Values.transformed(value, part.field.transform)
        }
        return try Values.encrypted(
            value, key, path: part.field.output.text, sample, topic: stream.from, indices)
    }
}

/// A record as the generator made it: values with their source text.
enum Document {
    case null
    /// A number, true or false.
    case scalar(String)
    case string(String, source: String)
    case array([Document])
    case object([Member])

    struct Member {
        var name: String
        /// The name as it stands in the record, quoted.
        var source: String
        var value: Document
    }

    func walk(_ names: [String]) -> Document? {
        guard let name = names.first else { return self }
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value.walk(Array(names.dropFirst()))
    }

    /// No object in it has two members of one name.
    var hasUniqueNames: Bool {
        switch self {
        case .null, .scalar, .string: true
        case .array(let elements): elements.allSatisfy(\.hasUniqueNames)
        case .object(let members):
            Set(members.map(\.name)).count == members.count
                && members.allSatisfy { $0.value.hasUniqueNames }
        }
    }

    var text: String {
        switch self {
        case .null: "null"
        case .scalar(let text): text
        case .string(_, let source): source
        case .array(let elements): "[" + elements.map(\.text).joined(separator: " , ") + "]"
        case .object(let members):
            "{" + members.map { "\($0.source):\($0.value.text)" }.joined(separator: ", ") + " }"
        }
    }
}
