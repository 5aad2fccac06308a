import Contracts
import Ledger
import Replication

/// The internal cluster as one lane's consumer sees it: read_committed, ends reached, memory of its own.
final class FakeSource: LaneSource {
    private let process: Process
    private let group: String
    private var positions: [SourcePosition] = []
    private var reportedEnd: [Int64] = []
    private var parcels: [Parcel] = []
    private let shelf: UnsafeMutableBufferPointer<SourceRecord>
    private static let capacity = 4096

    init(process: Process, group: String) {
        self.process = process
        self.group = group
        shelf = .allocate(capacity: Self.capacity)
    }

    deinit {
        shelf.deallocate()
    }

    private var nature: Nature { process.nature }

    var held: UnsafeBufferPointer<SourceRecord> {
        UnsafeBufferPointer(rebasing: shelf[0..<parcels.count])
    }

    func assign(_ positions: [SourcePosition]) throws(PortFailure) {
        release(parcels.count)
        try process.perform(.assign) { () throws(PortFailure) in
            self.positions = positions
            self.reportedEnd = positions.map { _ in -1 }
        }
    }

    func poll(limit: Int, timeout: Duration) throws(PortFailure) -> [PartitionEnd] {
        let (taken, ends) = try process.perform(.poll) { () throws(PortFailure) in
            try self.take(limit)
        }
        if taken == 0 && ends.isEmpty {
            process.sleep(max(timeout, .milliseconds(1)))
            if process.isDead { throw Process.stopped(.poll) }
        }
        return ends
    }

    private func take(_ limit: Int) throws(PortFailure) -> (Int, [PartitionEnd]) {
        var limit = min(limit, Self.capacity - parcels.count)
        if nature.pollsAtRandom, limit > 1 { limit = 1 + nature.random.below(min(limit, 6)) }
        var taken = 0
        var ends: [PartitionEnd] = []
        let first =
            nature.pollsAtRandom && !positions.isEmpty
            ? nature.random.below(positions.count) : 0
        for step in positions.indices {
            let slot = (first + step) % positions.count
            let partition = positions[slot].partition
            guard let log = nature.internalCluster[partition] else {
                throw PortFailure(.unavailable, "consume", "unknown partition")
            }
            var offset = positions[slot].offset
            guard offset >= log.low, offset <= log.high else {
                throw PortFailure(
                    .outOfRange, "consume", "\(partition.topic)-\(partition.partition) \(offset)")
            }
            while offset < log.stable, taken < limit {
                if let record = log.record(at: offset) {
                    if nature.defect == .sourceSkips, offset == 2 {
                        offset += 1
                        continue
                    }
                    if nature.defect == .sourceRepeats, offset == 2 {
                        hold(record, at: offset, slot: slot, partition: partition.partition)
                    }
                    hold(record, at: offset, slot: slot, partition: partition.partition)
                    taken += 1
                }
                offset += 1
            }
            // Nothing visible left before the stable end: the position crosses what is not seen.
            while offset < log.stable, log.record(at: offset) == nil { offset += 1 }
            positions[slot].offset = offset
            if offset == log.stable, reportedEnd[slot] != offset {
                reportedEnd[slot] = offset
                ends.append(PartitionEnd(slot: slot, offset: offset))
            }
        }
        return (taken, ends)
    }

    private func hold(_ entry: SourceEntry, at offset: Int64, slot: Int, partition: Int32) {
        let parcel = Parcel(entry)
        parcels.append(parcel)
        let record = SourceRecord(
            key: parcel.key.view, value: parcel.value.view, headers: parcel.headers.reader,
            offset: offset, timestamp: entry.timestamp, partition: partition, slot: Int32(slot))
        (shelf.baseAddress.map { $0 + parcels.count - 1 })?.initialize(to: record)
    }

    /// What is released is spoilt: a loop that still reads it delivers rubbish, and is found out.
    func release(_ count: Int) {
        let gone = min(count, parcels.count)
        if count > parcels.count { process.nature.violate("more is released than is held") }
        parcels.removeFirst(gone)
        for index in parcels.indices { shelf[index] = shelf[index + gone] }
    }

    func commit(_ positions: [SourcePosition]) {
        let fault = process.enter(.groupCommit)
        if fault == .crashBefore || fault == .lost { return }
        for position in positions {
            nature.internalCluster.groups[group, default: [:]][position.partition] =
                position.offset
        }
        if fault == .crashAfter { process.die() }
    }

    // MARK: The second handle

    func facts(topics: [String]) throws(PortFailure) -> SourceFacts {
        try process.perform(.sourceFacts) { () throws(PortFailure) in
            var partitions: [String: Int] = [:]
            for topic in topics {
                partitions[topic] = self.nature.internalCluster.topics[topic]?.count
            }
            return SourceFacts(
                clusterID: self.nature.internalCluster.clusterID, partitions: partitions)
        }
    }

