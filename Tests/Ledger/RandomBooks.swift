import Ledger

/// Makes changes that a lane could make in the state that the pure books are in, and applies them there.
struct RandomBooks {
    private(set) var books = LaneBooks()
    private var random: Seeded
    /// What the store's index must hold, by partition, and what is staged under the open intent.
    private(set) var presence: [SourcePartition: [KeyHash: Bool]] = [:]
    private var staged: [PresenceStep] = []
    private var pool: [SourcePartition] = [
        partition(0), partition(1), partition(2), partition(0, "stock"), partition(7, "stock"),
    ]

    init(seed: UInt64) { random = Seeded(seed) }

    mutating func nextChanges() -> [LedgerChange] {
        (0..<Int.random(in: 1...3, using: &random)).map { _ in
            let change = next()
            applyToPresence(change)
            books.apply(change)
            presence = presence.filter { books.partitions[$0.key]?.presence != nil }
            return change
        }
    }

    /// The same in the obvious way.
    private mutating func applyToPresence(_ change: LedgerChange) {
        switch change {
        case .presence(let steps): staged += steps
        case .intent, .adopt: staged = []
        case .drop(let batchSeq) where batchSeq == books.intent?.batchSeq: staged = []
        case .mark(let batchSeq, _, _) where batchSeq == books.intent?.batchSeq:
            for step in staged {
                let keeps = books.partitions[step.partition]?.presence?.unknown == .present
                for change in step.changes {
                    presence[step.partition, default: [:]][change.hash] =
                        change.isPresent || keeps ? change.isPresent : nil
                }
            }
            staged = []
        case .resetPresence(let partitions, _):
            for partition in partitions { presence[partition] = nil }
        default: break
        }
    }

    private mutating func presenceSteps() -> LedgerChange {
        let kept = books.partitions.values.filter { $0.presence != nil }.map(\.partition).sorted()
        return .presence(
            some(kept).map { partition in
                PresenceStep(
                    partition: partition,
                    changes: (0..<number(8)).map { _ in
                        PresenceChange(
                            KeyHash(high: UInt64(number(4)) << 62, low: UInt64(number(3)) << 2),
                            isPresent: Bool.random(using: &random))
                    })
            })
    }

    private mutating func someScope() -> PresenceScope? {
        switch number(3) {
        case 0: nil
        case 1: PresenceScope(unknown: .absent, rule: "r\(number(2))")
        default: PresenceScope(unknown: .present, rule: "r")
        }
    }

    private mutating func next() -> LedgerChange {
        if books.partitions.isEmpty { return start() }
        if let intent = books.intent { return answer(intent) }
        switch Int.random(in: 0..<20, using: &random) {
        case 0: return .claim(nonce())
        case 1: return start()
        case 2, 3, 4: return .filtered(steps(delivering: false), pin: somePin())
        case 5: return adopt()
        case 6: return .gap(known(), to: offset(up: 50), why: "gap")
        case 7: return .reposition(known(), to: offset(up: 200), why: "moved")
        case 8: return .forgetMarkers(some(books.partitions.keys.sorted()))
        case 9: return .forgetAcknowledged
        case 10: return .accept(clusters: someClusters(), layout: someLayout())
        case 11: return .halt(halt())
        case 12: return .clearHalt
        case 13: return .applied(act: "99")
        case 15: return .learn(acts())
        case 16: return .resetPresence(some(books.partitions.keys.sorted()), someScope())
        case 14: return .mark(batchSeq: 1, checkpointOffset: 1, acknowledged: positions())
        default: return open()
        }
    }

    /// A lane with an open intent learns its outcome before it does anything else.
    private mutating func answer(_ intent: Intent) -> LedgerChange {
        switch Int.random(in: 0..<10, using: &random) {
        case 0: return .drop(batchSeq: intent.batchSeq)
        case 1: return .drop(batchSeq: intent.batchSeq + 1)
        case 2: return adopt()
        case 3: return .claim(nonce())
        case 4: return open()
        case 5, 6: return presenceSteps()
        default:
            return .mark(
                batchSeq: intent.batchSeq, checkpointOffset: number(1000),
                acknowledged: positions())
        }
    }

