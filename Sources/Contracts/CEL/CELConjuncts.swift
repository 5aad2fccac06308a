extension Expression {
    /// The parts that all have to hold, as they are written: the operands of the outermost `&&`s. Nil where
    /// the text is no CEL.
    package var conjuncts: [String]? {
        guard let syntax = try? CELParser.parse(text) else { return nil }
        let utf8 = Array(text.utf8)
        var parts: [String] = []
        func split(_ node: CELSyntax) {
            if case .binary(.and, let left, let right) = node.kind {
                split(left)
                split(right)
            } else {
                let range = node.range.clamped(to: 0..<utf8.count)
                parts.append(String(decoding: utf8[range], as: UTF8.self))
            }
        }
        split(syntax)
        return parts
    }
}
