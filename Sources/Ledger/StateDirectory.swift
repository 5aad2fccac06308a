internal import CSQLite
internal import Glibc

/// The operator's state directory: private, on a local disk, held by one service at a time.
///
/// The lock is an open file description lock (fcntl, F_OFD_SETLK) on `lock`, not flock: it goes with
/// the descriptor like flock's, and a report can ask whether it is held (F_OFD_GETLK) without taking
/// it, which would turn away a service that starts in that moment. It is on a file of its own: closing
/// any descriptor of ledger.db would drop SQLite's locks.
struct StateDirectory {
    let path: String

    var database: String { "\(path)/ledger.db" }
    private var lockFile: String { "\(path)/lock" }

    /// Creates the directory where it is missing (its parent must be there) and makes it private.
    func prepare() throws(LedgerFailure) {
        if mkdir(path, 0o700) != 0, errno != EEXIST {
            throw failure("cannot create the state directory")
        }
        try check()
        guard let mode = try status()?.st_mode, mode & 0o077 != 0 else { return }
        guard chmod(path, 0o700) == 0 else {
            throw failure("others may read the state directory, and chmod 700 failed")
        }
    }

    /// Errors: `missing`, `unsupported` on a network file system, `unavailable`.
    func check() throws(LedgerFailure) {
        guard let status = try status() else {
            throw LedgerFailure(.missing, "there is no state directory \(path)")
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw LedgerFailure(.unsupported, "\(path) is not a directory")
        }
        var system = statfs()
        guard statfs(path, &system) == 0 else { throw failure("cannot inspect") }
        let type = UInt32(truncatingIfNeeded: system.f_type)
        if let name = Self.networkFileSystems[type] {
            throw LedgerFailure(
                .unsupported,
                "\(path) is on \(name): the ledger needs a local disk, as locks and fsync do not "
                    + "hold on network file systems; set stateDirectory in crossdock.yaml")
        }
    }

    /// Errors: `missing`, `unavailable` where this user may not look.
    func expectLedger() throws(LedgerFailure) {
        if access(database, F_OK) == 0 { return }
        if errno == ENOENT {
            throw LedgerFailure(
                .missing, "there is no ledger in \(path): no service has run there yet")
        }
        throw failure("this user may not look into the state directory")
    }

    /// The quarantine holds records: nobody else reads them. By name: a descriptor of ledger.db that is
    /// closed would drop SQLite's locks. SQLite gives the write-ahead log the same mode.
    func makeLedgerPrivate() throws(LedgerFailure) {
        guard chmod(database, 0o600) == 0 else {
            throw failure("cannot make the ledger private in")
        }
    }

    private func status() throws(LedgerFailure) -> stat? {
        var status = stat()
        if stat(path, &status) == 0 { return status }
        if errno == ENOENT { return nil }
        throw failure("cannot inspect")
    }

    private func failure(_ what: String) -> LedgerFailure {
        LedgerFailure(.unavailable, "\(what) \(path): \(String(cString: strerror(errno)))")
    }

    // MARK: The lock

    /// A descriptor that holds the lock until it is closed. Errors: `inUse`, `unavailable`.
    func lock() throws(LedgerFailure) -> Int32 {
        let descriptor = open(lockFile, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("cannot open the lock in") }
        guard let code = take(descriptor) else {
            note(descriptor)
            return descriptor
        }
        let holder = reader(of: descriptor)
        close(descriptor)
        guard code == EAGAIN || code == EACCES else {
            errno = code
            throw failure("cannot lock")
        }
        throw LedgerFailure(
            .inUse,
            "another crossdock service\(holder.map { " (process \($0))" } ?? "") runs on the state "
                + "directory \(path); one at a time may")
    }

    /// What stands against the lock, nil where it was taken. A process that forks shares its descriptors
    /// with the child until that has called exec: a lock that was given back a moment ago may seem held.
    private func take(_ descriptor: Int32) -> Int32? {
        var code: Int32 = 0
        for _ in 0..<10 {
            var request = Self.wholeFile(Int16(F_WRLCK))
            if fcntl(descriptor, Self.setLock, &request) == 0 { return nil }
            code = errno
            guard code == EAGAIN || code == EACCES else { return code }
            var pause = timespec(tv_sec: 0, tv_nsec: 20_000_000)
            nanosleep(&pause, nil)
        }
        return code
    }

    /// Whether a service holds the lock, asked without taking it.
    func isLocked() -> Bool {
        let descriptor = open(lockFile, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        // A read lock would collide with the service's write lock, and a read-only descriptor may ask.
        var request = Self.wholeFile(Int16(F_RDLCK))
        guard fcntl(descriptor, Self.getLock, &request) == 0 else { return false }
        return request.l_type != Int16(F_UNLCK)
    }

    /// The process id in the file is for the message to a second service, nothing relies on it.
    private func note(_ descriptor: Int32) {
        let text = "\(getpid())\n"
        guard ftruncate(descriptor, 0) == 0 else { return }
        _ = text.utf8.withContiguousStorageIfAvailable {
            pwrite(descriptor, $0.baseAddress, $0.count, 0)
        }
    }

    private func reader(of descriptor: Int32) -> Int32? {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return nil }
        let digits = bytes.prefix(count).prefix { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
        return Int32(String(decoding: digits, as: UTF8.self))
    }

    private static func wholeFile(_ type: Int16) -> flock {
        var lock = flock()
        lock.l_type = type
        lock.l_whence = Int16(SEEK_SET)
        return lock
    }

    // From Linux's uapi/asm-generic/fcntl.h; glibc shows them under _GNU_SOURCE only.
    private static let getLock: Int32 = 36
    private static let setLock: Int32 = 37

    /// Linux's uapi/linux/magic.h, and the file systems' own sources.
    private static let networkFileSystems: [UInt32: String] = [
        0x6969: "NFS", 0x517B: "SMB", 0xFE53_4D42: "SMB", 0xFF53_4D42: "CIFS",
        0x0102_1997: "9P", 0x00C3_6400: "Ceph", 0x5346_414F: "AFS", 0x6B41_4653: "AFS",
        0x7375_7245: "Coda", 0x0BD0_0BD0: "Lustre", 0x1983_0326: "BeeGFS", 0x4750_4653: "GPFS",
        0x0116_1970: "GFS2", 0x7461_636F: "OCFS2", 0x786F_4256: "a VirtualBox share",
    ]
}
