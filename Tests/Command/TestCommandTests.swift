import Testing

/// `crossdock test` through the built binary.
@Suite("crossdock test") struct TestCommandTests {
    private static let tests = """
        tests:
          - name: a free seat is told
            record: { key: UA1, value: { flight: UA1, free: 3, cost: 9 } }
            expect: { delivered: { key: UA1, value: { flight: UA1, free: 3 } } }
          - name: a full flight stays
            record: { value: { free: 0 } }
            expect: filtered

        """

    @Test("says what passed, needs no cluster and no secret")
    func passing() throws {
        let tool = try Tool()
        try tool.write("seats.yaml", PreviewTests.contract + Self.tests)
        let result = try tool.run("test", "seats.yaml")
        #expect(result.code == 0)
        #expect(result.error.isEmpty)
        #expect(
            result.out == """
                seats.yaml
                  ok    a free seat is told
                  ok    a full flight stays
                2 tests: 2 passed, 0 failed

                """)
        try tool.write("crossdock.yaml", "broken")
        #expect(try tool.run("test", "seats.yaml").code == 0)
    }

    @Test("shows what was expected and what came, within 80 columns")
    func failing() throws {
        let tool = try Tool()
        let long = String(repeating: "x", count: 300)
        try tool.write(
            "seats.yaml",
            PreviewTests.contract + """
                tests:
                  - name: a \(long)
                    record: { key: "\(long)1", value: { flight: "\\e[31m", free: 3, cost: 9 } }
                    expect:
                      delivered: { key: "\(long)2", value: { flight: UA2, free: 3, cost: 9 } }
                """)
        let result = try tool.run("test", "seats.yaml")
        #expect(result.code == 1)
        let lines = result.out.split(separator: "\n").map(String.init)
        for line in lines { #expect(line.count <= 80, "\(line)") }
        #expect(lines[2] == "        seats.yaml:17")
        #expect(lines[3] == "        key")
        #expect(lines[4].hasPrefix("          expected  …xxx") && lines[4].hasSuffix("x2\""))
        #expect(lines[5].hasPrefix("          got       …xxx") && lines[5].hasSuffix("x1\""))
        #expect(
            lines[6...].joined(separator: "\n") == """
                        value.flight
                          expected  "UA2"
                          got       "\\u001b[31m"
                        value.cost
                          expected  9
                          got       nothing
                1 test: 0 passed, 1 failed
                """)
    }

    @Test("as JSON gives machines the same")
    func json() throws {
        let tool = try Tool()
        try tool.write(
            "seats.yaml",
            PreviewTests.contract + """
                tests: [{ name: a, record: { value: { free: 0 } }, expect: delivered }]
                """)
        let result = try tool.run("test", "seats.yaml", "--json")
        #expect(result.code == 1)
        #expect(
            result.out == #"{"contracts":[{"file":"seats.yaml","id":"seats","version":"1.0.0","#
                + #""ok":false,"tests":[{"name":"a","file":"seats.yaml","line":16,"#
                + #""stream":"seats","result":"failed","differences":[{"what":"decision","#
                + #""expected":"delivered","got":"filtered (value.free > 0 is false)"}]}]}],"#
                + #""passed":0,"failed":1}"# + "\n")
    }

    @Test("a contract without tests, or with a mistake, is a bad answer")
    func bad() throws {
        let tool = try Tool()
        try tool.write("a.yaml", PreviewTests.contract)
        try tool.write(
            "b.yaml", PreviewTests.contract.replacing("id: seats", with: "id: b") + "tests: [a]\n")
        let result = try tool.run("test", "a.yaml", "b.yaml")
        #expect(result.code == 1)
        #expect(
            result.out == """
                a.yaml
                  no tests; see: crossdock help test
                b.yaml
                  invalid; no test was run
                0 tests: 0 passed, 0 failed; 1 contract invalid; 1 contract without tests

                """)
        #expect(
            result.error.hasPrefix(
                "b.yaml:16:9: error: a test is a mapping of name, stream, record, expect; not a"
                    + " string"))
        #expect(try tool.run("test", "none.yaml").code == 2)
        #expect(try tool.run("test").code == 2)
        #expect(try tool.run("test", "--jsn").code == 64)
    }

    @Test("tests in a file beside the contract count, and it is no contract of its own")
    func beside() throws {
        let tool = try Tool()
        try tool.makeDirectory("contracts")
        try tool.write("contracts/seats.yaml", PreviewTests.contract)
        try tool.write("contracts/seats.tests.yaml", Self.tests)
        try tool.write(
            "crossdock.yaml", ValidateTests.configuration.replacing("skyways", with: "partner"))
        for words in [["test"], ["test", "contracts"], ["test", "contracts/seats.yaml"]] {
            let result = try tool.run(words)
            #expect(result.code == 0)
            #expect(result.out.hasSuffix("2 tests: 2 passed, 0 failed\n"), "\(result)")
        }
        #expect(try tool.run("validate").out.hasSuffix("1 contract, no mistakes\n"))
        for command in ["test", "validate"] {
            let named = try tool.run(command, "contracts/seats.tests.yaml")
            #expect(named.code == 64)
            #expect(named.error.contains("holds tests; name the contract"))
        }
        try tool.write("contracts/seats.tests.yaml", "tests: [{}]\n")
        let result = try tool.run("test")
        #expect(result.code == 1)
        #expect(result.error.contains("contracts/seats.tests.yaml:1:9: error: missing 'name'"))
    }

    @Test("the examples in configs/ and what init writes pass their tests")
    func shown() throws {
        let tool = try Tool()
        let configs = #filePath.dropLast("Tests/Command/TestCommandTests.swift".count) + "configs/"
        let shipped = try tool.run("test", "\(configs)contracts")
        #expect(shipped.code == 0, "\(shipped.out)\(shipped.error)")
        _ = try tool.run("init")
        let first = try tool.run("test")
        #expect(first.code == 0)
        #expect(first.out.hasSuffix("3 tests: 3 passed, 0 failed\n"))
        #expect(first.out.split(separator: "\n").allSatisfy { $0.count <= 80 })
    }
}
