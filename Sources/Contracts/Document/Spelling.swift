/// "Did you mean": the nearest valid word to one that was mistyped.
package enum Spelling {
    /// The nearest of `words` by Damerau-Levenshtein distance (optimal string alignment), nil where
    /// none is near enough to be meant. Case is ignored first: `Filter` is near `filter`.
    package static func nearest(to word: String, among words: [String]) -> String? {
        let typed = Array(word.lowercased().unicodeScalars.prefix(64))
        guard !typed.isEmpty else { return nil }
        var best: (word: String, distance: Int)?
        for candidate in words where candidate != word {
            let letters = Array(candidate.lowercased().unicodeScalars)
            let limit = max(1, min(3, max(typed.count, letters.count) / 3))
            let found = distance(typed, letters)
            guard found <= limit, found < max(typed.count, letters.count) else { continue }
            if found < best?.distance ?? .max { best = (candidate, found) }
        }
        return best?.word
    }

    /// `; did you mean 'x'?`, or nothing.
    package static func hint(for word: String, among words: [String]) -> String {
        nearest(to: word, among: words).map { "; did you mean '\($0)'?" } ?? ""
    }

    private static func distance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...b.count)
        for i in 0..<a.count {
            var row = [i + 1]
            row.reserveCapacity(b.count + 1)
            for j in 0..<b.count {
                var cost = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
                    cost = min(cost, beforeLast[j - 1] + 1)
                }
                row.append(cost)
            }
            beforeLast = last
            last = row
        }
        return last[b.count]
    }
}
