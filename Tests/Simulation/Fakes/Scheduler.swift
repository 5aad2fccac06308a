import Dispatch
import Foundation

/// Several instances, each on a thread, of which exactly one runs at any moment: which one is drawn from
/// the seed at every port call. Virtual time moves only when all of them sleep.
final class Scheduler {
    private let nature: Nature
    private var random: SeededRandom
    private let gates: [DispatchSemaphore]
    private let done = DispatchSemaphore(value: 0)
    private var wakes: [Duration?]
    private var finished: [Bool]
    /// Of a hundred port calls, how many hand over; 100: every one, to the other.
    private let switches: Int

    init(nature: Nature, instances: Int, seed: UInt64, switches: Int) {
        self.nature = nature
        self.switches = switches
        random = SeededRandom(seed: seed ^ 0x5C4E_D01E)
        gates = (0..<instances).map { _ in DispatchSemaphore(value: 0) }
        wakes = Array(repeating: nil, count: instances)
        finished = Array(repeating: false, count: instances)
    }

    private struct Baggage: @unchecked Sendable {
        // Only one thread runs at a time; the semaphores order what they do.
        var scheduler: Scheduler
        var body: (Int) -> Void
    }

    /// Runs `body` once an instance, interleaved; returns when all have returned.
    func run(_ body: @escaping (Int) -> Void) {
        let baggage = Baggage(scheduler: self, body: body)
        for instance in gates.indices {
            let thread = Thread {
                baggage.scheduler.gates[instance].wait()
                baggage.body(instance)
                baggage.scheduler.finish(instance)
            }
            thread.stackSize = 4 << 20
            thread.start()
        }
        gates[random.below(gates.count)].signal()
        done.wait()
    }

    /// A point where another instance may run first.
    func turn(of instance: Int) {
        guard random.chance(switches) else { return }
        let isLockstep = switches >= 100
        let ready = awake().filter { !isLockstep || $0 != instance }
        guard let next = ready.isEmpty ? nil : random.pick(ready), next != instance else { return }
        gates[next].signal()
        gates[instance].wait()
    }

    func sleep(_ instance: Int, _ duration: Duration) {
        wakes[instance] = nature.now + duration
        let next = nextAwake()
        wakes[next] = nil
        guard next != instance else { return }
        gates[next].signal()
        gates[instance].wait()
    }

    private func finish(_ instance: Int) {
        finished[instance] = true
        guard finished.contains(false) else {
            done.signal()
            return
        }
        let next = nextAwake()
        wakes[next] = nil
        gates[next].signal()
    }

    private func awake() -> [Int] {
        gates.indices.filter { index in
            !finished[index] && (wakes[index].map { $0 <= nature.now } ?? true)
        }
    }

    /// Somebody who can run; when all sleep, time passes until the first wakes.
    private func nextAwake() -> Int {
        while true {
            let ready = awake()
            if !ready.isEmpty {
                let next = random.pick(ready)
                wakes[next] = nil
                return next
            }
            let sleeping = gates.indices.filter { !finished[$0] }
            let first = sleeping.compactMap { wakes[$0] }.min() ?? nature.now
            nature.pass(first > nature.now ? first - nature.now : .milliseconds(1))
        }
    }
}
