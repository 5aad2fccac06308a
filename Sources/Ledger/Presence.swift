/// Which keys the partner holds: what `onScopeExit: tombstone` has to know. The index stands in the ledger,
/// by source partition; a change of it is part of a batch, staged with the intent and made real or void
/// with the batch's verdict.

/// The first 16 bytes of a keyed hash of an outgoing key: the key itself is never stored. The lowest two
/// bits are always 0: they are a table's.
package struct KeyHash: Hashable, Sendable, Comparable {
    package let high: UInt64
    package let low: UInt64
    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low & ~3
    }

    package static func < (a: KeyHash, b: KeyHash) -> Bool { (a.high, a.low) < (b.high, b.low) }
}

package struct PresenceChange: Hashable, Sendable {
    package var hash: KeyHash
    /// Whether the partner holds the key from here on.
    package var isPresent: Bool
    package init(_ hash: KeyHash, isPresent: Bool) {
        self.hash = hash
        self.isPresent = isPresent
    }
}

/// One partition's share of a batch, in the order of its records: of several about one key the last holds.
package struct PresenceStep: Hashable, Sendable {
    package var partition: SourcePartition
    package var changes: [PresenceChange]
    package init(partition: SourcePartition, changes: [PresenceChange]) {
        self.partition = partition
        self.changes = changes
    }
}

/// What a partition's index can be trusted for.
package struct PresenceScope: Hashable, Sendable {
    package enum Unknown: String, Hashable, Sendable {
        /// A key that is not in the index was never delivered: every delivery has been noted.
        case absent
        /// Keys may have been delivered that the index does not know: one that is not in it counts as
        /// delivered. Keys that were retracted since stand in it as absent.
        case present
    }

    package var unknown: Unknown
    /// Tells where keys go and how they are made; under another rule the index's keys are not found any
    /// more.
    package var rule: String
    package init(unknown: Unknown, rule: String) {
        self.unknown = unknown
        self.rule = rule
    }
}
