package import Ledger

/// Where a record stands in a checkpoint topic, and when it was written.
package struct CheckpointPlace: Sendable, Hashable {
    package var partition: Int32
    package var offset: Int64
    /// Milliseconds since the epoch, -1 = unknown.
    package var at: Int64
    package init(partition: Int32, offset: Int64, at: Int64) {
        self.partition = partition
        self.offset = offset
        self.at = at
    }
}

/// A marker, opened: what it says of its source partition.
package struct MarkerRow: Sendable, Hashable {
    package var place: CheckpointPlace
    package var source: SourcePartition
    package var lane: Int
    package var nextOffset: Int64
    package var batchSeq: Int64
    package var nonce: String
    package var digest: String
    package var chain: String
    /// Cumulative at `nextOffset`.
    package var counts: Counts
    package var pin: ContractPin
    package var next: ContractPin
    package var clusters: ClusterIDs
    package var acknowledged: [PartnerPosition]
    package var acts: [Act]

    package init(
        place: CheckpointPlace, source: SourcePartition, lane: Int, nextOffset: Int64,
        batchSeq: Int64, nonce: String, digest: String, chain: String, counts: Counts,
        pin: ContractPin, next: ContractPin, clusters: ClusterIDs,
        acknowledged: [PartnerPosition], acts: [Act]
    ) {
        self.place = place
        self.source = source
        self.lane = lane
        self.nextOffset = nextOffset
        self.batchSeq = batchSeq
        self.nonce = nonce
        self.digest = digest
        self.chain = chain
        self.counts = counts
        self.pin = pin
        self.next = next
        self.clusters = clusters
        self.acknowledged = acknowledged
        self.acts = acts
    }
}

/// A claim, opened.
package struct ClaimRow: Sendable, Hashable {
    package var place: CheckpointPlace
    package var lane: Int
    package var instance: String
    package var nonce: String
    /// By the claiming instance's clock. Milliseconds since the epoch.
    package var claimed: Int64
    package init(
        place: CheckpointPlace, lane: Int, instance: String, nonce: String, claimed: Int64
    ) {
        self.place = place
        self.lane = lane
        self.instance = instance
        self.nonce = nonce
        self.claimed = claimed
    }
}

/// A release note, opened: what a batch let go out of the quarantine.
package struct ReleaseRow: Sendable, Hashable {
    package var place: CheckpointPlace
    package var lane: Int
    package var batchSeq: Int64
    package var nonce: String
    package var pin: ContractPin
    package var releases: [Release]
    package init(
        place: CheckpointPlace, lane: Int, batchSeq: Int64, nonce: String, pin: ContractPin,
        releases: [Release]
    ) {
        self.place = place
        self.lane = lane
        self.batchSeq = batchSeq
        self.nonce = nonce
        self.pin = pin
        self.releases = releases
    }
}

/// A record under a key of ours that does not open.
package struct UnopenedRow: Sendable, Hashable {
    package var place: CheckpointPlace
    package var why: String
    package init(place: CheckpointPlace, why: String) {
        self.place = place
        self.why = why
    }
}

/// What a checkpoint topic holds of one contract, in the order of its partitions and offsets.
package struct ContractOffsets: Sendable, Hashable {
    package var id: String
    package var cluster: String
    package var topic: String
    /// False where the cluster does not know the topic, or does not show it.
    package var isThere: Bool
    package var markers: [MarkerRow] = []
    package var claims: [ClaimRow] = []
    package var releases: [ReleaseRow] = []
    package var unopened: [UnopenedRow] = []

    package init(id: String, cluster: String, topic: String, isThere: Bool) {
        self.id = id
        self.cluster = cluster
        self.topic = topic
        self.isThere = isThere
    }

    /// The newest marker of each source partition, by partition.
    package var newest: [MarkerRow] {
        var newest: [SourcePartition: MarkerRow] = [:]
        for marker in markers {
            guard let other = newest[marker.source], isLater(other, than: marker) else {
                newest[marker.source] = marker
                continue
            }
        }
        return newest.values.sorted { $0.source < $1.source }
    }

    /// Within a checkpoint partition the later record counts; between two the later batch.
    private func isLater(_ a: MarkerRow, than b: MarkerRow) -> Bool {
        a.place.partition == b.place.partition
            ? a.place.offset > b.place.offset : a.batchSeq > b.batchSeq
    }
}

