"""Clusters, layouts, files and bounds that changed: halts, what they say, and how each of them ends."""

import shutil
import sqlite3

from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from Checkers.view import compare
from Cluster.harness import flights, topics
from Cluster.harness.processes import wait_until
from Cluster.harness.proof import exactly_once
from Cluster.harness.service import Workspace
from Cluster.test_choices import halts_as, more, stays
from Cluster.test_halts import delivered_once
from Cluster.test_recover import CONTRACT, choose, explained, values


def configure_topic(broker, topic: str, **settings: str) -> None:
    entries = [
        ConfigEntry(name.replace("_", "."), value, incremental_operation=AlterConfigOpType.SET)
        for name, value in settings.items()
    ]
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)
    broker.admin.incremental_alter_configs([resource])[resource].result(timeout=20)


def without_choice(workspace, reason: str, word: str) -> str:
    """A halt that no choice ends: says so, and takes none."""
    told = workspace.run("recover", CONTRACT)
    assert told.returncode == 1 and reason in told.stdout
    assert "There is no choice to record" in told.stdout
    refused = workspace.run("recover", CONTRACT, f"--{word}")
    assert refused.returncode == 1 and f"--{word} is no answer to {reason}" in refused.stderr
    return told.stdout


def test_another_partner_cluster_gets_what_comes_from_now_on(clusters, workspace, route):
    r = delivered_once(clusters, workspace, route)
    source = topics.read(clusters.internal, r.source)
    topics.create(clusters.internal, r.target, 2)
    workspace.clusters["skyways"]["bootstrap.servers"] = clusters.internal.bootstrap
    workspace.configure()
    halts_as(workspace, "cluster-changed")
    explained(workspace, "cluster-changed", "accept-clusters", "retry")
    choose(workspace, "--retry")
    halts_as(workspace, "cluster-changed")
    choose(workspace, "--accept-clusters")
    more(clusters, r)
    workspace.catch_up()
    rules = flights.view()
    later = [records[len(old):] for old, records in zip(source, topics.read(clusters.internal, r.source))]
    compare(rules, rules.expect(later, 2), topics.read(clusters.internal, r.target))
    assert workspace.lag()["lag"] == 0
    workspace.catch_up()
    compare(rules, rules.expect(later, 2), topics.read(clusters.internal, r.target))


def test_lanes_that_were_changed_are_changed_back(clusters, workspace, route):
    r = delivered_once(clusters, workspace, route)
    more(clusters, r)
    before = values(clusters.skyways, r.target)
    for lanes in (1, 3):
        workspace.lanes = lanes
        workspace.configure()
        workspace.catch_up(code=1)
        assert "layout-changed" in workspace.halted()
        assert f"lanes in crossdock.yaml: was 2, is now {lanes}" in without_choice(
            workspace, "layout-changed", "accept-layout"
        ).replace("\n  ", " ")
        assert values(clusters.skyways, r.target) == before
    workspace.lanes = 2
    workspace.configure()
    workspace.catch_up()
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())


def test_checkpoints_that_were_given_partitions_move_to_a_topic_with_the_old_count(clusters, workspace, route):
    r = delivered_once(clusters, workspace, route)
    count = len(topics.partitions_of(clusters.skyways, workspace.checkpoints))
    topics.grow(clusters.skyways, workspace.checkpoints, count + 4)
    more(clusters, r)
    halts_as(workspace, "layout-changed")
    without_choice(workspace, "layout-changed", "accept-layout")
    workspace.checkpoints += ".again"
    topics.create(clusters.skyways, workspace.checkpoints, count, cleanup_policy="compact")
    workspace.configure()
    halts_as(workspace, "checkpoint-lost")
    choose(workspace, "--trust-ledger")
    workspace.catch_up()
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())
    stays(clusters, workspace, r)


def test_a_partner_with_too_few_partitions_is_looked_at_again_while_the_service_runs(clusters, workspace, route):
    r = delivered_once(clusters, workspace, route)
    service = workspace.start()
    workspace.await_lag(lambda report: report["status"] == "IDLE", "idle lanes")
    topics.grow(clusters.internal, r.source, 4)
    workspace.await_lag(lambda _: workspace.halted() == {"partner-partitions"}, "every lane to halt", 60)
    topics.produce(clusters.internal, r.source, flights.rows(200, partitions=4, first=600))
    explained(workspace, "partner-partitions", "retry")
    topics.grow(clusters.skyways, r.target, 4)
    choose(workspace, "--retry")
    workspace.await_lag(lambda _: workspace.halted() == {"layout-changed"}, "the new count to be asked about", 60)
    explained(workspace, "layout-changed", "accept-layout")
    choose(workspace, "--accept-layout")
    workspace.await_lag(lambda report: report["lag"] == 0 and report["status"] == "IDLE", "the rest", 60)
    assert service.stop() == 0
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())


