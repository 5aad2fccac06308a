/// A place in a file.
package struct Mark: Hashable, Sendable, Comparable {
    /// From 1.
    package var line: Int
    /// From 1, in characters.
    package var column: Int
    /// Characters, at least 1.
    package var length: Int

    package init(line: Int, column: Int, length: Int = 1) {
        self.line = line
        self.column = column
        self.length = length
    }

    package static func < (a: Mark, b: Mark) -> Bool {
        (a.line, a.column) < (b.line, b.column)
    }
}
