extension ByteBuffer {
    /// Appends text as it stands inside a JSON string: escapes what RFC 8259 requires, no more.
    mutating func appendEscaped(_ text: UnsafeBufferPointer<UInt8>) {
        reserve(text.count * 6)
        for byte in text {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                append(UInt8(ascii: "\\"))
                append(byte)
            case 0x08: appendEscape("b")
            case 0x09: appendEscape("t")
            case 0x0A: appendEscape("n")
            case 0x0C: appendEscape("f")
            case 0x0D: appendEscape("r")
            case 0..<0x20:
                appendEscape("u")
                append(UInt8(ascii: "0"))
                append(UInt8(ascii: "0"))
                append(0x30 + byte >> 4)
                append(byte & 15 < 10 ? 0x30 + byte & 15 : 0x57 + byte & 15)
            default: append(byte)
            }
        }
    }

    private mutating func appendEscape(_ letter: UnicodeScalar) {
        append(UInt8(ascii: "\\"))
        append(UInt8(ascii: letter))
    }
}
