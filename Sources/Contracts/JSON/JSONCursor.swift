/// Walks over the elements or members of a container in a record that has been validated: nothing is
/// checked again.
struct JSONCursor {
    private var p: UnsafePointer<UInt8>
    private let isObject: Bool

    /// `container` is an object or an array.
    init(_ container: JSONSpan) {
        isObject = container.kind == .object
        p = JSONCursor.skipSpace(container.start + 1)
    }

    /// The next element; nil at the end.
    mutating func nextElement() -> JSONSpan? {
        if p.pointee == UInt8(ascii: "]") || p.pointee == UInt8(ascii: "}") { return nil }
        let span = JSONCursor.value(at: p)
        p = JSONCursor.skipSpace(span.start + span.length)
        if p.pointee == UInt8(ascii: ",") { p = JSONCursor.skipSpace(p + 1) }
        return span
    }

    /// The next member's name (a string span, quotes included) and value; nil at the end.
    mutating func nextMember() -> (name: JSONSpan, value: JSONSpan)? {
        if p.pointee == UInt8(ascii: "}") { return nil }
        let name = JSONCursor.value(at: p)
        let colon = JSONCursor.skipSpace(name.start + name.length)
        p = JSONCursor.skipSpace(colon + 1)
        guard let value = nextElement() else { return nil }
        return (name, value)
    }

    private static func skipSpace(_ from: UnsafePointer<UInt8>) -> UnsafePointer<UInt8> {
        var p = from
        while p.pointee <= 0x20 { p += 1 }
        return p
    }

    private static func value(at start: UnsafePointer<UInt8>) -> JSONSpan {
        switch start.pointee {
        case UInt8(ascii: "\""):
            var kind = JSONKind.string
            let end = skipString(start + 1, &kind)
            return JSONSpan(start: start, count: end - start, kind: kind)
        case UInt8(ascii: "{"):
            return JSONSpan(start: start, count: skipContainer(start) - start, kind: .object)
        case UInt8(ascii: "["):
            return JSONSpan(start: start, count: skipContainer(start) - start, kind: .array)
        case UInt8(ascii: "n"): return JSONSpan(start: start, count: 4, kind: .null)
        case UInt8(ascii: "t"): return JSONSpan(start: start, count: 4, kind: .true)
        case UInt8(ascii: "f"): return JSONSpan(start: start, count: 5, kind: .false)
        default: return number(at: start)
        }
    }

    /// A number inside a container is always followed by something that is not part of it.
    private static func number(at start: UnsafePointer<UInt8>) -> JSONSpan {
        var kind = JSONKind.integer
        var p = start
        while true {
            switch p.pointee {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): break
            case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"), UInt8(ascii: "+"):
                kind = .number
            default: return JSONSpan(start: start, count: p - start, kind: kind)
            }
            p += 1
        }
    }

    /// From behind the opening quote to behind the closing one.
    private static func skipString(
        _ from: UnsafePointer<UInt8>, _ kind: inout JSONKind
    ) -> UnsafePointer<UInt8> {
        var p = from
        while p.pointee != UInt8(ascii: "\"") {
            if p.pointee == UInt8(ascii: "\\") {
                kind = .escapedString
                p += 2
            } else {
                p += 1
            }
        }
        return p + 1
    }

    private static func skipContainer(_ start: UnsafePointer<UInt8>) -> UnsafePointer<UInt8> {
        var p = start
        var depth = 0
        var kind = JSONKind.absent
        while true {
            switch p.pointee {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                p += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                p += 1
                if depth == 0 { return p }
            case UInt8(ascii: "\""): p = skipString(p + 1, &kind)
            default: p += 1
            }
        }
    }
}

extension JSONSpan {
    /// Whether a string's content, escapes resolved, is `text`. Escaped strings are resolved into
    /// `arena`.
    func hasContent(_ text: UnsafeBufferPointer<UInt8>, _ arena: inout Arena) -> Bool {
        var content = self.content
        if kind == .escapedString {
            let memory = arena.allocate(UInt8.self, count: content.count)
            content = UnsafeBufferPointer(
                start: memory, count: JSONText.unescape(content, into: memory))
        }
        return isEqual(content, text)
    }

    /// The value of the object's member `name` (unescaped), nil if there is none.
    func member(_ name: UnsafeBufferPointer<UInt8>, _ arena: inout Arena) -> JSONSpan? {
        var cursor = JSONCursor(self)
        while let member = cursor.nextMember() {
            if member.name.hasContent(name, &arena) { return member.value }
        }
        return nil
    }
}

@inline(__always)
func isEqual(_ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>) -> Bool {
    guard a.count == b.count else { return false }
    guard let one = a.baseAddress, let other = b.baseAddress else { return true }
    var index = 0
    let count = a.count
    while index + 8 <= count {
        if loadWord(one + index) != loadWord(other + index) { return false }
        index += 8
    }
    while index < count {
        if one[index] != other[index] { return false }
        index += 1
    }
    return true
}
