"""Every choice that a halt offers, carried out: what it does to the partner's view. Beside test_recover."""

import json
import secrets
import shutil
import sqlite3

from confluent_kafka import Producer, TopicPartition

from Checkers.view import compare
from Cluster.harness import flights, topics
from Cluster.harness.processes import wait_until
from Cluster.harness.proof import exactly_once
from Cluster.harness.service import Workspace
from Cluster.test_halts import delivered_once, recreate
from Cluster.test_recover import CONTRACT, choose, explained, values


def more(clusters, r, count: int = 100, first: int = 600, partitions: int = 2) -> None:
    topics.produce(clusters.internal, r.source, flights.rows(count, partitions=partitions, first=first))


def halts_as(workspace, reason: str) -> None:
    workspace.catch_up(code=1)
    assert workspace.halted() == {reason}


def expected_once(clusters, r) -> int:
    """How many records the partner must have if each is delivered once."""
    return flights.view().expect(topics.read(clusters.internal, r.source), 2).delivered


def stays(clusters, workspace, r) -> None:
    """A restart after the choice finds nothing to do."""
    before = values(clusters.skyways, r.target)
    workspace.catch_up()
    assert values(clusters.skyways, r.target) == before
    assert workspace.lag()["lag"] == 0


def append_raw(broker, topic: str, records) -> None:
    """Records as they are, each to its partition, as somebody else's tool would write them."""
    producer = Producer({"bootstrap.servers": broker.bootstrap, "log_level": 0})
    for record in records:
        producer.produce(topic, key=record.key, value=record.value, partition=record.partition)
    assert producer.flush(30) == 0


def markers(broker, topic: str) -> list:
    """The newest of each key, claims left out."""
    newest = {}
    for records in topics.read(broker, topic):
        for record in records:
            newest[record.key] = record
    return [record for key, record in newest.items() if b":claim:" not in key]


def halts(workspace) -> list[dict]:
    return json.loads(workspace.run("recover", CONTRACT, "--json").stdout)["halts"]


# checkpoint-lost


def empty_checkpoints(clusters, workspace) -> None:
    count = len(topics.partitions_of(clusters.skyways, workspace.checkpoints))
    recreate(clusters.skyways, workspace.checkpoints, count, cleanup_policy="compact")


def test_lost_checkpoints_and_a_place_to_start_at(clusters, workspace, route):
    r = delivered_once(clusters, workspace, route)
    before = expected_once(clusters, r)
    empty_checkpoints(clusters, workspace)
    more(clusters, r)
    halts_as(workspace, "checkpoint-lost")
    explained(workspace, "checkpoint-lost", "trust-ledger", "start-at", "retry")
    choose(workspace, "--start-at", "earliest")
    workspace.catch_up()
    assert len(values(clusters.skyways, r.target)) == before + expected_once(clusters, r), "all of it again"
    stays(clusters, workspace, r)


def test_where_ledger_and_checkpoints_are_lost_only_a_place_can_be_named(clusters, workspace, route):
    r = delivered_once(clusters, workspace, route)
    before = values(clusters.skyways, r.target)
    empty_checkpoints(clusters, workspace)
    shutil.rmtree(workspace.ledger.parent)
    halts_as(workspace, "checkpoint-lost")
    told = workspace.run("recover", CONTRACT)
    assert "--trust-ledger" not in told.stdout and "--start-at" in told.stdout
    assert workspace.run("recover", CONTRACT, "--trust-ledger").returncode == 1
    choose(workspace, "--start-at", "latest")
    workspace.catch_up()
    assert values(clusters.skyways, r.target) == before, "nothing twice"
    more(clusters, r)
    workspace.catch_up()
    compare(
        flights.view(), flights.view().expect(topics.read(clusters.internal, r.source), 2),
        topics.read(clusters.skyways, r.target),
    )


def test_a_retry_decides_nothing(clusters, workspace, route):
    r = delivered_once(clusters, workspace, route)
    before = values(clusters.skyways, r.target)
    empty_checkpoints(clusters, workspace)
    halts_as(workspace, "checkpoint-lost")
    choose(workspace, "--retry")
    halts_as(workspace, "checkpoint-lost")
    assert "not applied yet" not in workspace.run("recover", CONTRACT).stdout
    assert values(clusters.skyways, r.target) == before


