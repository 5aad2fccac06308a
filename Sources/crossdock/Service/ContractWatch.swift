internal import Contracts
internal import Glibc

/// Sees that contract files changed: by what stat says of each, through symbolic links, so that a file
/// replaced by rename and a directory swapped by link (as Kubernetes swaps a config map's) count.
struct ContractWatch {
    private let patterns: [String]
    /// As of what was last read.
    private var taken: [String: Stamp]?
    /// As last looked at, where it differs.
    private var unsettled: [String: Stamp]?

    private enum Stamp: Hashable {
        case file(device: UInt64, inode: UInt64, size: Int64, modified: [Int], changed: [Int])
        case missing
        /// errno.
        case unknown(Int32)
    }

    /// - Parameter patterns: as crossdock.yaml lists them under `contracts`.
    init(patterns: [String]) { self.patterns = patterns }

    /// Nil where a directory cannot be looked into.
    var files: [String]? { ContractFiles.listed(patterns, Files.matchingOrUnknown) }

    /// True once where something changed, and stands still since the look before: a file that is being
    /// written is not read half.
    mutating func look() -> Bool {
        guard let now = stamps(), now != taken else {
            unsettled = nil
            return false
        }
        defer { unsettled = now }
        return now == unsettled
    }

    /// Reads by `body` and takes note of what was there; nil where it changed meanwhile.
    mutating func read<Result>(_ body: ([String]) -> Result) -> Result? {
        guard let files, let before = stamps() else { return nil }
        let result = body(files)
        guard stamps() == before else { return nil }
        taken = before
        unsettled = nil
        return result
    }

    private func stamps() -> [String: Stamp]? {
        guard let files else { return nil }
        var stamps: [String: Stamp] = [:]
        for path in files { stamps[path] = Self.stamp(path) }
        return stamps
    }

    private static func stamp(_ path: String) -> Stamp {
        var status = stat()
        guard stat(path, &status) == 0 else {
            return errno == ENOENT || errno == ENOTDIR ? .missing : .unknown(errno)
        }
        return .file(
            device: UInt64(status.st_dev), inode: UInt64(status.st_ino),
            size: Int64(status.st_size),
            modified: [status.st_mtim.tv_sec, status.st_mtim.tv_nsec],
            changed: [status.st_ctim.tv_sec, status.st_ctim.tv_nsec])
    }
}
