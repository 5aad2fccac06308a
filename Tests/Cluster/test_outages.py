"""Clusters that are away, for seconds or for an hour, and lanes that halt beside others that run."""

import os
import time

from Cluster.harness import flights, topics
from Cluster.harness.processes import free_port, wait_until
from Cluster.harness.proof import exactly_once
from Cluster.harness.service import Workspace


def test_a_killed_partner_broker_is_waited_for(clusters, workspace, route):
    r = route(partitions=3)
    topics.produce(clusters.internal, r.source, flights.rows(3000, partitions=3))
    workspace.contract(flights.contract(r.source, r.target, max_records=200))
    service = workspace.start()
    wait_until(lambda: min(topics.ends(clusters.skyways, r.target)) > 10, "deliveries to every partition")
    clusters.skyways.kill()
    topics.produce(clusters.internal, r.source, flights.rows(3000, partitions=3, first=3000))
    down = workspace.await_lag(lambda report: report["status"] == "WAITING", "the lanes to wait", 60)
    assert down["lag"] > 0 and service.runs
    clusters.skyways.ensure_up()
    workspace.await_lag(lambda report: report["lag"] == 0, "the backlog to be delivered", 90)
    assert service.stop() == 0
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())


def test_a_partner_that_hangs_past_the_transaction_timeout_is_survived(clusters, workspace, route):
    r = route(partitions=2)
    workspace.contract(flights.contract(r.source, r.target, max_records=200))
    service = workspace.start()
    workspace.await_lag(lambda report: report["status"] == "IDLE", "an idle lane")
    clusters.skyways.pause()
    topics.produce(clusters.internal, r.source, flights.rows(4000, partitions=2))
    time.sleep(35)
    assert service.runs
    clusters.skyways.proceed()
    workspace.await_lag(lambda report: report["lag"] == 0, "the backlog to be delivered", 120)
    assert service.stop() == 0
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())


def test_a_source_broker_that_restarts_is_waited_for(clusters, workspace, route):
    r = route(partitions=2)
    topics.produce(clusters.internal, r.source, flights.rows(2000, partitions=2))
    workspace.contract(flights.contract(r.source, r.target))
    service = workspace.start()
    workspace.await_lag(lambda report: report["lag"] == 0, "the first records", 60)
    clusters.internal.kill()
    time.sleep(3)
    clusters.internal.ensure_up()
    topics.produce(clusters.internal, r.source, flights.rows(2000, partitions=2, first=2000))
    workspace.await_lag(
        lambda report: sum(p["read"] for p in report["partitions"]) == 4000, "the records after it", 90
    )
    assert service.stop() == 0
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())


def test_one_partner_down_leaves_the_other_contract_running(clusters, tmp_path, route):
    space = Workspace(
        tmp_path, clusters.internal, skyways=clusters.skyways.bootstrap,
        northwind=f"127.0.0.1:{free_port()}",
    )
    try:
        r, dead = route(partitions=2), route(partitions=2)
        topics.produce(clusters.internal, r.source, flights.rows(1000, partitions=2))
        topics.produce(clusters.internal, dead.source, flights.rows(1000, partitions=2))
        space.contract(flights.contract(r.source, r.target), "skyways.yaml")
        space.contract(
            flights.contract(dead.source, dead.target, identity="flights-northwind", partner="northwind"),
            "northwind.yaml",
        )
        service = space.start()
        found = space.await_lag(
            lambda report: report["flights-skyways"]["lag"] == 0
            and report["flights-northwind"]["status"] == "WAITING",
            "one contract to catch up while the other waits", 60,
        )
        assert sum(p["delivered"] for p in found["flights-northwind"]["partitions"]) == 0
        assert service.stop() == 0, service.log[-2000:]
        exactly_once(space, clusters.internal, clusters.skyways, r, flights.view())
    finally:
        space.close()


#: Seconds; CROSSDOCK_OUTAGE=3600 is the hour.
OUTAGE = float(os.environ.get("CROSSDOCK_OUTAGE", "60"))


def test_a_long_outage_of_both_clusters_ends_in_recovery_and_is_told_in_a_few_lines(
    clusters, workspace, route, say
):
    r = route(partitions=4)
    topics.produce(clusters.internal, r.source, flights.rows(4000, partitions=4))
    workspace.contract(flights.contract(r.source, r.target, max_records=200))
    service = workspace.start()
    workspace.await_lag(lambda report: report["lag"] == 0, "the first records", 60)
    before, told = service.memory(), len(service.log.splitlines())
    clusters.skyways.kill()
    clusters.internal.kill()
    down = time.monotonic()
    workspace.await_lag(lambda report: report["status"] == "WAITING", "the lanes to wait", 60)
    since = {p["reason"].split(": ")[0] for p in workspace.lag()["partitions"]}
    time.sleep(max(0.0, OUTAGE - (time.monotonic() - down)))
    assert {p["reason"].split(": ")[0] for p in workspace.lag()["partitions"]} == since, "since it began"
    lines = service.log.splitlines()[told:]
    after = service.memory()
    clusters.internal.ensure_up()
    clusters.skyways.ensure_up()
    up = time.monotonic()
    topics.produce(clusters.internal, r.source, flights.rows(4000, partitions=4, first=4000))
    workspace.await_lag(
        lambda report: sum(p["read"] for p in report["partitions"]) == 8000, "the records after it", 90
    )
    say(
        f"both clusters down for {OUTAGE:.0f} s: {len(lines)} lines by 2 lanes, resident memory "
        f"{before['VmRSS'] >> 20} MiB before and {after['VmRSS'] >> 20} MiB after, everything decided "
        f"{time.monotonic() - up:.1f} s after both were back"
    )
    # A line a lane when it begins, another if the reason turns out to be another, one every 10 minutes.
    assert len(lines) <= 2 * (3 + OUTAGE / 600), "\n".join(lines)
    assert after["VmRSS"] < before["VmRSS"] + (32 << 20)
    assert service.stop() == 0
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())