# partner-restored


def restored(clusters, workspace, route):
    """Checkpoints as they were 100 records ago, data as they are."""
    r = delivered_once(clusters, workspace, route)
    old = markers(clusters.skyways, workspace.checkpoints)
    assert len(old) == 2
    more(clusters, r)
    workspace.catch_up()
    append_raw(clusters.skyways, workspace.checkpoints, old)
    more(clusters, r, first=700)
    halts_as(workspace, "partner-restored")
    explained(workspace, "partner-restored", "adopt-marker", "trust-ledger", "start-at")
    return r


def test_old_checkpoints_are_overruled_by_the_ledger(clusters, workspace, route):
    r = restored(clusters, workspace, route)
    choose(workspace, "--trust-ledger")
    workspace.catch_up()
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view(), markers_replayed=True)
    stays(clusters, workspace, r)


def test_old_checkpoints_are_followed(clusters, workspace, route):
    r = restored(clusters, workspace, route)
    before = len(values(clusters.skyways, r.target))
    source = topics.read(clusters.internal, r.source)
    since = flights.view().expect([records[300:] for records in source], 2).delivered
    choose(workspace, "--adopt-marker")
    workspace.catch_up()
    assert len(values(clusters.skyways, r.target)) == before + since, "again from the old markers on"
    stays(clusters, workspace, r)


def test_old_checkpoints_and_a_place_to_start_at(clusters, workspace, route):
    r = restored(clusters, workspace, route)
    before = len(values(clusters.skyways, r.target))
    choose(workspace, "--start-at", "earliest")
    workspace.catch_up()
    assert len(values(clusters.skyways, r.target)) == before + expected_once(clusters, r)
    stays(clusters, workspace, r)


# markers-disagree


def disagreeing(clusters, workspace, route):
    """A ledger that was edited: another attempt than the markers'."""
    r = delivered_once(clusters, workspace, route)
    with sqlite3.connect(workspace.ledger) as ledger:
        ledger.execute("UPDATE partition SET marker_nonce = randomblob(16)")
    more(clusters, r)
    halts_as(workspace, "markers-disagree")
    explained(workspace, "markers-disagree", "adopt-marker", "trust-ledger")
    assert "tells of batch" in workspace.run("recover", CONTRACT).stdout
    return r


def test_disagreeing_markers_are_adopted(clusters, workspace, route):
    r = disagreeing(clusters, workspace, route)
    choose(workspace, "--adopt-marker")
    workspace.catch_up()
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())
    stays(clusters, workspace, r)


def test_disagreeing_markers_are_overruled(clusters, workspace, route):
    r = disagreeing(clusters, workspace, route)
    choose(workspace, "--trust-ledger")
    workspace.catch_up()
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())
    stays(clusters, workspace, r)


# marker-unreadable, checkpoint-unreadable


def test_an_unreadable_marker_is_passed_by_nobody(clusters, workspace, route):
    r = delivered_once(clusters, workspace, route)
    one = markers(clusters.skyways, workspace.checkpoints)[0]
    damaged = one.value[:-1] + bytes([one.value[-1] ^ 1])
    append_raw(clusters.skyways, workspace.checkpoints, [topics.Record(**{**vars(one), "value": damaged})])
    more(clusters, r)
    service = workspace.start()
    workspace.await_lag(lambda _: workspace.halted() == {"marker-unreadable"}, "the halt", 60)
    explained(workspace, "marker-unreadable", "retry")
    choose(workspace, "--retry")
    wait_until(lambda: service.log.count("reason=marker-unreadable") == 2, "the lane to halt again", 30)
    # The topic made again, as its page says: then the markers are what is missing.
    empty_checkpoints(clusters, workspace)
    choose(workspace, "--retry")
    workspace.await_lag(lambda _: "checkpoint-lost" in workspace.halted(), "the next halt", 60)
    for lane in ("0", "1"):
        if workspace.run("recover", CONTRACT, "--lane", lane).returncode == 1:
            choose(workspace, "--trust-ledger", "--lane", lane)
    # The lane that ran on notices when it is started again.
    workspace.await_lag(lambda _: "marker-unreadable" not in workspace.halted(), "the choice", 60)
    assert service.stop() == 0
    if workspace.start("--until-caught-up").finish(60) == 1:
        choose(workspace, "--trust-ledger")
        workspace.catch_up()
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())


