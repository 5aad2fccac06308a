package import Contracts

/// What a new version of a contract shows to the partner that the old one did not, and what it shows no
/// more. Where it cannot be told whether more leaves, it counts as more.
package struct Exposure: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        /// Something that did not leave before.
        case new
        /// The same leaves less disguised, less checked, or under a wider condition.
        case weaker
        /// Leaves no more.
        case gone
        /// The same leaves more disguised, more checked, or under a narrower condition.
        case stronger
        /// Changes that show neither more nor less.
        case other

        var grows: Bool { self == .new || self == .weaker }
    }

    package struct Change: Hashable, Sendable {
        package var kind: Kind
        /// `field`, `filter`, `key`, `header`, `tombstones`, `value`, `stream`, `target`, `partner`, …
        package var what: String
        /// The stream's source topic, empty for the contract's own.
        package var stream: String
        /// Of the field or header; empty where `what` says it all.
        package var name: String
        package var text: String
    }

    package var id: String
    package var old: String
    package var new: String
    package var changes: [Change]

    package var grows: Bool { changes.contains { $0.kind.grows } }

    package init(from old: Contract, to new: Contract) {
        var comparison = ExposureComparison()
        comparison.compare(old, new)
        id = old.id == new.id ? new.id : "\(old.id), \(new.id)"
        self.old = old.version
        self.new = new.version
        changes = comparison.changes
    }
}

/// Collects the changes between two contracts.
struct ExposureComparison {
    var changes: [Exposure.Change] = []
    private var stream = ""

    mutating func add(_ kind: Exposure.Kind, _ what: String, _ text: String) {
        add(kind, what, "", text)
    }

    mutating func add(_ kind: Exposure.Kind, _ what: String, _ name: String, _ text: String) {
        changes.append(
            Exposure.Change(kind: kind, what: what, stream: stream, name: name, text: text))
    }

    mutating func compare(_ old: Contract, _ new: Contract) {
        if old.id != new.id {
            add(
                .other, "id",
                "was \(old.id), now \(new.id): another contract, with ledger and markers of its own"
            )
        }
        if old.partner?.name != new.partner?.name {
            add(.weaker, "partner", was(old.partner?.name, new.partner?.name))
        }
        if old.target != new.target { add(.weaker, "target", was(old.target, new.target)) }
        if old.source != new.source { add(.weaker, "source", was(old.source, new.source)) }
        if old.status != new.status {
            let starts = new.status == .active
            add(starts ? .new : .gone, "status", was(old.status.rawValue, new.status.rawValue))
        }
        if old.delivery != new.delivery {
            add(.other, "delivery", "batches close at other limits")
        }
        if old.quota != new.quota { add(.other, "quota", "delivers at another pace") }
        compareWindows(old.effective, new.effective)
        compareStreams(old, new)
    }

    /// Longer is weaker, at either end.
    private mutating func compareWindows(_ old: Effective, _ new: Effective) {
        func time(_ bound: Int64?) -> String { bound.map { Wording.time($0) } ?? "not bounded" }
        if old.from != new.from {
            let isLonger = (new.from ?? .min) < (old.from ?? .min)
            add(
                isLonger ? .weaker : .stronger, "effective", "from",
                "was \(time(old.from)), now \(time(new.from))")
        }
        if old.until != new.until {
            let isLonger = (new.until ?? .max) > (old.until ?? .max)
            add(
                isLonger ? .weaker : .stronger, "effective", "until",
                "was \(time(old.until)), now \(time(new.until))")
        }
    }

    private func was(_ old: String?, _ new: String?) -> String {
        "was \(old ?? "not named"), now \(new ?? "not named")"
    }

    private mutating func compareStreams(_ old: Contract, _ new: Contract) {
        for after in new.streams {
            stream = after.from
            if let before = old.streams.first(where: { $0.from == after.from }) {
                compare(before, after)
            } else {
                add(.new, "stream", "\(after.from) now goes to \(after.to)")
                show(after)
            }
        }
        for before in old.streams where !new.streams.contains(where: { $0.from == before.from }) {
            stream = before.from
            add(.gone, "stream", "\(before.from) no longer goes to \(before.to)")
        }
    }

    /// All that a stream shows which was not there before.
    private mutating func show(_ new: Stream) {
        if new.format == .bytes { add(.new, "value", "the whole value is sent") }
        for field in new.fields {
            add(.new, "field", field.output.text, "now sent\(described(field))")
        }
        for header in new.headers { add(.new, "header", header, "now sent") }
        if new.key != .drop { add(.new, "key", new.key.words) }
        if new.forwardsTombstones { add(.new, "tombstones", "deletions are sent") }
    }

    private mutating func compare(_ old: Stream, _ new: Stream) {
        if old.to != new.to { add(.weaker, "target", "was topic \(old.to), now \(new.to)") }
        compareFormat(old, new)
        compareFilter(old.filter, new.filter)
        compareFields(old.fields, new.fields)
        compareKey(old.key, new.key)
        for header in new.headers where !old.headers.contains(header) {
            add(.new, "header", header, "now sent")
        }
        for header in old.headers where !new.headers.contains(header) {
            add(.gone, "header", header, "no longer sent")
        }
        if old.forwardsTombstones != new.forwardsTombstones {
            add(
                new.forwardsTombstones ? .new : .gone, "tombstones",
                new.forwardsTombstones
                    ? "deletions are now sent, whatever the filter says" : "no longer sent")
        }
        if old.partition != new.partition {
            add(.other, "partition", was(old.partition.rawValue, new.partition.rawValue))
        }
        compareScopeExit(old, new)
        if old.onViolation != new.onViolation {
            add(.other, "onViolation", was(old.onViolation.rawValue, new.onViolation.rawValue))
        }
        if old.start != new.start {
            add(.other, "start", "changed; it was resolved at the first start and counts no more")
        }
    }

