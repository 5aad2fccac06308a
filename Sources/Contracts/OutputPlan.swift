/// The stream's fields as a tree of what leaves, before it is laid out flat as an `OutputProgram`.
final class OutputPlan {
    final class Node {
        let name: String
        var content: Content
        init(_ name: String, _ content: Content) {
            self.name = name
            self.content = content
        }
    }

    enum Content {
        /// In the order of the first output that goes through each.
        case object([Node])
        /// `element` once for every element of the array in `slot`.
        case array(slot: Int32, SourcePlan.Scope, element: Node)
        /// Index into the stream's fields; the slot is -1 for a constant and a computed one.
        case field(Int, slot: Int32)
    }

    let root = Node("", .object([]))
    private let source: SourcePlan

    init(_ fields: [Field], _ source: SourcePlan) throws(EngineError) {
        self.source = source
        for (index, field) in fields.enumerated() { try insert(field, index) }
    }

    private func insert(_ field: Field, _ index: Int) throws(EngineError) {
        var steps: ArraySlice<Path.Step> = []
        if case .path(let path) = field.source { steps = path.steps[...] }
        var scope = source.record
        var node = root
        for (place, step) in field.output.steps.enumerated() {
            let isLast = place == field.output.steps.count - 1
            if step.elements {
                let (names, rest) = try OutputPlan.split(steps, field)
                steps = rest
                let array = try child(of: node, step.member, field) {
                    let inner = SourcePlan.Scope()
                    let slot = source.slot(names, in: scope)
                    return .array(slot: slot, inner, element: Node("", .object([])))
                }
                guard case .array(let slot, let inner, let element) = array.content,
                    slot == source.slot(names, in: scope)
                else { throw OutputPlan.collision(field) }
                scope = inner
                node = element
                if isLast {
                    guard case .object(let members) = element.content, members.isEmpty else {
                        throw OutputPlan.collision(field)
                    }
                    element.content = .field(index, slot: try leaf(steps, scope, field))
                }
            } else if isLast {
                let slot = try leaf(steps, scope, field)
                _ = try child(of: node, step.member, field, mustBeNew: true) {
                    .field(index, slot: slot)
                }
            } else {
                node = try child(of: node, step.member, field) { .object([]) }
            }
        }
    }

    /// The slot of what is left of the source path.
    private func leaf(
        _ steps: ArraySlice<Path.Step>, _ scope: SourcePlan.Scope, _ field: Field
    ) throws(EngineError) -> Int32 {
        guard case .path = field.source else { return -1 }
        guard !steps.contains(where: \.elements) else { throw OutputPlan.collision(field) }
        return source.slot(steps.map(\.member), in: scope)
    }

    /// Names up to the next `[]`, and the steps behind it.
    private static func split(
        _ steps: ArraySlice<Path.Step>, _ field: Field
    ) throws(EngineError) -> ([String], ArraySlice<Path.Step>) {
        guard let end = steps.firstIndex(where: \.elements) else {
            throw EngineError(message: "'\(field.output.text)' has more '[]' than its path")
        }
        return (steps[...end].map(\.member), steps[(end + 1)...])
    }

    private func child(
        of node: Node, _ name: String, _ field: Field, mustBeNew: Bool = false,
        _ make: () -> Content
    ) throws(EngineError) -> Node {
        guard case .object(var members) = node.content else { throw OutputPlan.collision(field) }
        if let member = members.first(where: { $0.name == name }) {
            if mustBeNew { throw OutputPlan.collision(field) }
            return member
        }
        let member = Node(name, make())
        members.append(member)
        node.content = .object(members)
        return member
    }

    private static func collision(_ field: Field) -> EngineError {
        EngineError(message: "output '\(field.output.text)' collides with another")
    }
}
