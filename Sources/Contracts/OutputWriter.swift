/// Writes the output value of one record after the other into one buffer.
struct OutputWriter {
    private(set) var buffer = ByteBuffer(capacity: 4096)
    private(set) var trouble = Trouble.none

    private let program: OutputProgram
    private let slots: UnsafeMutablePointer<JSONSpan>
    private let pseudonyms: UnsafeMutablePointer<PseudonymKey>
    private let masks: [Masking]
    private let ciphers: [FieldCipher]
    private let roundings: [Rounding]
    private let computed: UnsafeMutablePointer<CELEvaluator>
    private let computedCount: Int
    /// Where the walk stands in each of the arrays around, outermost first.
    private let indices: UnsafeMutablePointer<Int64>
    private var arena = Arena()
    /// Of the record, which is still there: behind it nothing may be read.
    private var end: UnsafePointer<UInt8>?

    /// `program` and the transforms are owned by the writer from here on.
    init(
        _ program: OutputProgram, _ transforms: TransformTable, programs: [CELProgram],
        slots: UnsafeMutablePointer<JSONSpan>, topic: String
    ) {
        self.program = program
        self.slots = slots
        masks = transforms.masks
        ciphers = transforms.ciphers
        roundings = transforms.roundings
        computedCount = programs.count
        computed = .allocate(capacity: max(programs.count, 1))
        for (number, program) in programs.enumerated() {
            (computed + number).initialize(to: CELEvaluator(program, slots: slots, topic: topic))
        }
        indices = .allocate(capacity: max(program.arrayDepth, 1))
        indices.initialize(repeating: 0, count: max(program.arrayDepth, 1))
        pseudonyms = copy(transforms.pseudonyms)
    }

    func free() {
        program.free()
        pseudonyms.deallocate()
        for number in 0..<computedCount { computed[number].free() }
        computed.deinitialize(count: computedCount)
        computed.deallocate()
        for cipher in ciphers { cipher.free() }
        indices.deallocate()
        buffer.free()
        arena.free()
    }

    /// Writes what the scanner captured. A violation is in `trouble`, and the buffer is void then.
    @inline(__always)
    mutating func write(_ record: borrowing SourceRecord) {
        arena.reset()
        trouble = .none
        buffer.count = 0
        // Values are parts of the record.
        end = record.value.flatMap { text in
            text.baseAddress.map { ($0 + text.count).assumingMemoryBound(to: UInt8.self) }
        }
        if run(0, program.count, record) { close(from: 0, UInt8(ascii: "{"), UInt8(ascii: "}")) }
    }

    /// Puts brackets around what stands from `start` on: the opening one where the first comma is.
    @inline(__always)
    private mutating func close(from start: Int, _ opening: UInt8, _ closing: UInt8) {
        buffer.reserve(2)
        buffer.base[start] = opening
        if buffer.count == start { buffer.count &+= 1 }
        buffer.append(closing)
    }

    /// Runs steps; false: a violation.
    private mutating func run(
        _ from: Int, _ to: Int, _ record: borrowing SourceRecord
    ) -> Bool {
        var index = from
        while index < to {
            let step = program.steps + index
            index += 1
            switch step.pointee.operation {
            case .field:
                if !field(step, record) { return false }
            case .constant: begin(step)
            case .computed:
                if !compute(step, record) { return false }
            case .openObject, .openElement:
                begin(step)
                program.opened[Int(step.pointee.depth)] = buffer.count
            case .closeObject:
                let start = program.opened[Int(step.pointee.depth)]
                if buffer.count == start {
                    // No member was written: nobody sees the object.
                    buffer.count = start - Int(step.pointee.textLength)
                } else {
                    close(from: start, UInt8(ascii: "{"), UInt8(ascii: "}"))
                }
            case .closeElement:
                let start = program.opened[Int(step.pointee.depth)]
                close(from: start, UInt8(ascii: "{"), UInt8(ascii: "}"))
            case .array:
                if !array(step, index, record) { return false }
                index = Int(step.pointee.end)
            }
        }
        return true
    }

    /// A comma and the member's name.
    @inline(__always)
    private mutating func begin(_ step: UnsafeMutablePointer<OutputProgram.Step>, room: Int = 0) {
        buffer.append(padded: step.pointee.text, Int(step.pointee.textLength), room: room)
    }

    @inline(__always)
    private mutating func field(
        _ step: UnsafeMutablePointer<OutputProgram.Step>, _ record: borrowing SourceRecord
    ) -> Bool {
        let span = slots[Int(step.pointee.slot)]
        if span.kind == .absent || span.kind == .null {
            if step.pointee.required {
                trouble =
                    span.kind == .absent
                    ? .absent(field: step.pointee.field) : .null(field: step.pointee.field)
                return false
            }
            if span.kind == .absent {
                if let fallback = step.pointee.fallback {
                    buffer.append(padded: fallback, Int(step.pointee.fallbackLength))
                }
                return true
            }
        } else {
            if let type = step.pointee.type, !Checks.conforms(span, type) {
                trouble = .type(field: step.pointee.field, span.kind)
                return false
            }
            if step.pointee.checks >= 0, !check(step, span) { return false }
            switch step.pointee.transform {
            case .none: break
            case .pseudonym(let number, let length): return pseudonym(step, span, number, length)
            default: return transformed(step, span, record)
            }
        }
        begin(step, room: 32)
        if let end {
            buffer.append(span.start, span.length, readableTo: end)
        } else {
            buffer.append(span.start, span.length)
        }
        return true
    }

