/// The ledger's tables. A migration that has been released never changes: a change is a new one at the
/// end. `PRAGMA user_version` counts those that have run.
enum Schema {
    struct Migration {
        let name: String
        let sql: String
    }

    static let migrations = [
        Migration(name: "first", sql: first), Migration(name: "acts", sql: acts),
        Migration(name: "coalescing", sql: coalescing), Migration(name: "presence", sql: presence),
        Migration(name: "releases", sql: releases),
    ]

    /// "CDLG": tells a ledger from any other SQLite file.
    static let applicationID: Int64 = 0x4344_4C47

    /// Brings the file to this release's schema, all at once: a report beside a first start sees a whole
    /// ledger or none. Errors: `unsupported` for a newer one.
    static func migrate(_ database: Database) throws(LedgerFailure) {
        let done = try version(database)
        guard done < migrations.count else { return }
        try database.transaction { () throws(LedgerFailure) in
            for migration in migrations[done...] { try database.script(migration.sql) }
            try database.script("PRAGMA user_version = \(migrations.count)")
        }
    }

    /// Errors: `unsupported` where the file is not of this release, `corrupt` where it is no ledger.
    static func check(_ database: Database) throws(LedgerFailure) {
        try checkOwner(database)
        guard try version(database) == migrations.count else {
            throw LedgerFailure(
                .unsupported,
                "the ledger was written by an older crossdock: start the service once to bring it "
                    + "up to date")
        }
    }

    /// Errors: `corrupt` where it is no ledger, `unsupported` for a newer one.
    static func checkOwner(_ database: Database) throws(LedgerFailure) {
        guard try version(database) > 0 else {
            throw LedgerFailure(.missing, "the ledger is empty: no service has started on it yet")
        }
    }

    private static func version(_ database: Database) throws(LedgerFailure) -> Int {
        let version = Int(try database.integer("PRAGMA user_version") ?? 0)
        let owner = try database.integer("PRAGMA application_id") ?? 0
        guard version == 0 || owner == applicationID else {
            throw LedgerFailure(.corrupt, "the file is not a crossdock ledger")
        }
        guard version <= migrations.count else {
            throw LedgerFailure(
                .unsupported,
                "the ledger was written by a newer crossdock (schema \(version), this one knows "
                    + "\(migrations.count)): use that release")
        }
        return version
    }

    /// Columns of `Counts`, in its order.
    static let counts = "read, delivered, filtered, dropped, quarantined, gaps, bytes"

    private static let countColumns = """
        read INTEGER NOT NULL, delivered INTEGER NOT NULL, filtered INTEGER NOT NULL,
        dropped INTEGER NOT NULL, quarantined INTEGER NOT NULL, gaps INTEGER NOT NULL,
        bytes INTEGER NOT NULL
        """

