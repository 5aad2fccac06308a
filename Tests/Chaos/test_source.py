"""Rows of the fault matrix about the source: what was decided stays decided, and nothing is read on unseen in a
topic that is not the one that was read."""

import dataclasses
import json
import time

import pytest
from confluent_kafka import TopicPartition

from Chaos.harness.cases import answer, answer_running, await_halt, before, choose, halts, idle, recreate, since
from Chaos.matrix import row
from Checkers.view import Field, View
from Cluster.harness import flights, topics
from Cluster.harness.processes import wait_until
from Cluster.harness.topics import Row


def delete_up_to(one, *offsets: int) -> None:
    """What retention does, at once: the partitions begin at these offsets from now on."""
    wanted = [TopicPartition(one.source, number, offset) for number, offset in enumerate(offsets)]
    for answer in one.internal.admin.delete_records(wanted).values():
        answer.result(timeout=20)


# Retention


@row("source-retention")
def test_retention_that_passed_a_service_that_is_down_halts(case, verdict):
    one = case(600)
    one.workspace.catch_up()
    one.load(400)
    old = one.history()
    delete_up_to(one, 350, 0)
    seen = one.seen()
    halts(one.workspace, "retention-gap")
    assert one.seen() == seen
    choose(one.workspace, "--accept-gap")
    one.workspace.catch_up()
    rows = one.workspace.lag()["partitions"]
    assert [row["gaps"] for row in rows] == [50, 0] and [row["read"] for row in rows] == [500, 500]
    assert one.figures()["lag"] == 0
    one.sees([before(old, [300, 500])[0] + since(old, [350, 0])[0], old[1]])
    # The gap stands in the marker too: it outlives the ledger.
    one.workspace.ledger.parent.rename(one.workspace.directory / "lost")
    one.workspace.catch_up()
    assert one.figures()["gaps"] == 50
    verdict("halt retention-gap; accept-gap: the rest once, the gap counted")


@row("source-retention")
def test_retention_that_passes_a_service_that_waits_halts(case, clusters, verdict):
    one = case(400, max_records=20)
    service = one.workspace.start()
    one.workspace.await_lag(lambda report: report["lag"] == 0, "the first records")
    old = one.history()
    clusters.skyways.pause()
    one.load(4000)
    old = one.history()
    one.workspace.await_lag(lambda report: report["status"] == "WAITING", "the partner's outage", 90)
    delete_up_to(one, 1500, 1500)
    clusters.skyways.proceed()
    # What was read before may still be delivered; what follows is a gap or delivered, never silence.
    await_halt(one.workspace, service, "retention-gap", 90)
    at = one.decided()
    assert all(200 <= offset < 1500 for offset in at), at
    one.sees(before(old, at))
    choose(one.workspace, "--accept-gap")
    one.workspace.await_lag(lambda report: report["lag"] == 0 and report["status"] == "IDLE", "the rest", 90)
    assert service.stop() == 0
    figures = one.figures()
    assert (figures["gaps"], figures["read"]) == (3000 - sum(at), 4400)
    one.sees(before(old, at), since(old, [1500, 1500]))
    verdict("halt retention-gap; accept-gap: the rest once, the gap counted")


# Recreated


@row("source-recreated-running")
@pytest.mark.parametrize("count", [100, 3000], ids=["fewer", "beyond the position"])
def test_a_source_recreated_under_an_idle_service_halts(case, verdict, count):
    one = case(600)
    service = one.workspace.start()
    one.workspace.await_lag(lambda report: report["status"] == "IDLE", "the first records")
    old = one.history()
    recreate(one.internal, one.source, 2)
    one.load(count)
    await_halt(one.workspace, service, "source-truncated")
    one.sees(old)
    answer_running(one.workspace, "source-truncated", "--start-at", "earliest")
    assert service.stop() == 0
    one.sees(old, one.history())
    verdict("halt source-truncated; start-at earliest: the new topic once")


@row("source-recreated-running")
def test_a_source_recreated_under_load_halts(case, verdict):
    one = case(6000, max_records=5)
    service = one.workspace.start()
    one.await_deliveries(200)
    old = one.history()
    recreate(one.internal, one.source, 2)
    one.load(9000)
    await_halt(one.workspace, service, "source-truncated", 90)
    at = one.decided()
    one.sees(before(old, at))
    assert service.stop() == 0
    halts(one.workspace, "source-truncated")
    one.sees(before(old, at))
    answer(one.workspace, "source-truncated", "--start-at", "earliest")
    one.sees(before(old, at), one.history())
    verdict("halt source-truncated; start-at earliest: the new topic once")

