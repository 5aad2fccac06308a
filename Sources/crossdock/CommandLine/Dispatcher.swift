internal import Contracts

/// From the words of the command line to a command and its exit code.
struct Dispatcher {
    var console: Console

    func run(_ words: [String]) -> ExitCode {
        do throws(CommandFailure) {
            return try dispatch(words)
        } catch {
            console.report(error)
            return error.code
        }
    }

    private func dispatch(_ words: [String]) throws(CommandFailure) -> ExitCode {
        guard let first = words.first else {
            console.out(Help.overview)
            return .fine
        }
        switch first {
        case "help", "--help", "-h":
            return try help(words.dropFirst())
        case "--version":
            console.out("crossdock \(CommandTable.version)")
            return .fine
        default:
            break
        }
        if first.hasPrefix("-") {
            throw .usage("'\(first)' stands before the command: crossdock COMMAND \(first) …")
        }
        let command = try find(first)
        let arguments = try ParsedArguments(Array(words.dropFirst()), for: command)
        if arguments.wantsHelp {
            console.out(Help.text(of: command))
            return .fine
        }
        return try command.run(arguments, console)
    }

    private func help(_ words: ArraySlice<String>) throws(CommandFailure) -> ExitCode {
        guard let name = words.first else {
            console.out(Help.overview)
            return .fine
        }
        guard words.count == 1 else { throw .usage("help takes one command") }
        console.out(Help.text(of: try find(name)))
        return .fine
    }

    private func find(_ name: String) throws(CommandFailure) -> any Command.Type {
        if let command = CommandTable.named(name) { return command }
        let known = CommandTable.commands.map { $0.name } + ["help"]
        throw .usage("unknown command '\(name)'\(Spelling.hint(for: name, among: known))")
    }
}
