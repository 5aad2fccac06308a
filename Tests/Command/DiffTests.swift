import Testing

@Suite struct DiffTests {
    private static let root = String(#filePath.dropLast("/Tests/Command/DiffTests.swift".count))
    private let old = root + "/configs/versions/flights-skyways-1.2.0.yaml"
    private let new = root + "/configs/contracts/flights-skyways.yaml"

    @Test func `a version that shows more exits 1 and says what`() throws {
        let done = try Tool().run(["diff", old, new])
        #expect(done.code == 1)
        #expect(done.out.hasPrefix("flights-skyways 1.2.0 -> 1.3.0: EXPOSURE GROWS\n"))
        for line in [
            "+ new       field      flight", "! weaker    filter",
            "- gone      field      schedule.arrival",
        ] {
            #expect(done.out.contains(line), "\(done.out)")
        }
    }

    @Test func `a version against itself exits 0`() throws {
        let done = try Tool().run(["diff", "--json", new, new])
        #expect(done.code == 0)
        #expect(done.out.contains(#""exposureGrows":false,"changes":[]"#))
    }

    @Test func `what is no contract is said with its mistakes`() throws {
        let done = try Tool().run(["diff", old, Self.root + "/configs/crossdock.yaml"])
        #expect(done.code == 1 && done.out.isEmpty)
        #expect(done.error.contains("is no valid contract"))
    }
}
