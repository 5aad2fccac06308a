import Contracts
import Testing

/// Nine different mistakes in one contract, each at its place.
@Suite("A contract with nine mistakes") struct NineMistakesTests {
    @Test("shows nine different mistakes at their lines and columns, and exits 1")
    func nine() throws {
        let tool = try ValidateTests.workspace()
        try tool.write("contracts/nine.yaml", NineMistakes.text)
        let result = try tool.run("validate")
        #expect(result.code == 1)
        let heads = result.out.split(separator: "\n").filter {
            $0.hasPrefix("contracts/nine.yaml:")
        }
        #expect(
            heads.map(String.init)
                == NineMistakes.expected.map { "contracts/nine.yaml:\($0)" })
        #expect(result.out.hasSuffix("9 errors in 1 of 1 contract\n"))
    }

    @Test("starts nothing, not even beside a valid one")
    func start() throws {
        let tool = try ValidateTests.workspace()
        try tool.write("contracts/nine.yaml", NineMistakes.text)
        try tool.write("contracts/valid.yaml", ValidateTests.contract(id: "valid"))
        let result = try tool.run("start", environment: ["TAIL_KEY=0123456789abcdef"])
        #expect(result.code == 1)
        #expect(result.error.contains("contracts/nine.yaml:12:13: error: unknown variable 'valu'"))
        #expect(result.error.contains("1 of 2 contracts invalid"))
        #expect(tool.mode("state") == 0)
    }

    @Test("is refused by the reader with the same nine, and yields no contract")
    func reader() throws {
        let (configuration, _) = ConfigurationReader.read(
            bytes: Array(ValidateTests.configuration.utf8), file: "crossdock.yaml")
        let reading = ContractReader.read(
            bytes: Array(NineMistakes.text.utf8), file: "c", configuration: configuration)
        #expect(reading.diagnostics.map(\.text) == NineMistakes.expected.map { "c:\($0)" })
        #expect(reading.contract == nil)
    }
}

enum NineMistakes {
    static let text = """
        apiVersion: crossdock/v1
        kind: ReplicationContract
        id: flights-skyways
        version: 1.3.0
        status: active
        source: { cluster: internal }
        target: { cluster: skyways }
        streams:
          - from: flights
            to: skyways.delays
            format: json
            filter: valu.dep_delay > 0 && value.origin != 'LGA'
            fields:
              - carrier
              - { path: dep_delay, type: numbr }
              - { path: tailnum, as: tail.id, pseudonym: { key: tail-2025 } }
              - { path: origin, as: tail }
              - 'legs[0].flight'
            headrs: [trace]
          - from: flights
            to: skyways.all
            format: json
            fields: [carrier]
            key: keep
        delivery:
          maxInterval: @100ms

        """

    static let expected = [
        "9:5: error: missing 'key' in a stream: keep | drop | { path: … } | { pseudonym: { key: … } }",
        "12:13: error: unknown variable 'valu'; did you mean 'value'?",
        "15:34: error: 'type' is 'numbr'; did you mean 'number'?",
        "16:57: error: unknown key 'tail-2025'; did you mean 'tail-2026'?",
        "17:29: error: output 'tail' collides with 'tail.id' on line 16",
        "18:14: error: bad path: only '[]', every element, can stand here; a member with a bracket"
            + " is quoted",
        "19:5: error: unknown key 'headrs' in a stream; did you mean 'headers'?",
        "20:11: error: duplicate 'from': the stream on line 9 reads 'flights' already",
        "26:16: error: a value cannot start with '@'; put it in quotes",
    ]
}
