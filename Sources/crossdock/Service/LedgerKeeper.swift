internal import Contracts
internal import Foundation
internal import Ledger
internal import Synchronization

/// Looks after the ledger beside the running lanes, on a thread of its own: checks it once, then keeps it
/// small. A lane that writes waits for one short step at most.
final class LedgerKeeper: Sendable {
    private let ledger: Ledger
    private let keeping: Keeping
    private let log: Log
    private let stop: StopSignal
    /// One pass at a time.
    private let turn = Mutex(())

    /// A start is over by then: the check reads the whole file.
    private static let delay = Duration.seconds(5)
    private static let interval = Duration.seconds(300)
    /// Between two steps, and at least so many times what the last one took.
    private static let pause = Duration.milliseconds(20)
    private static let idleShare = 4

    init(ledger: Ledger, keeping: Keeping, log: Log, stop: StopSignal) {
        self.ledger = ledger
        self.keeping = keeping
        self.log = log
        self.stop = stop
    }

    func start() {
        let thread = Thread { [self] in
            stop.sleep(Self.delay)
            if !stop.isSet { check() }
            while !stop.isSet {
                turn.withLock { _ in gently() }
                stop.sleep(Self.interval)
            }
        }
        thread.name = "ledger"
        thread.start()
    }

    /// For a run that ends before the first pass: a little of it, now that no lane waits.
    func finish() {
        let end = ContinuousClock.now + .seconds(1)
        turn.withLockIfAvailable { _ in pass { ContinuousClock.now < end } }
    }

    /// A pass that leaves the lanes most of the time.
    private func gently() {
        let clock = ContinuousClock()
        var since = clock.now
        pass {
            stop.sleep(max(Self.pause, (clock.now - since) * Self.idleShare))
            since = clock.now
            return !stop.isSet
        }
    }

    private func check() {
        guard let damage = try? ledger.quickCheck(), !damage.isEmpty else { return }
        log(
            .error, "the ledger is damaged",
            [
                ("found", damage.prefix(3).joined(separator: "; ")),
                ("runbook", "runbooks/halts/ledger-corrupt.md"),
            ])
    }

    /// Steps while `wanted`, which is asked after each.
    private func pass(while wanted: () -> Bool) {
        let maintenance = Maintenance(ledger: ledger, keeping: keeping)
        do throws(LedgerFailure) {
            while try maintenance.step(), wanted() {}
        } catch {
            // What is left is done by the next pass; a lane tells of a ledger that is broken.
            log(.warn, "the ledger was not tidied", [("error", error.detail)])
        }
    }
}

extension Keeping {
    init(_ configuration: Configuration) {
        self.init(
            detail: configuration.keepDetail.wholeMilliseconds,
            quarantined: configuration.quarantineKeepFor?.wholeMilliseconds)
    }
}

extension Duration {
    fileprivate var wholeMilliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
