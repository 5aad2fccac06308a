internal import Contracts

/// The words after the command's name, checked against what the command declares.
struct ParsedArguments {
    var command: String
    var positionals: [String] = []
    private var values: [String: [String]] = [:]

    /// Path of crossdock.yaml, as given.
    var config: String { value("config") ?? "crossdock.yaml" }
    /// Whether the user named a crossdock.yaml, rather than relying on the default.
    var namesConfig: Bool { value("config") != nil }
    var wantsHelp: Bool { flag("help") }
    var wantsJSON: Bool { flag("json") }

    func flag(_ name: String) -> Bool { values[name] != nil }
    /// The last one given, nil where none is.
    func value(_ name: String) -> String? { values[name]?.last }
    func all(_ name: String) -> [String] { values[name] ?? [] }

    /// The value as an integer within `range`, nil where the option is not given.
    func integer(
        _ name: String, in range: ClosedRange<Int> = 0...Int.max
    ) throws(CommandFailure) -> Int? {
        guard let text = value(name) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            let bounds =
                range.upperBound == .max
                ? "at least \(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
            throw .usage("--\(name) takes an integer, \(bounds); not '\(text)'", command: command)
        }
        return number
    }

    /// Options and positionals may stand in any order; after `--` everything is positional, and `-`
    /// alone is one. Errors: unknown options (with the nearest known), missing or superfluous values
    /// and words; all exit 64.
    init(_ words: [String], for command: any Command.Type) throws(CommandFailure) {
        self.command = command.name
        let known = command.options + [.config, .help]
        var rest = words[...]
        var optionsOver = false
        while let word = rest.popFirst() {
            if optionsOver || word == "-" || !word.hasPrefix("-") {
                positionals.append(word)
            } else if word == "--" {
                optionsOver = true
            } else if word == "-h" {
                values["help"] = [""]
            } else {
                try take(word, known, &rest)
            }
        }
        if !wantsHelp { try checkCount(command.positionals) }
    }

    private mutating func take(
        _ word: String, _ known: [Option], _ rest: inout ArraySlice<String>
    ) throws(CommandFailure) {
        guard word.hasPrefix("--") else {
            throw .usage("unknown option '\(word)'; options are written --name", command: command)
        }
        let parts = word.dropFirst(2).split(
            separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0])
        guard let option = known.first(where: { $0.name == name }) else {
            let near = Spelling.nearest(to: name, among: known.map(\.name))
            throw .usage(
                "unknown option '--\(name)' for \(command)"
                    + (near.map { "; did you mean '--\($0)'?" } ?? ""),
                command: command)
        }
        if values[name] != nil, !option.repeats, option.value != nil {
            throw .usage("--\(name) is given twice", command: command)
        }
        guard let valueName = option.value else {
            guard parts.count == 1 else {
                throw .usage("--\(name) takes no value", command: command)
            }
            values[name] = [""]
            return
        }
        if parts.count == 2 {
            values[name, default: []].append(String(parts[1]))
        } else if let next = rest.first, next == "-" || !next.hasPrefix("-") {
            values[name, default: []].append(next)
            rest.removeFirst()
        } else {
            throw .usage("--\(name) needs a value: --\(name) \(valueName)", command: command)
        }
    }

    private func checkCount(_ declared: [Positional]) throws(CommandFailure) {
        let required = declared.prefix { $0.required }
        if positionals.count < required.count {
            throw .usage(
                "\(command) needs \(required[positionals.count].name):"
                    + " \(required[positionals.count].help)",
                command: command)
        }
        if positionals.count > declared.count, declared.last?.repeats != true {
            throw .usage(
                "\(command) does not take '\(positionals[declared.count])'", command: command)
        }
    }
}
