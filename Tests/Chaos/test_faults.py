"""The failpoints themselves: every point is on the way of the binary under test, and does what is planned.

A statement or call of the service that is renamed would leave a point that is never passed: a row that tests
nothing. Hence every point's count.
"""

import subprocess

import pytest

from Cluster.harness import flights, topics
from Cluster.harness.service import binary

#: Passed by every run that delivers. `drop` and the aborts take a failure.
CALLS = {
    "survey", "init", "scan", "assign", "claim-begin", "claim-produce", "claim-flush", "claim-commit",
    "claim-end-txn", "begin", "produce", "flush", "commit", "end-txn", "save", "nonce", "start", "intent",
    "mark", "write", "sync",
}
FAILURES = {"drop", "abort", "abort-end-txn"}
#: Calls whose passage is counted before they are made, and not after.
ONE_SIDED = {"survey", "scan", "claim-produce", "produce", "write", "sync"}


@pytest.fixture
def loaded(clusters, workspace, route):
    r = route(partitions=2)
    topics.produce(clusters.internal, r.source, flights.rows(600, partitions=2))
    workspace.lanes = 1
    workspace.clusters["skyways"]["transaction.timeout.ms"] = "2000"
    workspace.configure()
    workspace.contract(flights.contract(r.source, r.target, max_records=50))
    return workspace


def test_every_point_is_passed(faults, loaded):
    # Half a transaction's time is over: it is aborted.
    run = faults.start(loaded, "flush-before:2:hang:1200", "--until-caught-up")
    assert run.service.finish(60) == 0, run.service.log[-3000:]
    points = run.points()
    for call in CALLS | FAILURES:
        sides = ("-before",) if call in ONE_SIDED else ("-before", "-after")
        for side in sides:
            assert points[call + side].passages > 0, f"{call}{side} was never passed"
    named = {name.removesuffix("-before").removesuffix("-after") for name in points} - {"in-transaction"}
    assert named == CALLS | FAILURES
    assert points["commit-after"].passages > 3
    assert points["flush-before"].hits == points["flush-before"].in_transaction == 1
    assert points["abort-after"].passages == points["drop-after"].passages == 1
    assert not run.in_transaction


def test_a_kill_comes_at_exactly_the_passage_that_was_planned(faults, loaded):
    run = faults.start(loaded, "commit-before:3:kill")
    run.await_kill()
    assert run.passed("commit-before") == 3 and run.passed("commit-after") == 2
    assert run.passed("intent-after") == 3 and run.open_intents() == 1
    assert run.in_transaction and run.hits()["commit-before"].in_transaction == 1


def test_a_stopped_process_goes_on(faults, loaded):
    run = faults.start(loaded, "end-txn-after:2:stop", "--until-caught-up")
    run.await_stop()
    assert run.passed("end-txn-after") == 2 and run.passed("commit-after") == 1
    run.proceed()
    assert run.service.finish(60) == 0 and run.passed("commit-after") > 1


def test_a_call_that_hangs_leaves_the_other_threads_going(faults, loaded):
    run = faults.start(loaded, "commit-before:2:hang:700", "--until-caught-up")
    run.await_hit()
    before = run.passed("commit-after")
    assert run.service.finish(60) == 0 and before == 1


def test_a_failing_disk_is_the_ledgers_alone(faults, loaded):
    # Not while the ledger is made, which ends the run.
    faults.start(loaded, "commit-before:2:kill").await_kill()
    run = faults.start(loaded, "sync-before:6:fail:5", "--until-caught-up")
    assert run.service.finish(60) == 0, run.service.log[-3000:]
    assert run.hits()["sync-before"].hits == 1


@pytest.mark.parametrize("plan", ["nowhere:1:kill", "commit-before:0:kill", "commit-before:1:fail", "begin"])
def test_a_plan_that_cannot_be_read_ends_the_run(faults, loaded, plan):
    run = faults.start(loaded, plan)
    assert run.service.finish(10) == 64 and "cannot read" in run.service.log


def test_the_shipped_binary_calls_what_is_replaced():
    """Linked into it, librdkafka and SQLite could not be interposed."""
    symbols = subprocess.run(["nm", "-D", str(binary())], capture_output=True, text=True, check=True).stdout
    for name in ("rd_kafka_commit_transaction", "rd_kafka_producev", "sqlite3_step"):
        assert f" U {name}" in symbols
