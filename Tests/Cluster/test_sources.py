"""Sources of every kind."""

import json
import time

from Checkers.view import Field, View, compare
from Cluster.harness import flights, topics
from Cluster.harness.processes import wait_until
from Cluster.harness.proof import exactly_once
from Cluster.harness.topics import Row


def test_filtered_traffic_alone_makes_progress(clusters, workspace, route):
    r = route(partitions=2)
    topics.produce(clusters.internal, r.source, flights.rows(3000, partitions=2))
    workspace.contract(flights.contract(r.source, r.target, filter="value.year == 1999"))
    service = workspace.start()
    report = workspace.await_lag(lambda report: report["lag"] == 0, "filtered records to be decided")
    assert sum(p["filtered"] for p in report["partitions"]) == 3000
    service.kill()
    workspace.catch_up()
    assert topics.ends(clusters.skyways, r.target) == [0, 0]
    exactly_once(
        workspace, clusters.internal, clusters.skyways, r, flights.view(filter=lambda value: value["year"] == 1999)
    )


def test_a_transactional_source_with_aborts_at_its_end_reaches_lag_zero(clusters, workspace, route):
    r = route(partitions=2)
    producer = topics.transactional_producer(clusters.internal, f"upstream-{r.source}")
    for turn, commits in enumerate([True, False, True, False, False, False]):
        producer.begin_transaction()
        topics.produce(
            clusters.internal, r.source, flights.rows(100, partitions=2, first=100 * turn), producer
        )
        producer.commit_transaction(30) if commits else producer.abort_transaction(30)
    workspace.contract(flights.contract(r.source, r.target))
    workspace.catch_up()
    expected = exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())
    assert expected.delivered + expected.filtered == 200


def test_an_open_upstream_transaction_is_not_read_and_its_commit_is(clusters, workspace, route):
    r = route(partitions=1)
    topics.produce(clusters.internal, r.source, flights.rows(50, partitions=1))
    producer = topics.transactional_producer(clusters.internal, f"upstream-{r.source}")
    producer.begin_transaction()
    topics.produce(clusters.internal, r.source, flights.rows(50, partitions=1, first=50), producer)
    workspace.contract(flights.contract(r.source, r.target))
    service = workspace.start()
    report = workspace.await_lag(lambda report: report["lag"] == 0, "the stable records")
    assert report["partitions"][0]["read"] == 50
    producer.commit_transaction(30)
    workspace.await_lag(lambda report: report["partitions"][0]["read"] == 100, "the rest")
    assert service.stop() == 0
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())


def test_a_compacted_source_is_read_across_its_holes(clusters, workspace, route):
    r = route(
        partitions=1, cleanup_policy="compact", segment_ms="100", min_cleanable_dirty_ratio="0.01",
        min_compaction_lag_ms="0", max_compaction_lag_ms="100",
    )
    for turn in range(4):
        # Every fifth key is this turn's own and stays, so that what is cleaned leaves holes between.
        rows = (
            Row(
                b"key-%d-%d" % (n, 0 if n % 5 else turn),
                json.dumps({"turn": turn, "n": n}).encode(), partition=0,
            )
            for n in range(50)
        )
        topics.produce(clusters.internal, r.source, rows)
        time.sleep(0.2)

    def compacted() -> bool:
        # An active segment is never cleaned: one more record rolls it.
        topics.produce(clusters.internal, r.source, [Row(b"roll", b'{"turn":9,"n":0}', partition=0)])
        return len(topics.read(clusters.internal, r.source)[0]) < 120

    wait_until(compacted, "the log cleaner", 60, every=0.5)
    workspace.contract(
        flights.contract(r.source, r.target, filter=None, fields="[turn, n]", headers=None)
    )
    workspace.catch_up()
    source = topics.read(clusters.internal, r.source)[0]
    assert any(after.offset > before.offset + 1 for before, after in zip(source, source[1:]))
    report = workspace.lag()["partitions"][0]
    assert report["lag"] == 0 and report["currentOffset"] == topics.ends(clusters.internal, r.source)[0]


def test_partitions_added_to_the_source_are_read_from_their_start(clusters, workspace, route):
    r = route(partitions=2, target=4)
    topics.produce(clusters.internal, r.source, flights.rows(400, partitions=2))
    workspace.contract(flights.contract(r.source, r.target, start="latest"))
    workspace.catch_up()
    topics.grow(clusters.internal, r.source, 4)
    topics.produce(clusters.internal, r.source, flights.rows(800, partitions=4, first=400))
    workspace.catch_up()
    source = topics.read(clusters.internal, r.source)
    source[:2] = [records[200:] for records in source[:2]]
    rules = flights.view()
    compare(rules, rules.expect(source, 4), topics.read(clusters.skyways, r.target))


def test_partitions_added_while_the_service_runs_are_read(clusters, workspace, route):
    r = route(partitions=1, target=3)
    topics.produce(clusters.internal, r.source, flights.rows(100, partitions=1))
    workspace.contract(flights.contract(r.source, r.target))
    service = workspace.start()
    workspace.await_lag(lambda report: report["lag"] == 0, "the first records")
    topics.grow(clusters.internal, r.source, 3)
    topics.produce(clusters.internal, r.source, flights.rows(300, partitions=3, first=100))
    workspace.await_lag(
        lambda report: len(report["partitions"]) == 3 and sum(p["read"] for p in report["partitions"]) == 400,
        "the added partitions", 60,
    )
    assert service.stop() == 0
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())


def test_order_holds_per_key_where_the_key_chooses_the_partition(clusters, workspace, route):
    r = route(partitions=4, target=3)
    topics.produce(clusters.internal, r.source, flights.rows(3000, partitions=None))
    workspace.contract(flights.contract(r.source, r.target, partition="key", max_records=500))
    workspace.catch_up()
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view(partition="key"))


def test_tombstones_are_forwarded_or_filtered_as_the_contract_says(clusters, workspace, route):
    for said, forward in (("forward", True), ("drop", False)):
        r = route(partitions=1)
        rows = [Row(b"a", b'{"n":1}', partition=0), Row(b"a", None, partition=0), Row(None, None, partition=0)]
        topics.produce(clusters.internal, r.source, rows)
        identity = f"tombstones-{said}"
        workspace.contract(flights.contract(
            r.source, r.target, identity=identity, filter=None, fields="[n]", headers=None, tombstones=said
        ))
        workspace.catch_up()
        exactly_once(
            workspace, clusters.internal, clusters.skyways, r,
            View(fields=[Field("n")], forward_tombstones=forward), contract=identity,
        )


def test_bytes_pass_unread(clusters, workspace, route):
    r = route(partitions=2)
    rows = [Row(bytes([n]), bytes(range(n, 256)), (("h", bytes([255, n])),), n % 2) for n in range(200)]
    topics.produce(clusters.internal, r.source, rows)
    workspace.contract(flights.contract(
        r.source, r.target, format="bytes", filter=None, fields=None, headers="[h]"
    ))
    workspace.catch_up()
    exactly_once(
        workspace, clusters.internal, clusters.skyways, r, View(format="bytes", headers=("h",))
    )
