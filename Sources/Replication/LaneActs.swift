internal import Contracts
internal import Ledger

/// What operators do while the lane runs. An act takes effect at the next batch boundary: before a batch
/// begins, and before its commit is asked for. Once EndTxn may be under way the batch counts as decided
/// before the act.
extension Lane {
    /// Asks for one number, and reads the acts where it has risen: what the ledger says then.
    @discardableResult
    func heedActs() throws(LedgerFault) -> LaneBooks? {
        let newest = try ledger.newestAct()
        actsReadAt = world.now()
        guard newest != actsAsOf else { return nil }
        let found = try ledger.books()
        books.acts = found.acts
        actsAsOf = newest
        releasing.isDue = true
        return found
    }

    /// Nothing is decided any more. The marker that carries the act is written: it is bookkeeping, and
    /// what makes the act outlive the ledger.
    var isStill: Bool { stillness != nil }

    /// The window is by the service's clock, asked for before a batch begins and before its commit, as
    /// the acts are.
    var stillness: Stillness? {
        switch books.acts.standing {
        case .suspended: return .suspended
        case .revoked: return .revoked
        case .active: break
        }
        let window = plan.contract.effective
        if let from = window.from, window.isEarly(at: world.wallClock()) { return .early(from) }
        if let until = window.until, window.isOver(at: world.wallClock()) { return .over(until) }
        return nil
    }

    /// Nothing is open and everything is on record; the source is not read any more.
    func standStill() throws -> Never {
        if !unsaved.isEmpty { try save([]) }
        try source.assign([])
        throw Still()
    }

    /// A lane that stands still holds no producer. After any act it goes through a recovery: it has to
    /// learn what happened meanwhile, and the act has to stand in a marker.
    func awaitAct() throws {
        world.wait(plan.pace.acts)
        let known = books.acts
        if try heedActs() != nil, books.acts != known {
            phase = .recovering(.renew("an operator's act was recorded"))
        } else if stillness == nil {
            phase = .recovering(.renew("the contract's window is open"))
        } else {
            return
        }
        inits = 0
    }

    // MARK: Recovery

    /// Acts in markers are true whatever else is: nobody else can seal one for this contract.
    func learnActs(_ view: CheckpointView) throws(LedgerFault) {
        let known = Set(books.acts.map(\.id))
        let unknown = view.acts.filter { !known.contains($0.id) }
        if !unknown.isEmpty { try save([.learn(unknown)]) }
        let lists = Set(
            partitions.compactMap { partition in view.markers[partition]?.marker.acts })
        carried = lists.count > 1 ? nil : lists.first ?? []
        actsAsOf = nil
    }
}
