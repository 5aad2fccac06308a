"""Suspend, resume and revoke: on record at once, in force from the next batch on, for as long as they hold."""

import json
import shutil

from Checkers.view import compare
from Cluster.harness import flights, topics
from Cluster.harness.processes import wait_until
from Cluster.harness.proof import exactly_once

CONTRACT = "flights-skyways"


def said(workspace, *words: str, code: int = 0):
    done = workspace.run(*words)
    assert done.returncode == code, f"exit {done.returncode}: {done.stdout}{done.stderr}"
    return done


def status(workspace) -> dict:
    return json.loads(workspace.run("status", "--json").stdout)["contracts"][0]


def await_lanes(workspace, state: str, timeout: float = 60) -> None:
    wait_until(
        lambda: {lane["state"] for lane in status(workspace)["lanes"]} == {state}, f"every lane to be {state}", timeout
    )


def delivered_is_what_was_decided(clusters, workspace, r) -> None:
    """The partner has exactly what the contract makes of the records below the ledger's offsets."""
    offsets = [row["currentOffset"] for row in workspace.lag()["partitions"]]
    source = topics.read(clusters.internal, r.source)
    decided = [[one for one in records if one.offset < end] for records, end in zip(source, offsets)]
    rules = flights.view()
    compare(rules, rules.expect(decided, len(decided)), topics.read(clusters.skyways, r.target))
    assert not topics.has_open_transaction(clusters.skyways, r.target, workspace.checkpoints)


def test_a_suspended_contract_stands_still_and_goes_on_where_it_stopped(clusters, workspace, route):
    r = route(partitions=3)
    topics.produce(clusters.internal, r.source, flights.rows(30_000, partitions=3))
    workspace.contract(flights.contract(r.source, r.target, max_records=100))
    service = workspace.start()
    wait_until(lambda: min(topics.ends(clusters.skyways, r.target)) > 50, "deliveries to every partition")
    assert "Recorded: suspend" in said(workspace, "suspend", CONTRACT).stdout
    await_lanes(workspace, "suspended")
    report = workspace.lag()
    assert {row["status"] for row in report["partitions"]} == {"SUSPENDED"}
    assert "crossdock resume flights-skyways" in said(workspace, "lag").stdout
    assert status(workspace)["status"] == "suspended"
    delivered_is_what_was_decided(clusters, workspace, r)
    topics.produce(clusters.internal, r.source, flights.rows(300, partitions=3, first=30_000))
    before = workspace.lag()
    assert before["lag"] >= 300
    # A service that is started meanwhile runs on without the contract, and wakes up for it.
    assert service.stop() == 0
    assert workspace.catch_up().finish(1) == 0
    service = workspace.start()
    await_lanes(workspace, "suspended")
    assert [row["currentOffset"] for row in workspace.lag()["partitions"]] == [
        row["currentOffset"] for row in before["partitions"]
    ]
    said(workspace, "resume", CONTRACT)
    workspace.await_lag(lambda report: report["lag"] == 0 and report["status"] == "IDLE", "the rest", 90)
    assert service.stop() == 0
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())


def test_a_revoke_during_an_outage_holds_when_the_partner_comes_back(clusters, workspace, route):
    r = route(partitions=2)
    topics.produce(clusters.internal, r.source, flights.rows(20_000, partitions=2))
    workspace.contract(flights.contract(r.source, r.target, max_records=100))
    service = workspace.start()
    wait_until(lambda: min(topics.ends(clusters.skyways, r.target)) > 50, "deliveries to every partition")
    clusters.skyways.pause()
    try:
        said(workspace, "revoke", CONTRACT, "--yes")
        report = workspace.lag()
        assert report["status"] == "REVOKED" and report["lag"] > 0
    finally:
        clusters.skyways.proceed()
    await_lanes(workspace, "revoked", 90)
    delivered_is_what_was_decided(clusters, workspace, r)
    ends = topics.ends(clusters.skyways, r.target)
    assert service.stop() == 0
    # For good: with the ledger, without it, and whatever is said.
    for lost in (False, True):
        if lost:
            shutil.rmtree(workspace.ledger.parent)
        service = workspace.start()
        await_lanes(workspace, "revoked", 90)
        refused = said(workspace, "resume", CONTRACT, code=1)
        assert "final" in refused.stderr and "new id" in refused.stderr
        assert workspace.lag()["status"] == "REVOKED"
        assert service.stop() == 0
    assert topics.ends(clusters.skyways, r.target) == ends
    delivered_is_what_was_decided(clusters, workspace, r)


def test_a_revoke_while_the_service_is_down_lets_no_record_out(clusters, workspace, route):
    r = route(partitions=2)
    topics.produce(clusters.internal, r.source, flights.rows(400, partitions=2))
    workspace.contract(flights.contract(r.source, r.target))
    workspace.catch_up()
    ends = topics.ends(clusters.skyways, r.target)
    asked = said(workspace, "revoke", CONTRACT, code=64)
    assert "--yes" in asked.stderr
    assert status(workspace)["status"] == "active"
    said(workspace, "revoke", CONTRACT, "--yes")
    topics.produce(clusters.internal, r.source, flights.rows(400, partitions=2, first=400))
    service = workspace.catch_up()
    assert " revoked " in service.log
    assert topics.ends(clusters.skyways, r.target) == ends
    assert "nothing was changed" in said(workspace, "revoke", CONTRACT, "--yes").stdout
    assert "final" in said(workspace, "suspend", CONTRACT, code=1).stderr
    delivered_is_what_was_decided(clusters, workspace, r)


def test_a_suspend_outlives_a_lost_ledger_and_a_resume_ends_it(clusters, workspace, route):
    r = route(partitions=2)
    topics.produce(clusters.internal, r.source, flights.rows(400, partitions=2))
    workspace.contract(flights.contract(r.source, r.target))
    workspace.catch_up()
    said(workspace, "suspend", CONTRACT)
    workspace.catch_up()
    shutil.rmtree(workspace.ledger.parent)
    topics.produce(clusters.internal, r.source, flights.rows(400, partitions=2, first=400))
    workspace.catch_up()
    assert status(workspace)["status"] == "suspended"
    assert sum(row["read"] for row in workspace.lag()["partitions"]) == 400
    said(workspace, "resume", CONTRACT)
    workspace.catch_up()
    assert sum(row["read"] for row in workspace.lag()["partitions"]) == 800
    rules = flights.view()
    expected = rules.expect(topics.read(clusters.internal, r.source), 2)
    compare(rules, expected, topics.read(clusters.skyways, r.target))
