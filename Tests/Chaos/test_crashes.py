"""The matrix's crash points: killed at exactly that point, several times over, then proven whole."""

import pytest

from Chaos.harness.faults import FaultedService, Faults
from Chaos.harness.scenes import Scene, scene
from Chaos.matrix import row
from Cluster.harness import flights, topics
from Cluster.harness.processes import wait_until
from Cluster.harness.proof import exactly_once


@pytest.fixture
def small(clusters, workspace, route):
    """Flights over three partitions on one lane, for some twenty transactions."""
    workspace.lanes = 1
    workspace.configure()
    return scene(clusters.internal, clusters.skyways, workspace, route, 3000)


class Crashes:
    """Kills runs of one scene, and keeps count."""

    def __init__(self, faults: Faults, scene: Scene):
        self._faults = faults
        self._scene = scene
        self.kills = self.intents = self.transactions = 0

    def at(self, *plans: str) -> FaultedService:
        """A run that each plan kills, one after the other; the last one."""
        for plan in plans:
            run = self._faults.start(self._scene.workspace, plan)
            run.await_kill()
            self.kills += 1
            self.intents += run.open_intents() > 0
            self.transactions += run.in_transaction
        return run

    @property
    def told(self) -> str:
        return f"{self.kills} kills, {self.intents} with an open intent, {self.transactions} in a transaction"


@pytest.fixture
def crashes(faults, small, say, request):
    made = Crashes(faults, small)
    yield made
    say(f"{request.node.name}: {made.told}")


@row("crash-before-begin")
def test_killed_before_a_transaction_begins(small, crashes, verdict):
    # The first one carries the initial markers; before each later one the mark of the last still waits.
    for plan in ("begin-before:1:kill", "begin-before:3:kill", "begin-before:2:kill", "begin-before:4:kill"):
        run = crashes.at(plan)
        assert run.passed("begin-after") == run.passed("begin-before") - 1
    small.prove()
    verdict("delivered once")


@row("crash-mid-produce")
def test_killed_between_two_records_of_a_transaction(small, crashes, verdict):
    crashes.at("produce-before:25:kill", "produce-before:60:kill")
    for plan in ("produce-before:77:kill:60", "produce-before:65:kill:60"):
        run = crashes.at(plan)
        assert run.in_transaction and run.passed("begin-after") > run.passed("commit-after")
        # Late enough for the records before it to have reached the partner.
        assert small.has_open_transaction()
    small.prove()
    verdict("delivered once")


@row("crash-before-intent")
def test_killed_with_every_record_and_marker_at_the_partner_and_no_intent(small, crashes, verdict):
    for plan in ("intent-before:2:kill:150", "intent-before:4:kill:150", "intent-before:3:kill:150"):
        run = crashes.at(plan)
        assert run.passed("intent-after") == run.passed("intent-before") - 1
        assert run.in_transaction and small.has_open_transaction()
        assert topics.has_open_transaction(small.partner, small.workspace.checkpoints)
    crashes.at("intent-before:1:kill", "intent-before:2:kill")
    small.prove()
    verdict("delivered once")


@row("crash-after-intent")
def test_killed_between_intent_and_commit(small, crashes, verdict):
    for plan in (
        "intent-after:2:kill", "flush-before:3:kill", "flush-after:2:kill", "commit-before:4:kill",
        "end-txn-before:2:kill",
    ):
        run = crashes.at(plan)
        assert run.in_transaction and run.passed("end-txn-after") == run.passed("intent-after") - 1
    assert crashes.intents == crashes.transactions == crashes.kills
    # Each of these was undone: its records had to be decided again.
    small.prove()
    assert small.findings().count("aborted") == crashes.kills, small.findings()
    verdict("delivered once")


