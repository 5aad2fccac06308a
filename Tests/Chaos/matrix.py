"""The fault matrix: its rows, and the mark that ties a test to one.

    @row("coordinator-killed")
    def test_...(verdict, ...):
        ...
        verdict("delivered once")            # or "halt checkpoint-lost", seen and checked by the test

`CROSSDOCK_REPEAT=5` runs each row's tests so often; `CROSSDOCK_MATRIX=FILE` appends a JSON line for each run,
from which `table.py` makes the page in runbooks/.
"""

import pytest

#: Row by name, in the order and the words of the design. Every row has a test (test_matrix.py).
ROWS = {
    # Crash points: the process is killed with SIGKILL there.
    "crash-before-begin": "crash before begin",
    "crash-mid-produce": "crash mid-produce",
    "crash-before-intent": "crash after the records and markers, before the intent",
    "crash-after-intent": "crash after the intent, before the commit",
    "crash-reply-lost": "crash with EndTxn sent, its reply lost",
    "crash-not-marked": "crash when committed, not marked",
    "crash-in-recovery": "crash during recovery, repeatedly",
    "crash-before-initial-marker": "crash between stored start offsets and initial marker",
    # The ledger.
    "ledger-deleted": "ledger deleted",
    "ledger-restored": "ledger restored from an old copy",
    "ledger-backup-restored": "ledger restored from an online backup",
    "ledger-corrupt-page": "ledger with a corrupt page",
    "ledger-disk-full": "ledger's disk full",
    "ledger-read-only": "ledger read-only",
    # The partner.
    "partner-topic-recreated-running": "partner topic deleted and recreated while running",
    "partner-topic-recreated-down": "partner topic deleted and recreated while down",
    "partner-topic-deleted": "partner topic deleted while running",
    "checkpoint-deleted": "checkpoint topic deleted",
    "checkpoint-emptied": "checkpoint topic emptied",
    "checkpoint-grown": "checkpoint topic grown",
    "partner-restored": "partner restored from a backup of its log directory",
    "too-large-local": "message too large, refused locally",
    "too-large-broker": "message too large, refused by the broker",
    "timestamp-refused": "timestamp refused by the broker",
    "null-key-refused": "null key refused by the broker",
    "acl-revoked": "ACL revoked mid-run",
    "partner-broker-killed": "partner broker killed",
    "partner-broker-away": "partner broker away past the timeout of an open transaction",
    "coordinator-killed": "coordinator killed during commit",
    "partner-paused": "partner broker paused past the transaction timeout",
    "slow-link": "slow link",
    "black-hole": "black hole",
    "connection-reset": "connections reset",
    "end-txn-reply-lost": "EndTxn applied, its reply lost",
    "end-txn-late": "EndTxn held back and let go during the next transaction",
    "partner-partitions-added": "partitions added to the partner topic",
    # The source.
    "source-retention": "source retention passed us",
    "source-recreated-running": "source topic recreated while running",
    "source-recreated-down": "source topic recreated while down",
    "source-partitions-added": "partitions added to the source topic",
    "source-truncated": "source truncated",
    "source-aborted-tail": "source transactional with aborts at its end",
    "source-compacted": "source compacted",
    # The process.
    "sigterm": "SIGTERM under load",
    "sigstop": "SIGSTOP past the transaction timeout",
    "twins-one-host": "two instances on one host and one state directory",
    "twins-two-directories": "two instances on two state directories",
    "zombie": "a zombie that wakes up after another instance took over",
    "lanes-changed": "lanes changed",
    "contract-changed": "contract changed while down",
    "revoked-in-outage": "contract revoked during an outage",
}


def row(name: str):
    """Ties a test to a row of the matrix."""
    assert name in ROWS, f"the matrix has no row '{name}'"
    return pytest.mark.row(name)
