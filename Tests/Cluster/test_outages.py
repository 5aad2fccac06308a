"""A partner that is away."""

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
