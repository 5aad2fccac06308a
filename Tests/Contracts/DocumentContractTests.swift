import Contracts
import Cryptography
import Testing

@Suite("A contract's file") struct DocumentContractTests {
    @Test("says everything that this release honours, and the reader keeps all of it")
    func whole() throws {
        let contract = try contract(
            """
            apiVersion: crossdock/v1
            kind: ReplicationContract
            id: flights-skyways.2
            version: 1.3.0-rc.1+5
            status: suspended
            description: Delayed departures
            partner: { name: Skyways, contact: data@skyways.example }
            source: { cluster: internal }
            target: { cluster: skyways }
            streams:
              - from: flights
                to: skyways.delays
                format: json
                start: 2026-01-31T08:00:00+01:00
                filter: value.dep_delay > 0
                fields:
                  - carrier
                  - { path: dep_delay, type: number, required: true }
                  - { path: tailnum, as: tail.id, pseudonym: { key: tail-2026, length: 16 } }
                  - { path: card, mask: { keepFirst: 2, keepLast: 4, with: "•" } }
                  - { path: 'legs[].no', as: 'segments[]."flight.no"' }
                  - { as: provider, constant: { name: "Air \\"X\\"", ids: [1, 0x1F, 1.50, ~, yes] } }
                key: { path: id, mask: {} }
                headers: [trace, id]
                tombstones: drop
                partition: key
                onViolation: stop
                onScopeExit: tombstone
              - from: raw
                to: skyways.raw
                format: bytes
                start: { group: mm2-skyways }
                key: { pseudonym: { key: tail-2026 } }
                tombstones: forward
                onViolation: drop
            delivery: { maxRecords: 7, maxBytes: 512KiB, maxInterval: 2s }
            effective: { from: 2026-01-01T00:00:00Z, until: 2027-01-01T00:00:00+01:00 }
            quota: { bytesPerSecond: 5MiB, recordsPerSecond: 2000 }
            """)
        #expect(contract.id == "flights-skyways.2")
        #expect(contract.version == "1.3.0-rc.1+5")
        #expect(contract.status == .suspended)
        #expect(contract.description == "Delayed departures")
        #expect(contract.partner == .init(name: "Skyways", contact: "data@skyways.example"))
        #expect(contract.source == "internal")
        #expect(contract.target == "skyways")
        #expect(
            contract.delivery
                == Delivery(maxRecords: 7, maxBytes: 512 << 10, maxInterval: .seconds(2)))
        #expect(
            contract.effective == Effective(from: 1_767_225_600_000, until: 1_798_758_000_000))
        #expect(contract.quota == Quota(bytesPerSecond: 5 << 20, recordsPerSecond: 2000))
        let constant =
            #"{"name":"Air \"X\"","ids":[1,31,1.50,null,"yes"]}"#
        let segments = Path(steps: [
            .init(member: "segments", elements: true), .init(member: "flight.no"),
        ])
        let legs = Path(steps: [.init(member: "legs", elements: true), .init(member: "no")])
        #expect(
            contract.streams == [
                Stream(
                    from: "flights", to: "skyways.delays", format: .json,
                    start: .time(1_769_842_800_000),
                    filter: Expression(text: "value.dep_delay > 0"),
                    fields: [
                        field("carrier"),
                        field("dep_delay", type: .number, required: true),
                        field(
                            "tailnum", as: "tail.id",
                            transform: .pseudonym(Pseudonym(key: "tail-2026", length: 16))),
                        field(
                            "card",
                            transform: .mask(Mask(keepFirst: 2, keepLast: 4, with: "•"))),
                        Field(source: .path(legs), output: segments),
                        Field(source: .constant(constant), output: path("provider")),
                    ], key: .path(path("id"), .mask(Mask())), headers: ["trace", "id"],
                    partition: .key, onViolation: .stop, onScopeExit: .tombstone),
                Stream(
                    from: "raw", to: "skyways.raw", format: .bytes, start: .group("mm2-skyways"),
                    key: .pseudonym(Pseudonym(key: "tail-2026")), forwardsTombstones: true,
                    onViolation: .drop),
            ])
    }

    @Test("has defaults where contract.md gives them")
    func defaults() throws {
        let contract = try contract(Sample.stream())
        #expect(contract.partner == nil)
        #expect(contract.delivery == Delivery())
        #expect(contract.effective == Effective() && contract.quota == nil)
        let stream = try #require(contract.streams.first)
        #expect(
            stream
                == Stream(
                    from: "orders", to: "partner.orders", format: .json, fields: [field("id")],
                    key: .keep))
        #expect(stream.onViolation == .quarantine)
        #expect(!stream.forwardsTombstones)
    }

    @Test("is known by the SHA-256 of its bytes, remarks within it included")
    func hash() throws {
        let text = Sample.fields("id")
        let other = try contract("# a remark\n" + text)
        let bytes = SHA256.hash(Array(text.utf8))
        #expect(try contract(text).hash == Hex.encode(bytes))
        #expect(try contract(text).hash == contract(text).hash)
        #expect(try contract(text).hash != other.hash)
    }

    @Test("names everything that is missing, at the mapping that lacks it")
    func missing() {
        let reading = ContractReader.read(
            bytes: Array("# empty so far\n\n id: a\n".utf8), file: "c")
        #expect(
            reading.diagnostics.map(\.text)
                == [
                    "apiVersion", "kind", "version", "status", "source", "target", "streams",
                ].map { key in
                    reading.diagnostics.first {
                        $0.message.hasPrefix("missing '\(key)' in a contract: ")
                    }?
                    .text ?? key
                })
        #expect(reading.diagnostics.allSatisfy { ($0.line, $0.column) == (3, 2) })
        #expect(reading.contract == nil)
    }

    @Test("that is empty is a mistake", arguments: ["", "\n", "# nothing\n", "\u{FEFF}", "---\n"])
    func empty(text: String) {
        let reading = ContractReader.read(bytes: Array(text.utf8), file: "c")
        #expect(reading.diagnostics.count == 1)
        #expect(reading.contract == nil)
    }
}

private func path(_ text: String) -> Path {
    Path(steps: text.split(separator: ".").map { Path.Step(member: String($0)) })
}

private func field(
    _ source: String, as output: String? = nil, type: JSONType? = nil, required: Bool = false,
    transform: Transform? = nil
) -> Field {
    Field(
        source: .path(path(source)), output: path(output ?? source), type: type,
        required: required, transform: transform)
}
