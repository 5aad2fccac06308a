"""The ledger, read apart from the service, from a copy of its files. The service must be down."""

import contextlib
import pathlib
import shutil
import sqlite3
import tempfile
from typing import Iterator

COUNTS = ("read", "delivered", "filtered", "dropped", "quarantined", "gaps")


@contextlib.contextmanager
def _copy(ledger: pathlib.Path) -> Iterator[sqlite3.Connection]:
    with tempfile.TemporaryDirectory(prefix="crossdock-ledger-") as directory:
        for file in ledger.parent.glob(ledger.name + "*"):
            if not file.name.endswith("-shm"):
                shutil.copy(file, directory)
        connection = sqlite3.connect(pathlib.Path(directory) / ledger.name)
        connection.row_factory = sqlite3.Row
        try:
            assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            yield connection
        finally:
            connection.close()


def covers(ledger: pathlib.Path, contract: str, topic: str, report: dict) -> None:
    """Every offset between a partition's start and its position lies in exactly one range, and the ranges
    add up to what the partition's books and the lag report say. No intent is left open."""
    with _copy(ledger) as rows:
        assert rows.execute("SELECT count(*) FROM intent").fetchone()[0] == 0, "an intent is open"
        assert rows.execute("SELECT count(*) FROM quarantine WHERE state = 'staged'").fetchone()[0] == 0
        books = rows.execute(
            "SELECT * FROM partition WHERE contract = ? AND topic = ? ORDER BY partition", (contract, topic)
        ).fetchall()
        reported = {p["partition"]: p for p in report["partitions"] if p["topic"] == topic}
        assert [book["partition"] for book in books] == sorted(reported)
        for book in books:
            _covers_one(rows, book, reported[book["partition"]])


def _covers_one(rows: sqlite3.Connection, book: sqlite3.Row, said: dict) -> None:
    where = f"{book['topic']}[{book['partition']}]"
    ranges = rows.execute(
        "SELECT * FROM decided_range WHERE partition_id = ? ORDER BY from_offset", (book["id"],)
    ).fetchall()
    position = book["start_offset"]
    for one in ranges:
        assert one["from_offset"] == position, (
            f"{where}: a range begins at {one['from_offset']}, the one before ended at {position}"
        )
        assert one["to_offset"] > position, f"{where}: the range at {position} covers nothing"
        position = one["to_offset"]
    assert position == book["decided"] == said["currentOffset"], (
        f"{where}: ranges end at {position}, the books at {book['decided']}, the report at "
        f"{said['currentOffset']}"
    )
    for what in COUNTS:
        total = sum(one[what] for one in ranges)
        assert total == book[what] == said[what], (
            f"{where}: {what}: ranges {total}, books {book[what]}, report {said[what]}"
        )


def open_intents(ledger: pathlib.Path) -> int:
    """How many lanes have an open intent; none where there is no ledger yet, or an empty one."""
    if not ledger.exists():
        return 0
    with _copy(ledger) as rows:
        made = rows.execute("SELECT 1 FROM sqlite_master WHERE name = 'intent'").fetchone()
        return rows.execute("SELECT count(*) FROM intent").fetchone()[0] if made else 0


def quarantined(ledger: pathlib.Path, contract: str, topic: str) -> list[tuple[int, int]]:
    """(partition, offset) of the quarantined records, sorted."""
    with _copy(ledger) as rows:
        return [
            tuple(row) for row in rows.execute(
                "SELECT partition.partition, offset FROM quarantine JOIN partition "
                "ON partition.id = partition_id WHERE contract = ? AND topic = ? AND state = 'real' "
                "ORDER BY 1, 2", (contract, topic),
            )
        ]


def contents(ledger: pathlib.Path, quarantine: bool) -> list[bytes]:
    """Every value of every table: of the quarantine's own, or of all the others."""
    with _copy(ledger) as rows:
        tables = [row[0] for row in rows.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return [
            value if isinstance(value, bytes) else str(value).encode()
            for table in tables if (table == "quarantine") == quarantine
            for row in rows.execute(f'SELECT * FROM "{table}"') for value in row
        ]