    func watermarks(_ partitions: [SourcePartition]) throws(PortFailure) -> [Watermarks] {
        try process.perform(.watermarks) { () throws(PortFailure) in
            var marks: [Watermarks] = []
            for partition in partitions { marks.append(try self.watermarks(of: partition)) }
            return marks
        }
    }

    private func watermarks(of partition: SourcePartition) throws(PortFailure) -> Watermarks {
        guard let log = nature.internalCluster[partition] else {
            throw PortFailure(.unavailable, "query_watermark_offsets", "unknown partition")
        }
        return Watermarks(low: log.low, high: log.high)
    }

    func groupOffsets(
        _ partitions: [SourcePartition], group: String?
    ) throws(PortFailure) -> [Int64?] {
        try process.perform(.groupOffsets) { () throws(PortFailure) in
            let offsets = self.nature.internalCluster.groups[group ?? self.group] ?? [:]
            return partitions.map { offsets[$0] }
        }
    }

    func offsets(
        _ partitions: [SourcePartition], at milliseconds: Int64
    ) throws(PortFailure) -> [Int64] {
        try process.perform(.timeOffsets) { () throws(PortFailure) in
            var offsets: [Int64] = []
            for partition in partitions {
                guard let log = self.nature.internalCluster[partition] else {
                    throw PortFailure(.unavailable, "offsets_for_times", "unknown partition")
                }
                let first = (log.low..<log.high).first {
                    (log.record(at: $0)?.timestamp ?? -1) >= milliseconds
                }
                offsets.append(first ?? log.high)
            }
            return offsets
        }
    }

    func probe(
        _ positions: [SourcePosition], visit: (Int, SourceRecord?) -> Void
    ) throws(PortFailure) {
        try process.perform(.probe) { () throws(PortFailure) in
            for (index, position) in positions.enumerated() {
                let log = self.nature.internalCluster[position.partition]
                guard let entry = log?.record(at: position.offset) else {
                    visit(index, nil)
                    continue
                }
                Self.show(entry, at: position) { visit(index, $0) }
            }
        }
    }

    private static func show(
        _ entry: SourceEntry, at position: SourcePosition, to visit: (SourceRecord) -> Void
    ) {
        (entry.key ?? []).withUnsafeBytes { key in
            (entry.value ?? []).withUnsafeBytes { value in
                visit(
                    SourceRecord(
                        key: entry.key == nil ? nil : key,
                        value: entry.value == nil ? nil : value, headers: .none,
                        offset: position.offset, timestamp: entry.timestamp,
                        partition: position.partition.partition, slot: 0))
            }
        }
    }
}

/// The memory of one held record.
private final class Parcel {
    let key: Bytes
    let value: Bytes
    let headers: HeaderBox

    init(_ entry: SourceEntry) {
        key = Bytes(entry.key)
        value = Bytes(entry.value)
        headers = HeaderBox(entry.headers)
    }
}

/// Bytes in memory of their own, overwritten before they are given back.
private final class Bytes {
    private let buffer: UnsafeMutableRawBufferPointer?

    init(_ bytes: [UInt8]?) {
        guard let bytes else {
            buffer = nil
            return
        }
        let memory = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(1, bytes.count), alignment: 8)
        memory.copyBytes(from: bytes)
        buffer = UnsafeMutableRawBufferPointer(rebasing: memory[0..<bytes.count])
    }

    deinit {
        buffer?.initializeMemory(as: UInt8.self, repeating: 0xDD)
        buffer?.deallocate()
    }

    var view: UnsafeRawBufferPointer? { buffer.map { UnsafeRawBufferPointer($0) } }
}

/// Headers in C memory, as the client library keeps them.
private final class HeaderBox {
    private let names: [Bytes]
    private let values: [Bytes]

    init(_ headers: [(String, [UInt8]?)]) {
        names = headers.map { Bytes(Array($0.0.utf8) + [0]) }
        values = headers.map { Bytes($0.1) }
    }

    /// Nothing keeps this object alive but the parcel it is part of.
    var reader: HeaderReader {
        guard !names.isEmpty else { return .none }
        return HeaderReader(handle: Unmanaged.passUnretained(self).toOpaque()) {
            handle, index, name, value, length in
            guard let handle else { return false }
            let box = Unmanaged<HeaderBox>.fromOpaque(handle).takeUnretainedValue()
            guard index < box.names.count else { return false }
            name.pointee = box.names[index].view?.baseAddress?.assumingMemoryBound(
                to: CChar.self)
            value.pointee = box.values[index].view?.baseAddress
            length.pointee = box.values[index].view?.count ?? 0
            return true
        }
    }
}
