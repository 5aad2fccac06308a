internal import Cryptography

/// contract.md `encrypt`: AES-256-GCM, base64 of nonce, ciphertext and tag. The nonce is taken from an HMAC
/// over everything that tells one value from another, the plaintext included: a replay gives the same
/// bytes, and two plaintexts never share a nonce.
struct FieldCipher {
    private let key: AESGCMKey
    private let nonces: HMACKey
    /// Contract id, source cluster id, topic and output path, each with its length.
    private let prefix: [UInt8]
    private let additionalData: [UInt8]

    init(
        _ secret: [UInt8], contract: String, cluster: String, topic: String, path: String
    ) throws(EngineError) {
        do throws(CryptographyFailure) {
            key = try AESGCMKey(secret)
        } catch {
            throw EngineError(message: "a key of 'encrypt' has exactly \(AESGCM.keyBytes) bytes")
        }
        nonces = HMACKey(
            HKDF.derive(secret: secret, info: Array("crossdock encrypt nonce".utf8), count: 32))
        var prefix: [UInt8] = []
        for part in [contract, cluster, topic, path] {
            withUnsafeBytes(of: UInt64(part.utf8.count).bigEndian) { prefix += $0 }
            prefix += part.utf8
        }
        self.prefix = prefix
        additionalData = Array("\(contract)|\(path)".utf8)
    }

    func free() { key.free() }

    /// Appends the base64 text. `indices`: of the elements on the way, outermost first. False where
    /// libcrypto refuses.
    func write(
        _ plaintext: UnsafeBufferPointer<UInt8>, partition: Int32, offset: Int64,
        indices: UnsafeBufferPointer<Int64>, to output: inout ByteBuffer, _ arena: inout Arena
    ) -> Bool {
        var message = Message(
            memory: arena.allocate(
                UInt8.self, count: prefix.count + 8 * (6 + 2 * indices.count) + plaintext.count))
        prefix.withUnsafeBufferPointer { message.append($0) }
        message.append(number: Int64(partition))
        message.append(number: offset)
        for index in indices { message.append(number: index) }
        message.append(length: plaintext.count)
        message.append(plaintext)
        let code = arena.allocate(UInt8.self, count: HMACKey.codeBytes)
        nonces.authenticate(
            UnsafeRawBufferPointer(start: message.memory, count: message.count), into: code)

        let length = AESGCM.nonceBytes + plaintext.count + AESGCM.tagBytes
        let sealed = arena.allocate(UInt8.self, count: length)
        sealed.update(from: code, count: AESGCM.nonceBytes)
        let isSealed = additionalData.withUnsafeBytes { extra in
            key.seal(
                UnsafeRawBufferPointer(plaintext), nonce: code, additionalData: extra,
                into: sealed + AESGCM.nonceBytes)
        }
        guard isSealed else { return false }
        output.reserve(Base64.length(of: length))
        Base64.encode(sealed, count: length, into: output.base + output.count)
        output.count += Base64.length(of: length)
        return true
    }

    /// Parts with their lengths, one behind the other.
    private struct Message {
        let memory: UnsafeMutablePointer<UInt8>
        var count = 0

        mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) {
            guard let start = bytes.baseAddress else { return }
            (memory + count).update(from: start, count: bytes.count)
            count += bytes.count
        }

        mutating func append(length: Int) { append(word: Int64(length)) }

        mutating func append(number: Int64) {
            append(word: 8)
            append(word: number)
        }

        private mutating func append(word: Int64) {
            UnsafeMutableRawPointer(memory + count).storeBytes(
                of: word.bigEndian, as: Int64.self)
            count += 8
        }
    }
}
