"""A halt is explained, answered by an explicit choice, and the lane goes on as the choice says."""

import json
import shutil

from confluent_kafka import TopicPartition

from Checkers.report import identity
from Checkers.view import compare
from Cluster.harness import flights, topics
from Cluster.harness.processes import wait_until
from Cluster.harness.proof import exactly_once
from Cluster.harness.service import Workspace
from Cluster.test_halts import delivered_once, recreate

CONTRACT = "flights-skyways"


def explained(workspace, reason: str, *choices: str) -> None:
    """`recover` without a choice says what it is and what can be done, and changes nothing."""
    before = workspace.run("status", "--json").stdout
    told = workspace.run("recover", CONTRACT)
    assert told.returncode == 1, told.stderr
    assert reason in told.stdout and told.stdout.endswith("Nothing was changed.\n")
    for choice in choices:
        assert f"  --{choice}" in told.stdout, told.stdout
    assert max(map(len, told.stdout.splitlines())) <= 80
    halts = [
        [lane["halt"] and (lane["halt"]["reason"], lane["halt"]["recorded"]) for lane in contract["lanes"]]
        for report in (before, workspace.run("status", "--json").stdout)
        for contract in json.loads(report)["contracts"]
    ]
    assert halts[0] == halts[1]


def choose(workspace, *choice: str) -> None:
    done = workspace.run("recover", CONTRACT, *choice)
    assert done.returncode == 0, done.stderr
    assert "Recorded: " + " ".join(choice).split(" --lane")[0] in done.stdout


def values(broker, topic: str) -> list[bytes]:
    return [record.value for records in topics.read(broker, topic) for record in records]


def test_a_gap_is_given_up_and_counted(clusters, workspace, route):
    r = delivered_once(clusters, workspace, route)
    topics.produce(clusters.internal, r.source, flights.rows(200, partitions=2, first=600))
    cut = TopicPartition(r.source, 0, 350)
    clusters.internal.admin.delete_records([cut])[cut].result(timeout=20)
    workspace.catch_up(code=1)
    explained(workspace, "retention-gap", "accept-gap", "start-at")
    choose(workspace, "--accept-gap")
    waiting = json.loads(workspace.run("status", "--json").stdout)["contracts"][0]["lanes"]
    assert [lane["halt"]["recorded"] for lane in waiting if lane["halt"]] == ["accept-gap"]
    workspace.catch_up()
    report = workspace.lag()
    assert report["lag"] == 0 and not workspace.halted()
    assert [row["gaps"] for row in report["partitions"]] == [50, 0]
    for row in report["partitions"]:
        identity(row)
        assert row["read"] == 400, "what was given up counts as read"


def test_a_running_service_takes_a_choice_up_by_itself(clusters, workspace, route):
    r = delivered_once(clusters, workspace, route)
    partitions = len(topics.partitions_of(clusters.skyways, workspace.checkpoints))
    recreate(clusters.skyways, workspace.checkpoints, partitions, cleanup_policy="compact")
    topics.produce(clusters.internal, r.source, flights.rows(100, partitions=2, first=600))
    service = workspace.start()
    workspace.await_lag(
        lambda report: {row["status"] for row in report["partitions"]} == {"HALTED"}, "every lane to halt", 60
    )
    explained(workspace, "checkpoint-lost", "trust-ledger", "start-at")
    choose(workspace, "--trust-ledger")
    workspace.await_lag(lambda report: report["lag"] == 0 and report["status"] == "IDLE", "the rest", 60)
    assert service.stop() == 0
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())


def test_a_recreated_source_is_started_at_its_beginning(clusters, workspace, route):
    r = delivered_once(clusters, workspace, route)
    before = len(values(clusters.skyways, r.target))
    recreate(clusters.internal, r.source, 2)
    new = list(flights.rows(100, partitions=2, first=700))
    topics.produce(clusters.internal, r.source, new)
    workspace.catch_up(code=1)
    explained(workspace, "source-truncated", "start-at")
    choose(workspace, "--start-at", "earliest")
    workspace.catch_up()
    report = workspace.lag()
    assert report["lag"] == 0
    assert [row["currentOffset"] for row in report["partitions"]] == topics.ends(clusters.internal, r.source)
    expected = flights.view().expect(topics.read(clusters.internal, r.source), 2)
    assert len(values(clusters.skyways, r.target)) == before + expected.delivered
    workspace.catch_up()
    assert len(values(clusters.skyways, r.target)) == before + expected.delivered, "a restart sends nothing again"


def test_a_partner_that_lost_its_topic_gets_it_again(clusters, workspace, route):
    r = delivered_once(clusters, workspace, route)
    recreate(clusters.skyways, r.target, 2)
    workspace.catch_up(code=1)
    explained(workspace, "partner-truncated", "trust-ledger", "start-at")
    choose(workspace, "--start-at", "earliest")
    workspace.catch_up()
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view(), source_whole=False)


