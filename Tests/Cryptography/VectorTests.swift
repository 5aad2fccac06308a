import Cryptography
import Testing

private func bytes(_ hex: String) -> [UInt8] { Hex.decode(hex) ?? [] }

@Suite struct HashVectors {
    @Test func `SHA-256 gives FIPS 180-4's digests, whole and in parts`() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        #expect(Hex.encode(SHA256.hash(Array("abc".utf8))) == abc)
        var stream = SHA256Stream()
        stream.update(utf8: "a")
        stream.update(bytes: [])
        stream.update(bytes: Array("bc".utf8))
        #expect(Hex.encode(stream.finish()) == abc)
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        #expect(Hex.encode(stream.finish()) == empty)
    }

    /// RFC 4231, cases 1, 2, 3, 6 (a key longer than the block).
    @Test(arguments: [
        (
            String(repeating: "0b", count: 20), "4869205468657265",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ),
        (
            "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        ),
        (
            String(repeating: "aa", count: 20), String(repeating: "dd", count: 50),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
        ),
        (
            String(repeating: "aa", count: 131),
            "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048"
                + "617368204b6579204669727374",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        ),
    ])
    func `HMAC gives RFC 4231's codes`(key: String, data: String, code: String) {
        let key = HMACKey(bytes(key))
        #expect(Hex.encode(key.authenticate(bytes(data))) == code)
        var raw = [UInt8](repeating: 0, count: 32)
        raw.withUnsafeMutableBytes { target in
            bytes(data).withUnsafeBytes { source in
                if let start = target.baseAddress { key.authenticate(source, into: start) }
            }
        }
        #expect(Hex.encode(raw) == code)
        var stream = key.stream()
        for byte in bytes(data) { stream.update(bytes: [byte]) }
        #expect(Hex.encode(stream.finish()) == code)
    }

    @Test func `A message has one code, whatever its length and however it is given`() {
        let key = HMACKey(bytes("0102030405060708090a0b0c0d0e0f10"))
        for length in 0...200 {
            let message = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            var raw = [UInt8](repeating: 0, count: 32)
            raw.withUnsafeMutableBytes { target in
                message.withUnsafeBytes { source in
                    if let start = target.baseAddress { key.authenticate(source, into: start) }
                }
            }
            #expect(raw == key.authenticate(message), "\(length) bytes")
        }
    }

    /// RFC 5869, cases 1 and 3.
    @Test func `HKDF gives RFC 5869's keys`() {
        let secret = String(repeating: "0b", count: 22)
        #expect(
            Hex.encode(
                HKDF.derive(
                    secret: bytes(secret), salt: bytes("000102030405060708090a0b0c"),
                    info: bytes("f0f1f2f3f4f5f6f7f8f9"), count: 42))
                == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
        )
        #expect(
            Hex.encode(HKDF.derive(secret: bytes(secret), info: [], count: 42))
                == "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
        )
    }
}

@Suite struct SealVectors {
    /// McGrew and Viega's GCM test cases 13 and 16 (AES-256), as NIST publishes them.
    private let key = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"
    private let nonce = "cafebabefacedbaddecaf888"
    private let plaintext =
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        + "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
    private let context = "feedfacedeadbeeffeedfacedeadbeefabaddad2"
    private let sealed =
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
        + "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
        + "76fc6ece0f4e1768cddf8853bb2d551b"

    @Test func `AES-256-GCM gives the published ciphertext and tag, and opens it`() throws {
        let result = try AESGCM.seal(
            bytes(plaintext), key: bytes(key), nonce: bytes(nonce), additionalData: bytes(context))
        #expect(Hex.encode(result) == sealed)
        let opened = try AESGCM.open(
            result, key: bytes(key), nonce: bytes(nonce), additionalData: bytes(context))
        #expect(Hex.encode(opened) == plaintext)
    }

    @Test func `an empty message is a tag, and opens to nothing`() throws {
        let zeroKey = [UInt8](repeating: 0, count: 32)
        let zeroNonce = [UInt8](repeating: 0, count: 12)
        let result = try AESGCM.seal([], key: zeroKey, nonce: zeroNonce)
        #expect(Hex.encode(result) == "530f8afbc74536b9a963b4f1c4cb738b")
        #expect(try AESGCM.open(result, key: zeroKey, nonce: zeroNonce) == [])
    }

    @Test func `a flipped bit anywhere, another context or another key does not open`() {
        let good = bytes(sealed)
        for index in good.indices {
            var bad = good
            bad[index] ^= 1
            #expect(throws: CryptographyFailure.notAuthentic) {
                try AESGCM.open(
                    bad, key: bytes(key), nonce: bytes(nonce), additionalData: bytes(context))
            }
        }
        #expect(throws: CryptographyFailure.notAuthentic) {
            try AESGCM.open(good, key: bytes(key), nonce: bytes(nonce))
        }
        #expect(throws: CryptographyFailure.self) {
            try AESGCM.open(good, key: bytes("00"), nonce: bytes(nonce))
        }
    }
}

@Suite struct EncodingTests {
    @Test func `hex and base64 come back, for every length up to 70`() {
        for count in 0...70 {
            let data = Random.bytes(count)
            #expect(data.count == count)
            #expect(Hex.decode(Hex.encode(data)) == data)
            #expect(Base64.decode(Base64.encode(data)) == data)
            var raw = [UInt8](repeating: 0, count: count * 2 + 1)
            data.withUnsafeBytes { source in
                raw.withUnsafeMutableBytes { target in
                    if let from = source.baseAddress, let to = target.baseAddress {
                        Hex.encode(from, count: count, into: to)
                    }
                }
            }
            #expect(String(decoding: raw.dropLast(), as: UTF8.self) == Hex.encode(data))
        }
    }

    @Test func `base64 has RFC 4648's texts and refuses what has more than one reading`() {
        #expect(Base64.encode(Array("foobar".utf8)) == "Zm9vYmFy")
        #expect(Base64.encode(Array("foob".utf8)) == "Zm9vYg==")
        for bad in ["Zg=", "Zh==", "Z===", "Zm9v!A==", "Zg==Zg=="] {
            #expect(Base64.decode(bad) == nil)
        }
        #expect(Hex.decode("abc") == nil)
        #expect(Hex.decode("0x") == nil)
    }
}