def test_a_source_that_hangs_is_survived(clusters, workspace, route):
    r = route(partitions=2)
    topics.produce(clusters.internal, r.source, flights.rows(1000, partitions=2))
    workspace.contract(flights.contract(r.source, r.target, max_records=200))
    service = workspace.start()
    workspace.await_lag(lambda report: report["lag"] == 0, "the first records", 60)
    clusters.internal.pause()
    # The lane finds out by its next look, which asks for 10 s; this is longer than both.
    wait_until(lambda: "waiting" in service.log, "the lanes to wait", 60)
    clusters.internal.proceed()
    # A node that stood still has lost its partitions; once in a while it is long until it leads them again.
    topics.await_leaders(clusters.internal, r.source)
    topics.produce(clusters.internal, r.source, flights.rows(1000, partitions=2, first=1000))
    workspace.await_lag(
        lambda report: sum(p["read"] for p in report["partitions"]) == 2000, "the records after it", 90
    )
    assert service.stop() == 0
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())


def test_an_idle_lane_notices_soon_that_its_partner_is_gone(clusters, workspace, route, say):
    r = route(partitions=2)
    topics.produce(clusters.internal, r.source, flights.rows(1000, partitions=2))
    workspace.contract(flights.contract(r.source, r.target))
    service = workspace.start()
    workspace.await_lag(lambda report: report["status"] == "IDLE", "idle lanes", 60)
    clusters.skyways.kill()
    down = time.monotonic()
    workspace.await_lag(
        lambda report: {p["status"] for p in report["partitions"]} == {"WAITING"}, "both lanes to wait", 30
    )
    say(f"idle lanes say WAITING {time.monotonic() - down:.1f} s after their partner was killed")
    clusters.skyways.ensure_up()
    workspace.await_lag(lambda report: report["status"] == "IDLE", "idle lanes again", 60)
    # A lane that runs and has nothing to do is IDLE in the report before it has seen so itself.
    wait_until(lambda: "goes on" in service.log, "the log to say so", 10)
    assert service.stop() == 0


def test_a_halted_lane_leaves_the_others_running(clusters, workspace, route):
    halting, other = route(partitions=16), route(partitions=2)
    topics.produce(clusters.internal, halting.source, flights.rows(1600, partitions=16))
    topics.produce(clusters.internal, other.source, flights.rows(400, partitions=2))
    workspace.contract(
        flights.contract(halting.source, halting.target, onViolation="stop"), "halting.yaml"
    )
    workspace.contract(flights.contract(other.source, other.target, identity="flights-other"), "other.yaml")
    service = workspace.start()
    workspace.await_lag(lambda report: {one["lag"] for one in report.values()} == {0}, "the first records")
    topics.produce(clusters.internal, halting.source, [topics.Row(b"bad", b'{"broken', partition=5)])
    workspace.await_lag(lambda report: "HALTED" in statuses(report), "a halted lane")
    topics.produce(clusters.internal, halting.source, flights.rows(1600, partitions=16, first=1600))
    topics.produce(clusters.internal, other.source, flights.rows(400, partitions=2, first=400))
    found = workspace.await_lag(
        lambda report: report["flights-other"]["lag"] == 0
        and sum(p["read"] for p in report["flights-other"]["partitions"]) == 800
        and all(p["read"] == 200 for p in report["flights-skyways"]["partitions"] if p["status"] != "HALTED"),
        "the other contract and the contract's other lane to go on",
    )
    halted = [p["partition"] for p in found["flights-skyways"]["partitions"] if p["status"] == "HALTED"]
    assert 5 in halted and len(halted) < 16, halted
    done = workspace.run("recover", "flights-skyways", "--quarantine-record")
    assert done.returncode == 0, done.stderr
    workspace.await_lag(lambda report: report["flights-skyways"]["lag"] == 0, "the halted lane to go on", 60)
    assert service.stop() == 0
    exactly_once(workspace, clusters.internal, clusters.skyways, halting, flights.view())
    exactly_once(workspace, clusters.internal, clusters.skyways, other, flights.view(), "flights-other")


def statuses(report) -> set[str]:
    return {p["status"] for p in report["flights-skyways"]["partitions"]}
