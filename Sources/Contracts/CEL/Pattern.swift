internal import CRE2

/// A compiled RE2 pattern. Matching is linear in the text.
final class Pattern {
    struct Mistake: Error {
        var text: String
    }

    private let handle: OpaquePointer

    init(_ pattern: [UInt8]) throws(Mistake) {
        var message = [CChar](repeating: 0, count: 256)
        let compiled = pattern.withUnsafeBytes { bytes in
            let start = bytes.bindMemory(to: CChar.self).baseAddress
            return cre2_compile(start, bytes.count, &message, message.count)
        }
        guard let compiled else {
            let end = message.firstIndex(of: 0) ?? message.count
            let text = String(decoding: message[..<end].map(UInt8.init(bitPattern:)), as: UTF8.self)
            throw Mistake(text: "bad pattern: \(text)")
        }
        handle = compiled
    }

    deinit { cre2_free(handle) }

    /// Whether the pattern matches anywhere in `text`.
    func matches(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        UnsafeRawBufferPointer(text).withMemoryRebound(to: CChar.self) {
            cre2_search(handle, $0.baseAddress, $0.count)
        }
    }
}
