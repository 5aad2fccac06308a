/// Which of two contract versions is the higher: semver 2.0.0, section 11. Build metadata counts for
/// nothing.
package struct SemanticVersion: Comparable, Sendable {
    private var core: [Int]
    /// Empty: a release.
    private var prerelease: [Substring]

    /// Nil where `text` is no semantic version.
    package init?(_ text: String) {
        guard Names.isSemanticVersion(text) else { return nil }
        let build = text.split(separator: "+", maxSplits: 1)
        let parts = build[0].split(separator: "-", maxSplits: 1)
        core = parts[0].split(separator: ".").compactMap { Int($0) }
        prerelease = parts.count == 2 ? parts[1].split(separator: ".") : []
    }

    package static func < (a: SemanticVersion, b: SemanticVersion) -> Bool {
        if a.core != b.core { return a.core.lexicographicallyPrecedes(b.core) }
        if a.prerelease.isEmpty || b.prerelease.isEmpty {
            return !a.prerelease.isEmpty && b.prerelease.isEmpty
        }
        for (left, right) in zip(a.prerelease, b.prerelease) where left != right {
            return precedes(left, right)
        }
        return a.prerelease.count < b.prerelease.count
    }

    package static func == (a: SemanticVersion, b: SemanticVersion) -> Bool {
        a.core == b.core && a.prerelease == b.prerelease
    }

    /// Numbers by value and below words; words by ASCII order. The reader has refused leading zeros.
    private static func precedes(_ left: Substring, _ right: Substring) -> Bool {
        switch (isNumber(left), isNumber(right)) {
        case (true, true):
            left.utf8.count == right.utf8.count
                ? left.utf8.lexicographicallyPrecedes(right.utf8)
                : left.utf8.count < right.utf8.count
        case (true, false): true
        case (false, true): false
        case (false, false): left.utf8.lexicographicallyPrecedes(right.utf8)
        }
    }

    private static func isNumber(_ part: Substring) -> Bool { part.utf8.allSatisfy(Names.isDigit) }
}