    private mutating func compareScopeExit(_ old: Stream, _ new: Stream) {
        switch (old.onScopeExit, new.onScopeExit) {
        case (.tombstone, .ignore):
            add(
                .weaker, "onScopeExit",
                "was tombstone, now ignore: what no longer matches the filter stays with the partner"
            )
        case (.ignore, .tombstone):
            add(
                .stronger, "onScopeExit",
                "was ignore, now tombstone: a key that no longer matches the filter is retracted. "
                    + "What was delivered before is not known: the lane halts (presence-lost) "
                    + "until an operator chooses")
        case (.tombstone, .tombstone)
        where old.key != new.key || old.to != new.to || old.partition != new.partition:
            add(
                .weaker, "onScopeExit",
                "key, to or partition changed: what was delivered under the old rule can no longer be "
                    + "retracted; the lane halts (presence-lost) until an operator chooses")
        default: break
        }
    }

    private mutating func compareFormat(_ old: Stream, _ new: Stream) {
        guard old.format != new.format else { return }
        if new.format == .bytes {
            add(.new, "value", "the whole value is now sent, with whatever is added to it later")
        } else if old.format == .bytes {
            add(.gone, "value", "only the named fields are sent")
        } else {
            add(.weaker, "format", was(old.format.rawValue, new.format.rawValue))
        }
    }

    // MARK: the filter

    private mutating func compareFilter(_ old: Expression?, _ new: Expression?) {
        guard old != new else { return }
        guard let new else {
            return add(.weaker, "filter", "was \(old?.text ?? ""); now every record")
        }
        guard let old else { return add(.stronger, "filter", "was every record; now \(new.text)") }
        let (before, after) = (Set(old.conjuncts ?? []), Set(new.conjuncts ?? []))
        let words = "was \(old.text); now \(new.text)"
        if before == after {
            add(.other, "filter", "written otherwise, the same conditions")
        } else if !before.isEmpty, after.isSuperset(of: before) {
            add(.stronger, "filter", words)
        } else {
            add(.weaker, "filter", words)
        }
    }

    // MARK: fields

    private mutating func compareFields(_ old: [Field], _ new: [Field]) {
        for after in new {
            let name = after.output.text
            guard let before = old.first(where: { $0.output == after.output }) else {
                add(.new, "field", name, "now sent\(described(after))")
                continue
            }
            compare(before, after, name)
        }
        for before in old where !new.contains(where: { $0.output == before.output }) {
            add(.gone, "field", before.output.text, "no longer sent")
        }
        let order = { (fields: [Field], others: [Field]) in
            fields.map(\.output).filter { output in others.contains { $0.output == output } }
        }
        if order(old, new) != order(new, old) {
            add(.other, "fields", "the members stand in another order")
        }
    }

    private mutating func compare(_ old: Field, _ new: Field, _ name: String) {
        if old.source != new.source {
            add(.weaker, "field", name, "was \(old.source.words), now \(new.source.words)")
        }
        let judged = Disguise(old.transform).compared(to: Disguise(new.transform))
        if let judged {
            add(
                judged, "field", name,
                "was \(Disguise(old.transform).words), now \(Disguise(new.transform).words)")
        }
        for (kind, words) in FieldConditions.changes(old, new) { add(kind, "field", name, words) }
        if old.fallback != new.fallback {
            add(.other, "field", name, "default \(was(old.fallback, new.fallback))")
        }
    }

    private func described(_ field: Field) -> String {
        var words: [String] = []
        switch field.source {
        case .path(let path):
            if path != field.output { words.append("from \(path.text)") }
            if let type = field.type { words.append(type.rawValue) }
        case .constant, .value: words.append(field.source.words)
        }
        if field.transform != nil { words.append(Disguise(field.transform).words) }
        return words.isEmpty ? "" : " (\(words.joined(separator: ", ")))"
    }

    // MARK: the key

    private mutating func compareKey(_ old: Stream.KeyRule, _ new: Stream.KeyRule) {
        guard old != new else { return }
        let words = "was \(old.words), now \(new.words)"
        switch (old, new) {
        case (.drop, _): add(.new, "key", words)
        case (_, .drop): add(.gone, "key", words)
        case (.keep, .pseudonym): add(.stronger, "key", words)
        case (.pseudonym(let before), .pseudonym(let after)):
            let judged = Disguise(.pseudonym(before)).compared(to: Disguise(.pseudonym(after)))
            add(judged ?? .other, "key", words)
        case (.path(let from, let before), .path(let to, let after)) where from == to:
            add(Disguise(before).compared(to: Disguise(after)) ?? .other, "key", words)
        default: add(.weaker, "key", words)
        }
    }
}

extension Stream.KeyRule {
    fileprivate var words: String {
        switch self {
        case .keep: "the record's own key"
        case .drop: "no key"
        case .pseudonym(let pseudonym): "\(Disguise(.pseudonym(pseudonym)).words) of the key"
        case .path(let path, let transform):
            transform == nil ? path.text : "\(Disguise(transform).words) of \(path.text)"
        }
    }
}

extension Field.Source {
    fileprivate var words: String {
        switch self {
        case .path(let path): path.text
        case .constant(let json): "constant \(json)"
        case .value(let expression): "computed: \(expression.text)"
        }
    }
}
