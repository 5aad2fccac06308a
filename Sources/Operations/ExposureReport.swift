internal import Contracts

extension Exposure {
    /// The report that a security officer signs: one line a change, the ones that show more first.
    package func text(width: Int) -> String {
        var lines = ["\(id) \(old) -> \(new): \(verdict)"]
        let shown = changes.enumerated().sorted {
            (rank($0.element.kind), $0.offset) < (rank($1.element.kind), $1.offset)
        }.map(\.element)
        let streams = Set(changes.map(\.stream)).subtracting([""])
        var heading = ""
        let names = shown.map { $0.name.count }.max() ?? 0
        for change in shown {
            if streams.count > 1, change.stream != heading {
                heading = change.stream
                lines.append(heading.isEmpty ? "  the contract" : "  stream \(heading)")
            }
            lines += line(change, nameWidth: min(names, 24), width)
        }
        lines.append(summary)
        return lines.joined(separator: "\n")
    }

    private var verdict: String {
        if grows { return "EXPOSURE GROWS" }
        return changes.isEmpty ? "nothing changes" : "exposure does not grow"
    }

    private func rank(_ kind: Kind) -> Int { Kind.allCases.firstIndex(of: kind) ?? 0 }

    private func line(_ change: Change, nameWidth: Int, _ width: Int) -> [String] {
        func padded(_ text: String, _ count: Int) -> String {
            text + String(repeating: " ", count: max(0, count - text.count))
        }
        let head =
            "  \(change.kind.sign) \(padded(change.kind.word, 9)) \(padded(change.what, 10)) "
            + padded(change.name, nameWidth) + (nameWidth > 0 ? "  " : "")
        let room = max(24, width - head.count)
        return Wording.wrapped(change.text, width: room, hanging: 0).enumerated().map {
            ($0.offset == 0 ? head : String(repeating: " ", count: head.count)) + $0.element
        }
    }

    private var summary: String {
        let counts = Kind.allCases.compactMap { kind -> String? in
            let count = changes.count { $0.kind == kind }
            return count == 0 ? nil : "\(count) \(kind.rawValue)"
        }
        return counts.isEmpty ? "no changes" : counts.joined(separator: ", ")
    }

    /// `{"id","old","new","exposureGrows","changes":[{"kind","what","stream","name","text"}]}`
    package var json: String {
        JSONText.object([
            ("id", JSONText.quoted(id)), ("old", JSONText.quoted(old)),
            ("new", JSONText.quoted(new)), ("exposureGrows", grows ? "true" : "false"),
            (
                "changes",
                JSONText.array(
                    changes.map { change in
                        JSONText.object([
                            ("kind", JSONText.quoted(change.kind.rawValue)),
                            ("what", JSONText.quoted(change.what)),
                            ("stream", JSONText.quoted(change.stream)),
                            ("name", JSONText.quoted(change.name)),
                            ("text", JSONText.quoted(change.text)),
                        ])
                    })
            ),
        ])
    }
}

extension Exposure.Kind {
    fileprivate var sign: String {
        switch self {
        case .new: "+"
        case .weaker: "!"
        case .gone: "-"
        case .stronger: "="
        case .other: "~"
        }
    }

    fileprivate var word: String { self == .other ? "changed" : rawValue }
}
