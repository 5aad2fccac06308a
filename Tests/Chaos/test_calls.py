"""Calls of the client library that fail, or say that they have: a code proves nothing about what was sent."""

import pytest

from Chaos.harness.scenes import scene
from Cluster.harness.processes import wait_until

#: librdkafka's _FAIL and _TIMED_OUT.
FAILED, TIMED_OUT = -196, -185

#: What fails, and what the next recovery must find; None: it needs none.
CALLS = {
    f"produce-before:40:fail:{FAILED}": None,
    f"flush-after:3:fail:{TIMED_OUT}": None,
    f"begin-before:3:fail:{FAILED}": None,
    f"commit-before:3:fail:{FAILED}": "aborted",
    f"commit-after:3:fail:{FAILED}": "committed, mark missed",
}


@pytest.fixture
def small(clusters, workspace, route):
    """Flights over three partitions on one lane, for some twenty transactions."""
    workspace.lanes = 1
    workspace.configure()
    return scene(clusters.internal, clusters.skyways, workspace, route, 2000)


@pytest.mark.parametrize("plan", CALLS, ids=[plan.split(":")[0] for plan in CALLS])
def test_a_call_that_fails_loses_and_doubles_nothing(small, faults, plan):
    run = faults.start(small.workspace, plan, "--until-caught-up")
    code = run.service.finish(90)
    assert code == 0, f"exit {code}, not 0:\n{run.service.log[-3000:]}"
    assert run.hits(), "nothing failed"
    small.prove_as_it_is()
    if CALLS[plan] is not None:
        assert CALLS[plan] in small.findings(), small.findings()


def test_an_aborted_batch_is_decided_again(small, faults):
    """Half of its transaction's time is over before the commit; its records are still in memory."""
    small.workspace.clusters["skyways"]["transaction.timeout.ms"] = "6000"
    small.workspace.configure()
    run = faults.start(small.workspace, "flush-before:3:hang:3500", "--until-caught-up")
    assert run.service.finish(90) == 0, run.service.log[-3000:]
    assert run.passed("abort-after") > 0 and run.passed("drop-after") > 0, "nothing was aborted"
    small.prove_as_it_is()


def test_a_source_that_goes_before_its_groups_offsets_are_asked_is_waited_for(small, faults):
    """The question runs out of time, and is asked again while the broker comes back: librdkafka's admin
    request of that purpose ends the process there."""
    small.workspace.catch_up()
    small.load(200)
    run = faults.start(small.workspace, "init-after:1:hang:3000")
    run.await_hit()
    small.internal.kill()
    try:
        wait_until(lambda: " waiting " in run.service.log, "the question to run out of time", 60)
    finally:
        small.internal.ensure_up()
    small.workspace.await_lag(lambda report: report["lag"] == 0, "the records", 90)
    assert run.service.stop() == 0, run.service.log[-2000:]
    assert "operation=committed" in run.service.log
    small.prove_as_it_is()
