package import Ledger

/// What a recovery read from the checkpoint topic, up to its own claim.
package struct CheckpointView: Hashable, Sendable {
    package struct Standing: Hashable, Sendable {
        package var marker: Marker
        /// Offset on the lane's checkpoint partition.
        package var offset: Int64
        package init(marker: Marker, offset: Int64) {
            self.marker = marker
            self.offset = offset
        }
    }

    /// The newest marker of each partition.
    package var markers: [SourcePartition: Standing] = [:]
    /// Whether any checkpoint partition that was read holds a marker of the contract, of whichever lane.
    package var anyOfContract = false
    /// Instance of the last claim that our ledger does not hold.
    package var foreignClaim: String?
    /// The nonces of all of these: judged now, the ledger holds them from here on.
    package var foreignNonces: [Nonce] = []
    /// What operators did, as all markers of the lane tell it, and those of other lanes about the
    /// contract.
    package var acts: [Act] = []
    /// Of the lane, in order.
    package var releases: [ReleaseNote] = []
    /// What stands under a key of ours and does not open.
    package var unreadable: String?
    package init() {}

    mutating func note(_ found: [Act]) {
        for act in found where !acts.contains(where: { $0.id == act.id }) { acts.append(act) }
    }
}

/// What is true today, outside the ledger and the markers.
package struct Circumstances: Hashable, Sendable {
    /// The contract as its file stands.
    package var pin: ContractPin
    package var lane: Int
    /// Today's partitions of the lane.
    package var partitions: [SourcePartition]
    package var clusters: ClusterIDs
    package var layout: Layout
    /// The source group's committed offsets, where there are any.
    package var groupOffsets: [SourcePartition: Int64]
    /// Whether this ledger has stored a start for any lane of the contract.
    package var contractStarted: Bool
    package init(
        pin: ContractPin, lane: Int, partitions: [SourcePartition], clusters: ClusterIDs,
        layout: Layout, groupOffsets: [SourcePartition: Int64], contractStarted: Bool
    ) {
        self.pin = pin
        self.lane = lane
        self.partitions = partitions
        self.clusters = clusters
        self.layout = layout
        self.groupOffsets = groupOffsets
        self.contractStarted = contractStarted
    }
}

/// A position that has yet to be asked of the source cluster.
package enum Placement: Hashable, Sendable {
    /// The low watermark.
    case low
    /// What the operator said: an offset, `earliest`, `latest` or an RFC 3339 time.
    case spoken(String)
}

package enum Judgement: Hashable, Sendable {
    /// Nothing anywhere: resolve `start`, store the offsets, write initial markers.
    case firstStart(act: Act?)
    case proceed(Proceeding)
    case halt(Halt)
}

package struct Proceeding: Hashable, Sendable {
    /// In words, for the log: "normal", "committed, mark missed" …
    package var finding: String
    /// To be written in one SQLite transaction, in this order.
    package var changes: [LedgerChange]
    /// Partitions that the ledger does not know yet, and where they begin.
    package var appeared: [SourcePartition: Placement]
    /// Partitions that go on elsewhere by an operator's choice.
    package var moved: [SourcePartition: Placement]
    package init(
        finding: String, changes: [LedgerChange] = [],
        appeared: [SourcePartition: Placement] = [:], moved: [SourcePartition: Placement] = [:]
    ) {
        self.finding = finding
        self.changes = changes
        self.appeared = appeared
        self.moved = moved
    }
}
