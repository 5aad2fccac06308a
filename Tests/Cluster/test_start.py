"""Starting, stopping and going on."""

from Checkers.view import compare
from Cluster.harness import flights, topics
from Cluster.harness.processes import wait_until
from Cluster.harness.proof import exactly_once


def test_a_first_start_delivers_every_record_once_and_in_order(clusters, workspace, route):
    r = route(partitions=3)
    topics.produce(clusters.internal, r.source, flights.rows(5000, partitions=3))
    workspace.contract(flights.contract(r.source, r.target))
    workspace.catch_up()
    expected = exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())
    assert expected.delivered > 1000 and expected.filtered > 3000


def test_an_empty_source_is_caught_up_at_once(clusters, workspace, route):
    r = route(partitions=2)
    workspace.contract(flights.contract(r.source, r.target))
    workspace.catch_up()
    expected = exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())
    assert expected.delivered == 0


def test_a_restart_goes_on_where_the_last_run_stopped(clusters, workspace, route):
    r = route(partitions=3)
    workspace.contract(flights.contract(r.source, r.target))
    for part in range(3):
        topics.produce(clusters.internal, r.source, flights.rows(700, partitions=3, first=700 * part))
        workspace.catch_up()
        exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())


def test_a_restart_without_new_records_delivers_nothing(clusters, workspace, route):
    r = route(partitions=2)
    topics.produce(clusters.internal, r.source, flights.rows(500, partitions=2))
    workspace.contract(flights.contract(r.source, r.target))
    workspace.catch_up()
    before = topics.ends(clusters.skyways, r.target)
    workspace.catch_up()
    assert topics.ends(clusters.skyways, r.target) == before


def test_new_records_reach_the_partner_while_the_service_runs(clusters, workspace, route):
    r = route(partitions=2)
    workspace.contract(flights.contract(r.source, r.target))
    service = workspace.start()
    workspace.await_lag(lambda report: report["status"] == "IDLE", "an idle lane")
    for part in range(3):
        topics.produce(clusters.internal, r.source, flights.rows(200, partitions=2, first=200 * part))
        workspace.await_lag(
            lambda report: report["lag"] == 0 and sum(p["read"] for p in report["partitions"]) == 200 * part + 200,
            "the records to be decided",
        )
    assert service.stop() == 0
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())


def test_start_latest_leaves_what_stands_already(clusters, workspace, route):
    r = route(partitions=2)
    topics.produce(clusters.internal, r.source, flights.rows(300, partitions=2))
    workspace.contract(flights.contract(r.source, r.target, start="latest"))
    workspace.catch_up()
    topics.produce(clusters.internal, r.source, flights.rows(300, partitions=2, first=300))
    workspace.catch_up()
    source = [records[150:] for records in topics.read(clusters.internal, r.source)]
    expected = flights.view().expect(source, 2)
    compare(flights.view(), expected, topics.read(clusters.skyways, r.target))


def test_sigterm_under_load_drains(clusters, workspace, route, say):
    r = route(partitions=4)
    topics.produce(clusters.internal, r.source, flights.rows(40_000, partitions=4))
    workspace.contract(flights.contract(r.source, r.target, max_records=200))
    service = workspace.start()
    wait_until(lambda: sum(topics.ends(clusters.skyways, r.target)) > 500, "the first deliveries")
    assert service.stop() == 0, service.log[-2000:]
    assert not topics.has_open_transaction(clusters.skyways, r.target, workspace.checkpoints)
    stopped = workspace.lag()
    assert 0 < sum(p["read"] for p in stopped["partitions"]) < 40_000, "it was to be stopped midway"
    assert stopped["status"] == "STOP"
    workspace.catch_up()
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())


def test_a_wrong_contract_starts_nothing(clusters, workspace, route):
    r = route(partitions=1)
    topics.produce(clusters.internal, r.source, flights.rows(50, partitions=1))
    workspace.contract(flights.contract(r.source, r.target, filter="valu.dep_delay > 0"))
    service = workspace.start()
    assert service.finish(20) == 1
    assert "contract.yaml:" in service.log and "valu" in service.log
    assert topics.ends(clusters.skyways, r.target) == [0]
    assert not topics.exists(clusters.skyways, workspace.checkpoints)
    assert not workspace.ledger.exists()


def test_a_second_instance_on_one_host_is_refused(clusters, workspace, route):
    r = route(partitions=1)
    workspace.contract(flights.contract(r.source, r.target))
    service = workspace.start()
    workspace.await_lag(lambda report: report["status"] == "IDLE", "an idle lane")
    twin = workspace.start()
    assert twin.finish(20) == 2, twin.log
    topics.produce(clusters.internal, r.source, flights.rows(50, partitions=1))
    workspace.await_lag(lambda report: sum(p["read"] for p in report["partitions"]) == 50, "the records")
    assert service.stop() == 0
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())
