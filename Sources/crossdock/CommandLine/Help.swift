/// What `crossdock help` says, made from what the commands declare.
enum Help {
    static var overview: String {
        let width = CommandTable.commands.map { $0.name.count }.max() ?? 0
        var lines = [
            "Crossdock replicates records to partners' Kafka clusters, exactly once, under a",
            "contract.", "",
        ]
        for group in CommandGroup.allCases {
            var title = group.rawValue
            for command in CommandTable.commands where command.group == group {
                lines.append("  \(pad(title, 9))  \(pad(command.name, width))  \(command.summary)")
                title = ""
            }
        }
        lines += ["", "'crossdock help COMMAND' tells more; 'crossdock --version' the version."]
        return lines.joined(separator: "\n")
    }

    static func text(of command: any Command.Type) -> String {
        let words = command.positionals.map(\.shown) + command.options.map { "[\($0.shown)]" }
        var lines = ["crossdock \(command.name): \(command.summary)", ""]
        lines += wrap("usage: crossdock \(command.name)", words + ["[--config FILE]"])
        let options = command.options + [.config, .help]
        let shown =
            command.positionals.map { ($0.name, $0.help) } + options.map { ($0.shown, $0.help) }
        let width = min(24, shown.map { $0.0.count }.max() ?? 0)
        lines.append("")
        for (name, help) in shown {
            lines += wrap("  \(pad(name, width)) ", help.split(separator: " ").map(String.init))
        }
        if !command.discussion.isEmpty { lines += ["", command.discussion] }
        return lines.joined(separator: "\n")
    }

    /// `head` and then the words, in lines of at most 80 columns that hang under the first word.
    private static func wrap(_ head: String, _ words: [String]) -> [String] {
        let indent = String(repeating: " ", count: head.count)
        var lines: [String] = []
        var line = head
        for word in words {
            if line.count + 1 + word.count > 80, line.count > head.count {
                lines.append(line)
                line = indent
            }
            line += " " + word
        }
        return lines + [line]
    }

    private static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
