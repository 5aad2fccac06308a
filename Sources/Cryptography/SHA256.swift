import COpenSSL

/// SHA-256 (FIPS 180-4) over a stream of bytes. libcrypto's low-level calls: no allocation, a copy of
/// the value is a copy of the state.
package struct SHA256Stream: Sendable {
    /// Bytes of a digest.
    package static let digestBytes = 32

    private var context = SHA256_CTX()

    package init() {
        SHA256_Init(&context)
    }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress, bytes.count > 0 else { return }
        SHA256_Update(&context, start, bytes.count)
    }

    package mutating func update(bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    package mutating func update(utf8 text: String) {
        var text = text
        text.withUTF8 { update(UnsafeRawBufferPointer($0)) }
    }

    /// Big-endian, so that digests do not depend on the machine.
    package mutating func update(integer: some FixedWidthInteger) {
        withUnsafeBytes(of: integer.bigEndian) { update($0) }
    }

    /// The digest of everything so far. The stream starts anew afterwards.
    package mutating func finish() -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: Self.digestBytes) { buffer, count in
            SHA256_Final(buffer.baseAddress, &context)
            count = Self.digestBytes
            SHA256_Init(&context)
        }
    }
}

package enum SHA256 {
    package static func hash(_ bytes: [UInt8]) -> [UInt8] {
        var stream = SHA256Stream()
        stream.update(bytes: bytes)
        return stream.finish()
    }
}
