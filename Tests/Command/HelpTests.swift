import Testing

@Suite("The command line") struct HelpTests {
    @Test("without a word shows what there is, and every command has its page within 80 columns")
    func help() throws {
        let tool = try Tool()
        let overview = try tool.run()
        #expect(overview.code == 0)
        #expect(overview.error.isEmpty)
        for words in ["help", "--help", "-h"] {
            #expect(try tool.run(words).out == overview.out)
        }
        let commands = overview.out.split(separator: "\n").filter { $0.hasPrefix("  ") }
            .compactMap { $0.dropFirst(13).split(separator: " ").first.map(String.init) }
        #expect(commands.contains("validate"))
        for command in commands {
            let page = try tool.run("help", command)
            #expect(page.code == 0)
            #expect(page.out.contains("usage: crossdock \(command)"))
            #expect(try tool.run(command, "--help").out == page.out)
            #expect(try tool.run(command, "-h").out == page.out)
            for line in (overview.out + page.out).split(separator: "\n") {
                #expect(line.count <= 80, "\(command): \(line)")
            }
        }
    }

    @Test("ends with 64 on words it does not understand, and guesses at what was meant")
    func usage() throws {
        let tool = try Tool()
        let cases: [([String], String)] = [
            (["validat"], "unknown command 'validat'; did you mean 'validate'?"),
            (["help", "strat"], "unknown command 'strat'"),
            (["help", "init", "validate"], "help takes one command"),
            (["--json", "validate"], "'--json' stands before the command"),
            (["validate", "--jsn"], "unknown option '--jsn' for validate; did you mean '--json'?"),
            (["validate", "--json=yes"], "--json takes no value"),
            (["validate", "--config"], "--config needs a value: --config FILE"),
            (["validate", "--config", "a", "--config=b"], "--config is given twice"),
            (["validate", "-c", "a"], "unknown option '-c'; options are written --name"),
            (["init", "here"], "init does not take 'here'"),
        ]
        for (words, message) in cases {
            let result = try tool.run(words)
            #expect(result.code == 64)
            #expect(result.out.isEmpty)
            #expect(result.error.hasPrefix("crossdock: \(message)"), "\(result.error)")
            #expect(result.error.contains("\n  see: crossdock help"))
        }
    }

    @Test("tells its version")
    func version() throws {
        let result = try Tool().run("--version")
        #expect(result.code == 0)
        #expect(result.out.hasPrefix("crossdock 0."))
    }
}
