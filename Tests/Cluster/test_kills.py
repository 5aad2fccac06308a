"""kill -9 at random moments."""

import itertools
import os
import random
import time

import pytest

from Cluster.harness import flights, topics
from Cluster.harness.processes import wait_until
from Cluster.harness.proof import exactly_once

SEED = int(os.environ.get("CROSSDOCK_SEED", "0")) or random.SystemRandom().randrange(1, 2**31)


def kill_repeatedly(
    clusters, workspace, route, kills: int, dice: random.Random, feed=None
) -> dict[str, int]:
    """Starts the service and kills it, over and over: a quarter of the times early, the others under load,
    and on until enough of them have hit an open transaction.

    `feed`: called where little is left to decide, so that a fast service never runs out of work.
    """
    hit = {"kills": 0, "open": 0, "early": 0}

    def delivered() -> int:
        return sum(topics.ends(clusters.skyways, route.target, committed=False))

    while hit["kills"] < kills or (hit["open"] < kills // 4 and hit["kills"] < 3 * kills):
        if feed is not None and undecided(clusters, workspace, route) < 30_000:
            feed()
        before = delivered()
        service = workspace.start()
        if hit["kills"] % 4 == 0:
            time.sleep(dice.uniform(0.0, 1.5))
        else:
            wait_until(lambda: delivered() > before or not service.runs, "deliveries", 60, every=0.005)
            time.sleep(dice.uniform(0.0, 0.1))
        assert service.runs, f"the service ended by itself:\n{service.log[-3000:]}"
        service.kill()
        hit["kills"] += 1
        # A commit that is under way is decided within this time: what is open now was left open.
        time.sleep(0.2)
        hit["open"] += topics.has_open_transaction(clusters.skyways, route.target)
        hit["early"] += delivered() == before
    return hit


def undecided(clusters, workspace, route) -> int:
    """Source records that the ledger does not hold as decided; all of them before a first start."""
    known = workspace.lag() if workspace.ledger.exists() else {}
    return sum(topics.ends(clusters.internal, route.source)) - sum(
        partition["read"] for partition in known.get("partitions", [])
    )


def test_twenty_kills_lose_double_and_reorder_nothing(clusters, workspace, route, say):
    print(f"CROSSDOCK_SEED={SEED}")
    r = route(partitions=6)
    fed = itertools.count()

    def feed() -> None:
        rows = flights.rows(50_000, partitions=6, first=50_000 * next(fed))
        topics.produce(clusters.internal, r.source, rows)

    # Small transactions: the work lasts, and a kill finds one open.
    workspace.contract(flights.contract(r.source, r.target, max_records=100))
    hit = kill_repeatedly(clusters, workspace, r, 20, random.Random(SEED), feed)
    left = undecided(clusters, workspace, r)
    workspace.catch_up(timeout=180)
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())
    say(
        f"kill -9: {hit['kills']} kills, {hit['open']} left an open transaction, {hit['early']} before the "
        f"run delivered anything, {left} records still undecided after the last (seed {SEED})"
    )
    assert hit["open"] >= 5, "too few kills hit an open transaction to prove much"


@pytest.mark.skipif(
    "CROSSDOCK_FLIGHTS" not in os.environ or not flights.WHOLE.exists(),
    reason="the long proof: CROSSDOCK_FLIGHTS=300000, with the flights of ../shared/data",
)
def test_the_long_proof(clusters, workspace, route, say):
    print(f"CROSSDOCK_SEED={SEED}")
    count = int(os.environ["CROSSDOCK_FLIGHTS"])
    r = route(partitions=6)
    topics.produce(clusters.internal, r.source, flights.rows(count, partitions=6, whole=flights.WHOLE))
    workspace.contract(flights.contract(r.source, r.target, max_records=300))
    hit = kill_repeatedly(clusters, workspace, r, 20, random.Random(SEED))
    workspace.catch_up(timeout=300)
    expected = exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())
    say(
        f"{count} flights, 6 partitions, 2 lanes, {hit['kills']} kills of which {hit['open']} left an open "
        f"transaction: {expected.delivered} delivered and {expected.filtered} filtered, each once and in "
        f"order (seed {SEED})"
    )
