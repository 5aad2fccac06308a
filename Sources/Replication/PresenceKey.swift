package import Contracts
internal import Cryptography

/// Hashes outgoing keys for the index of what the partner holds. Under a key of its own, so that a ledger
/// alone does not tell whether a guessed key was delivered.
package struct PresenceKey: Sendable {
    let hmac: HMACKey

    /// `secret`: the checkpoint key.
    package init(contract: String, secret: [UInt8]) {
        let info = "crossdock/1/presence\0\(contract)"
        hmac = HMACKey(HKDF.derive(secret: secret, info: Array(info.utf8), count: 32))
    }

    /// Tells where keys of the stream go and how they are made, secrets included: 32 hex digits. Another
    /// rule, another key in crossdock.yaml or another checkpoint key give another text; so do more partner
    /// partitions where a key's partition depends on their count. `keys`: as `LanePlan.keys`.
    package func rule(
        of stream: Stream, keys: [String: [UInt8]], partnerPartitions: Int
    ) -> String {
        let place = stream.partition == .keep ? "keep" : "key of \(partnerPartitions)"
        var parts = [Array(stream.to.utf8), Array(place.utf8)]
        switch stream.key {
        case .keep: parts.append(Array("keep".utf8))
        case .drop: parts.append(Array("drop".utf8))
        case .pseudonym(let pseudonym): parts += Self.parts(.pseudonym(pseudonym), keys)
        case .path(let path, let transform):
            parts.append(Array("path \(path.text)".utf8))
            if let transform { parts += Self.parts(transform, keys) }
        }
        var stream = hmac.stream()
        for part in parts {
            stream.update(integer: UInt32(part.count))
            stream.update(bytes: part)
        }
        return Hex.encode(Array(stream.finish().prefix(16)))
    }

    /// Words that stay the same from release to release.
    private static func parts(_ transform: Transform, _ keys: [String: [UInt8]]) -> [[UInt8]] {
        let words: String
        var secret: [UInt8] = []
        switch transform {
        case .pseudonym(let pseudonym):
            words = "pseudonym \(pseudonym.length)"
            secret = keys[pseudonym.key] ?? []
        case .mask(let mask): words = "mask \(mask.keepFirst) \(mask.keepLast) \(mask.with)"
        case .encrypt(let key):
            words = "encrypt"
            secret = keys[key] ?? []
        case .truncate(let count): words = "truncate \(count)"
        case .round(let step): words = "round \(step)"
        case .dateTruncate(let unit): words = "dateTruncate \(unit.rawValue)"
        case .cast(let type): words = "cast \(type.rawValue)"
        }
        return [Array(words.utf8), secret]
    }
}
