import Contracts

/// Bytes as a contract's file and as crossdock.yaml: no crash, every mistake at a place in the file, and
/// a contract without mistakes is one that the engine can run.
enum ContractTarget {
    static func run(_ data: UnsafeRawBufferPointer) -> CInt {
        let bytes = Array(data)
        let reading = ContractReader.read(bytes: bytes, file: "f")
        require((reading.contract == nil) == reading.hasErrors, "no contract and no error")
        let lines = reading.source.lines
        for found in reading.diagnostics {
            let isInside =
                found.line == 1 && found.column == 1
                || (1...max(1, lines.count)).contains(found.line)
                    && (1...lines[found.line - 1].count + 1).contains(found.column)
            require(isInside && found.length >= 1, found.text)
        }
        let configuration = ConfigurationReader.read(bytes: bytes, file: "f")
        require(
            (configuration.configuration == nil)
                == configuration.diagnostics.contains { $0.severity == .error },
            "no configuration and no error")
        for stream in reading.contract?.streams ?? [] { decide(stream) }
        return 0
    }

    private static func decide(_ stream: Contracts.Stream) {
        var keys: [String: [UInt8]] = [:]
        func note(_ transform: Transform?) {
            switch transform {
            case .pseudonym(let pseudonym): keys[pseudonym.key] = Array(0..<32)
            case .encrypt(let key): keys[key] = Array(0..<32)
            default: break
            }
        }
        for field in stream.fields { note(field.transform) }
        switch stream.key {
        case .pseudonym(let pseudonym): note(.pseudonym(pseudonym))
        case .path(_, let transform): note(transform)
        case .keep, .drop: break
        }
        do {
            let decider = try decider(stream, keys)
            for text in records {
                _ = text.withUnsafeBytes { Outcome(decider, record($0, key: $0)) }
            }
            _ = Outcome(decider, record(nil))
        } catch {
            require(false, "a contract without mistakes, and the engine cannot run it: \(error)")
        }
    }

    private static let records = [
        "{}", #"{"a":{"b":[{"c":1},{"c":"x"}]},"value":"2026-01-31T08:00:00Z","n":1.5}"#,
        #"{"carrier":"UA","dep_delay":71,"origin":"EWR","tailnum":"N1","air_time":3.25}"#, "[",
    ].map { Array($0.utf8) }
}
