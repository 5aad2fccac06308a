extension LaneBooks {
    /// Claims that are remembered: many more than a checkpoint partition keeps apart by compaction.
    package static let claimsKept = 64

    /// What a change does, in memory: the store's SQL must have the same effect.
    package mutating func apply(_ change: LedgerChange) {
        switch change {
        case .claim(let nonce):
            claims.append(nonce)
            if claims.count > Self.claimsKept { claims.removeFirst() }
        case .start(let offsets, let pin, let clusters, let layout):
            for (partition, offset) in offsets where partitions[partition] == nil {
                partitions[partition] = PartitionBooks(partition: partition, startOffset: offset)
            }
            self.pin = self.pin ?? pin
            self.clusters = self.clusters ?? clusters
            self.layout = self.layout ?? layout
        case .intent(let intent, _):
            self.intent = intent
        case .mark(let batchSeq, let checkpointOffset, let positions):
            guard let intent, intent.batchSeq == batchSeq else { return }
            for step in intent.progress {
                advance(step)
                partitions[step.partition]?.marker = MarkerPoint(
                    nextOffset: step.to, batchSeq: batchSeq, nonce: intent.nonce,
                    checkpointOffset: checkpointOffset)
            }
            pin = intent.next
            lastBatchSeq = max(lastBatchSeq, batchSeq)
            acknowledge(positions)
            self.intent = nil
        case .drop(let batchSeq):
            if intent?.batchSeq == batchSeq { intent = nil }
        case .filtered(let progress, let pin):
            for step in progress { advance(step) }
            self.pin = pin
        case .adopt(
            let markers, let pin, let clusters, let layout, let positions, let lastSeq, _):
            for marker in markers {
                var books =
                    partitions[marker.partition]
                    // Where the contract began is not in the marker.
                    ?? PartitionBooks(partition: marker.partition, startOffset: 0)
                books.marker = marker.point
                books.decided = marker.point.nextOffset
                books.counts = marker.counts
                books.fingerprints = marker.fingerprints
                books.chain = marker.chain
                books.presence = nil
                partitions[marker.partition] = books
            }
            self.pin = pin
            self.clusters = clusters
            self.layout = layout
            acknowledged = []
            acknowledge(positions)
            lastBatchSeq = max(lastBatchSeq, lastSeq)
            intent = nil
            generation += 1
        case .gap(let partition, let to, _):
            guard var books = partitions[partition], to > books.decided else { return }
            books.counts.read += to - books.decided
            books.counts.gaps += to - books.decided
            books.decided = to
            partitions[partition] = books
        case .reposition(let partition, let to, _):
            partitions[partition]?.decided = to
            partitions[partition]?.fingerprints = []
        case .forgetMarkers(let forgotten):
            for partition in forgotten { partitions[partition]?.marker = nil }
        case .forgetAcknowledged:
            acknowledged = []
            for partition in partitions.keys { partitions[partition]?.presence = nil }
        case .presence:
            break
        case .resetPresence(let reset, let scope):
            for partition in reset { partitions[partition]?.presence = scope }
        case .accept(let clusters, let layout):
            self.clusters = clusters
            self.layout = layout
        case .halt(let halt):
            self.halt = halt
        case .clearHalt:
            halt = nil
        case .applied(let act):
            pending.removeAll { $0.id == act }
        case .learn(let learned):
            acts = (acts + learned).forMarkers
        case .keep, .learnReleases:
            break
        }
    }

    private mutating func advance(_ step: Progress) {
        guard var books = partitions[step.partition] else { return }
        books.decided = step.to
        books.counts = books.counts + step.counts
        books.fingerprints = step.fingerprints
        books.chain = step.chain
        partitions[step.partition] = books
    }

    private mutating func acknowledge(_ positions: [PartnerPosition]) {
        for position in positions {
            acknowledged.removeAll {
                $0.topic == position.topic && $0.partition == position.partition
            }
            acknowledged.append(position)
        }
        acknowledged.sort { ($0.topic, $0.partition) < ($1.topic, $1.partition) }
    }
}
