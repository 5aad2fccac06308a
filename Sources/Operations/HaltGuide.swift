package import Ledger

/// An explicit answer to a halt, as `recover` takes it.
package struct HaltChoice: Sendable, Hashable {
    /// The act's word; on the command line with two dashes before it.
    package var word: String
    /// What stands after it on the command line, nil where nothing does.
    package var argument: String?
    /// What the lane then does, and what that does to the partner's view.
    package var effect: String

    init(_ word: String, _ argument: String, _ effect: String) {
        self.word = word
        self.argument = argument
        self.effect = effect
    }

    init(_ word: String, _ effect: String) {
        self.word = word
        self.effect = effect
    }

    /// As it is typed.
    package var shown: String { "--\(word)" + (argument.map { " \($0)" } ?? "") }

    /// Every word there is, in the order of help, with its argument.
    package static let words: [(word: String, argument: String?)] = [
        ("accept-gap", nil), ("start-at", "OFFSET|TIME|earliest|latest"), ("trust-ledger", nil),
        ("adopt-marker", nil), ("accept-layout", nil), ("accept-clusters", nil),
        ("take-over", nil), ("quarantine-record", nil), ("retract-unknown", nil),
        ("presume-absent", nil), ("retry", nil),
    ]
}

/// What an operator is told of a halt: one entry a reason, shared by `recover`, `lag`, `status` and the
/// runbooks.
package struct HaltGuide: Sendable, Hashable {
    /// The halt's word, and the runbook's file name.
    package var reason: String
    /// What it means, in one sentence.
    package var meaning: String
    /// What may have happened: causes, the likeliest first.
    package var causes: [String]
    /// What helps without a choice, before one, or instead of one.
    package var remedy: String
    /// What the lane can do about it; which of them fits the present halt, `choices(for:)` says.
    package var choices: [HaltChoice]

    package static func page(of reason: String) -> String { "runbooks/halts/\(reason).md" }

    package static func of(_ reason: String) -> HaltGuide? { all.first { $0.reason == reason } }

    /// The choices that the lane would accept for this halt.
    ///
    /// - Parameter knowsPartitions: whether the ledger knows a position for the lane.
    package static func choices(for halt: Halt, knowsPartitions: Bool) -> [HaltChoice] {
        guard let guide = of(halt.reason) else { return [] }
        return guide.choices.filter { choice in
            switch (halt.reason, choice.word) {
            // Where a marker stands depends on lanes and checkpoint partitions: those cannot change.
            case ("layout-changed", "accept-layout"): halt.detail.contains("the partner's topic")
            // There is nothing to trust.
            case ("checkpoint-lost", "trust-ledger"): knowsPartitions
            // In a partition that is not there nothing can start, and no choice brings it back.
            case ("source-truncated", "start-at"): !halt.isAboutGonePartition
            case ("source-truncated", "retry"): halt.isAboutGonePartition
            default: true
            }
        }
    }

    package static let all: [HaltGuide] = identity + markers + source + partner + local
}

extension Halt {
    fileprivate var isAboutGonePartition: Bool { detail.contains("is not there any more") }
}
