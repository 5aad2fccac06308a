"""Rows of the fault matrix about the partner's topics: what it has acknowledged and no longer has."""

import time

import pytest
from confluent_kafka import TopicPartition

from Chaos.conftest import TRANSACTION_TIMEOUT
from Chaos.harness.cases import (
    await_halt, before, choose, configure, halts, idle, lose_ledger, recreate, since,
)
from Chaos.matrix import row
from Checkers import view
from Cluster.harness import flights, topics
from Cluster.harness.processes import wait_until


# The data topic


@row("partner-topic-recreated-running")
def test_a_topic_recreated_under_an_idle_service_halts(case, verdict):
    one = case(600)
    service = one.workspace.start()
    idle(one.workspace)
    recreate(one.partner, one.target, 2)
    await_halt(one.workspace, service, "partner-truncated")
    one.load(100)
    assert topics.ends(one.partner, one.target, committed=False) == [0, 0]
    choose(one.workspace, "--start-at", "earliest")
    idle(one.workspace)
    assert service.stop() == 0
    one.sees(one.history())
    verdict("halt partner-truncated; start-at earliest: all of it once")


@row("partner-topic-recreated-running")
@pytest.mark.parametrize("choice", ["start-at", "trust-ledger"])
def test_a_topic_recreated_under_load_halts(case, verdict, choice):
    one = case(9000, max_records=5)
    service = one.workspace.start()
    one.await_deliveries(200)
    recreate(one.partner, one.target, 2)
    await_halt(one.workspace, service, "partner-truncated", 90)
    # It halts with the first acknowledgement that goes back: nothing of that batch is committed.
    assert sum(map(len, one.seen())) == 0
    at = one.decided()
    assert sum(at) < 9000, "it was to be met under load"
    if choice == "start-at":
        choose(one.workspace, "--start-at", "earliest")
    else:
        choose(one.workspace, "--trust-ledger")
    idle(one.workspace)
    assert service.stop() == 0
    one.sees(one.history() if choice == "start-at" else since(one.history(), at))
    verdict({
        "start-at": "halt partner-truncated; start-at earliest: all of it once",
        "trust-ledger": "halt partner-truncated; trust-ledger: the rest once",
    }[choice])


@row("partner-topic-recreated-down")
@pytest.mark.parametrize("partitions", [2, 3], ids=["as many", "more"])
@pytest.mark.parametrize("moment", [None, "commit-before", "commit-after"])
def test_a_topic_recreated_while_down_halts(case, faults, verdict, partitions, moment):
    one = case(600, max_records=20)
    if moment is None:
        one.workspace.catch_up()
    else:
        faults.start(one.workspace, f"{moment}:5:kill").await_kill()
    recreate(one.partner, one.target, partitions)
    one.load(100)
    reason = halts(one.workspace, "partner-truncated", "layout-changed")
    if partitions == 3:
        assert reason == "layout-changed"
        choose(one.workspace, "--accept-layout")
        halts(one.workspace, "partner-truncated")
    else:
        assert reason == "partner-truncated"
    # The dead process' transaction may have been ended in the new topic: no record stands there.
    assert sum(map(len, one.seen(committed=False))) == 0
    choose(one.workspace, "--start-at", "earliest")
    one.workspace.catch_up()
    assert one.figures()["lag"] == 0
    one.sees(one.history())
    verdict("halt partner-truncated; start-at earliest: all of it once")


@row("partner-topic-recreated-down")
def test_a_topic_recreated_with_fewer_partitions_halts(case, verdict):
    one = case(600)
    one.workspace.catch_up()
    recreate(one.partner, one.target, 1)
    halts(one.workspace, "partner-partitions", "layout-changed")
    assert topics.ends(one.partner, one.target) == [0]
    recreate(one.partner, one.target, 2)
    halts(one.workspace, "partner-truncated")
    choose(one.workspace, "--trust-ledger")
    one.load(100)
    one.workspace.catch_up()
    one.sees(since(one.history(), [300, 300]))
    verdict("halt partner-partitions, then partner-truncated; trust-ledger: the rest once")


