/// What names may be made of.
enum Names {
    static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    /// Of a cluster or key: 1 to 100 letters, digits, `.`, `_`, `-`.
    static func isName(_ text: String) -> Bool {
        (1...100).contains(text.utf8.count) && text.utf8.allSatisfy(isNameByte)
    }

    /// Kafka's rule (org.apache.kafka.common.internals.Topic): 1 to 249 letters, digits, `.`, `_`,
    /// `-`, and neither `.` nor `..`.
    static func isTopic(_ text: String) -> Bool {
        (1...249).contains(text.utf8.count) && text.utf8.allSatisfy(isNameByte)
            && text != "." && text != ".."
    }

    /// Of a contract: 1 to 100 of `[a-z0-9.-]`.
    static func isContractID(_ text: String) -> Bool {
        (1...100).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                isNameByte($0) && $0 != UInt8(ascii: "_")
                    && !(UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0)
            }
    }

    /// `major.minor.patch[-prerelease][+build]` (semver.org, 2.0.0).
    static func isSemanticVersion(_ text: String) -> Bool {
        let build = text.split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
        if build.count == 2, !identifiers(build[1], numeric: false) { return false }
        let parts = build[0].split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2, !identifiers(parts[1], numeric: true) { return false }
        let core = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        return core.count == 3 && core.allSatisfy(isNumber)
    }

    private static func isNumber(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.count <= 9 && text.utf8.allSatisfy(isDigit)
            && (text == "0" || !text.hasPrefix("0"))
    }

    private static func identifiers(_ text: Substring, numeric: Bool) -> Bool {
        text.utf8.count <= 100
            && text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
                !part.isEmpty
                    && part.utf8.allSatisfy {
                        isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "-")
                    }
                    && (!numeric || !part.utf8.allSatisfy(isDigit) || part == "0"
                        || !part.hasPrefix("0"))
            }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        isLetter(byte) || isDigit(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
            || byte == UInt8(ascii: "-")
    }
}

extension Findings {
    mutating func topic(_ node: YAMLNode?, _ what: String) -> String? {
        guard let node, let topic = string(node, what) else { return nil }
        if Names.isTopic(topic) { return topic }
        error(
            node.mark,
            "'\(topic)' cannot name a Kafka topic: 1 to 249 letters, digits, '.', '_' and '-'")
        return nil
    }
}

extension YAMLNode {
    /// A null or an empty string.
    var isEmpty: Bool {
        switch scalar {
        case .null: true
        case .string(let text): text.isEmpty
        default: false
        }
    }
}
