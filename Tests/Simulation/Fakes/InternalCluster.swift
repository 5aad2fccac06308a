import Ledger

/// The source of truth on the company's side: partitions as logs. A value: copying it is a backup.
struct InternalCluster {
    enum Entry {
        case record(SourceEntry)
        /// A control record, or a record of an aborted transaction: takes an offset, is never seen.
        case unseen
        /// Compacted away.
        case gone
    }

    struct Log {
        var low: Int64 = 0
        var entries: [Entry] = []
        /// Entries at the end that belong to an open transaction: below high, beyond the stable end.
        var open = 0

        var high: Int64 { low + Int64(entries.count) }
        var stable: Int64 { high - Int64(open) }

        func record(at offset: Int64) -> SourceEntry? {
            guard offset >= low, offset < stable else { return nil }
            guard case .record(let record) = entries[Int(offset - low)] else { return nil }
            return record
        }

        mutating func truncate(before offset: Int64) {
            let cut = min(max(0, offset - low), Int64(entries.count))
            entries.removeFirst(Int(cut))
            low += cut
        }
    }

    var clusterID = "internal-cluster"
    var topics: [String: [Log]] = [:]
    var groups: [String: [SourcePartition: Int64]] = [:]

    subscript(partition: SourcePartition) -> Log? {
        get {
            guard let logs = topics[partition.topic], partition.partition < logs.count else {
                return nil
            }
            return logs[Int(partition.partition)]
        }
        set {
            guard let newValue, topics[partition.topic] != nil else { return }
            topics[partition.topic]?[Int(partition.partition)] = newValue
        }
    }
}

struct SourceEntry {
    var key: [UInt8]?
    var value: [UInt8]?
    var timestamp: Int64
    var headers: [(String, [UInt8]?)] = []
}