    private static let first = """
        PRAGMA application_id = \(applicationID);
        CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
        INSERT INTO meta VALUES ('instance', lower(hex(randomblob(16))));
        -- The first content seen under a version is that version's.
        CREATE TABLE contract_version (
            id INTEGER PRIMARY KEY, contract TEXT NOT NULL, version TEXT NOT NULL,
            hash TEXT NOT NULL, first_seen INTEGER NOT NULL, UNIQUE (contract, version, hash));
        -- Checkpoint topics are made once per partner cluster and never again.
        CREATE TABLE checkpoint_topic (
            cluster TEXT NOT NULL, topic TEXT NOT NULL, seen INTEGER NOT NULL,
            PRIMARY KEY (cluster, topic)) WITHOUT ROWID;

        CREATE TABLE lane (
            id INTEGER PRIMARY KEY, contract TEXT NOT NULL, lane INTEGER NOT NULL,
            pin INTEGER REFERENCES contract_version, source_cluster TEXT, partner_cluster TEXT,
            layout TEXT, last_batch_seq INTEGER NOT NULL DEFAULT 0,
            generation INTEGER NOT NULL DEFAULT 1,
            halt_reason TEXT, halt_detail TEXT, halt_topic TEXT, halt_partition INTEGER,
            halt_since INTEGER, UNIQUE (contract, lane));
        CREATE TABLE claim (
            lane_id INTEGER NOT NULL REFERENCES lane, number INTEGER NOT NULL,
            nonce BLOB NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (lane_id, number))
            WITHOUT ROWID;
        CREATE TABLE acknowledged (
            lane_id INTEGER NOT NULL REFERENCES lane, topic TEXT NOT NULL,
            partition INTEGER NOT NULL, offset INTEGER NOT NULL,
            PRIMARY KEY (lane_id, topic, partition)) WITHOUT ROWID;
        -- What the service says a lane is doing, for reports only.
        CREATE TABLE lane_state (
            contract TEXT NOT NULL, lane INTEGER NOT NULL, state TEXT NOT NULL,
            detail TEXT NOT NULL, since INTEGER NOT NULL, retry_at INTEGER,
            last_commit INTEGER, heartbeat INTEGER NOT NULL, PRIMARY KEY (contract, lane))
            WITHOUT ROWID;

        CREATE TABLE partition (
            id INTEGER PRIMARY KEY, contract TEXT NOT NULL, topic TEXT NOT NULL,
            partition INTEGER NOT NULL, lane_id INTEGER NOT NULL REFERENCES lane,
            start_offset INTEGER NOT NULL, marker_next INTEGER, marker_seq INTEGER,
            marker_nonce BLOB, marker_checkpoint INTEGER, decided INTEGER NOT NULL,
            \(countColumns), fingerprints TEXT NOT NULL, chain TEXT NOT NULL,
            UNIQUE (contract, topic, partition));

        CREATE TABLE intent (
            lane_id INTEGER PRIMARY KEY REFERENCES lane, batch_seq INTEGER NOT NULL,
            nonce BLOB NOT NULL, digest TEXT NOT NULL,
            pin INTEGER NOT NULL REFERENCES contract_version,
            next INTEGER NOT NULL REFERENCES contract_version, at INTEGER NOT NULL);
        CREATE TABLE intent_progress (
            lane_id INTEGER NOT NULL REFERENCES lane, place INTEGER NOT NULL,
            partition_id INTEGER NOT NULL REFERENCES partition, from_offset INTEGER NOT NULL,
            to_offset INTEGER NOT NULL, \(countColumns), fingerprints TEXT NOT NULL,
            chain TEXT NOT NULL, PRIMARY KEY (lane_id, place)) WITHOUT ROWID;

        CREATE TABLE batch (
            id INTEGER PRIMARY KEY, lane_id INTEGER NOT NULL REFERENCES lane,
            batch_seq INTEGER, digest TEXT, pin INTEGER REFERENCES contract_version,
            at INTEGER NOT NULL);
        -- Every offset between a partition's start and D lies in exactly one row. kind: decided |
        -- filtered (decided without a transaction) | gap (given up) | ledger-gap (this ledger did
        -- not see it decided; the counts are what the marker adds) | skipped (an operator moved on)
        -- | unaccounted (the kept part of a row whose end became void; counts unknown).
        CREATE TABLE decided_range (
            partition_id INTEGER NOT NULL REFERENCES partition, from_offset INTEGER NOT NULL,
            to_offset INTEGER NOT NULL, kind TEXT NOT NULL,
            batch_id INTEGER NOT NULL REFERENCES batch, \(countColumns),
            PRIMARY KEY (partition_id, from_offset), CHECK (from_offset < to_offset))
            WITHOUT ROWID;
        -- What the ledger once believed and the markers, or an operator, overruled.
        CREATE TABLE void_range (
            id INTEGER PRIMARY KEY, partition_id INTEGER NOT NULL, from_offset INTEGER NOT NULL,
            to_offset INTEGER NOT NULL, kind TEXT NOT NULL, batch_id INTEGER NOT NULL,
            \(countColumns), voided INTEGER NOT NULL, why TEXT NOT NULL);

        -- size stands before the record's copy: summing it must not read the copies.
        CREATE TABLE quarantine (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            partition_id INTEGER NOT NULL REFERENCES partition, offset INTEGER NOT NULL,
            lane_id INTEGER NOT NULL REFERENCES lane,
            state TEXT NOT NULL CHECK (
                state IN ('staged', 'real', 'unproven', 'released', 'discarded')),
            batch_seq INTEGER NOT NULL, pin INTEGER NOT NULL REFERENCES contract_version,
            at INTEGER NOT NULL, rule TEXT NOT NULL, path TEXT NOT NULL, detail TEXT NOT NULL,
            size INTEGER NOT NULL, timestamp INTEGER NOT NULL, key BLOB, headers BLOB NOT NULL,
            value BLOB);
        CREATE UNIQUE INDEX quarantine_staged ON quarantine (partition_id, offset)
            WHERE state = 'staged';
        CREATE UNIQUE INDEX quarantine_known ON quarantine (partition_id, offset)
            WHERE state <> 'staged';
        CREATE TABLE quarantine_total (size INTEGER NOT NULL);
        INSERT INTO quarantine_total VALUES (0);
        CREATE TRIGGER quarantine_added AFTER INSERT ON quarantine BEGIN
            UPDATE quarantine_total SET size = size + new.size; END;
        CREATE TRIGGER quarantine_removed AFTER DELETE ON quarantine BEGIN
            UPDATE quarantine_total SET size = size - old.size; END;
        CREATE TRIGGER quarantine_resized AFTER UPDATE OF size ON quarantine BEGIN
            UPDATE quarantine_total SET size = size - old.size + new.size; END;

        -- Operators' choices; applied is null until the lane has acted on it.
        CREATE TABLE act (
            id INTEGER PRIMARY KEY AUTOINCREMENT, contract TEXT NOT NULL, lane INTEGER NOT NULL,
            choice TEXT NOT NULL, reason TEXT NOT NULL, argument TEXT NOT NULL,
            at INTEGER NOT NULL, applied INTEGER);
        CREATE INDEX act_pending ON act (contract, lane) WHERE applied IS NULL;
        -- History: starts, adoptions, gaps, moves, halts and their answers.
        CREATE TABLE event (
            id INTEGER PRIMARY KEY, lane_id INTEGER NOT NULL REFERENCES lane,
            at INTEGER NOT NULL, what TEXT NOT NULL, detail TEXT NOT NULL);
        """

