import COpenSSL

/// AES-256-GCM under one key for many short messages: the key's schedule is made once, and nothing is
/// allocated for a message. One owner, one thread; the owner calls `free`.
package struct AESGCMKey {
    private let context: OpaquePointer

    /// Errors: `length` where the key is not 32 bytes, `library`.
    package init(_ key: [UInt8]) throws(CryptographyFailure) {
        guard key.count == AESGCM.keyBytes else {
            throw .length("AES-256 key of \(key.count) bytes, \(AESGCM.keyBytes) needed")
        }
        guard let context = EVP_CIPHER_CTX_new() else { throw .library("EVP_CIPHER_CTX_new") }
        guard EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), nil, key, nil) == 1 else {
            EVP_CIPHER_CTX_free(context)
            throw .library("EVP_EncryptInit_ex")
        }
        self.context = context
    }

    package func free() { EVP_CIPHER_CTX_free(context) }

    /// Writes the ciphertext and behind it the tag (16 bytes) to `output`; false where libcrypto refuses.
    /// `nonce`: 12 bytes, which must never come twice for two plaintexts.
    package func seal(
        _ plaintext: UnsafeRawBufferPointer, nonce: UnsafeRawPointer,
        additionalData: UnsafeRawBufferPointer, into output: UnsafeMutableRawPointer
    ) -> Bool {
        let out = output.assumingMemoryBound(to: UInt8.self)
        let nonce = nonce.assumingMemoryBound(to: UInt8.self)
        let text = plaintext.baseAddress?.assumingMemoryBound(to: UInt8.self)
        let extra = additionalData.baseAddress?.assumingMemoryBound(to: UInt8.self)
        var written: Int32 = 0
        guard EVP_EncryptInit_ex(context, nil, nil, nil, nonce) == 1 else { return false }
        if let extra, !additionalData.isEmpty,
            EVP_EncryptUpdate(context, nil, &written, extra, Int32(additionalData.count)) != 1
        {
            return false
        }
        if let text, !plaintext.isEmpty,
            EVP_EncryptUpdate(context, out, &written, text, Int32(plaintext.count)) != 1
        {
            return false
        }
        let end = out + plaintext.count
        return EVP_EncryptFinal_ex(context, end, &written) == 1
            && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(AESGCM.tagBytes), end) == 1
    }
}
