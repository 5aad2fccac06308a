import CSQLite

/// One SQLite connection with its prepared statements: the only code that calls sqlite3_*. Not
/// thread-safe; `Ledger` keeps it behind a mutex. Closed when it goes.
final class Database {
    private let handle: OpaquePointer
    private let path: String
    private var statements: [String: Statement] = [:]

    /// Opens `path` for reading and writing. Errors: `missing` where it does not exist and `create` is
    /// false, `unavailable`, `corrupt`.
    init(path: String, create: Bool, busyMilliseconds: Int32) throws(LedgerFailure) {
        var connection: OpaquePointer?
        let flags =
            SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (create ? SQLITE_OPEN_CREATE : 0)
        let code = sqlite3_open_v2(path, &connection, flags, nil)
        guard code == SQLITE_OK, let connection else {
            let reason = connection.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
            sqlite3_close_v2(connection)
            throw LedgerFailure(
                Self.kind(of: code), "cannot open \(path): \(reason)")
        }
        handle = connection
        self.path = path
        sqlite3_extended_result_codes(handle, 1)
        sqlite3_busy_timeout(handle, busyMilliseconds)
    }

    deinit {
        for statement in statements.values { sqlite3_finalize(statement.handle) }
        sqlite3_close_v2(handle)
    }

    // MARK: Statements

    /// Runs a statement that returns no rows. Parameters are `?1`, `?2`, … in order.
    func run(_ sql: String, _ values: Value...) throws(LedgerFailure) {
        try run(sql, values)
    }

    func run(_ sql: String, _ values: [Value]) throws(LedgerFailure) {
        let statement = try prepared(sql, values)
        defer { statement.reset() }
        while try step(statement) {}
    }

    /// Visits every row. `visit` must not run the same statement.
    func query(
        _ sql: String, _ values: Value..., visit: (Row) throws(LedgerFailure) -> Void
    ) throws(LedgerFailure) {
        try query(sql, values, visit: visit)
    }

    func query(
        _ sql: String, _ values: [Value], visit: (Row) throws(LedgerFailure) -> Void
    ) throws(LedgerFailure) {
        let statement = try prepared(sql, values)
        defer { statement.reset() }
        while try step(statement) { try visit(Row(handle: statement.handle)) }
    }

    /// The first row's first column, nil where there is no row or it is null.
    func integer(_ sql: String, _ values: Value...) throws(LedgerFailure) -> Int64? {
        let statement = try prepared(sql, values)
        defer { statement.reset() }
        return try step(statement) ? Row(handle: statement.handle).optionalInteger(0) : nil
    }

    func text(_ sql: String, _ values: Value...) throws(LedgerFailure) -> String? {
        let statement = try prepared(sql, values)
        defer { statement.reset() }
        return try step(statement) ? Row(handle: statement.handle).optionalText(0) : nil
    }

