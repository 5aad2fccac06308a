extension JSONType: BitwiseCopyable {}

/// What writes the output value: steps in output order. Immutable while records are decided.
struct OutputProgram {
    enum Operation: UInt8 {
        /// A captured value, checked and transformed.
        case field
        /// Text that is the same for every record.
        case constant
        /// What CEL program number `slot` yields; nothing where it yields none.
        case computed
        /// Members follow, up to `closeObject`; gone again if there turns out to be none.
        case openObject
        case closeObject
        /// The same for an element of an array, which stays `{}`.
        case openElement
        case closeElement
        /// The steps up to `end`, once for every element of the array in `slot`.
        case array
    }

    struct Step {
        var operation: Operation
        var transform = TransformStep.none
        /// Nil: any type.
        var type: JSONType?
        var required = false
        var slot: Int32 = -1
        /// Index into the stream's fields, for violations.
        var field: Int32 = -1
        /// `,"name":`, a comma alone for an element; for a constant the value stands behind it. The opening
        /// bracket takes the place of the first member's comma. Padded to 16 bytes.
        var text: UnsafePointer<UInt8>
        var textLength: Int32
        /// Nesting of `openObject`, and how many arrays are around.
        var depth: Int32 = 0
        /// Number of the field's checks, -1 = none.
        var checks: Int32 = -1
        /// The same with the default behind it, for an absent value; nil = left out.
        var fallback: UnsafePointer<UInt8>?
        var fallbackLength: Int32 = 0
        /// Of `array`: the step behind its element's.
        var end: Int32 = 0
        var scope: Int32 = -1
    }

    let steps: UnsafeMutablePointer<Step>
    let count: Int
    let scopes: [ElementScope]
    let checks: [ValueChecks]
    /// Number of arrays that stand in one another.
    let arrayDepth: Int
    /// Where the first member of the object opened at each depth begins.
    let opened: UnsafeMutablePointer<Int>

    /// `programs`: number of the CEL program by field.
    init(
        _ plan: OutputPlan, _ fields: [Field], programs: [Int: Int32],
        _ transforms: inout TransformTable
    ) throws(EngineError) {
        var builder = OutputBuilder(fields: fields, programs: programs)
        if case .object(let members) = plan.root.content {
            for member in members { try builder.add(member, depth: 0, &transforms) }
        }
        steps = copy(builder.steps)
        count = builder.steps.count
        scopes = builder.scopes
        checks = builder.checks
        arrayDepth = builder.maximumArrays
        opened = .allocate(capacity: builder.maximumDepth + 1)
        opened.initialize(repeating: 0, count: builder.maximumDepth + 1)
    }

    func free() {
        for index in 0..<count {
            steps[index].text.deallocate()
            steps[index].fallback?.deallocate()
        }
        steps.deallocate()
        for scope in scopes { scope.free() }
        opened.deallocate()
    }
}

private struct OutputBuilder {
    let fields: [Field]
    let programs: [Int: Int32]
    var steps: [OutputProgram.Step] = []
    var scopes: [ElementScope] = []
    var checks: [ValueChecks] = []
    var maximumDepth = 0
    var maximumArrays = 0
    private var arrays = 0

    init(fields: [Field], programs: [Int: Int32]) {
        self.fields = fields
        self.programs = programs
    }

    mutating func add(
        _ node: OutputPlan.Node, depth: Int, isElement: Bool = false,
        _ transforms: inout TransformTable
    ) throws(EngineError) {
        maximumDepth = max(maximumDepth, depth)
        let name = isElement ? "," : "," + JSONLiteral.quoted(node.name) + ":"
        switch node.content {
        case .field(let index, let slot):
            let field = fields[index]
            if case .constant(let json) = field.source {
                steps.append(step(.constant, name + json))
                return
            }
            if case .value = field.source {
                var computed = step(.computed, name)
                computed.slot = programs[index] ?? -1
                computed.field = Int32(index)
                steps.append(computed)
                return
            }
            try add(field, Int32(index), slot, name, &transforms)
        case .object(let members):
            var open = step(isElement ? .openElement : .openObject, name)
            open.depth = Int32(depth)
            steps.append(open)
            for member in members { try add(member, depth: depth + 1, &transforms) }
            var close = step(isElement ? .closeElement : .closeObject, name)
            close.depth = Int32(depth)
            steps.append(close)
        case .array(let slot, let scope, let element):
            let place = steps.count
            var array = step(.array, name)
            array.slot = slot
            array.scope = Int32(scopes.count)
            array.depth = Int32(arrays)
            steps.append(array)
            scopes.append(ElementScope(scope))
            arrays += 1
            maximumArrays = max(maximumArrays, arrays)
            try add(element, depth: depth + 1, isElement: true, &transforms)
            arrays -= 1
            steps[place].end = Int32(steps.count)
            // A required path that does not even reach its array leads nowhere.
            if let required = steps[(place + 1)...].first(where: { $0.required }) {
                steps[place].required = true
                steps[place].field = required.field
            }
        }
    }

    private mutating func add(
        _ field: Field, _ index: Int32, _ slot: Int32, _ name: String,
        _ transforms: inout TransformTable
    ) throws(EngineError) {
        var step = step(.field, name)
        step.slot = slot
        step.field = index
        step.type = field.type
        step.required = field.required
        step.depth = Int32(arrays)
        step.transform = try transforms.add(field.transform, path: field.output.text)
        if let wanted = field.checks {
            step.checks = Int32(checks.count)
            checks.append(try ValueChecks(wanted))
        }
        if let fallback = field.fallback {
            let bytes = Array((name + fallback).utf8)
            step.fallback = OutputBuilder.padded(bytes)
            step.fallbackLength = Int32(bytes.count)
        }
        steps.append(step)
    }

    private func step(_ operation: OutputProgram.Operation, _ text: String) -> OutputProgram.Step {
        let bytes = Array(text.utf8)
        return OutputProgram.Step(
            operation: operation, text: OutputBuilder.padded(bytes), textLength: Int32(bytes.count))
    }

    private static func padded(_ bytes: [UInt8]) -> UnsafePointer<UInt8> {
        UnsafePointer(copy(bytes + Array(repeating: 0, count: 16 - bytes.count % 16)))
    }
}
