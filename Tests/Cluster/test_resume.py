"""How soon the first record arrives after kill -9."""

import dataclasses
import os
import random
import statistics
import time

from confluent_kafka import Consumer, TopicPartition

from Cluster.harness import bigledger, flights, topics
from Cluster.harness.proof import exactly_once

#: CROSSDOCK_RESUMES=40 measures; the few of every day see that it works at all.
KILLS = int(os.environ.get("CROSSDOCK_RESUMES", "6"))
#: Rows of history in the ledger: CROSSDOCK_LEDGER_ROWS=5000000.
ROWS = int(os.environ.get("CROSSDOCK_LEDGER_ROWS", "100000"))
SEED = int(os.environ.get("CROSSDOCK_SEED", "0")) or random.SystemRandom().randrange(1, 2**31)


class Tail:
    """Sees what becomes visible under read_committed, from now on."""

    def __init__(self, broker, topic: str):
        self._consumer = Consumer({
            "bootstrap.servers": broker.bootstrap, "group.id": "crossdock-tests-tail", "log_level": 0,
            "isolation.level": "read_committed", "enable.auto.commit": False, "fetch.wait.max.ms": 10,
        })
        self._consumer.assign([
            TopicPartition(topic, number, end) for number, end in enumerate(topics.ends(broker, topic))
        ])

    def drain(self) -> None:
        while self._consumer.consume(1000, timeout=0.3):
            pass

    def await_one(self, timeout: float) -> float:
        """Waits for a record and returns when it was seen."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            message = self._consumer.poll(0.02)
            if message is not None and message.error() is None:
                return time.monotonic()
        raise AssertionError(f"no record within {timeout:.0f} s")

    def close(self) -> None:
        self._consumer.close()


@dataclasses.dataclass
class Resumes:
    #: Seconds from the start of a process to the first record that it delivers.
    took: list[float]
    #: How many of the kills before these starts left a transaction open.
    open: int


def resumes(clusters, workspace, r, kills: int, dice: random.Random) -> Resumes:
    """Starts after kill -9, of an idle service and of one under load in turn."""
    tail = Tail(clusters.skyways, r.target)
    found = Resumes([], 0)
    written = 0
    try:
        for number in range(kills):
            idle = number % 2 == 0
            count = 300 if idle else 30_000
            topics.produce(clusters.internal, r.source, flights.rows(count, partitions=6, first=written))
            written += count
            begun = time.monotonic()
            service = workspace.start()
            found.took.append(tail.await_one(60) - begun)
            if idle:
                workspace.await_lag(caught_up, "the service to be idle", 120)
            else:
                time.sleep(dice.uniform(0.0, 0.1))
            service.kill()
            # A commit that is under way is decided within this time: what is open now was left open.
            tail.drain()
            found.open += topics.has_open_transaction(clusters.skyways, r.target)
    finally:
        tail.close()
    return found


def caught_up(report) -> bool:
    """Also where the ledger knows of other contracts."""
    return report.get("flights-skyways", report)["lag"] == 0


def distribution(took: list[float]) -> str:
    cuts = statistics.quantiles(took, n=20, method="inclusive")
    return (
        f"{len(took)} kills: median {statistics.median(took):.2f} s, 95th percentile {cuts[18]:.2f} s, "
        f"longest {max(took):.2f} s"
    )


def test_the_first_record_after_a_kill_arrives_soon(clusters, workspace, route, say):
    r = route(partitions=6)
    workspace.contract(flights.contract(r.source, r.target, max_records=100))
    # The first start makes the checkpoint topic.
    topics.produce(clusters.internal, r.source, flights.rows(600, partitions=6))
    workspace.catch_up()
    bigledger.grow(workspace.ledger, ROWS)
    found = resumes(clusters, workspace, r, KILLS, random.Random(SEED))
    print([round(seconds, 2) for seconds in found.took])
    say(
        f"first record after kill -9, {ROWS} rows in the ledger, {distribution(found.took)}; {found.open} left a transaction open "
        f"(seed {SEED})"
    )
    # A busy machine is slow; what it must not do is wait for a transaction to time out (30 s).
    assert max(found.took) < 20, found.took
    workspace.catch_up(timeout=120)
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())
