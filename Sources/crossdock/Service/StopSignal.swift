internal import Glibc
internal import Synchronization

/// Asks threads to end: those of the process, by SIGTERM and SIGINT, which the main thread takes; or
/// those of one contract's lanes, whose signal is set with the process's, too.
final class StopSignal: Sendable {
    /// 0 = not asked to stop; else when, in nanoseconds of the monotonic clock.
    private let askedAt = Atomic<UInt64>(0)
    private let process: StopSignal?

    /// - Parameter process: whose end is an end here; nil: the process itself.
    init(within process: StopSignal? = nil) { self.process = process }

    var isSet: Bool { askedAt.load(ordering: .relaxed) != 0 || process?.isSet ?? false }
    func set() { askedAt.store(Self.now, ordering: .relaxed) }

    private static var now: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return max(1, UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
    }

    /// How much of `wanted` is left for what is open: all of it, and at most 3 s from the moment on at
    /// which the process was told to end. Lanes that end alone have all the time they need.
    func patience(_ wanted: Duration) -> Duration {
        if let process { return process.patience(wanted) }
        let asked = askedAt.load(ordering: .relaxed)
        guard asked != 0 else { return wanted }
        let spent = Duration.nanoseconds(Int64(Self.now - asked))
        return max(.zero, min(wanted, .seconds(3) - spent))
    }

    /// Sleeps, whatever is set.
    func pause(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
        nanosleep(&time, nil)
    }

    /// Sleeps, and wakes up early when set.
    func sleep(_ duration: Duration) {
        let clock = ContinuousClock()
        let end = clock.now + duration
        while !isSet {
            let left = end - clock.now
            if left <= .zero { return }
            pause(min(left, .milliseconds(50)))
        }
    }
}

// MARK: Signals

extension StopSignal {
    enum Heard { case nothing, stop, hangUp }

    /// Blocks the signals in this thread and every thread it starts. Call it before there are others.
    ///
    /// - Parameter hangUp: SIGHUP, too, which has a meaning of its own then.
    static func block(hangUp: Bool = false) {
        signal(SIGPIPE, SIG_IGN)
        // One that is ignored, as under nohup, could not be waited for.
        if hangUp { signal(SIGHUP, SIG_DFL) }
        var signals = signals(hangUp: hangUp)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    private static func signals(hangUp: Bool) -> sigset_t {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGTERM)
        sigaddset(&signals, SIGINT)
        if hangUp { sigaddset(&signals, SIGHUP) }
        return signals
    }

    /// Waits at most `milliseconds` for a signal. A second one to stop ends the process as the shell
    /// expects: what is open is aborted by the next start.
    func wait(milliseconds: Int) -> Heard {
        var signals = Self.signals(hangUp: true)
        var timeout = timespec(
            tv_sec: milliseconds / 1000, tv_nsec: milliseconds % 1000 * 1_000_000)
        let number = sigtimedwait(&signals, nil, &timeout)
        guard number > 0 else { return .nothing }
        if number == SIGHUP { return .hangUp }
        if isSet { _exit(128 + number) }
        set()
        return .stop
    }
}
