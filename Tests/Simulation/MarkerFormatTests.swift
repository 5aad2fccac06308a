import Cryptography
import Foundation
import Ledger
import Replication
import Testing

/// Values of the checkpoint topic across releases.
@Suite struct MarkerFormatTests {
    private let key = Array("0123456789abcdef0123456789abcdef".utf8)
    private let place = SourcePartition(topic: "orders", partition: 3)
    private var codec: CheckpointCodec { CheckpointCodec(contract: "c", key: key) }

    /// Sealed by hand, as the codec's page says.
    private func sealed(_ format: UInt8, acts: String) throws -> CheckpointRecord {
        func subkey(_ use: String) -> [UInt8] {
            HKDF.derive(
                secret: key, salt: [], info: Array("crossdock/1/\(use)".utf8), count: 32)
        }
        let text = """
            {"acknowledged":[],"acts":\(acts),"batchSeq":7,"chain":"","clusters":{"partner":"p",\
            "source":"s"},"contract":"c","counts":{"bytes":0,"delivered":2,"dropped":0,\
            "filtered":3,"gaps":0,"quarantined":0,"read":5},"digest":"d","fingerprints":[],\
            "lane":0,"layout":{"checkpointPartitions":8,"hash":"crc32c","lanes":1,\
            "partnerPartitions":{"out":4}},"next":{"hash":"h","version":"1.0.0"},"nextOffset":5,\
            "nonce":"00000000000000010000000000000002","partition":3,\
            "pin":{"hash":"h","version":"1.0.0"},"topic":"orders"}
            """
        let recordKey = codec.key(of: place)
        let head = [format] + Array(subkey("key-id").prefix(4))
        let salt = Random.bytes(16)
        let nonce = Random.bytes(12)
        let body = try AESGCM.seal(
            Array(text.utf8), key: HMACKey(subkey("seal")).authenticate(salt), nonce: nonce,
            additionalData: recordKey + head)
        return CheckpointRecord(
            partition: 0, offset: 1, key: recordKey, value: head + salt + nonce + body)
    }

    @Test func `a marker from before acts is read as one without any`() throws {
        guard case .marker(let marker) = codec.open(try sealed(1, acts: "[]")) else {
            Issue.record("not opened")
            return
        }
        #expect((marker.nextOffset, marker.batchSeq) == (5, 7))
        #expect(marker.acts.isEmpty)
    }

    @Test func `a marker tells its acts, and says by its format that it does`() throws {
        let revoke = Act(id: "0a1b", choice: "revoke", reason: "", argument: "", at: 9)
        let text = #"[{"argument":"","at":9,"choice":"revoke","id":"0a1b","reason":""}]"#
        guard case .marker(let marker) = codec.open(try sealed(2, acts: text)) else {
            Issue.record("not opened")
            return
        }
        #expect(marker.acts == [revoke])
        let again = try codec.seal(marker)
        #expect(again.value.first == 2)
        let record = CheckpointRecord(partition: 0, offset: 2, key: again.key, value: again.value)
        #expect(codec.open(record) == .marker(marker))
    }

    @Test func `a release note is of a format of its own, under a key that nothing replaces`()
        throws
    {
        let release = Release(
            id: 4, source: SourcePartition(topic: "t", partition: 2), offset: 5, refusedIn: 3,
            outcome: .filtered, bytes: 0)
        let note = ReleaseNote(
            contract: "c", lane: 1, batchSeq: 8, nonce: "0a",
            pin: ContractPin(version: "1.0.0", hash: "h"), releases: [release])
        let sealed = try codec.seal(note)
        #expect(sealed.value.first == 3)
        #expect(String(decoding: sealed.key, as: UTF8.self) == "c:release:0a")
        let record = CheckpointRecord(partition: 0, offset: 2, key: sealed.key, value: sealed.value)
        #expect(codec.open(record) == .release(note))
    }

    @Test func `a format that is not known halts, and so does one that was changed`() throws {
        guard case .unreadable(let why) = codec.open(try sealed(4, acts: "[]")) else {
            Issue.record("opened")
            return
        }
        #expect(why == "format 4, this release reads 1 to 3")
        var altered = try sealed(2, acts: "[]")
        altered.value?[0] = 1
        guard case .unreadable = codec.open(altered) else {
            Issue.record("opened under another format")
            return
        }
    }

    /// A lane's last acts cost a bounded part of every marker.
    @Test func `acts are bounded`() throws {
        let many = (0..<500).map {
            Act(
                id: "\($0)", choice: "start-at", reason: "partner-restored",
                argument: "2026-01-31T08:00:00.000Z", at: $0)
        }
        #expect(many.forMarkers.count == 8)
        #expect(try JSONEncoder().encode(many.forMarkers).count < 1_200)
    }
}