/// `crossdock offsets`: what the partner's checkpoint topic says, apart from the ledger.
package struct OffsetsReport: Sendable {
    private let contracts: [ContractOffsets]
    private let withHistory: Bool
    private let now: Int64

    /// - Parameter now: milliseconds since the epoch.
    package init(_ contracts: [ContractOffsets], withHistory: Bool, now: Int64) {
        self.contracts = contracts
        self.withHistory = withHistory
        self.now = now
    }

    /// Whether a record does not open, or a topic is not there.
    package var isBad: Bool { contracts.contains { !$0.unopened.isEmpty || !$0.isThere } }

    // MARK: Text

    package func lines(width: Int) -> [String] {
        var lines: [String] = []
        for contract in contracts {
            if !lines.isEmpty { lines.append("") }
            lines += Wording.wrapped(heading(contract), width: width)
            for marker in contract.newest { lines += text(marker, width) }
            for claim in contract.claims {
                lines += Wording.wrapped(
                    "claim of lane \(claim.lane) by instance \(claim.instance), "
                        + "\(Wording.time(claim.claimed)), \(name(claim.place))",
                    width: width, indent: 2, hanging: 4)
            }
            lines += contract.releases.flatMap { text($0, width) }
            if withHistory { lines += history(contract, width) }
            for one in contract.unopened {
                lines += Wording.wrapped(
                    "\(name(one.place)) does not open: \(one.why)", width: width, indent: 2,
                    hanging: 4)
            }
            if !contract.unopened.isEmpty {
                lines += ["  see \(HaltGuide.page(of: "marker-unreadable"))"]
            }
        }
        return lines.isEmpty ? ["no contract is known"] : lines
    }

    private func heading(_ contract: ContractOffsets) -> String {
        let place = "\(contract.id): topic \(contract.topic) at \(contract.cluster)"
        guard contract.isThere else {
            return "\(place) is not there. The service makes it at its first start; where the "
                + "contract has run before, it was deleted, or the right to describe it is missing."
        }
        return contract.markers.isEmpty ? "\(place), no marker" : place
    }

    private func text(_ marker: MarkerRow, _ width: Int) -> [String] {
        let counts = marker.counts
        let acknowledged = marker.acknowledged.map { "\($0.topic)[\($0.partition)]@\($0.offset)" }
        let acts = marker.acts.map { act in
            "\(act.choice) \(act.argument) at \(Wording.time(act.at))".replacing("  ", with: " ")
        }
        let paragraphs = [
            "\(counts.read) read = \(counts.delivered) delivered + \(counts.filtered) filtered + "
                + "\(counts.dropped) dropped + \(counts.quarantined) quarantined + "
                + "\(counts.gaps) gaps; \(counts.bytes) bytes delivered",
            "contract \(text(marker.pin))"
                + (marker.pin == marker.next ? "" : ", next \(text(marker.next))"),
            "nonce \(marker.nonce)", "digest \(marker.digest)",
            "source \(marker.clusters.source), partner \(marker.clusters.partner)",
            acknowledged.isEmpty
                ? "" : "acknowledged before it \(acknowledged.joined(separator: " "))",
            acts.isEmpty ? "" : "acts \(acts.joined(separator: ", "))",
        ]
        let head =
            "\(name(marker.source)): next \(marker.nextOffset), batch \(marker.batchSeq) of "
            + "lane \(marker.lane), \(name(marker.place))"
        return Wording.wrapped(head, width: width, indent: 2, hanging: 4)
            + paragraphs.filter { !$0.isEmpty }.flatMap {
                Wording.wrapped($0, width: width, indent: 6, hanging: 8)
            }
    }

    private func text(_ note: ReleaseRow, _ width: Int) -> [String] {
        let shown = note.releases.prefix(10).map {
            "\($0.id) (\(name($0.source))@\($0.offset), \($0.outcome.rawValue))"
        }
        let more = note.releases.count - shown.count
        return Wording.wrapped(
            "released in batch \(note.batchSeq) of lane \(note.lane) by version "
                + "\(note.pin.version), \(name(note.place)): quarantined records "
                + shown.joined(separator: ", ") + (more > 0 ? " and \(more) more" : ""),
            width: width, indent: 2, hanging: 4)
    }

    private func history(_ contract: ContractOffsets, _ width: Int) -> [String] {
        guard !contract.markers.isEmpty else { return [] }
        return ["  every marker that compaction has left:"]
            + contract.markers.flatMap { marker in
                Wording.wrapped(
                    "\(name(marker.place))  \(name(marker.source)): next \(marker.nextOffset), "
                        + "batch \(marker.batchSeq), read \(marker.counts.read), "
                        + "delivered \(marker.counts.delivered)",
                    width: width, indent: 4, hanging: 6)
            }
    }

    private func name(_ place: CheckpointPlace) -> String {
        "record \(place.partition)@\(place.offset)"
    }

    private func name(_ source: SourcePartition) -> String {
        "\(source.topic)[\(source.partition)]"
    }

    private func text(_ pin: ContractPin) -> String { "\(pin.version) (\(pin.hash.prefix(12))…)" }

    // MARK: JSON

    /// One line; `history` is null unless it was asked for, times are RFC 3339.
    package var json: String {
        JSONText.object([
            ("generatedAt", JSONText.quoted(Wording.preciseTime(now))),
            ("contracts", JSONText.array(contracts.map(json))),
        ])
    }

    private func json(_ contract: ContractOffsets) -> String {
        JSONText.object([
            ("id", JSONText.quoted(contract.id)), ("cluster", JSONText.quoted(contract.cluster)),
            ("topic", JSONText.quoted(contract.topic)), ("exists", "\(contract.isThere)"),
            ("partitions", JSONText.array(contract.newest.map(\.json))),
            ("claims", JSONText.array(contract.claims.map(\.json))),
            ("releases", JSONText.array(contract.releases.map(\.json))),
            ("history", withHistory ? JSONText.array(contract.markers.map(\.json)) : "null"),
            ("unopened", JSONText.array(contract.unopened.map(\.json))),
        ])
    }
}
