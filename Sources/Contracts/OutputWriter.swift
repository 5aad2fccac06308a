/// Writes the output value of one record after the other into one buffer.
struct OutputWriter {
    private(set) var buffer = ByteBuffer(capacity: 4096)
    private(set) var trouble = Trouble.none

    private let program: OutputProgram
    private let slots: UnsafeMutablePointer<JSONSpan>
    private let pseudonyms: UnsafeMutablePointer<PseudonymKey>
    private let pseudonymCount: Int
    private let masks: [Masking]
    private var arena = Arena()

    /// `program` is owned by the writer from here on.
    init(
        _ program: OutputProgram, _ transforms: TransformTable,
        slots: UnsafeMutablePointer<JSONSpan>
    ) {
        self.program = program
        self.slots = slots
        masks = transforms.masks
        pseudonymCount = transforms.pseudonyms.count
        pseudonyms = .allocate(capacity: max(pseudonymCount, 1))
        for (index, key) in transforms.pseudonyms.enumerated() {
            (pseudonyms + index).initialize(to: key)
        }
    }

    func free() {
        program.free()
        pseudonyms.deinitialize(count: pseudonymCount)
        pseudonyms.deallocate()
        buffer.free()
        arena.free()
    }

    /// Writes what the scanner captured. A violation is in `trouble`, and the buffer is void then.
    @inline(__always)
    mutating func write() {
        arena.reset()
        trouble = .none
        buffer.count = 0
        buffer.append(UInt8(ascii: "{"))
        if run(0, program.count) { buffer.append(UInt8(ascii: "}")) }
    }

    /// Runs steps; false: a violation.
    private mutating func run(_ from: Int, _ to: Int) -> Bool {
        var index = from
        while index < to {
            let step = program.steps + index
            index += 1
            switch step.pointee.operation {
            case .field:
                if !field(step) { return false }
            case .constant: begin(step, room: 0)
            case .openObject:
                program.opened[Int(step.pointee.depth)] = buffer.count
                begin(step, room: 1)
                buffer.append(UInt8(ascii: "{"))
            case .closeObject:
                // Nothing but its opening brace was written: nobody sees the object.
                let start = program.opened[Int(step.pointee.depth)]
                if buffer.base[buffer.count - 1] == UInt8(ascii: "{") {
                    buffer.count = start
                } else {
                    buffer.append(UInt8(ascii: "}"))
                }
            case .openElement:
                begin(step, room: 1)
                buffer.append(UInt8(ascii: "{"))
            case .closeElement: buffer.append(UInt8(ascii: "}"))
            case .array:
                if !array(step, index) { return false }
                index = Int(step.pointee.end)
            }
        }
        return true
    }

    /// A comma, unless this is the first, and the member's name. Every JSON value ends with another
    /// byte than an opening bracket, so the last byte tells what is open.
    @inline(__always)
    private mutating func begin(_ step: UnsafeMutablePointer<OutputProgram.Step>, room: Int) {
        let length = Int(step.pointee.textLength)
        buffer.reserve(length + 1 + room)
        let last = buffer.base[buffer.count - 1]
        if last != UInt8(ascii: "{"), last != UInt8(ascii: "[") { buffer.append(UInt8(ascii: ",")) }
        buffer.append(step.pointee.text, length)
    }

    @inline(__always)
    private mutating func field(_ step: UnsafeMutablePointer<OutputProgram.Step>) -> Bool {
        let span = slots[Int(step.pointee.slot)]
        if span.kind == .absent || span.kind == .null {
            if step.pointee.required {
                trouble =
                    span.kind == .absent
                    ? .absent(field: step.pointee.field) : .null(field: step.pointee.field)
                return false
            }
            if span.kind == .absent { return true }
        } else {
            if let type = step.pointee.type, !Checks.conforms(span, type) {
                trouble = .type(field: step.pointee.field, span.kind)
                return false
            }
            switch step.pointee.transform {
            case .none: break
            case .pseudonym(let number, let length): return pseudonym(step, span, number, length)
            case .mask(let number): return mask(step, span, number)
            }
        }
        begin(step, room: span.length)
        buffer.append(span.start, span.length)
        return true
    }

    /// The steps of an element, once an element. False: a violation.
    private mutating func array(
        _ step: UnsafeMutablePointer<OutputProgram.Step>, _ first: Int
    ) -> Bool {
        let span = slots[Int(step.pointee.slot)]
        guard span.kind == .array else {
            if !step.pointee.required { return true }
            trouble = .absent(field: step.pointee.field)
            return false
        }
        begin(step, room: 1)
        buffer.append(UInt8(ascii: "["))
        var cursor = JSONCursor(span)
        while let element = cursor.nextElement() {
            program.scopes[Int(step.pointee.scope)].capture(element, slots, &arena)
            if !run(first, Int(step.pointee.end)) { return false }
        }
        buffer.append(UInt8(ascii: "]"))
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

    func pseudonym(
        _ text: UnsafeRawBufferPointer, _ number: Int32, _ length: Int,
        to output: UnsafeMutablePointer<UInt8>
    ) {
        pseudonyms[Int(number)].write(text, length: length, to: output)
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
        begin(step, room: digits + 2)
        let text = UnsafeRawBufferPointer(plainText(span))
        buffer.append(UInt8(ascii: "\""))
        pseudonym(text, number, digits, to: buffer.base + buffer.count)
        buffer.count += digits
        buffer.append(UInt8(ascii: "\""))
        return true
    }

    func mask(
        _ text: UnsafeBufferPointer<UInt8>, _ number: Int32, asJSON: Bool,
        to output: inout ByteBuffer, _ arena: inout Arena
    ) {
        masks[Int(number)].write(text, asJSON: asJSON, to: &output, &arena)
    }

    mutating func mask(
        _ text: UnsafeBufferPointer<UInt8>, _ number: Int32, asJSON: Bool,
        to output: inout ByteBuffer
    ) {
        masks[Int(number)].write(text, asJSON: asJSON, to: &output, &arena)
    }

    private mutating func mask(
        _ step: UnsafeMutablePointer<OutputProgram.Step>, _ span: JSONSpan, _ number: Int32
    ) -> Bool {
        guard span.kind.isString else {
            trouble = .transform(field: step.pointee.field, span.kind)
            return false
        }
        begin(step, room: 2)
        let text = plainText(span)
        buffer.append(UInt8(ascii: "\""))
        masks[Int(number)].write(text, asJSON: true, to: &buffer, &arena)
        buffer.append(UInt8(ascii: "\""))
        return true
    }
}