@row("partner-topic-deleted")
@pytest.mark.parametrize("loaded", [False, True], ids=["idle", "under load"])
def test_a_deleted_topic_is_waited_for_and_never_made(case, verdict, loaded):
    one = case(4000 if loaded else 400, max_records=5)
    service = one.workspace.start()
    one.await_deliveries(200) if loaded else idle(one.workspace)
    topics.delete(one.partner, one.target)
    if not loaded:
        one.load(100)
    # What an aborted transaction failed of does not name the topic; what the lane finds next does.
    one.workspace.await_lag(
        lambda report: report["status"] == "WAITING"
        and all(one.target in (row["reason"] or "") for row in report["partitions"]),
        "the lanes to say what they wait for", 90,
    )
    assert service.runs and not topics.exists(one.partner, one.target)
    at = one.decided()
    topics.create(one.partner, one.target, 2)
    await_halt(one.workspace, service, "partner-truncated", 90)
    assert one.decided() == at and sum(map(len, one.seen())) == 0
    choose(one.workspace, "--start-at", "earliest")
    idle(one.workspace)
    assert service.stop() == 0
    one.sees(one.history())
    verdict("waits and says so; made again: halt partner-truncated; start-at earliest: all of it once")


# The checkpoint topic


def make_checkpoints(one, partitions: int = 8) -> None:
    topics.create(one.partner, one.workspace.checkpoints, partitions, cleanup_policy="compact")


def lose_checkpoints(one) -> None:
    topics.delete(one.partner, one.workspace.checkpoints)
    wait_until(lambda: not topics.exists(one.partner, one.workspace.checkpoints), "the deletion")


def trusted(one) -> None:
    """The choice after which nothing is lost or seen twice."""
    choose(one.workspace, "--trust-ledger")
    one.workspace.catch_up()
    one.prove_as_it_is()


@row("checkpoint-deleted")
def test_a_checkpoint_topic_deleted_while_down_halts(case, verdict):
    one = case(600)
    one.workspace.catch_up()
    lose_checkpoints(one)
    one.load(100)
    seen = one.seen()
    halts(one.workspace, "checkpoint-lost")
    assert not topics.exists(one.partner, one.workspace.checkpoints), "it is made once and never again"
    assert one.seen() == seen
    make_checkpoints(one)
    halts(one.workspace, "checkpoint-lost")
    trusted(one)
    verdict("halt checkpoint-lost; trust-ledger: delivered once")


@row("checkpoint-deleted")
@pytest.mark.parametrize("loaded", [False, True], ids=["idle", "under load"])
def test_a_checkpoint_topic_deleted_while_running_halts(case, verdict, loaded):
    one = case(4000 if loaded else 400, max_records=5)
    service = one.workspace.start()
    one.await_deliveries(200) if loaded else idle(one.workspace)
    lose_checkpoints(one)
    await_halt(one.workspace, service, "checkpoint-lost", 90)
    at = one.decided()
    one.sees_only(before(one.history(), at))
    assert not topics.exists(one.partner, one.workspace.checkpoints)
    make_checkpoints(one)
    choose(one.workspace, "--trust-ledger")
    idle(one.workspace)
    assert service.stop() == 0
    one.prove_as_it_is()
    verdict("halt checkpoint-lost; trust-ledger: delivered once")


@row("checkpoint-deleted")
def test_a_checkpoint_topic_and_the_ledger_lost_together_halt(case, verdict):
    one = case(600)
    one.workspace.catch_up()
    recreate(one.partner, one.workspace.checkpoints, 8, cleanup_policy="compact")
    one.workspace.ledger.parent.rename(one.workspace.directory / "lost")
    one.load(100)
    seen = one.seen()
    # The source group's offsets remember that this contract has run before.
    halts(one.workspace, "checkpoint-lost")
    assert one.seen() == seen
    choose(one.workspace, "--start-at", "300")
    one.workspace.catch_up()
    one.sees(one.history())
    verdict("halt checkpoint-lost; start-at: delivered once")


@row("checkpoint-emptied")
def test_a_checkpoint_topic_emptied_while_down_halts(case, verdict):
    one = case(600)
    one.workspace.catch_up()
    empty(one)
    one.load(100)
    seen = one.seen()
    halts(one.workspace, "checkpoint-lost")
    assert one.seen() == seen
    trusted(one)
    verdict("halt checkpoint-lost; trust-ledger: delivered once")


