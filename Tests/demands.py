"""Whether what a test needs may be missing."""

import os


def everything() -> bool:
    """CI is set: what is missing is a failure, not a skipped test."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false")
