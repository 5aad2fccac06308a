import Contracts
import Glibc
import Testing

@Suite("What the project shows") struct DocumentExampleTests {
    static let root = String(
        #filePath.dropLast("/Tests/Contracts/DocumentExampleTests.swift".count))

    private func read(_ path: String) throws -> [UInt8] {
        let file = try #require(fopen("\(Self.root)/\(path)", "r"), "\(path)")
        defer { fclose(file) }
        var bytes: [UInt8] = []
        while case let byte = getc(file), byte != EOF {
            bytes.append(UInt8(truncatingIfNeeded: byte))
        }
        return bytes
    }

    @Test(
        "every example contract is valid under the example crossdock.yaml, without a warning",
        arguments: [
            "contracts/flights-skyways", "contracts/stock-northwind", "contracts/payments-meridian",
            "versions/flights-skyways-1.2.0",
        ])
    func contracts(name: String) throws {
        let (configuration, remarks) = ConfigurationReader.read(
            bytes: try read("configs/crossdock.yaml"), file: "configs/crossdock.yaml")
        #expect(remarks == [])
        #expect(configuration != nil)
        let reading = ContractReader.read(
            bytes: try read("configs/\(name).yaml"), file: "\(name).yaml",
            configuration: configuration)
        #expect(reading.diagnostics == [])
        let id = try #require(reading.contract?.id)
        #expect(name.split(separator: "/").last?.hasPrefix(id) == true)
    }

    @Test("the compose file is YAML")
    func compose() throws {
        let file = YAMLFile(bytes: try read("configs/compose.yaml"), file: "compose.yaml")
        #expect(file.findings.sorted == [])
        guard case .mapping(let members)? = file.root?.content else {
            Issue.record("not a mapping")
            return
        }
        #expect(members.map(\.key) == ["name", "services"])
    }

    @Test("the README's contract is valid")
    func readme() throws {
        let text = String(decoding: try read("README.md"), as: UTF8.self)
        let start = try #require(text.firstRange(of: "```yaml\n"))
        let end = try #require(text[start.upperBound...].firstRange(of: "```"))
        let example = text[start.upperBound..<end.lowerBound]
        let reading = ContractReader.read(bytes: Array(example.utf8), file: "README.md")
        #expect(reading.diagnostics == [])
        #expect(reading.contract != nil)
    }
}