class Trickle:
    """Records that arrive without a pause; what the topic held stays known when it is gone."""

    def __init__(self, one):
        self._one = one
        self.history = one.history()
        self._rows = flights.rows(10**6, one.partitions, one.loaded)

    def run(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            now = int(time.time() * 1000)
            rows = [dataclasses.replace(next(self._rows), timestamp=now) for _ in range(self._one.partitions)]
            topics.produce(self._one.internal, self._one.source, rows)
            for row in rows:
                records = self.history[row.partition]
                records.append(topics.Record(row.partition, len(records), now, row.key, row.value, row.headers))


def swap(one, rows: list[topics.Row]) -> None:
    """Another topic of the name in its place, filled at once, faster than a fetch is tried again."""
    topics.delete(one.internal, one.source)
    topics.create(one.internal, one.source, one.partitions)
    topics.produce(one.internal, one.source, rows)


@row("source-recreated-running")
def test_a_source_swapped_between_two_fetches_halts(case, verdict):
    one = case(100)
    service = one.workspace.start()
    idle(one.workspace)
    trickle = Trickle(one)
    trickle.run(3)
    swap(one, list(flights.rows(4000, 2, 50_000)))
    trickle = trickle.history
    await_halt(one.workspace, service, "source-truncated", 60)
    at = one.decided()
    one.sees(before(trickle, at))
    answer_running(one.workspace, "source-truncated", "--start-at", "earliest")
    assert service.stop() == 0
    one.sees(before(trickle, at), one.history())
    verdict("halt source-truncated; start-at earliest: the new topic once")


@row("source-recreated-down")
@pytest.mark.parametrize("partitions, count", [(1, 100), (2, 0), (2, 3000), (3, 100), (3, 3000)])
def test_a_source_recreated_while_down_halts(case, verdict, partitions, count):
    one = case(600, target=3)
    one.workspace.catch_up()
    old = one.history()
    recreate(one.internal, one.source, partitions)
    one.partitions = partitions
    one.load(count)
    halts(one.workspace, "source-truncated")
    one.sees(old)
    if partitions == 1:
        # The page: it needs its old count back first.
        topics.grow(one.internal, one.source, 2)
        halts(one.workspace, "source-truncated")
    answer(one.workspace, "source-truncated", "--start-at", "earliest")
    assert one.figures()["lag"] == 0
    new = one.history()
    one.sees(old + [[]] * (len(new) - 2), new)
    verdict("halt source-truncated; start-at earliest: the new topic once")


# Partitions added


@row("source-partitions-added")
def test_partitions_added_while_down_are_read_from_their_beginning(case, verdict):
    one = case(400, target=4, start="latest")
    one.workspace.catch_up()
    first = topics.ends(one.internal, one.source)
    topics.grow(one.internal, one.source, 4)
    one.partitions = 4
    one.load(800)
    one.workspace.catch_up()
    assert one.figures()["lag"] == 0
    one.sees(since(one.history(), [*first, 0, 0]))
    verdict("delivered once")


@row("source-partitions-added")
def test_partitions_added_under_load_are_read_from_their_beginning(case, verdict):
    one = case(6000, target=4, max_records=5)
    service = one.workspace.start()
    one.await_deliveries(200)
    topics.grow(one.internal, one.source, 4)
    one.partitions = 4
    one.load(800)
    one.workspace.await_lag(
        lambda report: report["lag"] == 0 and sum(row["read"] for row in report["partitions"]) == 6800,
        "the added partitions", 90,
    )
    assert service.stop() == 0
    one.prove_as_it_is()
    verdict("delivered once")


@row("source-partitions-added")
def test_partitions_that_the_partner_has_no_place_for_halt(case, verdict):
    one = case(400)
    one.workspace.catch_up()
    topics.grow(one.internal, one.source, 3)
    one.partitions = 3
    one.load(300)
    seen = one.seen()
    halts(one.workspace, "partner-partitions")
    assert one.seen() == seen
    # The page: the partner adds partitions; the ledger notices that too.
    topics.grow(one.partner, one.target, 3)
    halts(one.workspace, "layout-changed")
    choose(one.workspace, "--accept-layout")
    one.workspace.catch_up()
    one.prove_as_it_is()
    verdict("halt partner-partitions; partitions added, accept-layout: delivered once")


# Transactions with aborts at the end


@row("source-aborted-tail")
@pytest.mark.parametrize("running", [False, True], ids=["down", "running"])
def test_aborts_at_the_end_are_crossed(case, verdict, running):
    one = case(0)
    service = one.workspace.start() if running else None
    producer = topics.transactional_producer(one.internal, f"upstream-{one.source}")
    for turn, commits in enumerate([True, False, True, False, False, False]):
        producer.begin_transaction()
        topics.produce(one.internal, one.source, flights.rows(100, 2, 100 * turn), producer)
        producer.commit_transaction(30) if commits else producer.abort_transaction(30)
    if service is not None:
        one.workspace.await_lag(
            lambda report: report["lag"] == 0 and sum(row["read"] for row in report["partitions"]) == 200,
            "lag 0 behind the aborts",
        )
        assert service.stop() == 0
    else:
        one.workspace.catch_up()
    assert one.decided() == topics.ends(one.internal, one.source, committed=False)
    one.prove_as_it_is()
    # What was crossed is crossed for good: the marker holds it, and nothing is read again.
    one.workspace.ledger.parent.rename(one.workspace.directory / "lost")
    one.workspace.catch_up()
    figures = one.figures()
    assert (figures["lag"], figures["read"]) == (0, 200)
    one.sees(one.history())
    verdict("lag 0, delivered once")


@row("source-aborted-tail")
def test_a_hanging_upstream_transaction_holds_back_what_stands_behind_it(case, verdict):
    one = case(100)
    open_one = topics.transactional_producer(one.internal, f"hanging-{one.source}")
    open_one.begin_transaction()
    topics.produce(one.internal, one.source, flights.rows(20, 2, 900), open_one)
    one.load(100)
    service = one.workspace.start()
    one.workspace.await_lag(lambda report: report["lag"] == 0, "the stable end")
    assert one.figures()["read"] == 100
    open_one.abort_transaction(30)
    one.workspace.await_lag(
        lambda report: report["lag"] == 0 and sum(row["read"] for row in report["partitions"]) == 200,
        "what stood behind it",
    )
    assert service.stop() == 0
    one.prove_as_it_is()
    verdict("lag 0, delivered once")


# Compacted


@row("source-compacted")
def test_a_compacted_source_is_read_across_its_holes(case, verdict):
    settings = {
        "cleanup_policy": "compact", "segment_ms": "100", "min_cleanable_dirty_ratio": "0.01",
        "min_compaction_lag_ms": "0", "max_compaction_lag_ms": "100",
    }
    one = case(0, partitions=1, settings=settings, filter=None, fields="[turn, n]", headers=None)
    one.rules = View(fields=[Field("turn"), Field("n")])

    def produce(turn: int) -> None:
        # Every fifth key is this turn's own and stays, so that what is cleaned leaves holes between.
        topics.produce(one.internal, one.source, (
            Row(b"key-%d-%d" % (n, 0 if n % 5 else turn), json.dumps({"turn": turn, "n": n}).encode(), partition=0)
            for n in range(50)
        ))

    def compact(turn: int) -> None:
        """Until the records of earlier turns are gone, the active segment being rolled by one more."""
        def cleaned() -> bool:
            topics.produce(one.internal, one.source, [Row(b"roll", b'{"turn":9,"n":0}', partition=0)])
            stale = [
                record for record in one.history()[0]
                if record.value and json.loads(record.value)["turn"] < turn and not record.key.endswith(b"-%d" % (
                    json.loads(record.value)["turn"]
                ))
            ]
            return not [record for record in stale if record.key.endswith(b"-0")]

        wait_until(cleaned, "the log cleaner", 60, every=0.3)

    produce(0)
    produce(1)
    compact(1)
    one.workspace.catch_up()
    delivered = one.history()[0]
    assert any(late.offset > early.offset + 1 for early, late in zip(delivered, delivered[1:])), "no holes"
    one.sees([delivered])
    position, = one.decided()
    assert position == topics.ends(one.internal, one.source)[0]
    # What the fingerprints of the marker name is compacted away now, and more than was read.
    produce(2)
    produce(3)
    compact(3)
    new = since(one.history(), [position])[0]
    assert not before(one.history(), [position])[0][-8:] == delivered[-8:]
    one.workspace.catch_up()
    one.sees([delivered + new])
    assert one.figures()["lag"] == 0
    verdict("delivered once")


# Truncated


@row("source-truncated")
def test_a_source_set_back_halts(case, restorable, verdict):
    down, beyond, running = (case(300, internal=restorable) for _ in range(3))
    for one in (down, beyond, running):
        one.workspace.catch_up()
    restorable.back_up("source")
    histories = {}
    for one in (down, beyond, running):
        one.load(300)
        one.workspace.catch_up()
        histories[one.source] = one.history()
    service = running.workspace.start()
    idle(running.workspace)
    restorable.restore("source")
    await_halt(running.workspace, service, "source-truncated", 90)
    running.load(100)
    # As many as were lost, of the same content, and more: the position looks good again.
    beyond.load(800)
    for one in (down, beyond):
        halts(one.workspace, "source-truncated")
    for one in (down, beyond, running):
        one.sees(histories[one.source])
    # What was lost is at the partner; what is new stands where it stood.
    answer_running(running.workspace, "source-truncated", "--start-at", "150")
    assert service.stop() == 0
    down.load(100)
    for one in (down, beyond):
        answer(one.workspace, "source-truncated", "--start-at", "150")
    for one in (down, beyond, running):
        assert one.figures()["lag"] == 0
        one.sees(histories[one.source], since(one.history(), [150, 150]))
    verdict("halt source-truncated; start-at: what is new, once")