def empty(one) -> None:
    """Every record deleted, as the wrong cleanup.policy does in time."""
    topic = one.workspace.checkpoints
    configure(one.partner, topic, cleanup_policy="delete")
    ends = topics.ends(one.partner, topic, committed=False)
    cuts = [TopicPartition(topic, number, end) for number, end in enumerate(ends)]
    for answer in one.partner.admin.delete_records(cuts).values():
        assert answer.result(timeout=20).low_watermark >= 0
    configure(one.partner, topic, cleanup_policy="compact")


@row("checkpoint-emptied")
@pytest.mark.parametrize("how", ["records deleted", "recreated"])
def test_a_checkpoint_topic_emptied_under_load_is_never_guessed_about(case, verdict, how):
    one = case(4000, max_records=5)
    service = one.workspace.start()
    one.await_deliveries(200)
    if how == "recreated":
        recreate(one.partner, one.workspace.checkpoints, 8, cleanup_policy="compact")
    else:
        empty(one)
    # Where no transaction meets it, it goes on: each of its batches writes markers anew. Else it halts.
    def settled() -> bool:
        report = one.workspace.lag()
        return report["status"] == "HALTED" or (report["lag"] == 0 and report["status"] == "IDLE")

    wait_until(settled, "a halt or the end", 90, every=0.3)
    halted = one.workspace.halted()
    if halted:
        await_halt(one.workspace, service, "checkpoint-lost")
        one.sees_only(before(one.history(), one.decided()))
        choose(one.workspace, "--trust-ledger")
        idle(one.workspace)
    assert service.stop() == 0
    # A kill follows, and a ledger that is lost: the markers written since must be enough.
    one.prove_as_it_is()
    one.load(100)
    one.workspace.ledger.parent.rename(one.workspace.directory / "lost")
    one.workspace.catch_up()
    one.sees(one.history())
    verdict("halt checkpoint-lost; trust-ledger: delivered once" if halted else "delivered once")


@row("checkpoint-grown")
@pytest.mark.parametrize("running", [False, True], ids=["down", "running"])
def test_a_checkpoint_topic_that_grew_halts(case, verdict, running):
    one = case(600)
    if running:
        service = one.workspace.start()
        idle(one.workspace)
    else:
        one.workspace.catch_up()
    topics.grow(one.partner, one.workspace.checkpoints, 9)
    seen = one.seen()
    if running:
        await_halt(one.workspace, service, "layout-changed")
        assert service.stop() == 0
    one.load(100)
    halts(one.workspace, "layout-changed")
    assert one.seen() == seen
    # The page: another topic with the old count, and checkpoint-lost's choice there.
    one.workspace.checkpoints += ".new"
    one.workspace.configure()
    make_checkpoints(one)
    halts(one.workspace, "checkpoint-lost")
    trusted(one)
    verdict("halt layout-changed; another topic, trust-ledger: delivered once")


# Partitions added


@row("partner-partitions-added")
@pytest.mark.parametrize("how", ["down", "ledger lost", "running idle", "running under load"])
def test_partitions_added_to_the_partners_topic_halt(case, verdict, how):
    one = case(4000 if "load" in how else 400, max_records=5)
    if how in ("down", "ledger lost"):
        one.workspace.catch_up()
        service = None
        if how == "ledger lost":
            lose_ledger(one.workspace)
    else:
        service = one.workspace.start()
        one.await_deliveries(100) if "load" in how else idle(one.workspace)
    topics.grow(one.partner, one.target, 4)
    if service is None:
        one.load(100)
        halts(one.workspace, "layout-changed")
    else:
        await_halt(one.workspace, service, "layout-changed", 90)
        one.load(100)
    one.sees_only(before(one.history(), [200, 200] if how == "ledger lost" else one.decided()))
    choose(one.workspace, "--accept-layout")
    if service is None:
        one.workspace.catch_up()
    else:
        idle(one.workspace)
        assert service.stop() == 0
    one.prove_as_it_is(ledger_lost=how == "ledger lost")
    verdict("halt layout-changed; accept-layout: delivered once")


