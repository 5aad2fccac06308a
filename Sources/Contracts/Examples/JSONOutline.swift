/// A JSON text as the list of its leaves, in order: what two texts differ in shows leaf by leaf.
package struct JSONOutline {
    package struct Leaf: Equatable {
        /// `value.legs[0].flight`
        package var path: String
        /// The path that a contract would name it by, `legs[].flight`; elements of elements have their list's.
        package var place: Path
        /// A number or literal as it stands, a string with its escapes resolved and only the necessary ones
        /// written, `{}` or `[]` where there is nothing inside.
        package var text: String

        /// Whether there is nothing inside an object or array.
        package var isEmpty: Bool { text == "{}" || text == "[]" }

        /// By bytes: texts that are canonically equivalent to Unicode are different JSON.
        package static func == (a: Leaf, b: Leaf) -> Bool {
            a.path.utf8.elementsEqual(b.path.utf8) && a.text.utf8.elementsEqual(b.text.utf8)
        }
    }

    package private(set) var leaves: [Leaf] = []
    private let bytes: [UInt8]
    private var index = 0
    /// Of the value that is read.
    private var steps: [Path.Step] = []

    /// Nil where the text is not JSON as contract.md wants a record.
    package init?(_ bytes: [UInt8], name: String) {
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

    private var current: UInt8 { index < bytes.count ? bytes[index] : 0 }

    private mutating func add(_ path: String, _ text: String) {
        leaves.append(Leaf(path: path, place: Path(steps: steps), text: text))
    }

    private mutating func skipSpace() {
        while [0x20, 0x09, 0x0A, 0x0D].contains(current) { index += 1 }
    }

    private mutating func value(_ path: String) {
        skipSpace()
        switch current {
        case UInt8(ascii: "{"): object(path)
        case UInt8(ascii: "["): array(path)
        case UInt8(ascii: "\""):
            add(path, JSONLiteral.quoted(string()))
        default:
            let start = index
            while index < bytes.count, !Self.endsScalar(current) { index += 1 }
            add(path, String(decoding: bytes[start..<index], as: UTF8.self))
        }
        skipSpace()
    }

    private mutating func object(_ path: String) {
        index += 1
        skipSpace()
        if current == UInt8(ascii: "}") { add(path, "{}") }
        while current != UInt8(ascii: "}"), index < bytes.count {
            skipSpace()
            let name = string()
            skipSpace()
            index += 1
            let step = Path.Step(member: name)
            steps.append(step)
            value(path + "." + Path(steps: [step]).text)
            steps.removeLast()
            if current == UInt8(ascii: ",") { index += 1 }
        }
        index += 1
    }

    private mutating func array(_ path: String) {
        index += 1
        skipSpace()
        if current == UInt8(ascii: "]") { add(path, "[]") }
        var number = 0
        let last = steps.indices.last
        let wasElements = last.map { steps[$0].elements } ?? false
        if let last { steps[last].elements = true }
        while current != UInt8(ascii: "]"), index < bytes.count {
            value("\(path)[\(number)]")
            number += 1
            if current == UInt8(ascii: ",") { index += 1 }
        }
        if let last { steps[last].elements = wasElements }
        index += 1
    }

    /// The content of the string that begins here.
    private mutating func string() -> String {
        index += 1
        let start = index
        while current != UInt8(ascii: "\"") { index += current == UInt8(ascii: "\\") ? 2 : 1 }
        let text = bytes[start..<index]
        index += 1
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
