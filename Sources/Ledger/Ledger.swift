internal import Glibc
internal import Synchronization

/// What Crossdock knows, in one SQLite file per state directory (WAL, synchronous=FULL). Losing it costs
/// history, never exactly-once: the markers at the partner are the truth.
///
/// One connection behind a mutex; every call blocks its thread for at most the busy timeout and the disk.
package final class Ledger: Sendable {
    package enum Access: Sendable {
        /// Takes the directory's lock, creates and migrates the ledger.
        case service
        /// Reads while a service may be running, or none is.
        case reader
        /// Records operators' acts while a service may be running, or none is.
        case operatorWrite
    }

    /// Made with the ledger file, 32 hexadecimal digits: tells a claim of ours from another's.
    package let instance: String
    /// Nil once it is closed.
    private let database: Mutex<Database?>
    /// Bytes that refused records may take.
    let quarantineBytes: Int64
    /// Milliseconds since the epoch.
    let clock: @Sendable () -> Int64
    private let directory: StateDirectory
    /// Descriptor that holds the directory's lock, in service mode.
    private let lock: Mutex<Int32?>

    /// Errors: `inUse` (a second service), `missing` (no ledger yet, for readers and operators),
    /// `unsupported`, `unavailable`, `corrupt`.
    package static func open(
        directory: String, access: Access, quarantineBytes: Int64 = 1 << 30,
        clock: @escaping @Sendable () -> Int64 = Ledger.wallClock
    ) throws(LedgerFailure) -> Ledger {
        let place = StateDirectory(path: directory)
        guard access == .service else {
            try place.check()
            try place.expectLedger()
            return try Ledger(place, nil, access, quarantineBytes, clock)
        }
        try place.prepare()
        let lock = try place.lock()
        do throws(LedgerFailure) {
            return try Ledger(place, lock, access, quarantineBytes, clock)
        } catch {
            Glibc.close(lock)
            throw error
        }
    }

    private init(
        _ directory: StateDirectory, _ lock: Int32?, _ access: Access, _ quarantineBytes: Int64,
        _ clock: @escaping @Sendable () -> Int64
    ) throws(LedgerFailure) {
        let database = try Database(
            path: directory.database, create: access == .service, busyMilliseconds: 5_000)
        try database.script("PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;")
        try database.script("PRAGMA synchronous = FULL;")
        switch access {
        case .service:
            try directory.makeLedgerPrivate()
            // Takes effect in a file that has no table yet; lets `Maintenance` shrink it.
            try database.script("PRAGMA auto_vacuum = INCREMENTAL;")
            guard try database.text("PRAGMA journal_mode = WAL") == "wal" else {
                throw LedgerFailure(
                    .unsupported, "\(directory.path) cannot hold a write-ahead log")
            }
            try database.script("PRAGMA journal_size_limit = 67108864;")
            try Schema.migrate(database)
        case .reader:
            try database.script("PRAGMA query_only = ON;")
            try Schema.check(database)
        case .operatorWrite:
            try Schema.check(database)
        }
        guard let instance = try database.text("SELECT value FROM meta WHERE name = 'instance'")
        else { throw LedgerFailure(.corrupt, "the ledger has no instance id") }
        self.instance = instance
        self.database = Mutex(database)
        self.directory = directory
        self.lock = Mutex(lock)
        self.quarantineBytes = quarantineBytes
        self.clock = clock
    }

    deinit { close() }

    /// Closes the file, then gives the directory free. Every later call fails as `unavailable`.
    package func close() {
        database.withLock { $0 = nil }
        lock.withLock { lock in
            if let descriptor = lock { Glibc.close(descriptor) }
            lock = nil
        }
    }

    /// Whether a service runs on this directory, asked without disturbing one that starts.
    package var isServiceRunning: Bool {
        lock.withLock { $0 != nil } || directory.isLocked()
    }

    /// The same without opening a ledger: it may not be there yet, or be unreadable.
    package static func isServiceRunning(directory: String) -> Bool {
        StateDirectory(path: directory).isLocked()
    }

    package static let wallClock: @Sendable () -> Int64 = {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// What SQLite's quick_check finds, empty where the file is sound. On a connection of its own: it
    /// takes a while and holds nobody up.
    package func quickCheck() throws(LedgerFailure) -> [String] {
        let database = try Database(
            path: directory.database, create: false, busyMilliseconds: 5_000)
        try database.script("PRAGMA query_only = ON;")
        var findings: [String] = []
        try database.query("PRAGMA quick_check(20)") { (row) throws(LedgerFailure) in
            let finding = row.text(0)
            if finding != "ok" { findings.append(finding) }
        }
        return findings
    }

    // MARK: Contracts

    /// Records the content of a contract version. Errors: `contractChanged` where the version is known
    /// with another content: a decision in the ledger would not say any more what decided it.
    package func pinContract(id: String, version: String, hash: String) throws(LedgerFailure) {
        let known = try locked { (database) throws(LedgerFailure) in
            try database.transaction { () throws(LedgerFailure) in
                try database.run(
                    """
                    INSERT INTO contract_version (contract, version, hash, first_seen)
                    SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS (
                        SELECT 1 FROM contract_version WHERE contract = ?1 AND version = ?2)
                    """, .text(id), .text(version), .text(hash), .integer(clock()))
                return try database.text(
                    """
                    SELECT hash FROM contract_version WHERE contract = ?1 AND version = ?2
                    ORDER BY id LIMIT 1
                    """, .text(id), .text(version))
            }
        }
        guard known == hash else {
            throw LedgerFailure(
                .contractChanged,
                "contract \(id): the content of version \(version) changed (it was "
                    + "\(known?.prefix(12) ?? "unknown"), it is \(hash.prefix(12))); give the "
                    + "changed contract a new version")
        }
    }

    /// Whether start offsets are stored for any lane of the contract.
    package func contractStarted(_ id: String) throws(LedgerFailure) -> Bool {
        try locked { (database) throws(LedgerFailure) in
            try database.integer("SELECT 1 FROM partition WHERE contract = ?1 LIMIT 1", .text(id))
                != nil
        }
    }

    /// The stored start offsets of every lane of the contract.
    package func starts(
        _ contract: String
    ) throws(LedgerFailure) -> [SourcePartition: Int64] {
        try locked { (database) throws(LedgerFailure) in
            var starts: [SourcePartition: Int64] = [:]
            try database.query(
                "SELECT topic, partition, start_offset FROM partition WHERE contract = ?1",
                .text(contract)
            ) { (row) throws(LedgerFailure) in
                let partition = SourcePartition(
                    topic: row.text(0), partition: Int32(truncatingIfNeeded: row.integer(1)))
                starts[partition] = row.integer(2)
            }
            return starts
        }
    }

    // MARK: Checkpoint topics

    /// Whether the topic was ever seen on that cluster (a cluster id): then its absence is a loss, and it
    /// is never created again.
    package func checkpointTopicSeen(
        cluster: String, topic: String
    ) throws(LedgerFailure) -> Bool {
        try locked { (database) throws(LedgerFailure) in
            try database.integer(
                "SELECT 1 FROM checkpoint_topic WHERE cluster = ?1 AND topic = ?2",
                .text(cluster), .text(topic)) != nil
        }
    }

    package func noteCheckpointTopic(cluster: String, topic: String) throws(LedgerFailure) {
        try locked { (database) throws(LedgerFailure) in
            try database.run(
                "INSERT OR IGNORE INTO checkpoint_topic VALUES (?1, ?2, ?3)",
                .text(cluster), .text(topic), .integer(clock()))
        }
    }

    // MARK: Inside

    func locked<Result: Sendable>(
        _ body: (Database) throws(LedgerFailure) -> Result
    ) throws(LedgerFailure) -> Result {
        try database.withLock { (database) throws(LedgerFailure) -> Result in
            guard let database else { throw LedgerFailure(.unavailable, "the ledger is closed") }
            return try body(database)
        }
    }

    /// What `body` writes does not wait for the disk: in WAL mode a write that is lost leaves the file
    /// sound.
    func hastily<Result: Sendable>(
        _ body: (Database) throws(LedgerFailure) -> Result
    ) throws(LedgerFailure) -> Result {
        try locked { (database) throws(LedgerFailure) in
            // Not as a prepared statement: SQLite carries this pragma out while it compiles it.
            try database.script("PRAGMA synchronous = NORMAL")
            do throws(LedgerFailure) {
                let result = try body(database)
                try database.script("PRAGMA synchronous = FULL")
                return result
            } catch {
                try database.script("PRAGMA synchronous = FULL")
                throw error
            }
        }
    }
}
