package import Ledger

/// Start and recovery of exactly-once.md, steps 3 to 7, as a pure reducer: an event goes in, the next
/// effect comes out. No clock, no I/O. The lane performs each effect and brings back its event.
///
/// Every new producer goes through all of it: an init alone is never enough, since a twin may have
/// committed in between. And before every init but the first of a start stands a look at the claims:
/// a newer one of another instance ends this one.
package struct Recovery: Hashable, Sendable {
    /// Why the lane recovers.
    package enum Cause: Hashable, Sendable {
        /// The process starts, or the operator said so: the one case that may fence a living twin.
        case start
        /// The outcome of a transaction is unknown, the producer is dirty or broken, the lane waited, or
        /// partitions appeared.
        case renew(String)
        /// The broker refused contents (INVALID_RECORD, …): an answer that hides no fence.
        case refused(String)
        /// Another producer has our transactional.id, or the coordinator timed our transaction out, or
        /// an error that may hide either.
        case fenced(String)
    }

    package enum Effect: Hashable, Sendable {
        /// Ask both clusters who they are and what they hold.
        case survey
        /// Read the newest claim of the lane on its checkpoint partition.
        case look
        case wait(Pause)
        /// A new producer and init_transactions.
        case initialise
        /// Store a fresh nonce in the ledger and write a claim with it in a transaction.
        case claim
        /// Read the checkpoint partition until our nonce is seen.
        case read
        /// Load the books, judge, write the verdict in one SQLite transaction.
        case judge
        /// Compare source and partner with what the books say of them.
        case check
        /// Read the source from D on and enter the loop.
        case run
        case halt(Halt)
    }

    package enum Pause: Hashable, Sendable {
        /// Until whoever fenced us has shown its claim, or has died: the largest transaction timeout.
        case transactionTimeout
        /// The other side is away: bounded backoff.
        case retry(PortFailure)
    }

    package enum Event: Hashable, Sendable {
        case surveyed
        /// The newest claim seen: nil where there is none.
        case looked(SeenClaim?)
        case waited
        case initialised
        /// The claim's transaction committed; `at`: its acknowledged offset.
        case claimed(Nonce, at: Int64)
        /// It did, on a producer that cannot be used any more.
        case claimedInVain(PortFailure, at: Int64)
        /// It may have: the nonce is in the ledger either way.
        case claimUnknown(String, at: Int64)
        case read
        /// Our nonce is not visible yet; `overdue`: for longer than any transaction can be open.
        case notVisible(overdue: Bool)
        case settled
        case found(Halt)
        case checked
        case failed(PortFailure)
    }

    package struct SeenClaim: Hashable, Sendable {
        package var instance: String
        /// Written with this very ledger: instance and nonce are its own. A copied state directory has
        /// the instance of the one that it was copied from, and other nonces from then on.
        package var isOurs: Bool
        /// On the lane's checkpoint partition.
        package var offset: Int64
        package init(instance: String, isOurs: Bool, offset: Int64) {
            self.instance = instance
            self.isOurs = isOurs
            self.offset = offset
        }
    }

    private enum Phase: Hashable, Sendable {
        case surveying, looking, waitingOut, retrying, initialising, claiming, reading, judging
        case checking, over
    }

    private var phase = Phase.surveying
    private let instance: String
    private var cause: Cause
    /// Inits since the last committed batch, that of this recovery included: see `mustWaitOut`.
    private var inits: Int
    private var hasWaitedOut = false
    /// Claims up to this offset are older than our own doing: they stood there before our first init, or
    /// before a claim of ours, which only the holder of the newest epoch can append. Whether ours has
    /// committed, or is hidden by an open transaction, does not matter. Nil: not looked yet.
    private var baseline: Int64?

    /// `previousInits`: how many recoveries came since a batch was last committed.
    package init(instance: String, cause: Cause, previousInits: Int, baseline: Int64? = nil) {
        self.instance = instance
        self.cause = cause
        self.inits = previousInits
        self.baseline = cause == .start ? nil : baseline
    }

    /// What a later recovery has to compare with.
    package var knownClaim: Int64? { baseline }
    package var initCount: Int { inits }

    package mutating func begin() -> Effect { enter(.surveying, .survey) }

    package mutating func handle(_ event: Event) -> Effect {
        switch (phase, event) {
        case (_, .failed(let failure)): return recover(from: failure)
        case (_, .found(let halt)): return enter(.over, .halt(halt))
        case (.surveying, .surveyed): return enter(.looking, .look)
        case (.looking, .looked(let claim)): return judgeFence(claim)
        case (.waitingOut, .waited):
            hasWaitedOut = true
            return enter(.looking, .look)
        case (.retrying, .waited): return enter(.surveying, .survey)
        case (.initialising, .initialised): return enter(.claiming, .claim)
        case (.claiming, .claimed(_, let offset)):
            baseline = max(baseline ?? -1, offset)
            return enter(.reading, .read)
        case (.claiming, .claimedInVain(let failure, let offset)):
            baseline = max(baseline ?? -1, offset)
            return recover(from: failure)
        case (.claiming, .claimUnknown(let why, let offset)):
            baseline = max(baseline ?? -1, offset)
            cause = .fenced(why)
            hasWaitedOut = false
            return enter(.looking, .look)
        case (.reading, .notVisible(overdue: false)): return enter(.reading, .read)
        case (.reading, .notVisible(overdue: true)): return enter(.over, .halt(Self.hidden))
        case (.reading, .read): return enter(.judging, .judge)
        case (.judging, .settled): return enter(.checking, .check)
        case (.checking, .checked): return enter(.over, .run)
        default:
            return enter(
                .over,
                .halt(
                    Halt(
                        reason: "markers-disagree",
                        detail: "recovery step \(phase) cannot follow on \(event)")))
        }
    }

    private mutating func enter(_ next: Phase, _ effect: Effect) -> Effect {
        phase = next
        return effect
    }

    /// A newer claim of anybody else than the one known before ends this one. At a start whatever
    /// stands there is known: only a claim that appears after our own init is a living twin's.
    private mutating func judgeFence(_ claim: SeenClaim?) -> Effect {
        let other = claim.flatMap { $0.isOurs ? nil : $0 }
        if let known = baseline, cause != .start || inits > 0 {
            if let other, other.offset > known {
                return enter(.over, .halt(anotherInstance(other)))
            }
        } else {
            baseline = other?.offset ?? -1
        }
        if mustWaitOut && !hasWaitedOut { return enter(.waitingOut, .wait(.transactionTimeout)) }
        inits += 1
        // What goes wrong from here on says nothing about contents any more.
        if case .refused(let why) = cause { cause = .renew(why) }
        return enter(.initialising, .initialise)
    }

    /// Two instances would fence each other for ever if each claimed again at once: a twin may be
    /// between its init and its claim. An error can hide a fence, so the second init without a
    /// committed batch in between waits too. A refusal of contents comes after a claim of ours has
    /// committed, and each finds a culprit: two lanes that only meet refusals see each other's claims.
    private var mustWaitOut: Bool {
        switch cause {
        case .start, .refused: false
        case .fenced: true
        case .renew: inits > 0
        }
    }

    private mutating func recover(from failure: PortFailure) -> Effect {
        switch failure.kind {
        case .fenced:
            cause = .fenced(failure.detail)
            hasWaitedOut = false
            return enter(.looking, .look)
        case .abortable, .refused, .fatal, .unavailable, .denied, .outOfRange, .stopped:
            return enter(.retrying, .wait(.retry(failure)))
        }
    }

    private func anotherInstance(_ claim: SeenClaim) -> Halt {
        let who =
            claim.instance == instance
            ? "another service, on a copy of this state directory,"
            : "instance \(claim.instance), with another state directory,"
        return Halt(
            reason: "another-instance",
            detail: "\(who) has claimed this lane since; only one may run")
    }

    private static let hidden = Halt(
        reason: "checkpoint-unreadable",
        detail:
            "our own claim does not become visible on the checkpoint topic: an open transaction "
            + "hides it, or read rights are missing")
}
