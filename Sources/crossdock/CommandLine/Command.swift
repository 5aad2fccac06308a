/// One word of the command line. To add a command: a file with a type that conforms, and a line in
/// `CommandTable`.
protocol Command: SendableMetatype {
    static var name: String { get }
    /// One line, lower case, no full stop: it stands in `crossdock help`.
    static var summary: String { get }
    static var group: CommandGroup { get }
    static var positionals: [Positional] { get }
    /// Besides `--config` and `--help`, which every command has.
    static var options: [Option] { get }
    /// What `crossdock help NAME` says below the options: paragraphs of at most 80 columns.
    static var discussion: String { get }
    static func run(
        _ arguments: ParsedArguments, _ console: Console
    ) throws(CommandFailure) -> ExitCode
}

extension Command {
    static var positionals: [Positional] { [] }
    static var options: [Option] { [] }
    static var discussion: String { "" }
}

/// Where a command stands in `crossdock help`.
enum CommandGroup: String, CaseIterable {
    case setUp = "Set up"
    case run = "Run"
    case intervene = "Intervene"
    case seeIt = "See it"
}

/// What the shell gets.
enum ExitCode: Int32 {
    case fine = 0
    /// It ran and the answer is bad; an invalid contract too.
    case bad = 1
    /// It could not run: crossdock.yaml, the network, a file.
    case cannotRun = 2
    case usage = 64
}

/// Ends a command. Printed as `crossdock: message`, then `next` on a line of its own.
struct CommandFailure: Error {
    var code: ExitCode
    /// What failed, on what and why; empty where everything has been said already.
    var message: String
    /// What to do next.
    var next: String?

    init(_ code: ExitCode, _ message: String, next: String? = nil) {
        self.code = code
        self.message = message
        self.next = next
    }

    /// The command was called in a way that it does not understand.
    static func usage(_ message: String, command: String? = nil) -> CommandFailure {
        CommandFailure(
            .usage, message,
            next: command.map { "see: crossdock help \($0)" } ?? "see: crossdock help")
    }
}

/// A word after the command's name, by its place.
struct Positional {
    /// Upper case, as shown in the usage line.
    var name: String
    var required: Bool
    /// Only the last one may repeat.
    var repeats: Bool
    var help: String

    init(_ name: String, required: Bool = true, repeats: Bool = false, _ help: String) {
        self.name = name
        self.required = required
        self.repeats = repeats
        self.help = help
    }

    var shown: String {
        let word = repeats ? "\(name)…" : name
        return required ? word : "[\(word)]"
    }
}

/// `--name`, or `--name VALUE` (also `--name=VALUE`).
struct Option {
    /// Without the dashes.
    var name: String
    /// What the value is called in help; nil is a flag.
    var value: String?
    var help: String
    /// May be given more than once.
    var repeats: Bool

    static func flag(_ name: String, _ help: String) -> Option {
        Option(name: name, value: nil, help: help, repeats: false)
    }

    static func value(
        _ name: String, _ value: String, _ help: String, repeats: Bool = false
    ) -> Option {
        Option(name: name, value: value, help: help, repeats: repeats)
    }

    static let config = Option.value(
        "config", "FILE", "the operator's file (default ./crossdock.yaml)")
    static let help = Option.flag("help", "show this, also -h")
    /// For every command that reports.
    static let json = Option.flag("json", "the report as JSON, for machines")

    var shown: String { value.map { "--\(name) \($0)" } ?? "--\(name)" }
}
