import Ledger
import Replication

/// Records that left the quarantine: each once, as its contract decides, with its id in the transaction.
extension Auditor {
    func auditReleases(_ entries: [PartnerCluster.Entry], _ marker: AuditedMarker?) {
        let seen = entries.filter(\.isReleased).map { $0.value ?? [] }
        let notes = entries.compactMap(Stage.openNote)
        guard let marker, let intent = intents[marker.nonce] else {
            if !seen.isEmpty { nature.violate("records are released without a marker") }
            return
        }
        if notes.flatMap(\.releases) != intent.releases {
            nature.violate("batch \(intent.batchSeq) releases other records than it notes")
        }
        var due: [[UInt8]] = []
        for release in intent.releases {
            let output = audit(release, intent)
            if release.outcome == .delivered { due.append(output) }
        }
        if seen.count != due.count || Set(seen) != Set(due) {
            nature.violate("batch \(intent.batchSeq) releases other records than its intent")
        }
    }

    /// The value that the partner must see.
    private func audit(_ release: Release, _ intent: Intent) -> [UInt8] {
        let name = "\(release.partition)@\(release.offset)"
        guard let version = stage.version(of: intent.pin),
            let record = stage.records[release.source]?[release.offset],
            let first = decided[release.source]?[release.offset]
        else {
            nature.violate("\(name) is released and was never decided")
            return []
        }
        if released[release.source]?[release.offset] != nil {
            nature.violate("\(name) is released twice")
        }
        if record.fate(under: first) != .quarantined {
            nature.violate("\(name) is released and was \(record.fate(under: first))")
        }
        let fate: TestRecord.Fate = release.outcome == .delivered ? .delivered : .filtered
        if record.fate(under: version) != fate {
            nature.violate("\(name) is \(release.outcome), not \(record.fate(under: version))")
        }
        released[release.source, default: [:]][release.offset] = (version, release.outcome)
        return record.output(under: version)
    }

    func output(_ partition: SourcePartition, _ offset: Int64) -> [UInt8] {
        let version = released[partition]?[offset]?.version ?? 0
        return stage.records[partition]?[offset]?.output(under: version) ?? []
    }
}

extension Stage {
    static func openNote(_ entry: PartnerCluster.Entry) -> ReleaseNote? {
        let record = CheckpointRecord(
            partition: 0, offset: 0, key: entry.key ?? [], value: entry.value)
        guard case .release(let note) = codec.open(record) else { return nil }
        return note
    }

    /// An operator asks for everything that is held, as `quarantine release --all` does.
    func release(instance: Int = 0) {
        nature.disks[instance].requestReleases()
        record("release", argument: "all", instance: instance, isChoice: false)
        nature.note("an operator: release")
    }
}
