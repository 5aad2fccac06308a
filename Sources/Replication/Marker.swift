package import Contracts
internal import Cryptography
internal import Foundation
package import Ledger

/// "Source partition p is decided up to offset n, by batch b": the truth about what was delivered. It
/// stands in the partner's checkpoint topic and commits or aborts with the batch's records.
package struct Marker: Hashable, Sendable, Codable {
    package var contract: String
    package var lane: Int
    package var pin: ContractPin
    /// What decides after this batch: differs from `pin` only in the batch that announces a change.
    package var next: ContractPin
    package var topic: String
    package var partition: Int32
    package var nextOffset: Int64
    package var batchSeq: Int64
    /// Of the batch's attempt, 32 hex digits.
    package var nonce: String
    package var digest: String
    /// Cumulative at `nextOffset`.
    package var counts: Counts
    package var chain: String
    package var clusters: ClusterIDs
    package var layout: Layout
    package var acknowledged: [PartnerPosition]
    package var fingerprints: [Fingerprint]
    /// What operators did, oldest first: `forMarkers` of the acts that the lane knew of.
    package var acts: [Act]

    package var source: SourcePartition { SourcePartition(topic: topic, partition: partition) }
}

/// "This instance owns the lane from here on."
package struct Claim: Hashable, Sendable, Codable {
    package var contract: String
    package var lane: Int
    package var instance: String
    package var nonce: String
    /// Milliseconds since the epoch, by the instance's clock; for people.
    package var at: Int64
}

/// A record of the checkpoint topic, opened.
package enum Checkpoint: Hashable, Sendable {
    case marker(Marker)
    case claim(Claim)
    case release(ReleaseNote)
    /// Another contract's, or another supplier's.
    case foreign
    /// Under a key of ours, and does not open: why.
    case unreadable(String)
}

/// Seals and opens what stands in the checkpoint topic. The partner can read that topic, so a key tells
/// the contract id and nothing more, and a value tells nothing.
///
/// Value: format byte, key id (4 bytes), salt (16), nonce (12), AES-256-GCM ciphertext and tag.
/// Additional data: the record's key, the format byte and the key id, so that a value is bound to its
/// key. Each value has an encryption key of its own, HMAC-SHA-256 of the salt: under one key, random
/// 96-bit nonces are safe for 2^32 values only (NIST SP 800-38D, 8.3), which is two years of markers.
package struct CheckpointCodec: Sendable {
    /// A release halts on a format that it does not know. 1: markers without acts (the member was there,
    /// and empty), and claims. 2: markers with acts. 3: release notes.
    private enum Format: UInt8 { case first = 1, acts, releases }
    private static let headerBytes = 1 + 4 + 16 + 12

    private let contract: String
    private let names: HMACKey
    private let seal: HMACKey
    private let prints: HMACKey
    private let keyID: [UInt8]

    package init(contract: String, key: [UInt8]) {
        func subkey(_ use: String) -> [UInt8] {
            HKDF.derive(
                secret: key, salt: [], info: Array("crossdock/1/\(use)".utf8), count: 32)
        }
        self.contract = contract
        names = HMACKey(subkey("names"))
        seal = HMACKey(subkey("seal"))
        prints = HMACKey(subkey("fingerprints"))
        keyID = Array(subkey("key-id").prefix(4))
    }

    package func key(of partition: SourcePartition) -> [UInt8] {
        let name = "\(contract)\0\(partition.topic)\0\(partition.partition)"
        return Array("\(contract):\(Hex.encode(names.authenticate(Array(name.utf8))))".utf8)
    }

    package func claimKey(lane: Int, instance: String) -> [UInt8] {
        Array("\(contract):claim:\(lane):\(instance)".utf8)
    }

    package func seal(_ marker: Marker) throws -> (key: [UInt8], value: [UInt8]) {
        let key = key(of: marker.source)
        return (key, try seal(Self.encoder().encode(marker), .acts, under: key))
    }

    package func seal(_ claim: Claim) throws -> (key: [UInt8], value: [UInt8]) {
        let key = claimKey(lane: claim.lane, instance: claim.instance)
        return (key, try seal(Self.encoder().encode(claim), .first, under: key))
    }

    package func seal(_ note: ReleaseNote) throws -> (key: [UInt8], value: [UInt8]) {
        let key = Array("\(contract):release:\(note.nonce)".utf8)
        return (key, try seal(Self.encoder().encode(note), .releases, under: key))
    }

    package func open(_ record: CheckpointRecord) -> Checkpoint {
        guard record.key.starts(with: Array("\(contract):".utf8)) else { return .foreign }
        guard let value = record.value else {
            return .unreadable("a tombstone, which Crossdock never writes")
        }
        guard let format = value.first, Format(rawValue: format) != nil else {
            return .unreadable(
                "format \(value.first ?? 0), this release reads 1 to \(Format.releases.rawValue)")
        }
        guard value.count > Self.headerBytes + 16 else { return .unreadable("too short") }
        guard Array(value[1..<5]) == keyID else {
            return .unreadable("sealed under another checkpoints.key")
        }
        do {
            let plain = try AESGCM.open(
                Array(value[Self.headerBytes...]), key: seal.authenticate(Array(value[5..<21])),
                nonce: Array(value[21..<33]), additionalData: record.key + value[0..<5])
            if record.key.starts(with: Array("\(contract):claim:".utf8)) {
                return .claim(try JSONDecoder().decode(Claim.self, from: Data(plain)))
            }
            if record.key.starts(with: Array("\(contract):release:".utf8)) {
                return .release(try JSONDecoder().decode(ReleaseNote.self, from: Data(plain)))
            }
            let marker = try JSONDecoder().decode(Marker.self, from: Data(plain))
            guard key(of: marker.source) == record.key, marker.contract == contract else {
                return .unreadable("its contents belong to another key")
            }
            return .marker(marker)
        } catch {
            return .unreadable("it does not open under checkpoints.key, or its contents are new")
        }
    }

    private func seal(_ plain: Data, _ format: Format, under key: [UInt8]) throws -> [UInt8] {
        let salt = Random.bytes(16)
        let nonce = Random.bytes(12)
        let head = [format.rawValue] + keyID
        return head + salt + nonce
            + (try AESGCM.seal(
                Array(plain), key: seal.authenticate(salt), nonce: nonce,
                additionalData: key + head))
    }

    private static func encoder() -> JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }

    /// Offset, time, and HMAC-SHA-256 over key and value, each behind its length (-1 = null), as hex.
    package func fingerprint(of record: borrowing SourceRecord) -> Fingerprint {
        var bytes: [UInt8] = []
        bytes.reserveCapacity((record.key?.count ?? 0) + (record.value?.count ?? 0) + 16)
        for part in [record.key, record.value] {
            withUnsafeBytes(of: Int64(part?.count ?? -1).littleEndian) {
                bytes.append(contentsOf: $0)
            }
            if let part { bytes.append(contentsOf: part) }
        }
        return Fingerprint(
            offset: record.offset, timestamp: record.timestamp,
            digest: Hex.encode(prints.authenticate(bytes)))
    }
}

extension Nonce {
    package var text: String {
        Hex.encode(
            withUnsafeBytes(of: high.bigEndian, Array.init)
                + withUnsafeBytes(of: low.bigEndian, Array.init))
    }

    package init?(text: String) {
        guard text.utf8.count == 32, let high = UInt64(text.prefix(16), radix: 16),
            let low = UInt64(text.suffix(16), radix: 16)
        else { return nil }
        self.init(high: high, low: low)
    }
}
