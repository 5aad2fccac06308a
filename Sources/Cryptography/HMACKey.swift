import COpenSSL

/// What is left of a key for HMAC-SHA-256 (RFC 2104) once its two pads are hashed, so that a code costs two
/// short hashes. Plain memory.
package struct HMACPads: BitwiseCopyable, Sendable {
    fileprivate let inner: SHA256_CTX
    fileprivate let outer: SHA256_CTX

    /// Any length; a secret longer than 64 bytes is hashed first, as the RFC says.
    package init(_ secret: [UInt8]) {
        let block = 64
        var key = secret.count > block ? SHA256.hash(secret) : secret
        key.append(contentsOf: repeatElement(0, count: block - key.count))
        inner = Self.context(after: key.map { $0 ^ 0x36 })
        outer = Self.context(after: key.map { $0 ^ 0x5c })
    }

    private static func context(after pad: [UInt8]) -> SHA256_CTX {
        var context = SHA256_CTX()
        SHA256_Init(&context)
        SHA256_Update(&context, pad, pad.count)
        return context
    }

    /// Writes the code of `data`, 32 bytes, to `target`.
    package static func authenticate(
        _ data: UnsafeRawBufferPointer, under pads: UnsafePointer<HMACPads>,
        into target: UnsafeMutableRawPointer
    ) {
        var context = pads.pointee.inner
        if data.count <= longestInOneBlock {
            closeWithOneBlock(&context, data, to: target)
        } else {
            SHA256_Update(&context, data.baseAddress, data.count)
            SHA256_Final(target.assumingMemoryBound(to: UInt8.self), &context)
        }
        context = pads.pointee.outer
        let digest = UnsafeRawBufferPointer(start: target, count: HMACKey.codeBytes)
        closeWithOneBlock(&context, digest, to: target)
    }

    /// A block without the bit that ends the message and the message's length.
    private static let longestInOneBlock = 64 - 1 - 8

    /// The digest of a pad's block and at most 55 bytes more, padded as FIPS 180-4, 5.1.1 says: without the
    /// bookkeeping of SHA256_Update and SHA256_Final, which costs more than a block.
    @inline(__always)
    private static func closeWithOneBlock(
        _ context: inout SHA256_CTX, _ data: UnsafeRawBufferPointer,
        to target: UnsafeMutableRawPointer
    ) {
        var block = SIMD8<UInt64>()
        withUnsafeMutableBytes(of: &block) { block in
            block.copyMemory(from: data)
            block[data.count] = 0x80
            let bits = UInt64(64 + data.count) * 8
            block.storeBytes(of: bits.bigEndian, toByteOffset: 56, as: UInt64.self)
            SHA256_Transform(&context, block.baseAddress?.assumingMemoryBound(to: UInt8.self))
        }
        let state = context.h
        let words = SIMD8(
            state.0, state.1, state.2, state.3, state.4, state.5, state.6, state.7)
        for index in 0..<8 {
            target.storeBytes(
                of: words[index].bigEndian, toByteOffset: index * 4, as: UInt32.self)
        }
    }
}

/// A key for HMAC-SHA-256. Immutable: any thread may use it.
package final class HMACKey: Sendable {
    /// Bytes of a code.
    package static let codeBytes = 32

    private let pads: HMACPads

    /// Any length.
    package init(_ secret: [UInt8]) { pads = HMACPads(secret) }

    /// Writes the code of `data`, 32 bytes, to `target`.
    package func authenticate(
        _ data: UnsafeRawBufferPointer, into target: UnsafeMutableRawPointer
    ) {
        withUnsafePointer(to: pads) { HMACPads.authenticate(data, under: $0, into: target) }
    }

    package func authenticate(_ data: [UInt8]) -> [UInt8] {
        var stream = stream()
        stream.update(bytes: data)
        return stream.finish()
    }

    /// For a message in several parts.
    package func stream() -> HMACStream {
        HMACStream(inner: pads.inner, outer: pads.outer)
    }
}

/// One message under an `HMACKey`, fed in parts.
package struct HMACStream: Sendable {
    private var context: SHA256_CTX
    private let outer: SHA256_CTX

    fileprivate init(inner: SHA256_CTX, outer: SHA256_CTX) {
        context = inner
        self.outer = outer
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

    /// Big-endian.
    package mutating func update(integer: some FixedWidthInteger) {
        withUnsafeBytes(of: integer.bigEndian) { update($0) }
    }

    /// The code, 32 bytes. The stream is used up.
    package consuming func finish() -> [UInt8] {
        var context = context
        var result = outer
        return [UInt8](unsafeUninitializedCapacity: HMACKey.codeBytes) { buffer, count in
            SHA256_Final(buffer.baseAddress, &context)
            SHA256_Update(&result, buffer.baseAddress, HMACKey.codeBytes)
            SHA256_Final(buffer.baseAddress, &result)
            count = HMACKey.codeBytes
        }
    }
}
