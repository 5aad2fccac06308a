/// The outputs of a stream so far, to find those that collide: equal ones, one a prefix of the other,
/// one member as an object here and an array there, or one output array out of two source arrays.
struct OutputTree {
    private final class Node {
        var children: [String: Node] = [:]
        /// The output that ends here.
        var output: (path: Path, mark: Mark)?
        /// The first output that passes through, and whether it goes into elements here.
        var first: (path: Path, mark: Mark, elements: Bool)?
        /// The source array whose elements stand here.
        var array: ArraySlice<Path.Step>?
    }

    private let root = Node()

    /// What is wrong about this field's output, nil where it stands beside all before it.
    func insert(_ field: Field, _ mark: Mark) -> String? {
        let path = field.output
        var node = root
        var arrays = 0
        for (index, step) in path.steps.enumerated() {
            let next = node.children[step.member] ?? Node()
            let isLast = index == path.steps.count - 1
            if let other = next.output {
                return path == other.path
                    ? "duplicate output '\(path.text)'; line \(other.mark.line) has it already"
                    : "output '\(path.text)' collides with '\(other.path.text)' on line"
                        + " \(other.mark.line)"
            }
            if let first = next.first, isLast || first.elements != step.elements {
                return "output '\(path.text)' collides with '\(first.path.text)' on line"
                    + " \(first.mark.line)"
            }
            if step.elements {
                arrays += 1
                let source = field.sourceArray(arrays)
                if let array = next.array, let first = next.first, array != source {
                    return "output '\(path.text)' takes its elements from another array than"
                        + " '\(first.path.text)' on line \(first.mark.line)"
                }
                next.array = source
            }
            if next.first == nil { next.first = (path, mark, step.elements) }
            node.children[step.member] = next
            node = next
        }
        node.output = (path, mark)
        return nil
    }
}

extension Field {
    /// The steps of the source path up to its `count`th `[]`.
    fileprivate func sourceArray(_ count: Int) -> ArraySlice<Path.Step>? {
        guard case .path(let path) = source else { return nil }
        var left = count
        for (index, step) in path.steps.enumerated() where step.elements {
            left -= 1
            if left == 0 { return path.steps[...index] }
        }
        return nil
    }
}