@row("crash-reply-lost")
def test_killed_with_end_txn_sent(small, crashes, verdict):
    for plan in ("end-txn-after:2:kill", "end-txn-after:4:kill", "end-txn-after:3:kill"):
        run = crashes.at(plan)
        assert run.in_transaction and run.passed("commit-after") == run.passed("end-txn-after") - 1
        # The request is the broker's by then, and it decides alone.
        wait_until(lambda: not small.has_open_transaction(), "the partner to end the transaction")
    assert crashes.intents == crashes.kills
    small.prove()
    assert small.findings().count("committed, mark missed") == crashes.kills, small.findings()
    verdict("delivered once")


@row("crash-not-marked")
def test_killed_when_committed_and_not_marked(small, crashes, verdict):
    # Killed at its first mark, a run leaves the one that its recovery wanted to make up for.
    crashes.at("commit-after:2:kill", "mark-before:3:kill", "commit-after:1:kill", "mark-before:1:kill")
    assert crashes.intents == crashes.kills
    small.prove()
    assert small.findings().count("committed, mark missed") == 3, small.findings()
    verdict("delivered once")


#: Every step of a recovery that leaves something behind, or relies on what was left.
STEPS = (
    "survey-before", "scan-before", "init-before", "init-after", "nonce-before", "nonce-after",
    "claim-begin-before", "claim-produce-before", "claim-flush-before", "claim-flush-after",
    "claim-commit-before", "claim-end-txn-before", "claim-end-txn-after", "claim-commit-after",
)


@row("crash-in-recovery")
@pytest.mark.parametrize(
    "crash, verdict_point, finding",
    [("commit-before:3:kill", "drop", "aborted"), ("commit-after:3:kill", "mark", "committed, mark missed")],
    ids=["aborted", "committed"],
)
def test_killed_at_every_step_of_a_recovery(small, crashes, verdict, crash, verdict_point, finding):
    crashes.at(crash)
    for step in (*STEPS, f"{verdict_point}-before"):
        run = crashes.at(f"{step}:1:kill")
        assert run.passed("begin-before") == 0, f"{step}: not in the recovery"
    # Again and again at one step: a claim that commits each time, none that is ever judged.
    crashes.at("claim-commit-after:1:kill", "claim-end-txn-after:1:kill", f"{verdict_point}-before:1:kill")
    assert crashes.intents == crashes.kills, crashes.told
    run = crashes.at(f"{verdict_point}-after:1:kill")
    assert run.open_intents() == 0
    crashes.at("assign-before:1:kill", "assign-after:1:kill", "begin-before:1:kill")
    assert finding not in small.findings()
    small.prove()
    verdict("delivered once")


@row("crash-before-initial-marker")
def test_killed_between_the_stored_start_and_the_initial_markers(small, crashes, verdict):
    run = crashes.at("start-before:1:kill", "start-after:1:kill")
    assert run.passed("begin-before") == 0
    for plan in (
        "begin-before:1:kill", "produce-before:2:kill:50", "intent-after:1:kill", "commit-before:1:kill",
        "end-txn-after:1:kill",
    ):
        run = crashes.at(plan)
        assert run.passed("mark-after") == 0
    small.prove()
    verdict("delivered once")


@row("crash-before-initial-marker")
def test_a_start_at_the_end_is_stored_before_it_is_used(clusters, workspace, route, faults, verdict):
    """What arrives between the crash and the next start is delivered, and nothing from before."""
    workspace.lanes = 1
    workspace.configure()
    late = scene(clusters.internal, clusters.skyways, workspace, route, 300, start="latest")
    crashes = Crashes(faults, late)
    crashes.at("start-after:1:kill")
    late.load(300)
    crashes.at("begin-before:1:kill", "commit-before:1:kill")
    late.load(300)
    workspace.catch_up()
    expected = exactly_once(
        workspace, clusters.internal, clusters.skyways, late.route, flights.view(),
        starts=dict.fromkeys(range(3), 100),
    )
    assert expected.delivered > 100
    assert sum(p["read"] for p in workspace.lag()["partitions"]) == 600
    verdict("delivered once")
