internal import Glibc

/// What a copy of the ledger holds.
package struct BackupReport: Hashable, Sendable {
    package var bytes: Int64
    package var partitions: [Position]

    package struct Position: Hashable, Sendable {
        package var contract: String
        package var partition: SourcePartition
        /// The next undecided offset.
        package var decided: Int64
        /// Cumulative there.
        package var counts: Counts
    }
}

/// Copies a ledger as it is at one moment, whether a service writes to it or not.
struct Backup {
    let directory: StateDirectory
    let file: String

    /// The copy stands under `file` when it is whole, checked and durable, and not before; it is for this
    /// user alone. A ledger of an older release is copied as it is. Errors: `unsupported` where there
    /// is something under that name, or the place is the state directory; `unavailable`, `corrupt`,
    /// `missing`.
    func make() throws(LedgerFailure) -> BackupReport {
        try directory.check()
        try directory.expectLedger()
        try refuseOccupied()
        let parent = Self.parent(of: file)
        guard try !Self.isSame(parent, directory.path) else {
            throw LedgerFailure(
                .unsupported,
                "\(file) would lie in the state directory: a copy belongs elsewhere, best on another "
                    + "disk")
        }
        let draft = "\(file).\(getpid()).partial"
        try createPrivate(draft)
        do throws(LedgerFailure) {
            let report = try copy(to: draft)
            try publish(draft)
            try sync(parent)
            return report
        } catch {
            unlink(draft)
            throw error
        }
    }

    private func copy(to draft: String) throws(LedgerFailure) -> BackupReport {
        let source = try Database(
            path: directory.database, create: false, busyMilliseconds: 5_000)
        try source.script("PRAGMA query_only = ON;")
        try Schema.checkOwner(source)
        let copy = try Database(path: draft, create: false, busyMilliseconds: 5_000)
        // A write-ahead log beside the copy would be part of it.
        try copy.script("PRAGMA synchronous = FULL;")
        try source.copy(to: copy)
        guard try copy.text("PRAGMA journal_mode = DELETE") == "delete" else {
            throw LedgerFailure(.unavailable, "the copy does not leave its write-ahead log")
        }
        let damage = try copy.text("PRAGMA quick_check(1)") ?? "nothing"
        guard damage == "ok" else {
            throw LedgerFailure(
                .corrupt, "the copy is damaged, and so is the ledger itself, then: \(damage)")
        }
        return BackupReport(
            bytes: (try copy.integer("PRAGMA page_count") ?? 0)
                * (try copy.integer("PRAGMA page_size") ?? 0),
            partitions: try positions(copy))
    }

    private func positions(
        _ copy: Database
    ) throws(LedgerFailure) -> [BackupReport.Position] {
        var positions: [BackupReport.Position] = []
        try copy.query(
            """
            SELECT contract, topic, partition, decided, \(Schema.counts) FROM partition
            ORDER BY contract, topic, partition
            """
        ) { (row) throws(LedgerFailure) in
            positions.append(
                BackupReport.Position(
                    contract: row.text(0),
                    partition: SourcePartition(
                        topic: row.text(1), partition: Int32(truncatingIfNeeded: row.integer(2))),
                    decided: row.integer(3), counts: Counts(row, from: 4)))
        }
        return positions
    }

    // MARK: Files

    private func refuseOccupied() throws(LedgerFailure) {
        var status = stat()
        guard lstat(file, &status) == 0 else { return }
        throw LedgerFailure(.unsupported, "\(file) is there already: a backup overwrites nothing")
    }

    private func createPrivate(_ draft: String) throws(LedgerFailure) {
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("cannot create", draft) }
        close(descriptor)
    }

    /// A link, unlike a rename, does not replace what has taken the name meanwhile.
    private func publish(_ draft: String) throws(LedgerFailure) {
        if link(draft, file) == 0 {
            unlink(draft)
            return
        }
        // A file system without hard links.
        guard [EPERM, EOPNOTSUPP, ENOSYS].contains(errno) else {
            throw failure("cannot name the copy", file)
        }
        try refuseOccupied()
        guard rename(draft, file) == 0 else { throw failure("cannot name the copy", file) }
    }

    private func sync(_ directory: String) throws(LedgerFailure) {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("cannot open", directory) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("cannot sync", directory) }
    }

    private static func parent(of file: String) -> String {
        guard let slash = file.lastIndex(of: "/") else { return "." }
        return slash == file.startIndex ? "/" : String(file[..<slash])
    }

    private static func isSame(_ a: String, _ b: String) throws(LedgerFailure) -> Bool {
        var first = stat()
        var second = stat()
        guard stat(a, &first) == 0 else {
            throw LedgerFailure(
                .unavailable, "there is no directory \(a): \(String(cString: strerror(errno)))")
        }
        return stat(b, &second) == 0 && first.st_dev == second.st_dev
            && first.st_ino == second.st_ino
    }

    private func failure(_ what: String, _ path: String) -> LedgerFailure {
        LedgerFailure(.unavailable, "\(what) \(path): \(String(cString: strerror(errno)))")
    }
}

extension Ledger {
    /// Copies the ledger of a state directory to a file that is not there yet. Blocks nobody that writes
    /// to the ledger meanwhile. Errors as `Backup.make`.
    package static func backUp(
        directory: String, to file: String
    ) throws(LedgerFailure) -> BackupReport {
        try Backup(directory: StateDirectory(path: directory), file: file).make()
    }
}
