/// One mapping of a file, read key by key. Making it reports every key that does not belong.
struct Members {
    /// What the mapping is, with its article: "a stream".
    let what: String
    let mark: Mark
    private var members: [String: YAMLNode.Member] = [:]

    /// - Parameters:
    ///   - known: the keys that may stand here, in the order in which messages list them.
    ///   - later: keys that the format has and this release does not honour yet.
    init?(
        _ node: YAMLNode, _ what: String, known: [String], later: [String] = [],
        _ findings: inout Findings
    ) {
        self.what = what
        mark = node.mark
        guard case .mapping(let found) = node.content else {
            if !node.isBroken {
                findings.error(
                    node.mark,
                    "\(what) is a mapping of \(known.joined(separator: ", ")); not \(node.kind)")
            }
            return nil
        }
        for member in found {
            if known.contains(member.key) {
                members[member.key] = member
            } else if later.contains(member.key) {
                findings.unavailable(member.keyMark, member.key)
            } else {
                let hint = Spelling.hint(for: member.key, among: known + later)
                findings.error(
                    member.keyMark,
                    "unknown key '\(member.key)' in \(what)"
                        + (hint.isEmpty ? "; it takes \(known.joined(separator: ", "))" : hint))
            }
        }
    }

    /// The value, nil where the key is not there.
    subscript(_ key: String) -> YAMLNode? { members[key]?.value }

    func mark(of key: String) -> Mark { members[key]?.keyMark ?? mark }

    /// The value; its absence is a mistake, and `meaning` says what to write.
    func required(_ key: String, _ meaning: String, _ findings: inout Findings) -> YAMLNode? {
        if let member = members[key] { return member.value }
        findings.missing(key, mark, "missing '\(key)' in \(what): \(meaning)")
        return nil
    }
}

extension Findings {
    /// Something that the format names and this release does not honour.
    mutating func unavailable(_ mark: Mark, _ word: String) {
        error(mark, "'\(word)' is not available in this release; leave it out")
    }
}
