import Contracts

/// Bytes as a record, under a contract that the first byte chooses: every decider takes the same texts for
/// JSON, what leaves is JSON again, and a decision is the same twice.
enum JSONTarget {
    nonisolated(unsafe) private static let validator = try? Validator()
    nonisolated(unsafe) private static let deciders = contracts.compactMap(made)

    private static func made(_ text: String) -> StreamDecider? {
        let reading = ContractReader.read(bytes: Array(text.utf8), file: "f")
        for found in reading.diagnostics { require(found.severity != .error, found.text) }
        return reading.contract.flatMap { contract in
            try? decider(contract.streams[0], ["k": Array(0..<32)])
        }
    }

    static func run(_ data: UnsafeRawBufferPointer) -> CInt {
        guard let validator, deciders.count == contracts.count else {
            require(false, "no decider")
            return 0
        }
        guard let choice = data.first else { return -1 }
        let value = UnsafeRawBufferPointer(rebasing: data[1...])
        let isJSON = validator.takes(value)
        let decider = deciders[Int(choice) % deciders.count]
        let outcome = Outcome(decider, record(value))
        require((outcome.rule != .invalidJSON) == isJSON, "two minds about what JSON is")
        if let output = outcome.value {
            require(output.withUnsafeBytes(validator.takes), "what leaves is no JSON")
        }
        require(Outcome(decider, record(value)) == outcome, "decided differently twice")
        return 0
    }

    private static let contracts = [
        "  key: { path: a.b, cast: string }\n  fields: [a.b, 'a.c[].d', 'l[]', '\"x y\"', e]",
        """
          key: drop
          fields:
          - { path: a, cast: integer, default: 1 }
          - { path: b, mask: { keepFirst: 1, keepLast: 1 } }
          - { path: c, encrypt: { key: k } }
          - { path: 'd[].e', truncate: 2 }
          - { path: f, round: 0.25, minimum: -5, maximum: 1e3 }
          - { path: g, dateTruncate: hour }
          - { path: h, pseudonym: { key: k }, maxLength: 5 }
          - { path: i, pattern: '^a+$', enum: [aa, a, 1, true, null] }
          - { path: j, type: integer }
          - { path: k, type: date-time, required: true }
        """,
        """
          key: drop
          filter: value.a == 1 || value.b > 2.5 || value.c < 'x' || has(value.d.e) || 'l' in value
          fields: [{ as: v, value: value }, { as: s, value: 'size(value.?l.orValue([]))' }]
        """,
    ].map { stream in
        """
        apiVersion: crossdock/v1
        kind: ReplicationContract
        id: fuzz
        version: 1.0.0
        status: active
        source: { cluster: a }
        target: { cluster: b }
        streams:
        - from: a
          to: b
          format: json

        """ + stream + "\n"
    }
}