def test_a_hanging_transaction_is_waited_out_and_the_lane_looks_again(clusters, workspace, route):
    r = delivered_once(clusters, workspace, route)
    workspace.clusters["skyways"]["transaction.timeout.ms"] = 4000
    workspace.configure()
    hanging = topics.transactional_producer(clusters.skyways, f"somebody-{secrets.token_hex(4)}")
    hanging.begin_transaction()
    for one in topics.partitions_of(clusters.skyways, workspace.checkpoints):
        hanging.produce(workspace.checkpoints, key=b"somebody", value=b"else", partition=one.partition)
    assert hanging.flush(30) == 0
    more(clusters, r)
    service = workspace.start()
    try:
        workspace.await_lag(lambda _: workspace.halted() == {"checkpoint-unreadable"}, "the halt", 120)
        explained(workspace, "checkpoint-unreadable", "retry")
    finally:
        hanging.abort_transaction(30)
    choose(workspace, "--retry")
    workspace.await_lag(lambda report: report["lag"] == 0 and report["status"] == "IDLE", "the rest", 60)
    assert service.stop() == 0
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())


# source and partner


def test_a_gap_is_skipped_to_the_end(clusters, workspace, route):
    r = delivered_once(clusters, workspace, route)
    before = values(clusters.skyways, r.target)
    more(clusters, r)
    cuts = [TopicPartition(r.source, p, 340) for p in range(2)]
    for future in clusters.internal.admin.delete_records(cuts).values():
        future.result(timeout=20)
    halts_as(workspace, "retention-gap")
    explained(workspace, "retention-gap", "accept-gap", "start-at")
    choose(workspace, "--start-at", "latest")
    workspace.catch_up()
    assert values(clusters.skyways, r.target) == before
    more(clusters, r, first=700)
    workspace.catch_up()
    source = topics.read(clusters.internal, r.source)
    added = flights.view().expect([[one for one in records if one.offset >= 350] for records in source], 2)
    assert len(values(clusters.skyways, r.target)) == len(before) + added.delivered
    assert [row["gaps"] for row in workspace.lag()["partitions"]] == [0, 0]


def test_a_truncated_partner_is_gone_on_with(clusters, workspace, route):
    r = delivered_once(clusters, workspace, route)
    source = topics.read(clusters.internal, r.source)
    recreate(clusters.skyways, r.target, 2)
    halts_as(workspace, "partner-truncated")
    explained(workspace, "partner-truncated", "trust-ledger", "start-at")
    choose(workspace, "--trust-ledger")
    more(clusters, r)
    workspace.catch_up()
    rules = flights.view()
    later = [records[len(old):] for old, records in zip(source, topics.read(clusters.internal, r.source))]
    compare(rules, rules.expect(later, 2), topics.read(clusters.skyways, r.target))
    stays(clusters, workspace, r)


def test_a_source_with_fewer_partitions_halts_at_a_restart_and_waits_for_them(clusters, workspace, route):
    r = delivered_once(clusters, workspace, route)
    before = len(values(clusters.skyways, r.target))
    recreate(clusters.internal, r.source, 1)
    more(clusters, r, partitions=1)
    halts_as(workspace, "source-truncated")
    gone = next(one for one in halts(workspace) if "is not there any more" in one["lanes"][0]["found"])
    assert [choice["choice"] for choice in gone["choices"]] == ["retry"]
    lane = str(gone["lanes"][0]["lane"])
    assert workspace.run("recover", CONTRACT, "--lane", lane, "--start-at", "earliest").returncode == 1
    topics.grow(clusters.internal, r.source, 2)
    choose(workspace, "--retry", "--lane", lane)
    halts_as(workspace, "source-truncated")
    explained(workspace, "source-truncated", "start-at")
    choose(workspace, "--start-at", "earliest")
    workspace.catch_up()
    assert len(values(clusters.skyways, r.target)) == before + expected_once(clusters, r)
    stays(clusters, workspace, r)