    /// Several statements without parameters, for schema and pragmas.
    func script(_ sql: String) throws(LedgerFailure) {
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw failure(code) }
    }

    var lastInsertedRow: Int64 { sqlite3_last_insert_rowid(handle) }
    /// Rows that the last statement changed.
    var changedRows: Int { Int(sqlite3_changes(handle)) }

    /// All or nothing, and durable when it returns (synchronous=FULL).
    func transaction<Result>(
        _ body: () throws(LedgerFailure) -> Result
    ) throws(LedgerFailure) -> Result {
        try run("BEGIN IMMEDIATE")
        do throws(LedgerFailure) {
            let result = try body()
            try run("COMMIT")
            return result
        } catch {
            // SQLite has rolled back by itself after some I/O errors.
            if sqlite3_get_autocommit(handle) == 0 { try? run("ROLLBACK") }
            throw error
        }
    }

    /// Every read in `body` sees the same state.
    func snapshot<Result>(
        _ body: () throws(LedgerFailure) -> Result
    ) throws(LedgerFailure) -> Result {
        try run("BEGIN")
        defer { try? run("ROLLBACK") }
        return try body()
    }

    // MARK: Copy

    /// Replaces everything in `other` by what stands here at this moment. In one step: where another
    /// process writes to the file, a copy in several would begin again after each of its writes. Writers
    /// are not held up (WAL); their log grows until it is done.
    func copy(to other: Database) throws(LedgerFailure) {
        guard let backup = sqlite3_backup_init(other.handle, "main", handle, "main") else {
            throw other.failure(sqlite3_errcode(other.handle))
        }
        let stepped = sqlite3_backup_step(backup, -1)
        let finished = sqlite3_backup_finish(backup)
        guard stepped == SQLITE_DONE, finished == SQLITE_OK else {
            throw other.failure(finished == SQLITE_OK ? stepped : finished)
        }
    }

    // MARK: Inside

    private func prepared(_ sql: String, _ values: [Value]) throws(LedgerFailure) -> Statement {
        let statement: Statement
        if let known = statements[sql] {
            statement = known
        } else {
            var made: OpaquePointer?
            let code = sqlite3_prepare_v3(
                handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &made, nil)
            guard code == SQLITE_OK, let made else { throw failure(code) }
            statement = Statement(handle: made)
            statements[sql] = statement
        }
        for (index, value) in values.enumerated() {
            let code = statement.bind(value, at: Int32(index + 1))
            guard code == SQLITE_OK else { throw failure(code) }
        }
        return statement
    }

    /// True where a row is there.
    private func step(_ statement: Statement) throws(LedgerFailure) -> Bool {
        let code = sqlite3_step(statement.handle)
        switch code {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default: throw failure(code)
        }
    }

    private func failure(_ code: Int32) -> LedgerFailure {
        LedgerFailure(
            Self.kind(of: code),
            "\(path): \(String(cString: sqlite3_errmsg(handle))) (SQLite \(code))")
    }

    private static func kind(of code: Int32) -> LedgerFailure.Kind {
        switch code & 0xff {
        case SQLITE_FULL, SQLITE_READONLY, SQLITE_IOERR, SQLITE_BUSY, SQLITE_LOCKED,
            SQLITE_NOMEM, SQLITE_PERM, SQLITE_AUTH, SQLITE_CANTOPEN, SQLITE_INTERRUPT,
            SQLITE_PROTOCOL:
            .unavailable
        default: .corrupt
        }
    }
}

/// What a parameter takes.
enum Value {
    case null
    case integer(Int64)
    case text(String)
    case blob([UInt8])

    static func int(_ value: some BinaryInteger) -> Value { .integer(Int64(value)) }
    static func optional(_ value: Int64?) -> Value { value.map(Value.integer) ?? .null }
    static func optional(_ value: String?) -> Value { value.map(Value.text) ?? .null }
    static func optional(_ value: [UInt8]?) -> Value { value.map(Value.blob) ?? .null }
}

struct Statement {
    let handle: OpaquePointer

    /// SQLite copies what it is given (SQLITE_TRANSIENT, which C writes as -1).
    private static let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    func bind(_ value: Value, at index: Int32) -> Int32 {
        switch value {
        case .null: return sqlite3_bind_null(handle, index)
        case .integer(let integer): return sqlite3_bind_int64(handle, index, integer)
        case .text(var text):
            return text.withUTF8 { bytes in
                guard let start = bytes.baseAddress else {
                    return sqlite3_bind_text(handle, index, "", 0, Self.copied)
                }
                return start.withMemoryRebound(to: CChar.self, capacity: bytes.count) {
                    sqlite3_bind_text(handle, index, $0, Int32(bytes.count), Self.copied)
                }
            }
        case .blob(let bytes):
            // A null pointer would bind NULL.
            if bytes.isEmpty { return sqlite3_bind_zeroblob(handle, index, 0) }
            return sqlite3_bind_blob64(
                handle, index, bytes, UInt64(bytes.count), Self.copied)
        }
    }

    func reset() {
        sqlite3_reset(handle)
        sqlite3_clear_bindings(handle)
    }
}

/// The row that a statement stands on; columns from 0.
struct Row {
    let handle: OpaquePointer

    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }
    func text(_ column: Int32) -> String { optionalText(column) ?? "" }

    func isNull(_ column: Int32) -> Bool {
        sqlite3_column_type(handle, column) == SQLITE_NULL
    }

    func optionalInteger(_ column: Int32) -> Int64? { isNull(column) ? nil : integer(column) }

    func optionalText(_ column: Int32) -> String? {
        guard let start = sqlite3_column_text(handle, column) else { return nil }
        let count = Int(sqlite3_column_bytes(handle, column))
        return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    func optionalBlob(_ column: Int32) -> [UInt8]? { isNull(column) ? nil : blob(column) }

    func blob(_ column: Int32) -> [UInt8] {
        guard let start = sqlite3_column_blob(handle, column) else { return [] }
        return Array(
            UnsafeRawBufferPointer(
                start: start, count: Int(sqlite3_column_bytes(handle, column))))
    }
}