    /// The steps of an element, once an element. False: a violation.
    private mutating func array(
        _ step: UnsafeMutablePointer<OutputProgram.Step>, _ first: Int,
        _ record: borrowing SourceRecord
    ) -> Bool {
        let span = slots[Int(step.pointee.slot)]
        guard span.kind == .array else {
            if !step.pointee.required { return true }
            trouble = .absent(field: step.pointee.field)
            return false
        }
        begin(step)
        let start = buffer.count
        var cursor = JSONCursor(span)
        let depth = Int(step.pointee.depth)
        indices[depth] = -1
        while let element = cursor.nextElement() {
            indices[depth] += 1
            program.scopes[Int(step.pointee.scope)].capture(element, slots, &arena)
            if !run(first, Int(step.pointee.end), record) { return false }
        }
        close(from: start, UInt8(ascii: "["), UInt8(ascii: "]"))
        return true
    }

    // MARK: transforms

    /// A string's content, escapes resolved, or a scalar's source text. Valid until the next record.
    mutating func plainText(_ span: JSONSpan) -> UnsafeBufferPointer<UInt8> {
        switch span.kind {
        case .string: return span.content
        case .escapedString:
            let memory = arena.allocate(UInt8.self, count: span.content.count)
            return UnsafeBufferPointer(
                start: memory, count: JSONText.unescape(span.content, into: memory))
        default: return span.bytes
        }
    }

    /// Writes `PseudonymKey.longest` digits.
    func pseudonym(
        _ text: UnsafeRawBufferPointer, _ number: Int32, to output: UnsafeMutablePointer<UInt8>
    ) {
        PseudonymKey.write(text, under: pseudonyms + Int(number), to: output)
    }

    private mutating func pseudonym(
        _ step: UnsafeMutablePointer<OutputProgram.Step>, _ span: JSONSpan, _ number: Int32,
        _ length: Int32
    ) -> Bool {
        guard !span.kind.isContainer else {
            trouble = .transform(field: step.pointee.field, span.kind)
            return false
        }
        let digits = Int(length)
        begin(step, room: PseudonymKey.longest + 2)
        let text = UnsafeRawBufferPointer(plainText(span))
        buffer.append(UInt8(ascii: "\""))
        pseudonym(text, number, to: buffer.base + buffer.count)
        buffer.count += digits
        buffer.append(UInt8(ascii: "\""))
        return true
    }

    @inline(never)
    private mutating func check(
        _ step: UnsafeMutablePointer<OutputProgram.Step>, _ span: JSONSpan
    ) -> Bool {
        let checks = program.checks[Int(step.pointee.checks)]
        guard let breach = checks.breach(span, plainText(span)) else { return true }
        trouble = .check(field: step.pointee.field, breach)
        return false
    }

    @inline(never)
    private mutating func transformed(
        _ step: UnsafeMutablePointer<OutputProgram.Step>, _ span: JSONSpan,
        _ record: borrowing SourceRecord
    ) -> Bool {
        begin(step)
        // The transforms may read from the arena, and write here only.
        var output = buffer
        let isTaken = transform(
            step.pointee.transform, span, asJSON: true, record, arrays: Int(step.pointee.depth),
            to: &output)
        buffer = output
        if !isTaken { trouble = .transform(field: step.pointee.field, span.kind) }
        return isTaken
    }

    /// Appends a value transformed; false where the transform does not take it. Text is quoted and escaped
    /// where `asJSON`. `arrays`: how many are around.
    mutating func transform(
        _ transform: TransformStep, _ span: JSONSpan, asJSON: Bool,
        _ record: borrowing SourceRecord, arrays: Int, to output: inout ByteBuffer
    ) -> Bool {
        if span.kind.isContainer { return false }
        let text = plainText(span)
        switch transform {
        case .round(let number):
            return span.kind.isNumber
                && roundings[Int(number)].write(text, to: &output, &arena)
        case .cast(let type):
            return Casting.write(span, text, as: type, asJSON: asJSON, to: &output, &arena)
        case .encrypt(let number):
            if asJSON { output.append(UInt8(ascii: "\"")) }
            let isSealed = ciphers[Int(number)].write(
                text, partition: record.partition, offset: record.offset,
                indices: UnsafeBufferPointer(start: indices, count: arrays), to: &output, &arena)
            if asJSON { output.append(UInt8(ascii: "\"")) }
            return isSealed
        case .none, .pseudonym: return false
        case .mask, .truncate, .dateTruncate: break
        }
        guard span.kind.isString else { return false }
        if asJSON { output.append(UInt8(ascii: "\"")) }
        var isTaken = true
        switch transform {
        case .mask(let number):
            masks[Int(number)].write(text, asJSON: asJSON, to: &output, &arena)
        case .truncate(let characters):
            let start = Graphemes.prefix(text, Int(characters), &arena)
            if asJSON { output.appendEscaped(start) } else { output.append(start) }
        case .dateTruncate(let unit): isTaken = Casting.truncate(text, to: unit, to: &output)
        default: isTaken = false
        }
        if asJSON { output.append(UInt8(ascii: "\"")) }
        return isTaken
    }

    // MARK: computed

    @inline(never)
    private mutating func compute(
        _ step: UnsafeMutablePointer<OutputProgram.Step>, _ record: borrowing SourceRecord
    ) -> Bool {
        let evaluator = computed + Int(step.pointee.slot)
        let value = evaluator.pointee.run(CELInput(record))
        if value.tag == .optional, value.held == nil { return true }
        begin(step)
        guard let failure = evaluator.pointee.writeJSON(value, to: &buffer) else { return true }
        let node = value.isFailure ? Int32(bitPattern: value.count) : evaluator.pointee.program.root
        trouble = .computed(field: step.pointee.field, failure, node: node)
        return false
    }
}
