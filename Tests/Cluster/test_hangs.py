"""Calls that never come back, clients that give themselves up, and a service that must be gone in seconds."""

import signal
import time

import pytest

from Cluster.harness import flights, topics
from Cluster.harness.hangs import Hangs
from Cluster.harness.processes import wait_until
from Cluster.harness.proof import exactly_once

COMMIT, FLUSH, POLL = "rd_kafka_commit_transaction", "rd_kafka_flush", "rd_kafka_consume_batch_queue"
DESTROY = "rd_kafka_destroy_flags"


@pytest.fixture
def hangs(workspace, tmp_path):
    # A call's bound follows the transaction's time-out: short, so that the tests are.
    workspace.clusters["skyways"]["transaction.timeout.ms"] = "4000"
    workspace.lanes = 4
    workspace.configure()
    return Hangs(tmp_path)


def running(clusters, workspace, route, hangs):
    """A service that has delivered something and has more to do."""
    r = route(partitions=8)
    topics.produce(clusters.internal, r.source, flights.rows(4000, partitions=8))
    workspace.contract(flights.contract(r.source, r.target, max_records=100))
    service = workspace.start(environment=hangs.environment)
    workspace.await_lag(lambda report: report["lag"] == 0, "the first records", 60)
    return r, service


def more(clusters, r) -> None:
    topics.produce(clusters.internal, r.source, flights.rows(4000, partitions=8, first=4000))


def all_read(report) -> bool:
    return sum(p["read"] for p in report["partitions"]) == 8000 and report["lag"] == 0


def test_threads_that_hang_are_replaced_and_do_no_harm_when_they_wake(clusters, workspace, route, hangs):
    r, service = running(clusters, workspace, route, hangs)
    asked = [("late", COMMIT), ("hang", FLUSH), ("hang", POLL)]
    for kind, call in asked:
        hangs.ask(kind, call)
    more(clusters, r)
    for kind, call in asked:
        hangs.await_taken(kind, call)
    stalled = workspace.await_lag(
        lambda report: "STALL" in {p["status"] for p in report["partitions"]}, "a stalled lane", 60
    )
    assert any("hangs in" in (p["reason"] or "") for p in stalled["partitions"])
    workspace.await_lag(all_read, "the lanes to go on without the threads that hang", 120)
    assert service.log.count("a thread that hangs is replaced") == 3, service.log[-3000:]
    for _, call in asked:
        hangs.wake(call)
    wait_until(
        lambda: service.log.count("a replaced thread has come back and ended") == 3, "the three to end", 60
    )
    topics.produce(clusters.internal, r.source, flights.rows(800, partitions=8, first=8000))
    workspace.await_lag(
        lambda report: sum(p["read"] for p in report["partitions"]) == 8800, "records after it", 90
    )
    assert service.stop() == 0
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())


def test_a_zombies_commit_does_not_count_any_more(clusters, workspace, route, hangs):
    r, service = running(clusters, workspace, route, hangs)
    hangs.ask("hang", COMMIT)
    more(clusters, r)
    hangs.await_taken("hang", COMMIT)
    workspace.await_lag(all_read, "the lanes to go on", 120)
    # Only now does the old thread ask for its commit.
    hangs.wake(COMMIT)
    wait_until(lambda: "has come back and ended" in service.log, "the old thread to end", 60)
    assert service.stop() == 0
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())


def test_a_fatal_client_is_replaced_although_its_end_hangs(clusters, workspace, route, hangs):
    r, service = running(clusters, workspace, route, hangs)
    hangs.ask("fatal", COMMIT)
    hangs.ask("hang", DESTROY)
    more(clusters, r)
    hangs.await_taken("fatal", COMMIT)
    hangs.await_taken("hang", DESTROY)
    workspace.await_lag(all_read, "the lanes to go on with new clients", 120)
    hangs.wake(DESTROY)
    assert service.stop() == 0
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())


def test_sigterm_ends_in_seconds_although_a_commit_hangs(clusters, workspace, route, hangs, say):
    r, service = running(clusters, workspace, route, hangs)
    hangs.ask("late", COMMIT)
    more(clusters, r)
    hangs.await_taken("late", COMMIT)
    begun = time.monotonic()
    assert service.stop() == 0
    took = time.monotonic() - begun
    say(f"SIGTERM while a commit hangs: gone after {took:.1f} s")
    assert took < 15
    assert "left behind" in service.log and "commit_transaction" in service.log, service.log[-2000:]
    workspace.catch_up(timeout=120)
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())


def test_a_second_signal_ends_at_once(clusters, workspace, route, hangs):
    r, service = running(clusters, workspace, route, hangs)
    hangs.ask("late", COMMIT)
    more(clusters, r)
    hangs.await_taken("late", COMMIT)
    service.process.send_signal(signal.SIGTERM)
    wait_until(lambda: "stopping" in service.log, "the first signal to be taken", 10)
    service.process.send_signal(signal.SIGTERM)
    assert service.finish(3) == 128 + signal.SIGTERM
    workspace.catch_up(timeout=120)
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())
