/// HKDF with SHA-256 (RFC 5869): independent keys from one secret, told apart by `info`.
package enum HKDF {
    /// `count` bytes, at most 255 * 32 as the RFC has it: more is cut there. An empty salt is 32 zeros.
    package static func derive(
        secret: [UInt8], salt: [UInt8] = [], info: [UInt8], count: Int
    ) -> [UInt8] {
        let zeros = [UInt8](repeating: 0, count: HMACKey.codeBytes)
        let extracted = HMACKey(salt.isEmpty ? zeros : salt).authenticate(secret)
        let key = HMACKey(extracted)
        var output: [UInt8] = []
        var previous: [UInt8] = []
        var block: UInt8 = 1
        while output.count < count {
            previous = key.authenticate(previous + info + [block])
            output += previous
            if block == 255 { break }
            block += 1
        }
        return Array(output.prefix(count))
    }
}
