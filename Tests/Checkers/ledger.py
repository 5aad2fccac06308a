"""The ledger, read apart from the service, from a copy of its files. The service must be down."""

import contextlib
import pathlib
import shutil
import sqlite3
import tempfile
from dataclasses import dataclass
from typing import Iterator

COUNTS = ("read", "delivered", "filtered", "dropped", "quarantined", "gaps", "bytes")


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


@dataclass
class Range:
    """A row of `decided_range`: what became of the offsets from `start` up to `end`."""

    start: int
    end: int
    kind: str
    #: The contract's version that decided it, None where nobody knows.
    version: str | None
    counts: dict[str, int]


@dataclass
class Partition:
    """A source partition's books."""

    number: int
    lane: int
    decided: int
    counts: dict[str, int]
    chain: str
    #: L: next offset, batch_seq, nonce as hex; None before the first marker.
    marker: tuple[int, int, str] | None
    ranges: list[Range]
    #: How many keys the ledger says that the partner holds; None where it keeps no index of them.
    held: int | None = None


@dataclass
class Lane:
    last_batch_seq: int
    source_cluster: str
    partner_cluster: str
    #: Version and hash of what decides next.
    pin: tuple[str, str]
    has_intent: bool
    staged: int
    #: Last acknowledged offset by partner topic and partition.
    acknowledged: dict[tuple[str, int], int]
    #: Changes of the keys that the partner holds.
    staged_presence: int = 0


@dataclass(frozen=True)
class Quarantined:
    partition: int
    offset: int
    state: str


def load(
    ledger: pathlib.Path, contract: str, topic: str
) -> tuple[list[Partition], dict[int, Lane], list[Quarantined]]:
    """The contract's partitions of a source topic, in order, its lanes by number, and what is quarantined."""
    with _copy(ledger) as rows:
        found = rows.execute(
            "SELECT partition.*, lane.lane FROM partition JOIN lane ON lane.id = lane_id "
            "WHERE partition.contract = ? AND topic = ? ORDER BY partition", (contract, topic)
        ).fetchall()
        partitions = [_partition(rows, row) for row in found]
        lanes = {
            row["lane"]: _lane(rows, row)
            for row in rows.execute("SELECT * FROM lane WHERE contract = ?", (contract,)).fetchall()
        }
        quarantine = [Quarantined(*row) for row in rows.execute(
            "SELECT partition.partition, offset, state FROM quarantine JOIN partition "
            "ON partition.id = partition_id WHERE contract = ? AND topic = ? ORDER BY 1, 2, 3", (contract, topic)
        )]
    return partitions, lanes, quarantine


def _counts(row: sqlite3.Row) -> dict[str, int]:
    return {what: row[what] for what in COUNTS}


def _partition(rows: sqlite3.Connection, row: sqlite3.Row) -> Partition:
    marker = None
    if row["marker_seq"] is not None:
        marker = (row["marker_next"], row["marker_seq"], row["marker_nonce"].hex())
    ranges = rows.execute(
        "SELECT decided_range.*, version FROM decided_range "
        "LEFT JOIN contract_version ON contract_version.id = pin WHERE partition_id = ? ORDER BY from_offset",
        (row["id"],),
    )
    return Partition(
        row["partition"], row["lane"], row["decided"], _counts(row), row["chain"], marker,
        [Range(one["from_offset"], one["to_offset"], one["kind"], one["version"], _counts(one)) for one in ranges],
        None if row["presence"] is None else rows.execute(
            "SELECT count(*) FROM presence WHERE partition_id = ? AND present", (row["id"],)
        ).fetchone()[0],
    )


def _lane(rows: sqlite3.Connection, row: sqlite3.Row) -> Lane:
    def one(question: str):
        return rows.execute(question, (row["id"],)).fetchone()

    pin = rows.execute("SELECT version, hash FROM contract_version WHERE id = ?", (row["pin"],)).fetchone()
    return Lane(
        row["last_batch_seq"], row["source_cluster"], row["partner_cluster"], tuple(pin or ("", "")),
        one("SELECT count(*) FROM intent WHERE lane_id = ?")[0] > 0,
        one("SELECT count(*) FROM quarantine WHERE state = 'staged' AND lane_id = ?")[0],
        {
            (found["topic"], found["partition"]): found["offset"]
            for found in rows.execute("SELECT * FROM acknowledged WHERE lane_id = ?", (row["id"],))
        },
        one("SELECT count(*) FROM staged_presence WHERE lane_id = ?")[0],
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
