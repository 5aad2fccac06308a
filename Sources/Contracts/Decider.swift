/// Decides the records of one stream under one contract: what leaves, and why not what does not.
///
/// One per lane and stream; one thread at a time. A decision depends on the record, the contract and
/// the keys alone. In steady state nothing is allocated: all memory is reused.
package final class StreamDecider {
    private let stream: Stream
    private let program: CELProgram?
    /// By field.
    private let computed: [Int: CELProgram]
    /// Behind a pointer, so that the record path pays no exclusivity checks.
    private let core: UnsafeMutablePointer<DeciderCore>
    private var outside: Violation?

    /// `sourceCluster`: the cluster's id, which encryption binds values to. `keys`: secret bytes by the
    /// name that the contract uses. `partnerPartitions`: of `stream.to`, used by `partition: key` only.
    /// Throws where a key is missing or of a wrong length, or the stream is not one that a checked contract
    /// can hold.
    package init(
        contractID: String, sourceCluster: String, stream: Stream, keys: [String: [UInt8]],
        partnerPartitions: Int32
    ) throws(EngineError) {
        self.stream = stream
        let source = SourcePlan()
        let paths: ([String]) -> Int32 = { source.slot($0, in: source.record) }
        var program: CELProgram?
        if let filter = stream.filter {
            do throws(CELDiagnostic) {
                program = try CEL.compile(filter.text, .filter, format: stream.format, paths: paths)
            } catch {
                throw EngineError(message: "filter: \(error.message)")
            }
        }
        self.program = program
        var computed: [Int: CELProgram] = [:]
        for (index, field) in stream.fields.enumerated() {
            guard case .value(let expression) = field.source else { continue }
            do throws(CELDiagnostic) {
                computed[index] = try CEL.compile(
                    expression.text, .value, format: stream.format, paths: paths)
            } catch {
                throw EngineError(message: "value: \(error.message)")
            }
        }
        self.computed = computed
        let origin = TransformTable.Origin(
            contract: contractID, cluster: sourceCluster, topic: stream.from)
        let core = try DeciderCore(
            stream, source, program, computed, TransformTable(keys: keys, origin: origin),
            partnerPartitions)
        self.core = .allocate(capacity: 1)
        self.core.initialize(to: core)
    }

    deinit {
        core.pointee.free()
        core.deinitialize(count: 1)
        core.deallocate()
    }

    /// The record is borrowed until the next call.
    package func decide(_ record: borrowing SourceRecord) -> Decision {
        if outside != nil { outside = nil }
        return core.pointee.decide(record)
    }

    /// What leaves, after `.delivered`: valid until the next `decide`, and as long as the record.
    package var output: OutputRecord { core.pointee.output }

    /// Why the last record does not conform, after `.dropped`, `.quarantined` or `.stopped`.
    package var violation: Violation {
        outside ?? core.pointee.trouble.violation(stream, program, computed)
    }

    /// What becomes of a record in which somebody else found a violation, by `onViolation`.
    package func refuse(_ violation: Violation) -> Decision {
        outside = violation
        return core.pointee.refusal
    }

    // MARK: onScopeExit

    /// Whether a key that the partner holds is retracted when a record of it is filtered.
    package var retracts: Bool { stream.onScopeExit == .tombstone }

    /// After `.filtered`: the key under which the record would have left, nil where it has none. Valid
    /// until the next call.
    package func keyOfFiltered(_ record: borrowing SourceRecord) -> UnsafeRawBufferPointer? {
        core.pointee.keyOfFiltered(record)
    }

    /// After `.filtered`, where `keyOfFiltered` found a key that the partner holds: `output` is a tombstone
    /// under it, with the contract's headers. It leaves, so it counts as delivered.
    package func retract(_ record: borrowing SourceRecord) -> Decision {
        core.pointee.retract(record)
        return .delivered
    }

    /// The reason of the last decision in words; empty for `.delivered`, unless it retracts. Never holds
    /// record contents.
    package func explanation(of decision: Decision) -> String {
        switch decision {
        case .delivered:
            return core.pointee.isRetraction
                ? "retracted: the partner holds this key, and \(whyFiltered)" : ""
        case .filtered: return whyFiltered
        case .dropped, .quarantined, .stopped:
            let violation = violation
            let path = violation.path.isEmpty ? "" : " \(violation.path):"
            return "\(violation.rule.rawValue):\(path) \(violation.detail)"
        }
    }

    private var whyFiltered: String {
        if core.pointee.wasTombstone {
            return core.pointee.isRetraction ? "the record is a tombstone" : "tombstone"
        }
        return stream.filter.map { "\($0.text) is false" } ?? ""
    }
}
