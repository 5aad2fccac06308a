/// Extended grapheme clusters (Unicode Standard Annex 29).
enum Graphemes {
    /// Writes where each character of `text` (UTF-8) ends, in bytes, and returns their number.
    static func boundaries(
        _ text: UnsafeBufferPointer<UInt8>, _ ends: UnsafeMutablePointer<Int32>
    ) -> Int {
        guard let start = text.baseAddress else { return 0 }
        var recognizer = Unicode._CharacterRecognizer()
        var count = 0
        var place = 0
        while place < text.count {
            let length = max(1, JSONText.sequenceLength(start + place, start + text.count))
            if recognizer.hasBreak(before: scalar(start + place, length)), place > 0 {
                ends[count] = Int32(place)
                count += 1
            }
            place += length
        }
        if place > 0 {
            ends[count] = Int32(place)
            count += 1
        }
        return count
    }

    /// The first characters of `text`, at most `count` of them.
    static func prefix(
        _ text: UnsafeBufferPointer<UInt8>, _ count: Int, _ arena: inout Arena
    ) -> UnsafeBufferPointer<UInt8> {
        // No character is shorter than a byte.
        guard count < text.count else { return text }
        guard count > 0 else { return UnsafeBufferPointer(rebasing: text[..<0]) }
        let ends = arena.allocate(Int32.self, count: text.count)
        let characters = boundaries(text, ends)
        guard count < characters else { return text }
        return UnsafeBufferPointer(rebasing: text[..<Int(ends[count - 1])])
    }

    private static func scalar(_ p: UnsafePointer<UInt8>, _ length: Int) -> Unicode.Scalar {
        let value: UInt32 =
            switch length {
            case 1: UInt32(p[0])
            case 2: UInt32(p[0] & 0x1F) << 6 | UInt32(p[1] & 0x3F)
            case 3:
                UInt32(p[0] & 0x0F) << 12 | UInt32(p[1] & 0x3F) << 6 | UInt32(p[2] & 0x3F)
            default:
                UInt32(p[0] & 0x07) << 18 | UInt32(p[1] & 0x3F) << 12
                    | UInt32(p[2] & 0x3F) << 6 | UInt32(p[3] & 0x3F)
            }
        return Unicode.Scalar(value) ?? "\u{FFFD}"
    }
}
