/// The record path: filter, fields, key, headers, partition, in this order. Plain memory throughout.
struct DeciderCore {
    enum KeyStep {
        case keep, drop
        case pseudonym(Int32, length: Int32)
        /// The value in a slot, as text, transformed.
        case slot(Int32, TransformStep)
    }

    private(set) var output: OutputRecord
    private(set) var trouble = Trouble.none
    private(set) var wasTombstone = false
    private(set) var isRetraction = false
    /// What a violation comes to.
    let refusal: Decision

    private var scanner: JSONScanner
    private let filter: UnsafeMutablePointer<CELEvaluator>?
    var writer: OutputWriter
    private var headers: HeaderFilter
    private let key: KeyStep
    private let isJSON: Bool
    private let forwardsTombstones: Bool
    private let partitionsByKey: Bool
    private let partnerPartitions: Int32
    /// The key that leaves, where it is not the record's own.
    private var keyBuffer: ByteBuffer

    init(
        _ stream: Stream, _ source: SourcePlan, _ program: CELProgram?,
        _ computed: [Int: CELProgram], _ table: TransformTable, _ partnerPartitions: Int32
    ) throws(EngineError) {
        guard stream.format == .json || stream.format == .bytes else {
            throw EngineError(
                message: "format \(stream.format.rawValue) is not available in this release yet")
        }
        isJSON = stream.format == .json
        guard stream.partition == .keep || partnerPartitions > 0 else {
            throw EngineError(message: "topic '\(stream.to)' has no partitions")
        }
        var transforms = table
        let plan = try OutputPlan(stream.fields, source)
        key = try DeciderCore.keyStep(stream, source, &transforms)
        let programs = computed.keys.sorted()
        let outputs = try OutputProgram(
            plan, stream.fields,
            programs: Dictionary(uniqueKeysWithValues: zip(programs, Int32(0)...)), &transforms)
        scanner = JSONScanner(names: source.nameTable(), slotCount: source.slotCount)
        writer = OutputWriter(
            outputs, transforms, programs: programs.compactMap { computed[$0] },
            slots: scanner.slots, topic: stream.from)
        filter = program.map { [slots = scanner.slots] in
            let filter = UnsafeMutablePointer<CELEvaluator>.allocate(capacity: 1)
            filter.initialize(to: CELEvaluator($0, slots: slots, topic: stream.from))
            return filter
        }
        rootSlot = source.record.root.slot
        headers = HeaderFilter(stream.headers)
        forwardsTombstones = stream.forwardsTombstones
        partitionsByKey = stream.partition == .key
        self.partnerPartitions = partnerPartitions
        refusal =
            switch stream.onViolation {
            case .quarantine: .quarantined
            case .stop: .stopped
            case .drop: .dropped
            }
        output = OutputRecord(
            key: nil, value: nil, headers: UnsafeBufferPointer(start: nil, count: 0),
            timestamp: -1, partition: 0)
        // Memory that a stream which is refused above would have left behind.
        keyBuffer = ByteBuffer(capacity: 256)
    }

    /// Slot of the whole record, -1 = nobody asks for it.
    private let rootSlot: Int32

    private static func keyStep(
        _ stream: Stream, _ source: SourcePlan, _ transforms: inout TransformTable
    ) throws(EngineError) -> KeyStep {
        switch stream.key {
        case .keep: return .keep
        case .drop:
            guard stream.partition == .keep else {
                throw EngineError(message: "'partition: key' needs a key, and 'key' is drop")
            }
            return .drop
        case .pseudonym(let pseudonym):
            guard case .pseudonym(let key, let length) = try transforms.add(pseudonym) else {
                return .drop
            }
            return .pseudonym(key, length: length)
        case .path(let path, let transform):
            guard stream.format == .json, !stream.forwardsTombstones,
                !path.steps.contains(where: \.elements)
            else { throw EngineError(message: "key path '\(path.text)' cannot be used here") }
            let slot = source.slot(path.steps.map(\.member), in: source.record)
            // A key is no member of the output: it has a name that no path can have.
            return .slot(slot, try transforms.add(transform, path: "(key)"))
        }
    }

    func free() {
        scanner.free()
        if let filter {
            filter.pointee.free()
            filter.deinitialize(count: 1)
            filter.deallocate()
        }
        writer.free()
        headers.free()
        keyBuffer.free()
    }

    // MARK: one record

