internal import Contracts

/// How long the contract's quota keeps the lane.
struct Throttle {
    var until: Duration?
    /// When the quota last said to wait.
    var since: Duration = .zero
    /// What was reported of it, nil where it keeps the lane no more.
    var reported: String?
}

/// The quota: asked before the first record of a batch leaves, so that a lane that has to wait has
/// nothing open, and holds no other lane's share while it has nothing to send.
extension Lane {
    /// Whether a record may leave in this batch.
    @inline(__always)
    var isGranted: Bool {
        guard let quota, batch.grant == nil else { return true }
        return asks(quota)
    }

    private func asks(_ quota: QuotaBucket) -> Bool {
        let now = world.now()
        switch quota.ask(lane: plan.lane, at: now) {
        case .granted(let grant):
            batch.grant = grant
            return true
        case .wait(let time, let why):
            batch.isCut = true
            throttle.until = now + time
            throttle.since = now
            idleReported = false
            if throttle.reported != why { world.report(.throttled(why)) }
            throttle.reported = why
            return false
        }
    }

    @inline(__always)
    var isGrantUsed: Bool {
        guard let grant = batch.grant else { return false }
        return batch.delivered >= grant.records || batch.deliveredBytes >= grant.bytes
    }

    /// The outcome of a batch: what it did not use goes back.
    func settleGrant(isDelivered: Bool) {
        guard let quota, let grant = batch.grant else { return }
        batch.grant = nil
        quota.settle(
            grant, records: isDelivered ? batch.delivered : 0,
            bytes: isDelivered ? batch.deliveredBytes : 0)
    }

    /// Between two batches: true where the lane waited, for a moment, so that acts, checks and markers
    /// do not wait with it.
    func awaitsQuota() -> Bool {
        let now = world.now()
        guard let until = throttle.until, now < until else {
            if batch.isCut { batch = Batch() }
            throttle.until = nil
            noteFreedom(now)
            return false
        }
        partner.serve()
        world.wait(min(until - now, plan.pace.poll))
        return true
    }

    /// Said late: at a quota that just fits, every other batch waits.
    private func noteFreedom(_ now: Duration) {
        guard throttle.reported != nil, now - throttle.since > .seconds(5) else { return }
        throttle.reported = nil
        world.report(.running)
    }
}
