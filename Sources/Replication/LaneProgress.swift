internal import Contracts
internal import Ledger

/// What a batch makes of the books.
extension Lane {
    /// What the books will say of each partition after the batch.
    func progress(of covered: [Int], _ digest: String) -> [Progress] {
        covered.map { index in
            let slot = slots[index]
            let known = books.partitions[slot.partition]
            let head = known?.chain ?? ""
            return Progress(
                partition: slot.partition, from: slot.from, to: slot.next, counts: slot.counts,
                fingerprints: kept(
                    (known?.fingerprints ?? []) + slot.fingerprints, slot.partition),
                chain: slot.counts.delivered == 0
                    ? head
                    : BatchDigest.chain(after: head, digest: digest, from: slot.from, to: slot.next)
            )
        }
    }

    /// The last ones, and before them the one that the last check has seen; the first of all before any.
    private func kept(_ prints: [Fingerprint], _ partition: SourcePartition) -> [Fingerprint] {
        let last = prints.suffix(8)
        guard let anchor = anchors[partition] ?? prints.first, let oldest = last.first,
            anchor.offset < oldest.offset
        else { return Array(last) }
        return [anchor] + last.suffix(7)
    }

    /// Of the last records of each partition, before they are released.
    func takeFingerprints(of records: Slice<UnsafeBufferPointer<SourceRecord>>) {
        var wanted = slots.map { min(8, Int($0.counts.read - $0.fingerprinted)) }
        var left = wanted.reduce(0, +)
        var newest: [[Fingerprint]] = Array(repeating: [], count: slots.count)
        for record in records.reversed() {
            if left == 0 { break }
            let slot = Int(record.slot)
            guard wanted[slot] > 0 else { continue }
            wanted[slot] -= 1
            left -= 1
            newest[slot].append(codec.fingerprint(of: record))
        }
        for index in slots.indices where !newest[index].isEmpty {
            let all = slots[index].fingerprints + newest[index].reversed()
            slots[index].fingerprints = Array(all.suffix(8))
            slots[index].fingerprinted = slots[index].counts.read
        }
    }
}
