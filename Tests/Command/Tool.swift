import Glibc
import Synchronization

/// Runs the built `crossdock`, which stands beside the test bundle, in a directory of its own.
struct Tool: ~Copyable {
    struct Result {
        var code: Int32
        var out: String
        var error: String
    }

    let directory: String
    private static let counter = Atomic<Int>(0)

    init() throws {
        let number = Tool.counter.add(1, ordering: .relaxed).newValue
        directory = "\(Tool.temporary)/crossdock-command-\(getpid())-\(number)"
        guard mkdir(directory, 0o700) == 0 else { throw Failure(what: "mkdir", code: errno) }
    }

    deinit { _ = Tool.spawn(["/bin/rm", "-rf", directory], in: "/", to: "/dev/null") }

    struct Failure: Error {
        var what: String
        var code: Int32
    }

    func run(_ words: String..., environment: [String] = []) throws -> Result {
        try run(words, environment: environment)
    }

    func run(_ words: [String], environment: [String] = []) throws -> Result {
        try execute([Tool.binary()] + words, environment)
    }

    /// What sh(1) makes of it.
    func shell(_ line: String) throws -> Result { try execute(["sh", "-c", line], []) }

    private func execute(_ words: [String], _ environment: [String]) throws -> Result {
        let base = "\(directory)/.run"
        let code = Tool.spawn(
            words, in: directory, to: base,
            environment: ["PATH=/usr/bin:/bin"] + environment)
        guard let code else { throw Failure(what: "posix_spawn", code: errno) }
        return Result(code: code, out: try read(".run.out"), error: try read(".run.error"))
    }

    func write(_ name: String, _ text: String) throws {
        let path = "\(directory)/\(name)"
        guard let file = fopen(path, "w") else { throw Failure(what: path, code: errno) }
        defer { fclose(file) }
        fputs(text, file)
    }

    func write(_ name: String, bytes: [UInt8]) throws {
        let path = "\(directory)/\(name)"
        guard let file = fopen(path, "w") else { throw Failure(what: path, code: errno) }
        defer { fclose(file) }
        guard fwrite(bytes, 1, bytes.count, file) == bytes.count else {
            throw Failure(what: path, code: errno)
        }
    }

    func makeDirectory(_ name: String) throws {
        guard mkdir("\(directory)/\(name)", 0o755) == 0 else {
            throw Failure(what: name, code: errno)
        }
    }

    func read(_ name: String) throws -> String {
        let path = "\(directory)/\(name)"
        guard let file = fopen(path, "r") else { throw Failure(what: path, code: errno) }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        while case let byte = getc(file), byte != EOF {
            bytes.append(UInt8(truncatingIfNeeded: byte))
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    func mode(_ name: String) -> mode_t {
        var status = stat()
        return stat("\(directory)/\(name)", &status) == 0 ? status.st_mode & 0o777 : 0
    }

    private static var temporary: String {
        getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    }

    static func binary() throws -> String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        guard count > 0 else { throw Failure(what: "/proc/self/exe", code: errno) }
        // The runner is the test bundle itself, or swiftpm-testing-helper with the bundle's path.
        let own = String(decoding: buffer.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
        for path in [own] + CommandLine.arguments where path.contains("PackageTests.xctest") {
            if let slash = path.lastIndex(of: "/") { return path[..<slash] + "/crossdock" }
        }
        throw Failure(what: "no crossdock beside \(own)", code: ENOENT)
    }

    private static func spawn(
        _ words: [String], in directory: String, to base: String, environment: [String] = []
    ) -> Int32? {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let isNull = base == "/dev/null"
        let flags = O_WRONLY | O_CREAT | O_TRUNC
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, isNull ? base : base + ".out", flags, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, isNull ? base : base + ".error", flags, 0o600)
        let all = ["/usr/bin/env", "-C", directory] + words
        let arguments = all.map { strdup($0) } + [nil]
        let variables = environment.map { strdup($0) } + [nil]
        defer { for pointer in arguments + variables { free(pointer) } }
        var process = pid_t()
        guard posix_spawn(&process, all[0], &actions, nil, arguments, variables) == 0 else {
            return nil
        }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 { guard errno == EINTR else { return nil } }
        return status & 0x7F == 0 ? status >> 8 & 0xFF : -(status & 0x7F)
    }
}
