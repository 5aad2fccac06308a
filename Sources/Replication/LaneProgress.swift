internal import Contracts
internal import Ledger

/// What a batch makes of the books.
extension Lane {
    /// What the books will say of each partition after the batch.
    func progress(of covered: [Int], _ digest: String) -> [Progress] {
        let prints = fingerprints(of: covered)
        return covered.map { index in
            let slot = slots[index]
            let known = books.partitions[slot.partition]
            let head = known?.chain ?? ""
            return Progress(
                partition: slot.partition, from: slot.from, to: slot.next, counts: slot.counts,
                fingerprints: kept(
                    (known?.fingerprints ?? []) + prints[index, default: []], slot.partition),
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

    /// The last records of the batch, at most 8 a partition, oldest first.
    private func fingerprints(of covered: [Int]) -> [Int: [Fingerprint]] {
        var wanted = slots.map { min(8, Int($0.counts.read)) }
        var left = wanted.reduce(0, +)
        var prints: [Int: [Fingerprint]] = [:]
        let held = source.held
        var index = batch.decided - 1
        while left > 0 && index >= 0 {
            let record = held[index]
            let slot = Int(record.slot)
            if wanted[slot] > 0 {
                wanted[slot] -= 1
                left -= 1
                prints[slot, default: []].insert(codec.fingerprint(of: record), at: 0)
            }
            index -= 1
        }
        return prints
    }
}
