/// The command line's words, taken one option after the other.
struct Words {
    struct Mistake: Error { var text: String }

    private var words: [String]

    init(_ words: ArraySlice<String>) { self.words = Array(words) }

    mutating func first() -> String? { words.isEmpty ? nil : words.removeFirst() }

    /// The word behind `name`; nil where it is not given.
    mutating func value(_ name: String) throws(Mistake) -> String? {
        guard let place = words.firstIndex(of: name) else { return nil }
        guard place + 1 < words.count else { throw Mistake(text: "\(name) wants a value") }
        let value = words[place + 1]
        words.removeSubrange(place...place + 1)
        return value
    }

    mutating func number(_ name: String) throws(Mistake) -> Int? {
        guard let text = try value(name) else { return nil }
        guard let number = Int(text), number > 0 else {
            throw Mistake(text: "\(name) wants a number above 0")
        }
        return number
    }

    /// Throws where a word is left that nobody took.
    func end() throws(Mistake) {
        if let word = words.first { throw Mistake(text: "\(word) is not known here") }
    }
}
