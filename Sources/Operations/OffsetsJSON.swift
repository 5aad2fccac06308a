internal import Ledger

extension MarkerRow {
    var json: String {
        JSONText.object(
            [
                ("topic", JSONText.quoted(source.topic)), ("partition", "\(source.partition)"),
                ("lane", "\(lane)"), ("nextOffset", "\(nextOffset)"), ("batchSeq", "\(batchSeq)"),
                ("nonce", JSONText.quoted(nonce)), ("digest", JSONText.quoted(digest)),
                ("chain", JSONText.quoted(chain)), ("read", "\(counts.read)"),
                ("delivered", "\(counts.delivered)"), ("filtered", "\(counts.filtered)"),
                ("dropped", "\(counts.dropped)"), ("quarantined", "\(counts.quarantined)"),
                ("gaps", "\(counts.gaps)"), ("bytes", "\(counts.bytes)"), ("contract", pin.json),
                ("next", next.json), ("sourceCluster", JSONText.quoted(clusters.source)),
                ("partnerCluster", JSONText.quoted(clusters.partner)),
                ("acknowledged", JSONText.array(acknowledged.map(\.json))),
                ("acts", JSONText.array(acts.map(\.json))),
            ] + place.members)
    }
}

extension ClaimRow {
    var json: String {
        JSONText.object(
            [
                ("lane", "\(lane)"), ("instance", JSONText.quoted(instance)),
                ("nonce", JSONText.quoted(nonce)), ("claimedAt", JSONText.time(claimed)),
            ] + place.members)
    }
}

extension ReleaseRow {
    var json: String {
        JSONText.object(
            [
                ("lane", "\(lane)"), ("batchSeq", "\(batchSeq)"),
                ("nonce", JSONText.quoted(nonce)), ("contract", pin.json),
                ("records", JSONText.array(releases.map(\.json))),
            ] + place.members)
    }
}

extension Release {
    fileprivate var json: String {
        JSONText.object([
            ("id", "\(id)"), ("topic", JSONText.quoted(topic)), ("partition", "\(partition)"),
            ("offset", "\(offset)"), ("refusedIn", "\(refusedIn)"),
            ("outcome", JSONText.quoted(outcome.rawValue)),
        ])
    }
}

extension UnopenedRow {
    var json: String { JSONText.object([("why", JSONText.quoted(why))] + place.members) }
}

extension CheckpointPlace {
    fileprivate var members: [(String, String)] {
        [
            ("checkpointPartition", "\(partition)"), ("checkpointOffset", "\(offset)"),
            ("writtenAt", JSONText.time(at < 0 ? nil : at)),
        ]
    }
}

extension ContractPin {
    fileprivate var json: String {
        JSONText.object([
            ("version", JSONText.quoted(version)), ("hash", JSONText.quoted(hash)),
        ])
    }
}

extension PartnerPosition {
    fileprivate var json: String {
        JSONText.object([
            ("topic", JSONText.quoted(topic)), ("partition", "\(partition)"),
            ("offset", "\(offset)"),
        ])
    }
}

extension Act {
    fileprivate var json: String {
        JSONText.object([
            ("id", JSONText.quoted(id)), ("choice", JSONText.quoted(choice)),
            ("reason", reason.isEmpty ? "null" : JSONText.quoted(reason)),
            ("argument", argument.isEmpty ? "null" : JSONText.quoted(argument)),
            ("at", JSONText.time(at)),
        ])
    }
}
