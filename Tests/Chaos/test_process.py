"""Rows of the fault matrix about the process: how it ends, sleeps and wakes, and that only one of two delivers."""

import shutil
import sqlite3
import time

import pytest

from Chaos.harness.cases import await_halt, before, choose, findings, halts, idle, lanes, since
from Chaos.matrix import row
from Cluster.harness import topics
from Cluster.harness.processes import wait_until
from Cluster.harness.service import Workspace


# SIGTERM


@row("sigterm")
@pytest.mark.parametrize("lanes", [1, 3])
def test_sigterm_under_load_ends_in_seconds_with_nothing_open(case, verdict, lanes):
    one = case(9000, partitions=4, lanes=lanes, max_records=5)
    service = one.workspace.start()
    wait_until(lambda: min(topics.ends(one.partner, one.target)) > 20, "deliveries to every partition", 60)
    begun = time.monotonic()
    assert service.stop() == 0, service.log[-3000:]
    seconds = time.monotonic() - begun
    assert seconds < 10, f"{seconds:.0f} s"
    assert not topics.has_open_transaction(one.partner, one.target, one.workspace.checkpoints)
    at = one.decided()
    assert 0 < sum(at) < 9000, "it was to be stopped midway"
    one.sees(before(one.history(), at))
    service = one.workspace.catch_up(90)
    assert set(findings(service)) == {"normal"}
    one.prove_as_it_is()
    verdict("nothing open, delivered once")


@row("sigterm")
def test_sigterm_while_the_partner_hangs_ends_in_seconds(case, clusters, verdict):
    one = case(9000, max_records=5)
    service = one.workspace.start()
    one.await_deliveries(200)
    clusters.skyways.pause()
    begun = time.monotonic()
    assert service.stop() == 0, service.log[-3000:]
    seconds = time.monotonic() - begun
    clusters.skyways.proceed()
    assert seconds < 15, f"{seconds:.0f} s"
    one.workspace.catch_up(120)
    one.prove_as_it_is()
    verdict("delivered once")


# SIGSTOP


@row("sigstop")
@pytest.mark.parametrize("point", ["begin-after", "intent-after", "end-txn-before", "end-txn-after"])
def test_a_service_stopped_past_its_transactions_timeout_goes_on(case, faults, verdict, point):
    one = case(600, max_records=20)
    run = faults.start(one.workspace, f"{point}:4:stop")
    run.await_stop()
    assert run.in_transaction
    assert point != "end-txn-before" or topics.has_open_transaction(one.partner, one.target)
    # The broker has ended it when readers pass; 10 s, and another for one that holds no record yet.
    time.sleep(11)
    wait_until(
        lambda: not topics.has_open_transaction(one.partner, one.target, one.workspace.checkpoints),
        "the transaction's timeout", 60, every=0.2,
    )
    run.proceed()
    idle(one.workspace)
    assert run.service.stop() == 0
    one.prove_as_it_is()
    verdict("delivered once")


# Twins


class Twin(Workspace):
    """The same contract, keys and checkpoint topic, with a state directory of its own."""

    def __init__(self, one, name: str = "twin"):
        directory = one.workspace.directory.parent / name
        directory.mkdir()
        super().__init__(
            directory, one.internal, lanes=one.workspace.lanes, skyways=one.workspace.clusters["skyways"]
        )
        for folder in ("secrets", "contracts"):
            shutil.copytree(one.workspace.directory / folder, directory / folder, dirs_exist_ok=True)
        self.checkpoints = one.workspace.checkpoints
        self.configure()


@pytest.fixture
def twin():
    made: list[Twin] = []

    def make(one) -> Twin:
        made.append(Twin(one, f"twin-{len(made)}"))
        return made[-1]

    yield make
    for workspace in made:
        workspace.close()


