internal import Cryptography

/// contract.md `pseudonym`: lower-case hex of HMAC-SHA-256.
struct PseudonymKey {
    private let key: HMACKey

    init(_ secret: [UInt8]) { key = HMACKey(secret) }

    /// Writes the first `length` hex digits (at most 64) of the code of `text`.
    @inline(__always)
    func write(
        _ text: UnsafeRawBufferPointer, length: Int, to output: UnsafeMutablePointer<UInt8>
    ) {
        var code: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        withUnsafeMutableBytes(of: &code) { bytes in
            guard let start = bytes.baseAddress else { return }
            key.authenticate(text, into: start)
            for index in 0..<length {
                let byte = bytes[index >> 1]
                let digit = byte &>> (index & 1 == 0 ? 4 : 0) & 15
                // 39 lie between '9' and 'a'; digits are random, and a branch on them costs more.
                output[index] = 0x30 &+ digit &+ ((digit &+ 6) &>> 4) &* 39
            }
        }
    }
}