    private mutating func open() -> LedgerChange {
        let steps = steps(delivering: true)
        let seq = books.lastBatchSeq + 1
        let intent = Intent(
            batchSeq: seq, nonce: nonce(), digest: "d\(seq)", pin: somePin(), next: somePin(),
            progress: steps)
        let records = steps.flatMap { step in
            (0..<step.counts.quarantined).map { refused(step.partition, step.from + $0) }
        }
        return .intent(intent, quarantined: records)
    }

    private mutating func steps(delivering: Bool) -> [Progress] {
        some(books.partitions.keys.sorted()).map { partition in
            let from = books.partitions[partition]?.decided ?? 0
            var counts = Counts()
            counts.filtered = number(5)
            if delivering {
                counts.delivered = number(5)
                counts.quarantined = number(2)
                counts.bytes = counts.delivered * 30
            }
            counts.read = counts.filtered + counts.delivered + counts.quarantined
            // Control records move the offset without being read.
            let to = from + counts.read + number(3)
            let prints = (0..<number(4)).map {
                Fingerprint(offset: from + $0, timestamp: number(9) - 1, digest: "f\(number(99))")
            }
            return Progress(
                partition: partition, from: from, to: to, counts: counts, fingerprints: prints,
                chain: "c\(number(1 << 40))")
        }
    }

    private mutating func start() -> LedgerChange {
        var offsets: [SourcePartition: Int64] = [:]
        for partition in some(pool) { offsets[partition] = number(100) }
        return .start(
            offsets, pin: somePin(), clusters: someClusters(), layout: someLayout())
    }

    private mutating func adopt() -> LedgerChange {
        let markers = some(pool).map { partition in
            var counts = Counts()
            counts.read = number(500)
            counts.delivered = counts.read
            let point = MarkerPoint(
                nextOffset: number(300), batchSeq: number(50), nonce: nonce(),
                checkpointOffset: number(900))
            return AdoptedMarker(
                partition: partition, point: point, counts: counts,
                fingerprints: [Fingerprint(offset: 1, timestamp: 2, digest: "ee")], chain: "m")
        }
        return .adopt(
            markers, pin: somePin(), clusters: someClusters(), layout: someLayout(),
            acknowledged: positions(), lastBatchSeq: number(60), why: "adopted")
    }

    private mutating func positions() -> [PartnerPosition] {
        some([(0 as Int32, "out"), (1, "out"), (0, "late")]).map {
            PartnerPosition(topic: $0.1, partition: $0.0, offset: number(1000))
        }
    }

    private mutating func halt() -> Halt {
        let reason = ["retention-gap", "violation", "checkpoint-lost"].randomElement(using: &random)
        return Halt(
            reason: reason ?? "", detail: "found \(number(9))",
            partition: Bool.random(using: &random) ? known() : nil)
    }

    private mutating func acts() -> [Act] {
        let words = ["suspend", "resume", "revoke", "accept-gap", "trust-ledger"]
        return (0..<number(4)).map { _ in
            let at = number(40)
            let word = at > 36 ? "revoke" : words[Int(at) % 5]
            return Act(id: "\(at)", choice: word, reason: "", argument: "", at: at)
        }
    }

    private mutating func number(_ bound: Int64) -> Int64 {
        Int64.random(in: 0..<bound, using: &random)
    }
    private mutating func nonce() -> Nonce { Nonce(high: random.next(), low: random.next()) }
    private mutating func known() -> SourcePartition {
        books.partitions.keys.sorted().randomElement(using: &random) ?? partition(0)
    }
    private mutating func offset(up: Int64) -> Int64 { number(up) + number(up) }
    private mutating func some<T>(_ all: [T]) -> [T] {
        all.filter { _ in Bool.random(using: &random) }
    }
    private mutating func somePin() -> ContractPin {
        let number = number(3)
        return ContractPin(version: "1.\(number / 2).0", hash: "h\(number)")
    }
    private mutating func someClusters() -> ClusterIDs {
        ClusterIDs(source: "s\(number(2))", partner: "p\(number(2))")
    }
    private mutating func someLayout() -> Layout {
        Layout(
            lanes: Int(number(3)) + 1, hash: "crc32c", checkpointPartitions: Int(number(8)),
            partnerPartitions: ["out": Int(number(9)), "late": 1])
    }
}
