internal import Cryptography

/// `crossdock init`: a commented crossdock.yaml, a first contract and a checkpoint key.
enum Init: Command {
    static let name = "init"
    static let summary = "write a first crossdock.yaml and contract"
    static let group = CommandGroup.setUp
    static let discussion = """
        Writes crossdock.yaml, contracts/first.yaml and secrets/checkpoints.key (mode
        0600) into the working directory, or where --config points. Overwrites nothing:
        where one of them exists, none is written.
        """

    static func run(
        _ arguments: ParsedArguments, _ console: Console
    ) throws(CommandFailure) -> ExitCode {
        let config = arguments.config
        let slash = config.lastIndex(of: "/")
        let directory = slash.map { String(config[...$0]) } ?? ""
        let contract = directory + "contracts/first.yaml"
        let key = directory + "secrets/checkpoints.key"
        let present = [config, contract, key].filter(Files.exists)
        guard present.isEmpty else {
            throw CommandFailure(
                .bad, "there already: \(present.joined(separator: ", ")); nothing was written",
                next: "init overwrites nothing: move that away, or work in another directory")
        }
        try write(directory + "secrets", directory: 0o700)
        try write(directory + "contracts", directory: 0o755)
        let secret = "base64:\(Base64.encode(Random.bytes(32)))\n"
        try write(key, secret, mode: 0o600)
        try write(contract, InitTemplates.contract, mode: 0o644)
        try write(config, InitTemplates.configuration, mode: 0o644)
        console.out(
            """
            wrote \(config)
              where the clusters are, which keys there are, where the ledger lives
            wrote \(contract)
              a first contract, as a draft: it runs once it says 'status: active'
            wrote \(key)
              seals the markers in the partner's cluster. Back it up, keep it out of
              version control: without it Crossdock cannot find its place again

            Next: write your brokers into \(config), make the contract yours, then
              crossdock validate\(arguments.namesConfig ? " --config \(config)" : "")
              crossdock test\(arguments.namesConfig ? " --config \(config)" : "")
            """)
        return .fine
    }

    private static func write(
        _ path: String, _ text: String = "", directory: UInt32? = nil, mode: UInt32 = 0
    ) throws(CommandFailure) {
        do throws(Files.Failure) {
            if let directory {
                try Files.makeDirectory(path, mode: directory)
            } else {
                try Files.create(path, Array(text.utf8), mode: mode)
            }
        } catch {
            throw CommandFailure(.cannotRun, "cannot write \(path): \(error.reason)")
        }
    }
}