    mutating func decide(_ record: borrowing SourceRecord) -> Decision {
        wasTombstone = false
        isRetraction = false
        guard let value = record.value else { return tombstone(record) }
        if isJSON, !scanner.scan(value, root: rootSlot) { return refuse(.json(scanner.fault)) }
        if let filter {
            let verdict = filter.pointee.run(CELInput(record))
            guard verdict.tag == .bool else { return refuse(DeciderCore.failed(verdict)) }
            if verdict.payload == 0 { return .filtered }
        }
        if isJSON {
            writer.write(record)
            guard case .none = writer.trouble else { return refuse(writer.trouble) }
            output.value = writer.buffer.bytes
        } else {
            output.value = value
        }
        return address(record)
    }

    private static func failed(_ verdict: CELValue) -> Trouble {
        guard verdict.isFailure, let failure = CELFailure(rawValue: UInt8(verdict.payload)) else {
            return .filterNotBool(verdict.tag)
        }
        return .filter(failure, node: Int32(bitPattern: verdict.count))
    }

    @inline(never)
    private mutating func refuse(_ trouble: Trouble) -> Decision {
        self.trouble = trouble
        return refusal
    }

    /// A null value bypasses filter and fields.
    private mutating func tombstone(_ record: borrowing SourceRecord) -> Decision {
        wasTombstone = true
        guard forwardsTombstones else { return .filtered }
        output.value = nil
        return address(record)
    }

    /// Key, headers, partition and timestamp.
    private mutating func address(_ record: borrowing SourceRecord) -> Decision {
        guard takeKey(record) else { return refusal }
        output.headers = headers.select(record.headers)
        output.unchangedHeaders =
            record.headers.isMovable && headers.isAll ? record.headers.handle : nil
        output.timestamp = record.timestamp
        output.partition = partitionsByKey ? partition(record.partition) : record.partition
        return .delivered
    }

    /// False: a violation.
    @inline(__always)
    private mutating func takeKey(_ record: borrowing SourceRecord) -> Bool {
        switch key {
        case .keep: output.key = record.key
        case .drop: output.key = nil
        case .pseudonym(let number, let length):
            output.key = record.key.map { pseudonym($0, number, length) }
        case .slot(let slot, let transform):
            return keyFrom(scanner.slots[Int(slot)], transform, record)
        }
        return true
    }

    private func partition(_ source: Int32) -> Int32 {
        guard let key = output.key else { return source % partnerPartitions }
        return Murmur2.partition(key, of: partnerPartitions)
    }

    // MARK: scope exit

    /// The key under which a filtered record would have left; nil where it has none.
    mutating func keyOfFiltered(_ record: borrowing SourceRecord) -> UnsafeRawBufferPointer? {
        // A tombstone was not scanned: slots hold an older record.
        if wasTombstone, case .slot = key { return nil }
        guard takeKey(record) else { return nil }
        return output.key
    }

    /// A tombstone under that key, with the headers that the contract lets through.
    mutating func retract(_ record: borrowing SourceRecord) {
        isRetraction = true
        output.value = nil
        _ = address(record)
    }

    // MARK: keys

    private mutating func pseudonym(
        _ text: UnsafeRawBufferPointer, _ number: Int32, _ length: Int32
    ) -> UnsafeRawBufferPointer {
        keyBuffer.count = 0
        keyBuffer.reserve(PseudonymKey.longest)
        writer.pseudonym(text, number, to: keyBuffer.base)
        keyBuffer.count = Int(length)
        return keyBuffer.bytes
    }

    /// A string's content or a scalar's source text. False: a violation.
    private mutating func keyFrom(
        _ span: JSONSpan, _ transform: TransformStep, _ record: borrowing SourceRecord
    ) -> Bool {
        guard span.kind != .absent, span.kind != .null, !span.kind.isContainer else {
            trouble = .key(span.kind)
            return false
        }
        let text = writer.plainText(span)
        switch transform {
        case .none: output.key = UnsafeRawBufferPointer(text)
        case .pseudonym(let number, let length):
            output.key = pseudonym(UnsafeRawBufferPointer(text), number, length)
        default:
            keyBuffer.count = 0
            guard
                writer.transform(
                    transform, span, asJSON: false, record, arrays: 0, to: &keyBuffer)
            else {
                trouble = .keyTransform(span.kind)
                return false
            }
            output.key = keyBuffer.bytes
        }
        return true
    }
}
