internal import CVector
internal import Cryptography

/// contract.md `pseudonym`: lower-case hex of HMAC-SHA-256. Plain memory, so that using it counts no references.
struct PseudonymKey: BitwiseCopyable {
    /// Digits of a code.
    static let longest = 2 * HMACKey.codeBytes

    private let pads: HMACPads

    init(_ secret: [UInt8]) { pads = HMACPads(secret) }

    /// Writes the hex digits of the code of `text`, all of them.
    @inline(__always)
    static func write(
        _ text: UnsafeRawBufferPointer, under key: UnsafePointer<PseudonymKey>,
        to output: UnsafeMutablePointer<UInt8>
    ) {
        var code = SIMD32<UInt8>()
        withUnsafeMutableBytes(of: &code) { bytes in
            guard let start = bytes.baseAddress else { return }
            let pads = UnsafeRawPointer(key).assumingMemoryBound(to: HMACPads.self)
            HMACPads.authenticate(text, under: pads, into: start)
            let code = start.assumingMemoryBound(to: UInt8.self)
            crossdock_hex_16(code, output)
            crossdock_hex_16(code + 16, output + 32)
        }
    }
}
