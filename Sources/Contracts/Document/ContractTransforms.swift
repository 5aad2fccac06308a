/// The transform of a field or a key.
extension ContractDocument {
    static let transforms = [
        "pseudonym", "mask", "encrypt", "truncate", "round", "dateTruncate", "cast",
    ]

    mutating func readTransform(_ members: Members, _ type: JSONType?) -> Transform? {
        let named = Self.transforms.filter { members[$0] != nil }
        for extra in named.dropFirst() {
            findings.error(
                members.mark(of: extra),
                "'\(named[0])' and '\(extra)': a field takes one of them")
        }
        guard let word = named.first, let node = members[word] else { return nil }
        refuse(type, word, members)
        switch word {
        case "pseudonym": return readPseudonym(node).map { .pseudonym($0) }
        case "mask": return readMask(node).map { .mask($0) }
        case "encrypt": return readEncrypt(node)
        case "truncate":
            return findings.integer(node, "truncate", in: 0...1_000_000).map { .truncate($0) }
        case "round": return readRound(node)
        case "dateTruncate":
            return findings.word(node, "dateTruncate", as: Transform.DateUnit.self).map {
                .dateTruncate($0)
            }
        default:
            return findings.word(node, "cast", as: Transform.Cast.self).map { .cast($0) }
        }
    }

    /// What a transform takes, and the declared types with which no record could pass.
    private static func taken(_ transform: String) -> (String, refused: Set<JSONType>) {
        switch transform {
        case "mask", "truncate":
            ("a string", [.object, .array, .integer, .number, .boolean])
        case "dateTruncate":
            ("RFC 3339 text", [.object, .array, .integer, .number, .boolean])
        case "round": ("a number", [.object, .array, .string, .boolean, .dateTime])
        default: ("a string, number or boolean", [.object, .array])
        }
    }

    private mutating func refuse(_ type: JSONType?, _ transform: String, _ members: Members) {
        let (takes, refused) = Self.taken(transform)
        guard let type, refused.contains(type) else { return }
        findings.error(
            members.mark(of: transform),
            "'\(transform)' takes \(takes); with 'type: \(type.rawValue)' no record could pass")
    }

    private mutating func readPseudonym(_ node: YAMLNode) -> Pseudonym? {
        guard
            let members = Members(node, "pseudonym", known: ["key", "length"], &findings),
            let key = readKeyName(members)
        else { return nil }
        let length = members["length"].flatMap { findings.integer($0, "length", in: 16...64) }
        return Pseudonym(key: key, length: length ?? 32)
    }

    private mutating func readEncrypt(_ node: YAMLNode) -> Transform? {
        guard let members = Members(node, "encrypt", known: ["key"], &findings) else { return nil }
        return readKeyName(members).map { .encrypt(key: $0) }
    }

    private mutating func readKeyName(_ members: Members) -> String? {
        guard
            let name = members.required("key", "a name under 'keys' in crossdock.yaml", &findings)
        else { return nil }
        return known(name, "key", among: configuration.map { Array($0.keys.keys) })
    }

    private mutating func readRound(_ node: YAMLNode) -> Transform? {
        guard !node.isBroken else { return nil }
        if let step = number(node), Rounding(step) != nil { return .round(step) }
        findings.error(
            node.mark,
            "'round' is the step to round to, a positive number of at most 15 digits such as 0.1")
        return nil
    }

    /// JSON text of a number; nil for anything else.
    func number(_ node: YAMLNode) -> String? {
        switch node.scalar {
        case .integer, .float: try? YAMLJSON.text(node)
        default: nil
        }
    }

    private mutating func readMask(_ node: YAMLNode) -> Mask? {
        guard
            let members = Members(
                node, "mask", known: ["keepFirst", "keepLast", "with"], &findings)
        else { return nil }
        var mask = Mask()
        if let value = members["keepFirst"] {
            mask.keepFirst = findings.integer(value, "keepFirst", in: 0...1000) ?? 0
        }
        if let value = members["keepLast"] {
            mask.keepLast = findings.integer(value, "keepLast", in: 0...1000) ?? 0
        }
        if let value = members["with"], let text = findings.string(value, "with") {
            if text.count == 1 {
                mask.with = text
            } else {
                findings.error(value.mark, "'with' is one character")
            }
        }
        return mask
    }
}