@row("partner-partitions-added")
def test_partitions_added_where_the_key_chooses_halt_until_it_is_accepted(case, verdict):
    one = case(600, target=3, partition="key")
    one.rules = flights.view(partition="key")
    one.workspace.catch_up()
    topics.grow(one.partner, one.target, 5)
    old = topics.ends(one.internal, one.source)
    one.load(600)
    seen = one.seen()
    halts(one.workspace, "layout-changed")
    assert one.seen() == seen
    choose(one.workspace, "--accept-layout")
    one.workspace.catch_up()
    found = one.seen()
    # Keys may have moved: what came before stands as before, what came after is in order of its key.
    assert [records[:len(first)] for records, first in zip(found, seen)] == seen[:3] + [[], []]
    rest = [records[len(first):] for records, first in zip(found, [*seen[:3], [], []])]
    view.compare(one.rules, one.rules.expect(since(one.history(), old), 5), rest)
    verdict("halt layout-changed; accept-layout: delivered once, in order by key before and after")


# Away for long


@row("partner-broker-away")
@pytest.mark.parametrize("point", ["produce-before:103", "commit-before:4"], ids=["half", "whole"])
def test_a_broker_away_past_the_timeout_of_an_open_transaction(case, faults, restorable, verdict, say, point):
    """Half a transaction, records without their marker, or a whole one stands there when service and broker die."""
    one = case(600, partner=restorable, max_records=20)
    forgotten = restorable.forgotten_ends()
    # The client library's threads send what they have in that second.
    faults.start(one.workspace, f"{point}:kill:1000").await_kill()
    assert topics.has_open_transaction(one.partner, one.target, one.workspace.checkpoints)
    restorable.kill()
    time.sleep(TRANSACTION_TIMEOUT + 1)
    restorable.ensure_up()
    service = one.workspace.start()
    idle(one.workspace)
    assert service.stop() == 0
    one.sees(one.history())
    if restorable.forgotten_ends() > forgotten:
        assert "KAFKA-20734" in service.log
    else:
        say("the partner's coordinator wrote the end of the open transaction this time")
    verdict("delivered once")


# Set back to a backup


@row("partner-restored")
def test_a_partner_set_back_while_down_halts_and_each_choice_does_what_it_says(case, restorable, verdict):
    choices = ("adopt-marker", "trust-ledger", "start-at")
    cases = {choice: case(300, partner=restorable) for choice in choices}
    for one in cases.values():
        one.workspace.catch_up()
    restorable.back_up("down")
    olds = {choice: one.history() for choice, one in cases.items()}
    for one in cases.values():
        one.load(300)
        one.workspace.catch_up()
        assert len(one.seen()[0]) > 60
    restorable.restore("down")
    for choice, one in cases.items():
        one.sees(olds[choice])
        one.load(100)
        halts(one.workspace, "partner-restored")
        one.sees(olds[choice])
        choose(one.workspace, f"--{choice}", *(["earliest"] if choice == "start-at" else []))
        if choice == "trust-ledger":
            # Checkpoints are right again; that data is gone too is the next question.
            halts(one.workspace, "partner-truncated")
            choose(one.workspace, "--trust-ledger")
        one.workspace.catch_up()
        assert one.figures()["lag"] == 0
        history = one.history()
        match choice:
            case "adopt-marker": one.sees(history)
            case "trust-ledger": one.sees(olds[choice], since(history, [300, 300]))
            case "start-at": one.sees(olds[choice], history)
    verdict(
        "halt partner-restored; adopt-marker: delivered once; trust-ledger: what was lost stays lost; "
        "start-at: again from there"
    )


@row("partner-restored")
def test_a_partner_set_back_under_load_halts(case, restorable, verdict):
    one = case(9000, partner=restorable, max_records=5)
    service = one.workspace.start()
    one.await_deliveries(200)
    # The copy may hold an open transaction, as a backup does.
    restorable.back_up("running")
    one.await_deliveries(200, 90)
    restorable.restore("running")
    await_halt(one.workspace, service, "partner-restored", 120)
    assert sum(one.decided()) < 9000
    choose(one.workspace, "--adopt-marker")
    idle(one.workspace)
    assert service.stop() == 0
    one.sees(one.history())
    verdict("halt partner-restored; adopt-marker: delivered once")
