"""Checks of what the service says of itself, against what was counted apart from it."""


def identity(row: dict) -> None:
    """read = delivered + filtered + dropped + quarantined + gaps."""
    parts = ("delivered", "filtered", "dropped", "quarantined", "gaps")
    assert row["read"] == sum(row[part] for part in parts), f"the identity does not hold: {row}"
