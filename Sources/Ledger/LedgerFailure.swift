/// The ledger could not do what was asked. `detail` is a sentence for an operator; it never holds record
/// contents.
package struct LedgerFailure: Error, Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// Disk full, read-only, I/O error, locked for longer than the timeout: may heal.
        case unavailable
        /// The quarantine's bound would be exceeded; nothing was written.
        case quarantineFull
        /// Not a ledger any more, or one that contradicts what it is told.
        case corrupt
        /// There is no ledger in the directory yet.
        case missing
        /// Another service holds the directory.
        case inUse
        /// A directory or ledger that this release does not work with: network file system, newer
        /// schema.
        case unsupported
        /// A contract's content changed under an unchanged version.
        case contractChanged
    }

    package var kind: Kind
    package var detail: String
    package init(_ kind: Kind, _ detail: String) {
        self.kind = kind
        self.detail = detail
    }
}
