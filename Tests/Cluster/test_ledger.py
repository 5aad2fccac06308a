"""A ledger with a long history: kept small beside the lanes, killed at any moment, and as quick as a new one."""

import os
import random
import sqlite3
import time

from Checkers.ledger import COUNTS
from Cluster.harness import bigledger, flights, topics
from Cluster.harness.processes import wait_until
from Cluster.harness.proof import exactly_once

SEED = int(os.environ.get("CROSSDOCK_SEED", "0")) or random.SystemRandom().randrange(1, 2**31)
ROWS = int(os.environ.get("CROSSDOCK_LEDGER_ROWS", "300000"))
KILLS = int(os.environ.get("CROSSDOCK_LEDGER_KILLS", "8"))
WEEK = 7 * 86_400_000


def rows(workspace) -> int:
    with sqlite3.connect(f"file:{workspace.ledger}?mode=ro", uri=True) as connection:
        return connection.execute("SELECT count(*) FROM decided_range").fetchone()[0]


def history(workspace) -> None:
    """What was there before still covers every offset once, and adds up. The service must be down."""
    with sqlite3.connect(workspace.ledger) as connection:
        connection.row_factory = sqlite3.Row
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        books = connection.execute("SELECT * FROM partition WHERE contract = ?", (bigledger.CONTRACT,)).fetchall()
        assert sum(book["read"] for book in books) == ROWS
        for book in books:
            ranges = connection.execute(
                "SELECT * FROM decided_range WHERE partition_id = ? ORDER BY from_offset", (book["id"],)).fetchall()
            begins = [book["start_offset"], *(one["to_offset"] for one in ranges)]
            assert begins == [*(one["from_offset"] for one in ranges), book["decided"]]
            for what in COUNTS:
                assert sum(one[what] for one in ranges) == book[what], (what, book["partition"])
            assert sum(one["batches"] for one in ranges) == book["decided"]


def test_coalescing_survives_being_killed(clusters, workspace, route, say):
    print(f"CROSSDOCK_SEED={SEED}")
    dice = random.Random(SEED)
    r = route(partitions=2)
    workspace.contract(flights.contract(r.source, r.target))
    topics.produce(clusters.internal, r.source, flights.rows(200, partitions=2))
    workspace.catch_up()
    # Half of it is to be kept in detail, half of it not.
    bigledger.grow(workspace.ledger, ROWS, newest=int(time.time() * 1000) - WEEK + ROWS * 50)
    whole = workspace.ledger.stat().st_size
    history(workspace)
    kills = 0
    left = rows(workspace)
    while kills < KILLS:
        service = workspace.start()
        wait_until(lambda: rows(workspace) < left - 3000 or not service.runs, "rows to become fewer", 60)
        time.sleep(dice.uniform(0, 0.1))
        assert service.runs, service.log[-3000:]
        service.kill()
        kills += 1
        history(workspace)
        left = rows(workspace)
        topics.produce(clusters.internal, r.source, flights.rows(100, partitions=2, first=100 + 100 * kills))
    service = workspace.start()
    wait_until(lambda: rows(workspace) < 3000, "all of them to be coalesced", 300, every=0.5)
    wait_until(
        lambda: workspace.ledger.stat().st_size < whole / 4, "the file to give its pages back", 240, every=0.5)
    assert service.stop() == 0
    history(workspace)
    workspace.catch_up()
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())
    say(
        f"{ROWS} rows became {rows(workspace)}, {whole >> 20} MiB became {workspace.ledger.stat().st_size >> 20}, "
        f"over {kills} kills (seed {SEED})"
    )


def test_a_long_history_delays_nothing(clusters, workspace, route, say):
    r = route(partitions=2)
    workspace.contract(flights.contract(r.source, r.target))
    sent = 0

    def first_commit() -> float:
        """Seconds from the start to a new record at the partner."""
        nonlocal sent
        topics.produce(clusters.internal, r.source, flights.rows(100, partitions=2, first=sent))
        sent += 100
        before = sum(topics.ends(clusters.skyways, r.target))
        begun = time.monotonic()
        service = workspace.start()
        wait_until(
            lambda: sum(topics.ends(clusters.skyways, r.target)) > before or not service.runs,
            "a delivery", 60, every=0.01)
        took = time.monotonic() - begun
        workspace.run("backup", str(workspace.directory / f"copy-{sent}.db"), timeout=300)
        workspace.await_lag(lambda _: sum(topics.ends(clusters.skyways, r.target)) > before, "a report")
        service.kill()
        return took

    first_commit()
    small = min(first_commit() for _ in range(3))
    bigledger.grow(workspace.ledger, ROWS)
    large = min(first_commit() for _ in range(3))
    assert rows(workspace) > ROWS
    workspace.catch_up()
    history(workspace)
    say(f"kill -9 to the first record: {small:.2f} s, with {ROWS} rows {large:.2f} s")
    assert large < small + 1.0