    private static let acts = """
        -- Ids that differ in every ledger, as markers carry them; no lane: about the whole contract.
        -- number rises with each, also where one was replaced.
        CREATE TABLE new_act (
            number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
            contract TEXT NOT NULL, lane INTEGER, choice TEXT NOT NULL, reason TEXT NOT NULL,
            argument TEXT NOT NULL, at INTEGER NOT NULL, applied INTEGER);
        INSERT INTO new_act
            SELECT id, lower(hex(randomblob(8))), contract, lane, choice, reason, argument, at,
                applied FROM act;
        DROP TABLE act;
        ALTER TABLE new_act RENAME TO act;
        CREATE INDEX act_of_contract ON act (contract, lane);
        """

    /// A range says itself what decided it and when, so that many become one without leaving rows of
    /// `batch` behind. chain: the partition's chain head at `to_offset`, empty where it is not known.
    /// batches, since: how many batches a row stands for, and when the first of them was decided (`at`:
    /// the last). detail: each of them, as `PackedBatches` has it, until keepDetail is over. A decided
    /// row of many may hold filtered ones; its counts tell.
    private static let coalescing = """
        CREATE TABLE coalesced_range (
            partition_id INTEGER NOT NULL REFERENCES partition, from_offset INTEGER NOT NULL,
            to_offset INTEGER NOT NULL, kind TEXT NOT NULL,
            pin INTEGER REFERENCES contract_version, batch_seq INTEGER, at INTEGER NOT NULL,
            \(countColumns), chain TEXT NOT NULL DEFAULT '', batches INTEGER NOT NULL DEFAULT 1,
            since INTEGER, detail BLOB,
            PRIMARY KEY (partition_id, from_offset), CHECK (from_offset < to_offset))
            WITHOUT ROWID;
        INSERT INTO coalesced_range (partition_id, from_offset, to_offset, kind, pin, batch_seq, at,
            \(counts))
        SELECT partition_id, from_offset, to_offset, kind, pin, batch_seq, at, \(counts)
        FROM decided_range JOIN batch ON batch.id = batch_id;
        DROP TABLE decided_range;
        ALTER TABLE coalesced_range RENAME TO decided_range;

        CREATE TABLE overruled_range (
            id INTEGER PRIMARY KEY, partition_id INTEGER NOT NULL, from_offset INTEGER NOT NULL,
            to_offset INTEGER NOT NULL, kind TEXT NOT NULL, pin INTEGER, batch_seq INTEGER,
            at INTEGER NOT NULL, \(countColumns), batches INTEGER NOT NULL DEFAULT 1,
            voided INTEGER NOT NULL, why TEXT NOT NULL);
        INSERT INTO overruled_range (id, partition_id, from_offset, to_offset, kind, pin, batch_seq,
            at, \(counts), voided, why)
        SELECT v.id, partition_id, from_offset, to_offset, kind, pin, batch_seq, at, \(counts),
            voided, why
        FROM void_range AS v JOIN batch ON batch.id = batch_id;
        DROP TABLE void_range;
        ALTER TABLE overruled_range RENAME TO void_range;
        DROP TABLE batch;
        """

