/// What an operator did: a choice of `recover` about one lane's halt, or an act about a whole contract.
/// It is recorded in the ledger, and the next markers carry it, so that a lost ledger does not undo it.
package struct Act: Hashable, Sendable, Codable {
    /// 16 random hex digits: tells it from every other act, of whichever ledger.
    package var id: String
    /// `suspend`, `resume` or `revoke`; `release` or `discard` of quarantined records; or the choice's
    /// word: `accept-gap`, `trust-ledger`, `adopt-marker`, `start-at`, `accept-layout`,
    /// `accept-clusters`, `take-over`, `quarantine-record`, `retract-unknown`, `presume-absent`.
    package var choice: String
    /// The halt that a choice answers; for another halt than the present one it is not applied. Empty
    /// for an act about the contract.
    package var reason: String
    /// `start-at`: an offset, `earliest`, `latest` or an RFC 3339 time; `release`, `discard`: which
    /// records, in words; else empty.
    package var argument: String
    /// Milliseconds since the epoch; rises within a contract.
    package var at: Int64
    package init(id: String, choice: String, reason: String, argument: String, at: Int64) {
        self.id = id
        self.choice = choice
        self.reason = reason
        self.argument = argument
        self.at = at
    }

    /// Nil where it concerns one lane.
    package var aboutContract: ContractAct? { ContractAct(rawValue: choice) }
}

/// Acts about a whole contract.
package enum ContractAct: String, Sendable, CaseIterable {
    case suspend, resume
    /// Final for the contract's id.
    case revoke
}

/// What the recorded acts say of a contract; its file has a say of its own.
package enum ContractStanding: String, Sendable, Hashable {
    case active, suspended, revoked
}

extension [Act] {
    /// A revoke is final; else the newest of suspend and resume holds.
    package var standing: ContractStanding {
        if contains(where: { $0.aboutContract == .revoke }) { return .revoked }
        return newestPause?.aboutContract == .suspend ? .suspended : .active
    }

    /// The act that made the standing what it is, nil where there is none.
    package var standingAct: Act? { firstRevoke ?? newestPause }

    private static let kept = 8

    /// What markers carry: the newest few, and those that the standing rests on, however old. In order
    /// of time; the same for a part of the acts and their rest as for all of them.
    package var forMarkers: [Act] {
        let ordered = Set(self).sorted { ($0.at, $0.id) < ($1.at, $1.id) }
        let standing = Set([ordered.firstRevoke, ordered.newestPause].compactMap { $0?.id })
        let newest = ordered.suffix(Self.kept)
        return ordered.dropLast(Self.kept).filter { standing.contains($0.id) } + newest
    }

    private var firstRevoke: Act? {
        filter { $0.aboutContract == .revoke }.min { ($0.at, $0.id) < ($1.at, $1.id) }
    }

    private var newestPause: Act? {
        filter { $0.aboutContract == .suspend || $0.aboutContract == .resume }
            .max { ($0.at, $0.id) < ($1.at, $1.id) }
    }
}
