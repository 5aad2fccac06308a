internal import Contracts

/// How far a transform hides a value, and which of two hides less.
struct Disguise {
    private let transform: Transform?

    init(_ transform: Transform?) { self.transform = transform }

    var words: String {
        switch transform {
        case nil: "in the clear"
        case .pseudonym(let pseudonym): "pseudonym(\(pseudonym.key), \(pseudonym.length) digits)"
        case .mask(let mask): "mask(first \(mask.keepFirst), last \(mask.keepLast) kept)"
        case .encrypt(let key): "encrypted(\(key))"
        case .truncate(let count): "the first \(count) characters"
        case .round(let step): "rounded to \(step)"
        case .dateTruncate(let unit): "cut to the \(unit.rawValue)"
        case .cast(let type): "in the clear, as \(type.rawValue)"
        }
    }

    private var isClear: Bool {
        if case .cast = transform { true } else { transform == nil }
    }

    /// What a change from this to `new` is; nil where nothing changed. Two transforms of different kinds
    /// hide different things: that counts as weaker.
    func compared(to new: Disguise) -> Exposure.Kind? {
        guard transform != new.transform else { return nil }
        if isClear, new.isClear { return .other }
        if new.isClear { return .weaker }
        if isClear { return .stronger }
        switch (transform, new.transform) {
        case (.pseudonym(let old), .pseudonym(let new)):
            return old.length == new.length ? .other : old.length < new.length ? .weaker : .stronger
        case (.encrypt, .encrypt): return .other
        case (.mask(let old), .mask(let new)):
            let shows = new.keepFirst > old.keepFirst || new.keepLast > old.keepLast
            let hides = new.keepFirst < old.keepFirst || new.keepLast < old.keepLast
            return shows ? .weaker : hides ? .stronger : .other
        case (.truncate(let old), .truncate(let new)): return old < new ? .weaker : .stronger
        case (.dateTruncate(let old), .dateTruncate(let new)):
            let units = Transform.DateUnit.allCases
            let (before, after) = (units.firstIndex(of: old), units.firstIndex(of: new))
            return (before ?? 0) < (after ?? 0) ? .weaker : .stronger
        default: return .weaker
        }
    }
}

/// Checks of a field, and whether one version lets values through that the other stops.
enum FieldConditions {
    static func changes(_ old: Field, _ new: Field) -> [(Exposure.Kind, String)] {
        var changes: [(Exposure.Kind, String)] = []
        if let change = type(old.type, new.type) { changes.append(change) }
        let (before, after) = (old.checks ?? FieldChecks(), new.checks ?? FieldChecks())
        if let change = allowed(before.allowed, after.allowed) { changes.append(change) }
        changes += condition("pattern", before.pattern, after.pattern) { _, _ in .weaker }
        changes += condition("minimum", before.minimum, after.minimum) { old, new in
            number(new) < number(old) ? .weaker : .stronger
        }
        changes += condition("maximum", before.maximum, after.maximum) { old, new in
            number(new) > number(old) ? .weaker : .stronger
        }
        changes += condition("maxLength", before.maxLength, after.maxLength) { old, new in
            new > old ? .weaker : .stronger
        }
        if old.required != new.required {
            changes.append((.other, new.required ? "now required" : "no longer required"))
        }
        return changes
    }

    private static func number(_ text: String) -> Double { Double(text) ?? 0 }

    private static func type(_ old: JSONType?, _ new: JSONType?) -> (Exposure.Kind, String)? {
        guard old != new else { return nil }
        guard let new else {
            return (.weaker, "was \(old?.rawValue ?? "") only, now of any type, objects included")
        }
        guard let old else { return (.stronger, "was of any type, now \(new.rawValue) only") }
        let narrows = old == .number && new == .integer || old == .string && new == .dateTime
        return (narrows ? .stronger : .weaker, "was \(old.rawValue), now \(new.rawValue)")
    }

    private static func allowed(_ old: [String], _ new: [String]) -> (Exposure.Kind, String)? {
        guard Set(old) != Set(new) else { return nil }
        let words = { (values: [String]) in
            values.isEmpty ? "any value" : values.joined(separator: ", ")
        }
        let narrows = old.isEmpty || !new.isEmpty && Set(new).isSubset(of: old)
        return (narrows ? .stronger : .weaker, "enum was \(words(old)), now \(words(new))")
    }

    private static func condition<Value: Equatable>(
        _ name: String, _ old: Value?, _ new: Value?,
        _ judge: (Value, Value) -> Exposure.Kind
    ) -> [(Exposure.Kind, String)] {
        guard old != new else { return [] }
        guard let new else {
            return [(.weaker, "\(name) was \(old.map { "\($0)" } ?? ""), now none")]
        }
        guard let old else { return [(.stronger, "\(name) was none, now \(new)")] }
        return [(judge(old, new), "\(name) was \(old), now \(new)")]
    }
}
