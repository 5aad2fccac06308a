"""A long history in the ledger of a service that is down, without the years that it takes."""

import pathlib
import sqlite3
import time

#: The retired contract whose history it is. Its topic need not exist: no lane of it runs.
CONTRACT = "history"
PARTITIONS = 10


def grow(ledger: pathlib.Path, rows: int, newest: int | None = None, every: int = 100) -> None:
    """Adds `rows` rows of `decided_range`, one offset each, as the history of a contract that is retired.

    Cover and identity hold for it: each partition's rows lie side by side from its start to where it stands,
    and add up to its books. `newest`: when the last row was decided, milliseconds since the epoch; the ones
    before it lie `every` milliseconds apart. By default all of them lie ahead: the service coalesces what is
    older than ten minutes, and these rows are to stay what they are.
    """
    if newest is None:
        newest = int(time.time() * 1000) + 86_400_000 + every * rows
    each = rows // PARTITIONS
    assert each * PARTITIONS == rows, f"a multiple of {PARTITIONS} rows"
    connection = sqlite3.connect(ledger, isolation_level=None)
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        # A crash in here costs the test its ledger, nothing else.
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN EXCLUSIVE")
        pin = connection.execute(
            "INSERT INTO contract_version (contract, version, hash, first_seen) VALUES (?, '1.0.0', ?, ?)",
            (CONTRACT, "0" * 64, newest - every * rows),
        ).lastrowid
        lane = connection.execute(
            "INSERT INTO lane (contract, lane, pin, source_cluster, partner_cluster, layout, last_batch_seq) "
            "SELECT ?, 0, ?, source_cluster, partner_cluster, layout, ? FROM lane "
            "WHERE source_cluster IS NOT NULL LIMIT 1", (CONTRACT, pin, each),
        ).lastrowid
        for number in range(PARTITIONS):
            _partition(connection, lane, pin, number, each, newest, every * PARTITIONS)
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()


def _partition(
    connection: sqlite3.Connection, lane: int, pin: int, number: int, rows: int, newest: int, every: int
) -> None:
    chain = "c" * 64
    row = connection.execute(
        "INSERT INTO partition (contract, topic, partition, lane_id, start_offset, decided, fingerprints, chain, "
        "read, delivered, filtered, dropped, quarantined, gaps, bytes) "
        "VALUES (?, ?, ?, ?, 0, ?, '', ?, ?, ?, ?, 0, 0, 0, ?)",
        (CONTRACT, CONTRACT, number, lane, rows, chain, rows, rows // 2, rows - rows // 2, rows // 2 * 100),
    ).lastrowid
    # Every second record is delivered, with 100 bytes.
    connection.execute(
        "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :rows) "
        "INSERT INTO decided_range (partition_id, from_offset, to_offset, kind, pin, batch_seq, at, read, delivered, "
        "filtered, dropped, quarantined, gaps, bytes, chain) "
        "SELECT :row, i, i + 1, 'decided', :pin, i + 1, :newest - (:rows - 1 - i) * :every, "
        "1, i % 2, 1 - i % 2, 0, 0, 0, i % 2 * 100, :chain FROM n",
        {"rows": rows, "row": row, "pin": pin, "newest": newest, "every": every, "chain": chain},
    )