@row("twins-one-host")
def test_a_second_start_on_one_state_directory_is_refused(case, verdict):
    one = case(6000, max_records=5)
    service = one.workspace.start()
    one.await_deliveries(200)
    for words in ((), ("--until-caught-up",)):
        second = one.workspace.start(*words)
        assert second.finish(30) == 2
        assert f"process {service.process.pid}" in second.log and "state" in second.log, second.log
        assert "crossdock status" in second.log, "it says what to do"
    assert service.runs
    idle(one.workspace)
    assert service.stop() == 0
    # The lock goes with the process, however that ends.
    one.load(300)
    third = one.workspace.start()
    idle(one.workspace)
    third.kill()
    one.workspace.catch_up()
    one.prove_as_it_is()
    verdict("the second refused, delivered once")


@row("twins-two-directories")
def test_a_second_instance_takes_over_under_load_and_the_first_halts(case, twin, verdict):
    one = case(9000, max_records=5)
    other = twin(one)
    first = one.workspace.start()
    one.await_deliveries(200)
    second = other.start()
    await_halt(one.workspace, first, "another-instance", 90)
    idle(other)
    assert first.stop() == 0 and second.stop() == 0
    one.sees(one.history())
    # The choice of its page, the other being stopped.
    one.load(300)
    first = one.workspace.start()
    one.workspace.await_lag(lambda _: one.workspace.halted() == set(), "the start to claim again", 60)
    idle(one.workspace)
    assert first.stop() == 0
    one.sees(one.history())
    verdict("halt another-instance, delivered once")


@row("twins-two-directories")
def test_two_started_at_the_same_moment_deliver_once(case, twin, verdict):
    one = case(3000, max_records=20)
    other = twin(one)
    runs = {one.workspace: one.workspace.start(), other: other.start()}

    def one_has_won() -> bool:
        halted = [space for space in runs if space.halted() == {"another-instance"}]
        done = [space for space in runs if space.lag()["status"] == "IDLE" and space.lag()["lag"] == 0]
        return len(halted) == 1 and len(done) == 1

    wait_until(one_has_won, "one to halt and the other to deliver", 120, every=0.5)
    one.sees(one.history())
    winner = next(space for space in runs if not space.halted())
    loser = next(space for space in runs if space.halted())
    # Take-over by choice, while the other lives: that one halts now.
    choose(loser, "--take-over")
    one.load(300)
    wait_until(lambda: winner.halted() == {"another-instance"}, "the other to halt", 90, every=0.5)
    idle(loser)
    assert all(run.stop() == 0 for run in runs.values())
    one.sees(one.history())
    verdict("halt another-instance; take-over: the other halts, delivered once")


@row("twins-two-directories")
def test_two_on_copies_of_one_state_directory_deliver_once(case, twin, verdict):
    one = case(600, max_records=5)
    one.workspace.catch_up()
    other = twin(one)
    shutil.copytree(one.workspace.ledger.parent, other.ledger.parent)
    one.load(9000)
    first = one.workspace.start()
    one.await_deliveries(200)
    second = other.start()
    await_halt(one.workspace, first, "another-instance", 90)
    idle(other)
    assert first.stop() == 0 and second.stop() == 0
    one.sees(one.history())
    verdict("halt another-instance, delivered once")


@row("zombie")
@pytest.mark.parametrize("point", ["produce-before:100", "intent-after:4", "end-txn-before:4"])
def test_a_zombie_delivers_nothing_and_halts(case, twin, faults, verdict, point):
    one = case(3000, max_records=20)
    other = twin(one)
    zombie = faults.start(one.workspace, f"{point}:stop")
    zombie.await_stop()
    second = other.start()
    idle(other)
    assert second.runs
    one.sees(one.history())
    one.load(300)
    idle(other)
    seen = one.seen()
    zombie.proceed()
    await_halt(one.workspace, zombie.service, "another-instance", 90)
    assert one.seen() == seen, "the zombie delivered"
    # The other one was not disturbed.
    one.load(300)
    idle(other)
    assert not other.halted() and second.stop() == 0 and zombie.service.stop() == 0
    one.sees(one.history())
    verdict("halt another-instance, delivered once")


# Changed while down


