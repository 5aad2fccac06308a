import Contracts
import Cryptography
import Ledger
import Replication

/// The checkpoint topic's records, which the partner could write: whole values (first byte even), and
/// contents sealed with the right key (odd), as an older or a newer release might have written them. The
/// next two bits choose a marker's key, a claim's or a release note's.
enum MarkerTarget {
    private static let secret = [UInt8](repeating: 7, count: 32)
    private static let codec = CheckpointCodec(contract: "fuzz", key: secret)
    private static let source = SourcePartition(topic: "flights", partition: 1)

    static func run(_ data: UnsafeRawBufferPointer) -> CInt {
        guard let choice = data.first else { return -1 }
        let rest = Array(data.dropFirst())
        let key =
            switch choice & 6 {
            case 0: codec.key(of: source)
            case 2: codec.claimKey(lane: 0, instance: "i")
            default: Array("fuzz:release:n".utf8)
            }
        let value = choice & 1 == 0 ? rest : sealed(rest, under: key)
        let found = codec.open(
            CheckpointRecord(partition: 0, offset: 0, key: key, value: value))
        switch found {
        case .marker(let marker):
            require(choice & 1 == 1, "a marker that nobody sealed")
            let again = try? codec.seal(marker)
            require(again?.key == key, "sealed under another key")
            require(reopened(again) == found, "another marker when sealed again")
        case .claim(let claim):
            require(choice & 1 == 1, "a claim that nobody sealed")
            require(reopened(try? codec.seal(claim)) == found, "another claim when sealed again")
        case .release(let note):
            require(choice & 1 == 1, "a release note that nobody sealed")
            require(reopened(try? codec.seal(note)) == found, "another note when sealed again")
        case .foreign: require(false, "a key of ours is foreign")
        case .unreadable(let why): require(!why.isEmpty, "unreadable without a reason")
        }
        return 0
    }

    private static func reopened(_ sealed: (key: [UInt8], value: [UInt8])?) -> Checkpoint? {
        sealed.map {
            codec.open(CheckpointRecord(partition: 0, offset: 0, key: $0.key, value: $0.value))
        }
    }

    private static func subkey(_ use: String) -> [UInt8] {
        HKDF.derive(secret: secret, salt: [], info: Array("crossdock/1/\(use)".utf8), count: 32)
    }

    private static let sealing = HMACKey(subkey("seal"))
    private static let keyID = Array(subkey("key-id").prefix(4))

    private static func sealed(_ plain: [UInt8], under key: [UInt8]) -> [UInt8] {
        let head = [UInt8(2)] + keyID
        let salt = [UInt8](repeating: 1, count: 16)
        let nonce = [UInt8](repeating: 2, count: 12)
        let text = try? AESGCM.seal(
            plain, key: sealing.authenticate(salt), nonce: nonce, additionalData: key + head)
        return head + salt + nonce + (text ?? [])
    }
}
