internal import Glibc
internal import Synchronization

/// SIGTERM and SIGINT, taken by the main thread; every other thread asks.
final class StopSignal: Sendable {
    private let asked = Atomic<Bool>(false)

    var isSet: Bool { asked.load(ordering: .relaxed) }
    func set() { asked.store(true, ordering: .relaxed) }

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

    /// Sleeps, and wakes up early when set.
    func sleep(_ duration: Duration) {
        let clock = ContinuousClock()
        let end = clock.now + duration
        while !isSet {
            let left = end - clock.now
            if left <= .zero { return }
            let slice = min(left, .milliseconds(50))
            var time = timespec(
                tv_sec: 0, tv_nsec: Int(slice.components.attoseconds / 1_000_000_000))
            nanosleep(&time, nil)
        }
    }
}
