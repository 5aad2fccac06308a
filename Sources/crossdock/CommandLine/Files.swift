internal import Contracts
internal import Glibc

/// The little that commands do with files.
enum Files {
    struct Failure: Error {
        var code: Int32
        /// In the system's words.
        var reason: String { String(cString: strerror(code)) }
    }

    /// Everything in a file of at most `limit` bytes (EFBIG beyond).
    static func read(_ path: String, limit: Int = 16 << 20) throws(Failure) -> [UInt8] {
        try withFile(path, limit) { bytes, _ in bytes }
    }

    static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Makes a file that must not exist yet, durable on return.
    static func create(
        _ path: String, _ bytes: [UInt8], mode: mode_t = 0o644
    ) throws(Failure) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw Failure(code: errno) }
        defer { close(descriptor) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw Failure(code: errno) }
            rest = rest.dropFirst(written)
        }
        guard fsync(descriptor) == 0 else { throw Failure(code: errno) }
    }

    /// Makes a directory, unless it is there.
    static func makeDirectory(_ path: String, mode: mode_t = 0o755) throws(Failure) {
        guard mkdir(path, mode) == 0 || (errno == EEXIST && isDirectory(path)) else {
            throw Failure(code: errno)
        }
    }

    /// Files that match a shell pattern, sorted; empty where none does.
    static func matching(_ pattern: String) -> [String] {
        var found = glob_t()
        defer { globfree(&found) }
        return glob(pattern, 0, nil, &found) == 0 ? paths(of: found) : []
    }

    /// The same; nil where a directory on the way is there and cannot be read.
    static func matchingOrUnknown(_ pattern: String) -> [String]? {
        var found = glob_t()
        defer { globfree(&found) }
        switch glob(pattern, 0, { _, code in code == ENOENT || code == ENOTDIR ? 0 : 1 }, &found) {
        case 0: return paths(of: found)
        case GLOB_NOMATCH: return []
        default: return nil
        }
    }

    private static func paths(of found: glob_t) -> [String] {
        (0..<Int(found.gl_pathc)).compactMap { index in
            found.gl_pathv[index].map { String(cString: $0) }
        }
    }

    /// Secrets from this process's environment and files.
    static let secrets = SecretResolver(
        environment: { Environment.value($0) },
        file: { (path) throws(SecretResolver.FileProblem) in
            do throws(Failure) {
                return try withFile(path, 1 << 20) { bytes, status in
                    SecretResolver.SecretFile(
                        bytes: bytes, isExposed: status.st_mode & 0o077 != 0)
                }
            } catch {
                throw error.code == ENOENT ? .missing : .unreadable(error.reason)
            }
        })

    private static func withFile<Result>(
        _ path: String, _ limit: Int, _ use: ([UInt8], stat) -> Result
    ) throws(Failure) -> Result {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(code: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Failure(code: errno) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = chunk.withUnsafeMutableBytes {
                Glibc.read(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Failure(code: errno) }
            if count == 0 { return use(bytes, status) }
            bytes += chunk[..<count]
            guard bytes.count <= limit else { throw Failure(code: EFBIG) }
        }
    }
}
