internal import Contracts

/// Which contracts the words of a command line mean.
enum ContractFiles {
    /// Files stand for themselves, a directory for the contracts in it; without any, those of crossdock.yaml.
    /// `isConfigurationBroken`: there is one, but where `configuration` is nil it has mistakes: then none.
    static func named(
        by arguments: ParsedArguments, _ configuration: Configuration?, isConfigurationBroken: Bool
    ) throws(CommandFailure) -> [String] {
        if arguments.positionals.isEmpty {
            guard let configuration else {
                if isConfigurationBroken { return [] }
                throw CommandFailure(
                    .cannotRun, "no \(arguments.config) here, and no contract named",
                    next: "name one, or let 'crossdock init' write a first one")
            }
            let paths = Project.contractFiles(of: configuration)
            guard !paths.isEmpty else {
                throw CommandFailure(
                    .cannotRun,
                    "\(configuration.file) names no contract that exists:"
                        + " \(configuration.contracts.joined(separator: ", "))")
            }
            return paths
        }
        var paths: [String] = []
        for path in arguments.positionals {
            guard !ContractTestReader.isFileBeside(path) else {
                throw .usage("\(path) holds tests; name the contract", command: arguments.command)
            }
            paths += Files.isDirectory(path) ? try contracts(in: path) : [path]
        }
        return paths.uniqued()
    }

    private static func contracts(in path: String) throws(CommandFailure) -> [String] {
        var directory = path[...]
        while directory.count > 1, directory.hasSuffix("/") { directory.removeLast() }
        let found = contracts(
            among: Files.matching("\(directory)/*.yaml") + Files.matching("\(directory)/*.yml"))
        guard !found.isEmpty else {
            throw CommandFailure(.cannotRun, "\(path) holds no *.yaml")
        }
        return found.sorted()
    }

    /// As crossdock.yaml lists them under `contracts`: the files that the patterns match, in order, each
    /// once; a name without a pattern stands for itself, whether it exists or not. Nil where `matching`
    /// knows of a pattern no answer.
    static func listed(
        _ patterns: [String], _ matching: (String) -> [String]?
    ) -> [String]? {
        var paths: [String] = []
        for pattern in patterns {
            guard pattern.contains(where: { "*?[".contains($0) }) else {
                paths.append(pattern)
                continue
            }
            guard let found = matching(pattern) else { return nil }
            paths += contracts(among: found)
        }
        return paths.uniqued()
    }

    /// Without the files of tests that stand beside contracts.
    private static func contracts(among files: [String]) -> [String] {
        files.filter { !ContractTestReader.isFileBeside($0) }
    }
}
