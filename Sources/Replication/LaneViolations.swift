internal import Contracts
internal import Ledger

/// Records that do not conform, and records that the partner's broker refuses.
extension Lane {
    func copy(_ record: SourceRecord, _ violation: Violation, _ partition: SourcePartition)
        -> QuarantinedRecord
    {
        var names: [String] = []
        var values: [[UInt8]?] = []
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var length = 0
        while record.headers.read(record.headers.handle, names.count, &name, &value, &length) {
            names.append(name.map { String(cString: $0) } ?? "")
            values.append(value.map { Array(UnsafeRawBufferPointer(start: $0, count: length)) })
        }
        return QuarantinedRecord(
            partition: partition, offset: record.offset, timestamp: record.timestamp,
            key: record.key.map(Array.init), value: record.value.map(Array.init),
            headerNames: names, headerValues: values, rule: violation.rule.rawValue,
            path: violation.path, detail: violation.detail)
    }

    func violationHalt(
        _ violation: Violation, _ record: SourceRecord, _ partition: SourcePartition
    ) -> Halt {
        let place = violation.path.isEmpty ? "" : " at '\(violation.path)'"
        return Halt(
            reason: "violation",
            detail: "\(partition.topic)[\(partition.partition)]@\(record.offset) breaches "
                + "\(violation.rule.rawValue)\(place): \(violation.detail)",
            partition: partition)
    }

    /// Where an operator chose so for the record that halted the lane: all before it was decided then,
    /// so it is the first one from D on. A later one is another halt.
    func isQuarantinedByChoice(_ slot: Slot) -> Bool {
        guard let choice = forced[slot.partition], choice.from == slot.next,
            !batch.forced.contains(slot.partition)
        else { return false }
        batch.forced.append(slot.partition)
        return true
    }

    /// The record of a choice went another way (the contract changed): the choice must not meet a later.
    func dropStaleChoices() {
        for slot in slots {
            guard let choice = forced[slot.partition], slot.next > choice.from else { continue }
            settleChoice(slot.partition)
        }
    }

    /// Its record is decided, or gone.
    func settleChoice(_ partition: SourcePartition) {
        guard let choice = forced.removeValue(forKey: partition) else { return }
        saveLater(.applied(act: choice.act))
        if books.halt?.reason == "violation" { saveLater(.clearHalt) }
    }

    // MARK: Refused by the broker

    /// A refusal fails the whole produce batch, innocents included, and may name no culprit: the batch
    /// is decided again, one record a request.
    func refused(_ refusal: String) -> any Error {
        if !batch.releases.isEmpty { return refusedRelease(refusal) }
        if careful {
            return Halt(
                reason: "partner-refused",
                detail:
                    "the partner's broker refuses batch \(books.lastBatchSeq + 1) "
                    + "(\(batchInWords)) with \(refusal), and none of its records alone")
        }
        careful = true
        carefulUntil = Dictionary(
            uniqueKeysWithValues: slots.map { ($0.partition, $0.next) })
        return Renew(cause: .refused("the partner's broker refused a batch: \(refusal)"))
    }

    /// "orders[0]@5-9", as far as the batch has come.
    private var batchInWords: String {
        let moved = slots.filter { $0.from < $0.next }.map {
            "\($0.partition.topic)[\($0.partition.partition)]@\($0.from)-\($0.next - 1)"
        }
        return moved.isEmpty ? "markers alone" : moved.joined(separator: ", ")
    }

    /// Refused alone: this record is the culprit.
    func expectAccepted(_ record: SourceRecord, _ slot: Int) throws {
        let acknowledged = try partner.flush(timeout: partner.transactionTimeout / 4)
        guard let refusal = acknowledged.refusal else { return }
        culprits.insert(SourcePosition(slots[slot].partition, record.offset))
        throw Renew(cause: .refused("the partner's broker refused a record: \(refusal)"))
    }

    func withCulprits(
        _ decision: Decision, _ record: SourceRecord, _ decider: StreamDecider, _ slot: Int
    ) -> Decision {
        guard decision == .delivered,
            culprits.contains(SourcePosition(slots[slot].partition, record.offset))
        else { return decision }
        return decider.refuse(
            Violation(rule: .refusedByPartner, detail: "the partner's broker refuses this record"))
    }

    /// Past the end of the refused batch: back to full batches, with a new producer.
    func leaveCare() throws {
        guard slots.allSatisfy({ $0.next >= carefulUntil[$0.partition] ?? 0 }) else { return }
        careful = false
        culprits = []
        carefulUntil = [:]
        throw Renew(cause: .renew("the refused record is behind us"))
    }
}
