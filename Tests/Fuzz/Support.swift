import Contracts
import Foundation

enum Target: String, CaseIterable {
    case contract, json, cel, marker

    nonisolated(unsafe) static var chosen = Target.contract

    /// 0, or -1 for an input that is not worth keeping.
    func run(_ data: UnsafeRawBufferPointer) -> CInt {
        switch self {
        case .contract: ContractTarget.run(data)
        case .json: JSONTarget.run(data)
        case .cel: CELTarget.run(data)
        case .marker: MarkerTarget.run(data)
        }
    }
}

/// libFuzzer's own `main`, which is linked and not used, looks for this name.
@_cdecl("LLVMFuzzerTestOneInput")
func unused(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt { -1 }

/// Ends the run with a word, so that libFuzzer keeps the input.
func require(_ condition: Bool, _ text: @autoclosure () -> String) {
    if condition { return }
    FileHandle.standardError.write(Data("broken: \(text())\n".utf8))
    abort()
}

func decider(_ stream: Contracts.Stream, _ keys: [String: [UInt8]] = [:]) throws -> StreamDecider {
    try StreamDecider(
        contractID: "fuzz", sourceCluster: "home", stream: stream, keys: keys,
        partnerPartitions: 6)
}

func record(
    _ value: UnsafeRawBufferPointer?, key: UnsafeRawBufferPointer? = nil
) -> SourceRecord {
    SourceRecord(
        key: key, value: value, headers: .none, offset: 1, timestamp: 1_700_000_000_000,
        partition: 0, slot: 0)
}

/// Whether the engine takes a text for a record: no name is looked for.
struct Validator {
    private let decider: StreamDecider

    init() throws {
        decider = try Fuzz.decider(
            Stream(from: "a", to: "b", format: .json, fields: [], key: .drop))
    }

    func takes(_ value: UnsafeRawBufferPointer) -> Bool {
        decider.decide(record(value)) == .delivered
    }
}

/// What came of a record, copied out.
struct Outcome: Equatable {
    var decision: Decision
    var rule: Violation.Rule?
    var value: [UInt8]?
    var key: [UInt8]?

    init(_ decider: StreamDecider, _ record: borrowing SourceRecord) {
        decision = decider.decide(record)
        switch decision {
        case .delivered:
            value = decider.output.value.map(Array.init)
            key = decider.output.key.map(Array.init)
        case .filtered: break
        case .dropped, .quarantined, .stopped:
            rule = decider.violation.rule
            require(!decider.explanation(of: decision).isEmpty, "a refusal without a reason")
        }
    }
}