@row("lanes-changed")
@pytest.mark.parametrize("number", [1, 3])
def test_another_number_of_lanes_halts_until_it_is_set_back(case, verdict, number):
    one = case(600, partitions=4, lanes=2)
    one.workspace.catch_up()
    one.workspace.lanes = number
    one.workspace.configure()
    one.load(200)
    seen = one.seen()
    halts(one.workspace, "layout-changed")
    assert one.seen() == seen
    refused = one.workspace.run("recover", "flights-skyways", "--accept-layout")
    assert refused.returncode == 1, "a contract keeps its lanes for life"
    one.workspace.lanes = 2
    one.workspace.configure()
    one.workspace.catch_up()
    one.prove_as_it_is()
    verdict("halt layout-changed; set back: delivered once")


@row("contract-changed")
@pytest.mark.parametrize("moment", [None, "commit-before", "commit-after"])
def test_a_new_version_decides_from_the_exact_boundary_on(case, faults, verdict, moment):
    one = case(1000, max_records=20)
    if moment is None:
        one.workspace.catch_up()
    else:
        faults.start(one.workspace, f"{moment}:5:kill").await_kill()
    one.load(400)
    everything = "value.origin != 'nowhere'"
    one.contract(version="1.1.0", max_records=20, filter=everything)
    service = one.workspace.catch_up(90)
    at = boundary(one, "1.0.0")
    if moment is None:
        assert at == [500, 500]
    else:
        # An open intent was the old version's if it was committed, else nobody's.
        assert 0 < sum(at) < 1000
        expected = "committed, mark missed" if moment == "commit-after" else "aborted"
        assert findings(service)[0] == expected
    history, found = one.history(), one.seen()
    old = one.rules.expect(before(history, at), 2)
    one.rules.filter = lambda value: True
    new = one.rules.expect(since(history, at), 2)
    for number, records in enumerate(found):
        wanted = old.by_source[number] + new.by_source[number]
        assert [one.rules.seen(record) for record in records] == wanted, f"partition {number}"
    figures = one.figures()
    assert (figures["lag"], figures["delivered"]) == (0, old.delivered + new.delivered)
    verdict("delivered once, each record by the version of its time")


def boundary(one, version: str) -> list[int]:
    """Where the ledger says that the version stopped deciding, by partition."""
    with sqlite3.connect(one.workspace.ledger) as rows:
        found = dict(rows.execute(
            "SELECT partition.partition, max(to_offset) FROM decided_range "
            "JOIN partition ON partition.id = partition_id JOIN contract_version AS v ON v.id = decided_range.pin "
            "WHERE v.version = ? GROUP BY 1", (version,)
        ))
    return [found.get(number, 0) for number in range(one.partitions)]


@row("contract-changed")
def test_changed_content_under_an_unchanged_version_is_refused(case, verdict):
    one = case(600)
    one.workspace.catch_up()
    one.load(100)
    seen = one.seen()
    one.contract(headers=None)
    service = one.workspace.start()
    assert service.finish(30) == 1
    assert "runbooks/halts/contract-pin.md" in service.log and "1.0.0" in service.log, service.log
    assert one.seen() == seen
    one.contract()
    one.workspace.catch_up()
    one.prove_as_it_is()
    verdict("refused; the old content back: delivered once")


# Revoked


@row("revoked-in-outage")
def test_a_revoke_during_an_outage_lets_nothing_out(case, clusters, faults, verdict):
    one = case(4000, max_records=5)
    run = faults.start(one.workspace)
    one.await_deliveries(200)
    clusters.skyways.pause()
    # A batch is decided, its intent is written, and the partner does not answer.
    wait_until(lambda: run.passed("intent-after") > run.passed("commit-after"), "a batch under way")
    told = one.workspace.run("revoke", "flights-skyways", "--yes")
    assert told.returncode == 0, told.stderr
    clusters.skyways.proceed()
    wait_until(lambda: {lane["state"] for lane in lanes(one.workspace)} == {"revoked"}, "the lane to heed it", 90)
    assert one.workspace.lag()["status"] == "REVOKED"
    at = one.decided()
    assert sum(at) < 4000
    one.sees(before(one.history(), at))
    assert run.service.stop() == 0
    seen = one.seen()
    one.load(100)
    one.workspace.catch_up()
    assert one.seen() == seen and one.decided() == at
    verdict("nothing left after the revoke")
