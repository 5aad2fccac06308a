"""Where the promise cannot be kept, the lane halts and says why; where it can, it goes on."""

import shutil

from confluent_kafka import TopicPartition

from Checkers.view import compare
from Cluster.harness import flights, topics
from Cluster.harness.processes import wait_until
from Cluster.harness.proof import exactly_once


def delivered_once(clusters, workspace, route, count: int = 600):
    """A route with `count` records already replicated and the service down."""
    r = route(partitions=2)
    topics.produce(clusters.internal, r.source, flights.rows(count, partitions=2))
    workspace.contract(flights.contract(r.source, r.target))
    workspace.catch_up()
    return r


def recreate(broker, topic: str, partitions: int, **settings: str) -> None:
    topics.delete(broker, topic)
    wait_until(lambda: not topics.exists(broker, topic), f"{topic} to be gone")
    topics.create(broker, topic, partitions, **settings)


def assert_halted(workspace, reason: str) -> None:
    """A start ends with the halt, in exit code, log, report and status, and delivers nothing."""
    service = workspace.catch_up(code=1)
    assert f"reason={reason}" in service.log, service.log[-3000:]
    assert f"runbooks/halts/{reason}.md" in service.log
    report = workspace.run("lag", "--json")
    assert report.returncode == 1
    assert workspace.halted() == {reason}
    assert workspace.lag()["status"] == "HALTED"
    assert reason in workspace.run("status").stdout


def test_a_truncated_source_halts(clusters, workspace, route):
    r = delivered_once(clusters, workspace, route)
    before = topics.read(clusters.skyways, r.target)
    recreate(clusters.internal, r.source, 2)
    topics.produce(clusters.internal, r.source, flights.rows(100, partitions=2))
    assert_halted(workspace, "source-truncated")
    assert topics.read(clusters.skyways, r.target) == before


def test_a_source_recreated_and_filled_beyond_the_position_halts(clusters, workspace, route):
    r = delivered_once(clusters, workspace, route)
    before = topics.read(clusters.skyways, r.target)
    recreate(clusters.internal, r.source, 2)
    topics.produce(clusters.internal, r.source, flights.rows(1200, partitions=2, first=7))
    service = workspace.catch_up(code=1)
    assert workspace.halted() <= {"source-truncated", "source-recreated"} and workspace.halted(), service.log
    assert topics.read(clusters.skyways, r.target) == before


def test_a_deleted_checkpoint_topic_halts_and_is_not_made_again(clusters, workspace, route):
    r = delivered_once(clusters, workspace, route)
    before = topics.read(clusters.skyways, r.target)
    topics.delete(clusters.skyways, workspace.checkpoints)
    wait_until(lambda: not topics.exists(clusters.skyways, workspace.checkpoints), "the deletion")
    topics.produce(clusters.internal, r.source, flights.rows(100, partitions=2))
    assert_halted(workspace, "checkpoint-lost")
    assert not topics.exists(clusters.skyways, workspace.checkpoints)
    assert topics.read(clusters.skyways, r.target) == before


def test_an_emptied_checkpoint_topic_halts(clusters, workspace, route):
    r = delivered_once(clusters, workspace, route)
    before = topics.read(clusters.skyways, r.target)
    partitions = len(topics.partitions_of(clusters.skyways, workspace.checkpoints))
    recreate(clusters.skyways, workspace.checkpoints, partitions, cleanup_policy="compact")
    topics.produce(clusters.internal, r.source, flights.rows(100, partitions=2))
    assert_halted(workspace, "checkpoint-lost")
    assert topics.read(clusters.skyways, r.target) == before


def test_retention_that_passed_the_position_halts(clusters, workspace, route):
    r = delivered_once(clusters, workspace, route)
    before = topics.read(clusters.skyways, r.target)
    topics.produce(clusters.internal, r.source, flights.rows(200, partitions=2))
    cut = TopicPartition(r.source, 0, 350)
    clusters.internal.admin.delete_records([cut])[cut].result(timeout=20)
    service = workspace.catch_up(code=1)
    assert "retention-gap" in workspace.halted(), service.log[-3000:]
    assert topics.read(clusters.skyways, r.target)[0] == before[0]


def test_a_recreated_partner_topic_halts(clusters, workspace, route):
    r = delivered_once(clusters, workspace, route)
    recreate(clusters.skyways, r.target, 2)
    topics.produce(clusters.internal, r.source, flights.rows(100, partitions=2))
    service = workspace.catch_up(code=1)
    assert workspace.halted(), service.log[-3000:]
    assert topics.ends(clusters.skyways, r.target) == [0, 0]


def test_a_deleted_ledger_is_adopted_from_the_markers(clusters, workspace, route):
    r = delivered_once(clusters, workspace, route)
    shutil.rmtree(workspace.ledger.parent)
    topics.produce(clusters.internal, r.source, flights.rows(400, partitions=2, first=600))
    workspace.catch_up()
    rules = flights.view()
    source = topics.read(clusters.internal, r.source)
    compare(rules, rules.expect(source, 2), topics.read(clusters.skyways, r.target))
    after = workspace.lag()
    assert after["lag"] == 0
    assert sum(p["read"] for p in after["partitions"]) == 1000, "figures count from the first start"


def test_a_ledger_deleted_after_a_kill_is_adopted_too(clusters, workspace, route):
    r = route(partitions=3)
    topics.produce(clusters.internal, r.source, flights.rows(20_000, partitions=3))
    workspace.contract(flights.contract(r.source, r.target, max_records=100))
    service = workspace.start()
    wait_until(lambda: sum(topics.ends(clusters.skyways, r.target)) > 300, "the first deliveries")
    service.kill()
    shutil.rmtree(workspace.ledger.parent)
    workspace.catch_up()
    rules = flights.view()
    source = topics.read(clusters.internal, r.source)
    compare(rules, rules.expect(source, 3), topics.read(clusters.skyways, r.target))


def test_a_restored_old_ledger_doubles_nothing(clusters, workspace, route, tmp_path):
    r = delivered_once(clusters, workspace, route)
    copy = tmp_path / "copy"
    shutil.copytree(workspace.ledger.parent, copy)
    topics.produce(clusters.internal, r.source, flights.rows(400, partitions=2, first=600))
    workspace.catch_up()
    shutil.rmtree(workspace.ledger.parent)
    shutil.copytree(copy, workspace.ledger.parent)
    topics.produce(clusters.internal, r.source, flights.rows(400, partitions=2, first=1000))
    workspace.catch_up()
    rules = flights.view()
    source = topics.read(clusters.internal, r.source)
    compare(rules, rules.expect(source, 2), topics.read(clusters.skyways, r.target))


def test_a_stop_contract_halts_before_the_violating_record(clusters, workspace, route):
    r = route(partitions=1)
    good = list(flights.rows(20, partitions=1))
    topics.produce(clusters.internal, r.source, good[:10])
    topics.produce(clusters.internal, r.source, [topics.Row(b"bad", b'{"broken', partition=0)])
    topics.produce(clusters.internal, r.source, good[10:])
    workspace.contract(flights.contract(r.source, r.target, onViolation="stop"))
    workspace.catch_up(code=1)
    report = workspace.lag()["partitions"][0]
    assert (report["status"], report["currentOffset"], report["read"]) == ("HALTED", 10, 10), report
    rules = flights.view()
    source = [topics.read(clusters.internal, r.source)[0][:10]]
    compare(rules, rules.expect(source, 1), topics.read(clusters.skyways, r.target))
