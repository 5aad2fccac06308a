/// `enum`, `pattern`, `minimum`, `maximum` and `maxLength` of a field.
extension ContractDocument {
    static let checks = ["enum", "pattern", "minimum", "maximum", "maxLength"]

    mutating func readChecks(_ members: Members, _ type: JSONType?) -> FieldChecks? {
        guard Self.checks.contains(where: { members[$0] != nil }) else { return nil }
        var checks = FieldChecks()
        if let node = members["enum"] { checks.allowed = readEnum(node) }
        if let node = members["pattern"] { checks.pattern = readPattern(node) }
        checks.minimum = members["minimum"].flatMap { readBound($0, "minimum") }
        checks.maximum = members["maximum"].flatMap { readBound($0, "maximum") }
        if let node = members["maxLength"] {
            checks.maxLength = findings.integer(node, "maxLength", in: 0...100_000_000)
        }
        refuseIdle(members, type)
        refuseEmpty(members, checks)
        return checks
    }

    private mutating func readEnum(_ node: YAMLNode) -> [String] {
        guard let items = findings.list(node, "enum") else { return [] }
        if items.isEmpty { findings.error(node.mark, "'enum' is empty: no record could pass") }
        return items.compactMap { item in
            if item.isBroken { return nil }
            if case .scalar = item.content { return readJSON(item) }
            findings.error(item.mark, "'enum' lists strings, numbers, booleans and null")
            return nil
        }
    }

    private mutating func readPattern(_ node: YAMLNode) -> String? {
        guard let text = findings.string(node, "pattern") else { return nil }
        do throws(Pattern.Mistake) {
            _ = try Pattern(Array(text.utf8))
            return text
        } catch {
            findings.error(node.mark, error.text)
            return nil
        }
    }

    private mutating func readBound(_ node: YAMLNode, _ what: String) -> String? {
        guard !node.isBroken else { return nil }
        if let text = number(node) { return text }
        findings.error(node.mark, "'\(what)' is a number")
        return nil
    }

    /// Checks that speak of another type than the declared one never say anything.
    private mutating func refuseIdle(_ members: Members, _ type: JSONType?) {
        let isText = type == .string || type == .dateTime
        let isNumber = type == .number || type == .integer
        guard let type else { return }
        for check in ["pattern", "maxLength"] where members[check] != nil && !isText {
            findings.error(
                members.mark(of: check),
                "'\(check)' speaks of strings, and 'type' is \(type.rawValue)")
        }
        for check in ["minimum", "maximum"] where members[check] != nil && !isNumber {
            findings.error(
                members.mark(of: check),
                "'\(check)' speaks of numbers, and 'type' is \(type.rawValue)")
        }
    }

    private mutating func refuseEmpty(_ members: Members, _ checks: FieldChecks) {
        guard let minimum = checks.minimum, let maximum = checks.maximum else { return }
        let (low, high) = (Array(minimum.utf8), Array(maximum.utf8))
        let isEmpty = low.withUnsafeBufferPointer { low in
            high.withUnsafeBufferPointer {
                JSONDecimal.compare(JSONDecimal(low), JSONDecimal($0)) > 0
            }
        }
        if isEmpty {
            findings.error(
                members.mark(of: "minimum"), "'minimum' is above 'maximum': no record could pass")
        }
    }
}