    /// Keys that the partner holds, for streams that retract. partition.presence: what a key counts as
    /// that is not in the index, absent | present; NULL where no index is kept. A row whose `present` is 0
    /// is there only where unknown keys count as present.
    private static let presence = """
        ALTER TABLE partition ADD COLUMN presence TEXT;
        ALTER TABLE partition ADD COLUMN presence_rule TEXT;
        CREATE TABLE presence (
            partition_id INTEGER NOT NULL, hash BLOB NOT NULL, present INTEGER NOT NULL,
            PRIMARY KEY (partition_id, hash)) WITHOUT ROWID;
        CREATE TABLE staged_presence (
            lane_id INTEGER NOT NULL, number INTEGER NOT NULL, partition_id INTEGER NOT NULL,
            hash BLOB NOT NULL, present INTEGER NOT NULL, PRIMARY KEY (lane_id, number))
            WITHOUT ROWID;
        """

    /// release_request: an operator asked for it, and its lane has not answered yet. intent_release: what
    /// the open intent releases. quarantine_outcome: the last answer, delivered | filtered | refused (it
    /// did not conform then either) | discarded.
    private static let releases = """
        CREATE TABLE release_request (
            lane_id INTEGER NOT NULL REFERENCES lane,
            quarantine_id INTEGER NOT NULL REFERENCES quarantine ON DELETE CASCADE,
            PRIMARY KEY (lane_id, quarantine_id)) WITHOUT ROWID;
        CREATE INDEX release_request_of_record ON release_request (quarantine_id);
        CREATE TABLE intent_release (
            lane_id INTEGER NOT NULL REFERENCES lane,
            quarantine_id INTEGER NOT NULL REFERENCES quarantine ON DELETE CASCADE,
            outcome TEXT NOT NULL, bytes INTEGER NOT NULL,
            PRIMARY KEY (lane_id, quarantine_id)) WITHOUT ROWID;
        CREATE INDEX intent_release_of_record ON intent_release (quarantine_id);
        CREATE TABLE quarantine_outcome (
            quarantine_id INTEGER PRIMARY KEY REFERENCES quarantine ON DELETE CASCADE,
            outcome TEXT NOT NULL, at INTEGER NOT NULL, batch_seq INTEGER);
        -- Totals must not read the copies.
        CREATE INDEX quarantine_totals ON quarantine (partition_id, state, rule, size);
        """
}