def test_a_stopping_record_is_put_aside_once(clusters, workspace, route):
    r = route(partitions=1)
    good = list(flights.rows(20, partitions=1))
    bad = topics.Row(b"bad", b'{"broken', partition=0)
    topics.produce(clusters.internal, r.source, [*good[:10], bad, *good[10:15], bad, *good[15:]])
    workspace.contract(flights.contract(r.source, r.target, onViolation="stop"))
    workspace.catch_up(code=1)
    explained(workspace, "violation", "quarantine-record")
    choose(workspace, "--quarantine-record")
    workspace.catch_up(code=1)
    row = workspace.lag()["partitions"][0]
    assert (row["status"], row["currentOffset"], row["quarantined"]) == ("HALTED", 16, 1), row
    choose(workspace, "--quarantine-record")
    workspace.catch_up()
    row = workspace.lag()["partitions"][0]
    assert (row["lag"], row["read"], row["quarantined"]) == (0, 22, 2), row


def test_partitions_that_the_partner_added_are_accepted(clusters, workspace, route):
    r = delivered_once(clusters, workspace, route)
    topics.grow(clusters.skyways, r.target, 4)
    workspace.catch_up(code=1)
    explained(workspace, "layout-changed", "accept-layout")
    choose(workspace, "--accept-layout")
    topics.produce(clusters.internal, r.source, flights.rows(100, partitions=2, first=600))
    workspace.catch_up()
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())


def test_a_contract_changed_with_a_lost_ledger_goes_on_at_the_markers(clusters, workspace, route):
    r = delivered_once(clusters, workspace, route)
    shutil.rmtree(workspace.ledger.parent)
    workspace.contract(flights.contract(r.source, r.target).replace("version: 1.0.0", "version: 1.1.0"))
    topics.produce(clusters.internal, r.source, flights.rows(100, partitions=2, first=600))
    workspace.catch_up(code=1)
    explained(workspace, "contract-changed", "adopt-marker")
    choose(workspace, "--adopt-marker")
    workspace.catch_up()
    report = workspace.lag()
    assert (report["version"], report["lag"]) == ("1.1.0", 0)
    expected = flights.view().expect(topics.read(clusters.internal, r.source), 2)
    compare(flights.view(), expected, topics.read(clusters.skyways, r.target))


def test_an_instance_that_was_fenced_takes_over_again(clusters, workspace, route, tmp_path):
    r = route(partitions=2)
    topics.produce(clusters.internal, r.source, flights.rows(200, partitions=2))
    text = flights.contract(r.source, r.target)
    workspace.contract(text)
    twin_directory = tmp_path / "twin"
    twin_directory.mkdir()
    twin = Workspace(twin_directory, clusters.internal, skyways=clusters.skyways.bootstrap)
    try:
        shutil.copytree(workspace.directory / "secrets", twin_directory / "secrets", dirs_exist_ok=True)
        twin.checkpoints = workspace.checkpoints
        twin.configure()
        twin.contract(text)
        first = workspace.start()
        workspace.await_lag(lambda report: report["lag"] == 0, "the first records")
        second = twin.start()
        twin.await_lag(lambda report: report["status"] == "IDLE", "the twin to take over")
        topics.produce(clusters.internal, r.source, flights.rows(200, partitions=2, first=200))
        workspace.await_lag(lambda report: workspace.halted() == {"another-instance"}, "the first to halt", 90)
        explained(workspace, "another-instance", "take-over")
        assert second.stop() == 0
        choose(workspace, "--take-over")
        topics.produce(clusters.internal, r.source, flights.rows(200, partitions=2, first=400))
        workspace.await_lag(lambda report: report["lag"] == 0 and report["status"] == "IDLE", "the rest", 60)
        assert first.stop() == 0
        expected = flights.view().expect(topics.read(clusters.internal, r.source), 2)
        compare(flights.view(), expected, topics.read(clusters.skyways, r.target))
    finally:
        twin.close()


def test_a_choice_that_is_none_for_the_halt_is_refused(clusters, workspace, route):
    r = delivered_once(clusters, workspace, route)
    told = workspace.run("recover", CONTRACT, "--take-over")
    assert told.returncode == 1 and "is not halted" in told.stderr
    told = workspace.run("recover", CONTRACT)
    assert told.returncode == 0 and "is not halted" in told.stdout
    recreate(clusters.internal, r.source, 2)
    workspace.catch_up(code=1)
    told = workspace.run("recover", CONTRACT, "--accept-gap")
    assert told.returncode == 1
    assert "--accept-gap is no answer to source-truncated" in told.stderr
    assert "offered: --start-at" in told.stderr
    assert workspace.run("recover", CONTRACT, "--start-at", "yesterday").returncode == 64
    assert workspace.run("recover", CONTRACT, "--start-at", "earliest", "--take-over").returncode == 64
    assert workspace.run("recover", "flights-skyway").returncode == 64
    lanes = json.loads(workspace.run("status", "--json").stdout)["contracts"][0]["lanes"]
    assert all(lane["halt"]["recorded"] is None for lane in lanes if lane["halt"])
    wait_until(lambda: workspace.halted() == {"source-truncated"}, "the halt to stand")
