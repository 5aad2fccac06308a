package import Contracts
internal import Cryptography
package import Ledger

/// Which keys the partner holds of one source partition, at the place that the open batch has come to: the
/// ledger's index at D, and what the batch has changed. In memory whole; the path of a record allocates
/// nothing once the batch's list has its size.
package final class KeyPresence {
    private struct Change {
        let hash: KeyHash
        let before: PresenceTable.State
        let isPresent: Bool
    }

    private let key: HMACKey
    private let unknownIsPresent: Bool
    private var table: PresenceTable
    private var changes: [Change] = []
    /// What the record at hand changes where it is delivered.
    private var pending: PresenceChange?
    private let code = UnsafeMutableRawPointer.allocate(
        byteCount: HMACKey.codeBytes, alignment: MemoryLayout<UInt64>.alignment)

    package init(key: PresenceKey, unknown: PresenceScope.Unknown) {
        self.key = key.hmac
        unknownIsPresent = unknown == .present
        table = PresenceTable(forgetsAbsent: unknown == .absent)
    }

    deinit {
        table.deallocate()
        code.deallocate()
    }

    /// Takes a page of the ledger's index.
    func load(_ page: [PresenceChange]) {
        for entry in page { table[entry.hash] = entry.isPresent ? .present : .absent }
    }

    /// What becomes of a record that the decider has just decided: a filtered one of a key that the partner
    /// holds becomes a tombstone for it, and is delivered. A violation leaves everything as it is: the
    /// partner keeps what it has.
    package func judge(
        _ decision: Decision, _ record: borrowing SourceRecord, _ decider: StreamDecider
    ) -> Decision {
        pending = nil
        switch decision {
        case .delivered:
            let output = decider.output
            guard let key = output.key else { return decision }
            pending = PresenceChange(hash(key), isPresent: output.value != nil)
            return decision
        case .filtered:
            guard let key = decider.keyOfFiltered(record) else { return decision }
            let hash = hash(key)
            let state = table[hash]
            guard state == .present || (state == .unknown && unknownIsPresent) else {
                return decision
            }
            pending = PresenceChange(hash, isPresent: false)
            return decider.retract(record)
        case .dropped, .quarantined, .stopped:
            return decision
        }
    }

    /// The record judged last is in the open transaction.
    package func confirm() {
        guard let change = pending else { return }
        pending = nil
        let before = table[change.hash]
        let after: PresenceTable.State = change.isPresent ? .present : .absent
        if before == after || (before == .unknown && !change.isPresent && !unknownIsPresent) {
            return
        }
        changes.append(Change(hash: change.hash, before: before, isPresent: change.isPresent))
        table[change.hash] = after
    }

    /// The batch is decided again.
    func rewind() {
        for change in changes.reversed() { table[change.hash] = change.before }
        changes.removeAll(keepingCapacity: true)
    }

    /// The batch is committed.
    func settle() { changes.removeAll(keepingCapacity: true) }

    /// What the open batch changes, in the order of its records.
    var batchChanges: [PresenceChange] {
        changes.map { PresenceChange($0.hash, isPresent: $0.isPresent) }
    }

    private func hash(_ bytes: UnsafeRawBufferPointer) -> KeyHash {
        key.authenticate(bytes, into: code)
        return KeyHash(
            high: UInt64(bigEndian: code.load(as: UInt64.self)),
            low: UInt64(bigEndian: code.load(fromByteOffset: 8, as: UInt64.self)))
    }
}