def test_a_batch_that_the_broker_refuses_is_sent_again_once_the_topic_takes_it(clusters, workspace, route):
    r = delivered_once(clusters, workspace, route)
    service = workspace.start()
    workspace.await_lag(lambda report: report["status"] == "IDLE", "idle lanes")
    # Claims fit and markers do not: no single record of the batch is to blame.
    configure_topic(clusters.skyways, workspace.checkpoints, max_message_bytes="700")
    more(clusters, r)
    workspace.await_lag(lambda _: "partner-refused" in workspace.halted(), "the halt", 120)
    explained(workspace, "partner-refused", "retry")
    assert f"{r.source}[" in workspace.run("recover", CONTRACT).stdout
    configure_topic(clusters.skyways, workspace.checkpoints, max_message_bytes="1048588")
    wait_until(lambda: workspace.halted() == {"partner-refused"} or workspace.lag()["lag"] == 0, "both lanes", 60)
    for lane in ("0", "1"):
        if workspace.run("recover", CONTRACT, "--lane", lane).returncode == 1:
            choose(workspace, "--retry", "--lane", lane)
    workspace.await_lag(lambda report: report["lag"] == 0 and report["status"] == "IDLE", "the rest", 90)
    assert service.stop() == 0
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())


def test_a_full_quarantine_halts_until_it_may_hold_more(clusters, workspace, route):
    r = route(partitions=2)
    bad = [topics.Row(b"bad", b'{"broken' + b"x" * 2000, partition=n % 2) for n in range(20)]
    topics.produce(clusters.internal, r.source, bad)
    topics.produce(clusters.internal, r.source, flights.rows(200, partitions=2))
    workspace.contract(flights.contract(r.source, r.target))
    workspace.configure("quarantine: { maxBytes: 4KiB }\n")
    workspace.catch_up(code=1)
    assert "quarantine-full" in workspace.halted()
    assert values(clusters.skyways, r.target) == [], "nothing behind the refused records is seen"
    explained(workspace, "quarantine-full", "retry")
    choose(workspace, "--retry")
    workspace.catch_up(code=1)
    workspace.configure("quarantine: { maxBytes: 1MiB }\n")
    workspace.catch_up()
    assert sum(row["quarantined"] for row in workspace.lag()["partitions"]) == 20
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())


def test_a_damaged_ledger_is_set_aside(clusters, workspace, route):
    r = delivered_once(clusters, workspace, route)
    more(clusters, r)
    # The last connection that is closed brings the log into the file.
    sqlite3.connect(workspace.ledger).execute("PRAGMA wal_checkpoint(TRUNCATE)").connection.close()
    assert not list(workspace.ledger.parent.glob("ledger.db-wal"))
    with open(workspace.ledger, "r+b") as ledger:
        size = ledger.seek(0, 2)
        for page in range(1, size // 4096):
            ledger.seek(page * 4096)
            ledger.write(b"\xff" * 4096)
    service = workspace.start("--until-caught-up")
    assert service.finish(60) != 0
    assert "ledger-corrupt" in service.log, service.log
    workspace.ledger.parent.rename(workspace.ledger.parent.with_name("state.damaged"))
    workspace.catch_up()
    rules = flights.view()
    compare(
        rules, rules.expect(topics.read(clusters.internal, r.source), 2), topics.read(clusters.skyways, r.target)
    )


#: What may stand below a contract, and change, under its old version.
TESTS = """
# what it comes to
tests:
  - { name: on time stays, record: { value: { dep_delay: 0 } }, expect: filtered }
"""


def test_a_changed_contract_under_its_old_version_is_refused_with_its_page(clusters, workspace, route):
    r = delivered_once(clusters, workspace, route)
    text = flights.contract(r.source, r.target)
    workspace.contract(text + TESTS)
    workspace.catch_up()
    workspace.contract("# a remark\n" + text)
    service = workspace.catch_up(code=1)
    assert "runbooks/halts/contract-pin.md" in service.log and "nothing was started" in service.log
    workspace.contract(text.replace("version: 1.0.0", "version: 1.0.1"))
    more(clusters, r)
    workspace.catch_up()
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())


def test_a_copied_state_directory_is_another_instance(clusters, workspace, route, tmp_path):
    r = delivered_once(clusters, workspace, route)
    twin_directory = tmp_path / "twin"
    twin_directory.mkdir()
    twin = Workspace(twin_directory, clusters.internal, skyways=clusters.skyways.bootstrap)
    try:
        shutil.copytree(workspace.directory / "secrets", twin_directory / "secrets", dirs_exist_ok=True)
        shutil.copytree(workspace.ledger.parent, twin_directory / "state")
        twin.checkpoints = workspace.checkpoints
        twin.configure()
        twin.contract(flights.contract(r.source, r.target))
        first = workspace.start()
        workspace.await_lag(lambda report: report["status"] == "IDLE", "the first one")
        second = twin.start()
        twin.await_lag(lambda report: report["status"] == "IDLE", "the copy to take over")
        more(clusters, r)
        workspace.await_lag(lambda _: workspace.halted() == {"another-instance"}, "the first to halt", 120)
        told = workspace.run("recover", CONTRACT).stdout.replace("\n  ", " ")
        assert "on a copy of this state directory" in told
        assert second.stop() == 0
        choose(workspace, "--take-over")
        more(clusters, r, first=700)
        workspace.await_lag(lambda report: report["lag"] == 0 and report["status"] == "IDLE", "the rest", 60)
        assert first.stop() == 0
        rules = flights.view()
        expected = rules.expect(topics.read(clusters.internal, r.source), 2)
        compare(rules, expected, topics.read(clusters.skyways, r.target))
    finally:
        twin.close()
