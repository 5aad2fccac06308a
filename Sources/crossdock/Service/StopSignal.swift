internal import Glibc
internal import Synchronization

/// SIGTERM and SIGINT, taken by the main thread; every other thread asks.
final class StopSignal: Sendable {
    /// 0 = not asked to stop; else when, in nanoseconds of the monotonic clock.
    private let askedAt = Atomic<UInt64>(0)

    var isSet: Bool { askedAt.load(ordering: .relaxed) != 0 }
    func set() { askedAt.store(Self.now, ordering: .relaxed) }

    private static var now: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return max(1, UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
    }

    /// How much of `wanted` is left for what is open: all of it, and from the signal on at most 3 s.
    func patience(_ wanted: Duration) -> Duration {
        let asked = askedAt.load(ordering: .relaxed)
        guard asked != 0 else { return wanted }
        let spent = Duration.nanoseconds(Int64(Self.now - asked))
        return max(.zero, min(wanted, .seconds(3) - spent))
    }

    /// Blocks the signals in this thread and every thread it starts. Call it before there are others.
    static func block() {
        signal(SIGPIPE, SIG_IGN)
        var signals = Self.signals
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    private static var signals: sigset_t {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGTERM)
        sigaddset(&signals, SIGINT)
        return signals
    }

    /// Waits at most `milliseconds` for a signal; true where one came. A second one ends the process
    /// as the shell expects: what is open is aborted by the next start.
    func wait(milliseconds: Int) -> Bool {
        var signals = Self.signals
        var timeout = timespec(
            tv_sec: milliseconds / 1000, tv_nsec: milliseconds % 1000 * 1_000_000)
        let number = sigtimedwait(&signals, nil, &timeout)
        guard number > 0 else { return false }
        if isSet { _exit(128 + number) }
        set()
        return true
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
