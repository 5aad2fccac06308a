import Testing

@Suite("crossdock init") struct InitTests {
    @Test("writes files that validate, a key that only its owner reads, and says what is next")
    func files() throws {
        let tool = try Tool()
        let result = try tool.run("init")
        #expect(result.code == 0)
        #expect(result.out.contains("crossdock validate"))
        #expect(tool.mode("secrets/checkpoints.key") == 0o600)
        #expect(tool.mode("secrets") == 0o700)
        let key = try tool.read("secrets/checkpoints.key")
        #expect(key.hasPrefix("base64:") && key.count == 7 + 44 + 1)
        let validation = try tool.run("validate")
        #expect(validation.code == 0)
        #expect(
            validation.out
                == "contracts/first.yaml: ok (id first, version 1.0.0, 1 stream)\n"
                + "1 contract, no mistakes\n")
        #expect(validation.error.isEmpty)
    }

    @Test("overwrites nothing, and writes nothing beside what is there")
    func overwriting() throws {
        let tool = try Tool()
        try tool.write("crossdock.yaml", "mine\n")
        let result = try tool.run("init")
        #expect(result.code == 1)
        #expect(result.error.contains("there already: crossdock.yaml; nothing was written"))
        #expect(try tool.read("crossdock.yaml") == "mine\n")
        #expect(tool.mode("contracts") == 0)
        #expect(tool.mode("secrets") == 0)
    }

    @Test("makes another key every time")
    func randomness() throws {
        let first = try Tool()
        let second = try Tool()
        _ = try first.run("init")
        _ = try second.run("init")
        #expect(
            try first.read("secrets/checkpoints.key") != second.read("secrets/checkpoints.key"))
    }
}
