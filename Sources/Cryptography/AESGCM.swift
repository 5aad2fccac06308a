import COpenSSL

/// What this room can fail with. Never names key material.
package enum CryptographyFailure: Error, Hashable, Sendable {
    /// A key, nonce or output of a length that the algorithm does not take.
    case length(String)
    /// The tag does not fit: another key, another context, or altered bytes.
    case notAuthentic
    /// libcrypto refused; the operation's name.
    case library(String)
}

/// AES-256-GCM (NIST SP 800-38D): key of 32 bytes, nonce of 12, tag of 16 behind the ciphertext.
/// A nonce must never come twice under one key.
package enum AESGCM {
    package static let keyBytes = 32
    package static let nonceBytes = 12
    package static let tagBytes = 16

    /// Ciphertext followed by the tag.
    package static func seal(
        _ plaintext: [UInt8], key: [UInt8], nonce: [UInt8], additionalData: [UInt8] = []
    ) throws(CryptographyFailure) -> [UInt8] {
        let context = try makeContext(key: key, nonce: nonce, sealing: true)
        defer { EVP_CIPHER_CTX_free(context) }
        try authenticate(additionalData, context)
        var sealed = [UInt8](repeating: 0, count: plaintext.count + tagBytes)
        var written: Int32 = 0
        let done = sealed.withUnsafeMutableBufferPointer { out -> Bool in
            guard let start = out.baseAddress else { return false }
            return EVP_EncryptUpdate(context, start, &written, plaintext, Int32(plaintext.count))
                == 1
                && EVP_EncryptFinal_ex(context, start + plaintext.count, &written) == 1
                && EVP_CIPHER_CTX_ctrl(
                    context, EVP_CTRL_AEAD_GET_TAG, Int32(tagBytes), start + plaintext.count) == 1
        }
        guard done else { throw .library("EVP_Encrypt") }
        return sealed
    }

    /// The plaintext of what `seal` made. Nothing is returned unless the tag fits.
    package static func open(
        _ sealed: [UInt8], key: [UInt8], nonce: [UInt8], additionalData: [UInt8] = []
    ) throws(CryptographyFailure) -> [UInt8] {
        guard sealed.count >= tagBytes else { throw .notAuthentic }
        let context = try makeContext(key: key, nonce: nonce, sealing: false)
        defer { EVP_CIPHER_CTX_free(context) }
        try authenticate(additionalData, context)
        let count = sealed.count - tagBytes
        var tag = Array(sealed[count...])
        // One spare byte: an empty message still needs a place to point to.
        var plaintext = [UInt8](repeating: 0, count: count + 1)
        var written: Int32 = 0
        let authentic = plaintext.withUnsafeMutableBufferPointer { out -> Bool in
            guard let start = out.baseAddress else { return false }
            return EVP_DecryptUpdate(context, start, &written, sealed, Int32(count)) == 1
                && EVP_CIPHER_CTX_ctrl(
                    context, EVP_CTRL_AEAD_SET_TAG, Int32(tagBytes), &tag) == 1
                && EVP_DecryptFinal_ex(context, start + count, &written) == 1
        }
        guard authentic else { throw .notAuthentic }
        plaintext.removeLast()
        return plaintext
    }

    private static func makeContext(
        key: [UInt8], nonce: [UInt8], sealing: Bool
    ) throws(CryptographyFailure) -> OpaquePointer {
        guard key.count == keyBytes else {
            throw .length("AES-256 key of \(key.count) bytes, \(keyBytes) needed")
        }
        guard nonce.count == nonceBytes else {
            throw .length("GCM nonce of \(nonce.count) bytes, \(nonceBytes) needed")
        }
        guard let context = EVP_CIPHER_CTX_new() else { throw .library("EVP_CIPHER_CTX_new") }
        guard EVP_CipherInit_ex(context, EVP_aes_256_gcm(), nil, key, nonce, sealing ? 1 : 0) == 1
        else {
            EVP_CIPHER_CTX_free(context)
            throw .library("EVP_CipherInit_ex")
        }
        return context
    }

    private static func authenticate(
        _ additionalData: [UInt8], _ context: OpaquePointer
    ) throws(CryptographyFailure) {
        guard !additionalData.isEmpty else { return }
        var written: Int32 = 0
        let count = Int32(additionalData.count)
        guard EVP_CipherUpdate(context, nil, &written, additionalData, count) == 1 else {
            throw .library("EVP_CipherUpdate")
        }
    }
}
