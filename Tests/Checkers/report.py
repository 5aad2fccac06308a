"""Checks of what the service says of itself, against what was counted apart from it."""


def identity(row: dict) -> None:
    """read = delivered + filtered + dropped + quarantined + gaps."""
    parts = ("delivered", "filtered", "dropped", "quarantined", "gaps")
    assert row["read"] == sum(row[part] for part in parts), f"the identity does not hold: {row}"


def matches(contract: dict, expected, ends: list[int], stream: str) -> None:
    """The report of a contract that caught up: lag 0, the identity, and the checker's own counts."""
    rows = [row for row in contract["partitions"] if row["stream"] == stream]
    assert len(rows) == len(ends), f"{len(rows)} rows for {len(ends)} partitions"
    for row in rows:
        identity(row)
        assert row["lag"] == 0, row
        assert row["currentOffset"] == row["logEndOffset"] == ends[row["partition"]], row
        assert row["delivered"] == len(expected.by_source[row["partition"]]), row
    for what in ("delivered", "filtered", "dropped", "quarantined"):
        assert sum(row[what] for row in rows) == getattr(expected, what), what
    assert sum(row["gaps"] for row in rows) == 0
    assert contract["lag"] == 0, contract
