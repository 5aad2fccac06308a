/// A JSON text as the list of its leaves, in order: what two texts differ in shows leaf by leaf.
struct JSONOutline {
    struct Leaf: Equatable {
        /// `value.legs[0].flight`
        var path: String
        /// A number or literal as it stands, a string with its escapes resolved and only the necessary ones
        /// written, `{}` or `[]` where there is nothing inside.
        var text: String

        /// By bytes: texts that are canonically equivalent to Unicode are different JSON.
        static func == (a: Leaf, b: Leaf) -> Bool {
            a.path.utf8.elementsEqual(b.path.utf8) && a.text.utf8.elementsEqual(b.text.utf8)
        }
    }

    private(set) var leaves: [Leaf] = []
    private let bytes: [UInt8]
    private var place = 0

    /// Nil where the text is not JSON as contract.md wants a record.
    init?(_ bytes: [UInt8], name: String) {
        guard JSONOutline.fault(bytes) == nil else { return nil }
        self.bytes = bytes
        value(name)
    }

    /// Why a text is no record of a JSON stream.
    static func fault(_ bytes: [UInt8]) -> String? {
        var scanner = JSONScanner(names: NameTable(planned: 0), slotCount: 0)
        defer { scanner.free() }
        return bytes.withUnsafeBytes { scanner.scan($0) } ? nil : scanner.fault.text
    }

    // The text has been validated: what must stand somewhere stands there.

    private var current: UInt8 { place < bytes.count ? bytes[place] : 0 }

    private mutating func skipSpace() {
        while [0x20, 0x09, 0x0A, 0x0D].contains(current) { place += 1 }
    }

    private mutating func value(_ path: String) {
        skipSpace()
        switch current {
        case UInt8(ascii: "{"): object(path)
        case UInt8(ascii: "["): array(path)
        case UInt8(ascii: "\""):
            leaves.append(Leaf(path: path, text: JSONLiteral.quoted(string())))
        default:
            let start = place
            while place < bytes.count, !Self.endsScalar(current) { place += 1 }
            leaves.append(
                Leaf(path: path, text: String(decoding: bytes[start..<place], as: UTF8.self)))
        }
        skipSpace()
    }

    private mutating func object(_ path: String) {
        place += 1
        skipSpace()
        if current == UInt8(ascii: "}") { leaves.append(Leaf(path: path, text: "{}")) }
        while current != UInt8(ascii: "}"), place < bytes.count {
            skipSpace()
            let name = string()
            skipSpace()
            place += 1
            value(path + "." + Path(steps: [Path.Step(member: name)]).text)
            if current == UInt8(ascii: ",") { place += 1 }
        }
        place += 1
    }

    private mutating func array(_ path: String) {
        place += 1
        skipSpace()
        if current == UInt8(ascii: "]") { leaves.append(Leaf(path: path, text: "[]")) }
        var index = 0
        while current != UInt8(ascii: "]"), place < bytes.count {
            value("\(path)[\(index)]")
            index += 1
            if current == UInt8(ascii: ",") { place += 1 }
        }
        place += 1
    }

    /// The content of the string that begins here.
    private mutating func string() -> String {
        place += 1
        let start = place
        while current != UInt8(ascii: "\"") { place += current == UInt8(ascii: "\\") ? 2 : 1 }
        let text = bytes[start..<place]
        place += 1
        let content = [UInt8](unsafeUninitializedCapacity: text.count) { buffer, count in
            text.withUnsafeBufferPointer { text in
                if let base = buffer.baseAddress { count = JSONText.unescape(text, into: base) }
            }
        }
        return String(decoding: content, as: UTF8.self)
    }

    private static func endsScalar(_ byte: UInt8) -> Bool {
        byte <= 0x20 || byte == UInt8(ascii: ",") || byte == UInt8(ascii: "]")
            || byte == UInt8(ascii: "}")
    }
}
