"""Rows of the fault matrix about the ledger. Losing it costs history, never exactly-once."""

import contextlib
import os
import pathlib
import re
import shutil
import sqlite3

import pytest

import demands
from Chaos.harness import volumes
from Chaos.harness.cases import choose, findings, halts, idle, lose_ledger
from Chaos.matrix import row
from Cluster.harness import topics
from Cluster.harness.processes import wait_until


def gone_to_quarantine(log: str) -> int:
    """How many quarantined records went with the ledger, as the alert about it says."""
    told = re.findall(r"^\S+ warn .*quarantined?.*?(\d+).*$", log, re.MULTILINE)
    assert len(told) == 1, log[-3000:]
    return int(told[0])


def copy_of(workspace, name: str) -> pathlib.Path:
    """The state directory as it is now. The service must be down."""
    place = workspace.directory / name
    shutil.copytree(workspace.ledger.parent, place)
    return place


def put_back(workspace, copy: pathlib.Path) -> None:
    lose_ledger(workspace)
    shutil.copytree(copy, workspace.ledger.parent)


# Deleted


@row("ledger-deleted")
def test_a_deleted_ledger_is_adopted_from_the_markers(case, verdict):
    one = case(600, poison=6)
    one.workspace.catch_up()
    assert one.figures()["quarantined"] == 6
    lose_ledger(one.workspace)
    one.load(400, poison=2)
    service = one.workspace.catch_up()
    assert findings(service) == ["ledger lost, markers adopted"]
    assert gone_to_quarantine(service.log) == 6
    figures = one.figures()
    assert (figures["lag"], figures["read"], figures["quarantined"]) == (0, 1008, 8), "as from the first start"
    one.prove_as_it_is(ledger_lost=True)
    verdict("markers adopted, delivered once")


@row("ledger-deleted")
@pytest.mark.parametrize("moment", ["commit-before", "commit-after"])
def test_a_ledger_deleted_with_an_open_intent_is_adopted(case, faults, verdict, moment):
    one = case(600, poison=12, max_records=20)
    run = faults.start(one.workspace, f"{moment}:5:kill")
    run.await_kill()
    assert run.open_intents() == 1
    lose_ledger(one.workspace)
    one.load(200)
    service = one.workspace.catch_up()
    assert findings(service)[0] == "ledger lost, markers adopted"
    figures = one.figures()
    assert (figures["lag"], figures["read"], figures["quarantined"]) == (0, 812, 12)
    one.prove_as_it_is(ledger_lost=True)
    verdict("markers adopted, delivered once")


@row("ledger-deleted")
def test_a_ledger_deleted_and_a_contract_changed_halts(case, faults, verdict):
    one = case(600, max_records=20)
    faults.start(one.workspace, "commit-before:5:kill").await_kill()
    lose_ledger(one.workspace)
    one.contract(version="1.1.0", max_records=20, headers=None)
    before = one.seen()
    halts(one.workspace, "contract-changed")
    assert one.seen() == before
    # The page's first answer: the file is the wrong one.
    one.contract(max_records=20)
    one.workspace.catch_up()
    one.prove_as_it_is(ledger_lost=True)
    verdict("halt contract-changed; the old file back: delivered once")


# An old copy


@row("ledger-restored")
def test_an_old_copy_is_overruled_by_the_markers(case, verdict):
    one = case(600, poison=3)
    one.workspace.catch_up()
    copy = copy_of(one.workspace, "copy")
    one.load(400, poison=2)
    one.workspace.catch_up()
    put_back(one.workspace, copy)
    one.load(400)
    service = one.workspace.catch_up()
    assert findings(service)[0] not in ("normal", "aborted"), findings(service)
    assert one.figures()["read"] == 1405
    one.prove_as_it_is(ledger_lost=True)
    verdict("markers adopted, delivered once")


@row("ledger-restored")
@pytest.mark.parametrize("moment", ["commit-before", "commit-after"])
def test_an_old_copy_with_an_open_intent_is_overruled(case, faults, verdict, moment):
    one = case(600, poison=12, max_records=20)
    run = faults.start(one.workspace, f"{moment}:5:kill")
    run.await_kill()
    assert run.open_intents() == 1
    copy = copy_of(one.workspace, "copy")
    one.workspace.catch_up()
    put_back(one.workspace, copy)
    one.load(200)
    service = one.workspace.catch_up()
    assert findings(service)[0] not in ("normal", "aborted", "committed, mark missed"), findings(service)
    assert one.figures()["read"] == 812
    one.prove_as_it_is(ledger_lost=True)
    verdict("markers adopted, delivered once")


@row("ledger-restored")
def test_an_old_copy_and_a_contract_changed_meanwhile_halts(case, verdict):
    one = case(600)
    one.workspace.catch_up()
    copy = copy_of(one.workspace, "copy")
    one.contract(version="1.1.0", filter="value.dep_delay != null && value.dep_delay > 0")
    one.load(400)
    one.workspace.catch_up()
    history = one.history()
    put_back(one.workspace, copy)
    # The old file came back with the old ledger.
    one.contract()
    one.load(200)
    before = one.seen()
    halts(one.workspace, "contract-changed")
    assert one.seen() == before
    choose(one.workspace, "--adopt-marker")
    one.workspace.catch_up()
    assert one.figures()["read"] == 1200
    found = one.seen()
    assert [records[:len(old)] for records, old in zip(found, before)] == before
    # What was not decided yet is decided by the file as it stands.
    new = [records[len(old):] for records, old in zip(one.history(), history)]
    wanted = one.rules.expect(new, 2)
    assert sum(map(len, found)) - sum(map(len, before)) == wanted.delivered
    verdict("halt contract-changed; adopt-marker: nothing twice")


# A backup


def restore(workspace, backup: pathlib.Path) -> None:
    """As runbooks/backup-and-restore.md says."""
    workspace.ledger.parent.rename(workspace.directory / f"before-{backup.name}")
    workspace.ledger.parent.mkdir(mode=0o700)
    shutil.copy(backup, workspace.ledger)


@row("ledger-backup-restored")
@pytest.mark.parametrize("ended", ["stopped", "killed with an open intent"])
def test_a_backup_made_under_load_is_put_back(case, faults, verdict, ended):
    one = case(6000, poison=60, max_records=5)
    run = faults.start(one.workspace, "commit-before:120:kill" if "killed" in ended else "")
    one.await_deliveries(100)
    backup = one.workspace.directory / "backup.db"
    done = one.workspace.run("backup", str(backup))
    assert done.returncode == 0, done.stdout + done.stderr
    if "killed" in ended:
        run.await_kill()
        assert run.open_intents() == 1
    else:
        one.await_deliveries(100)
        assert run.service.stop() == 0
    assert sum(one.decided()) < 6060, "it was to be ended midway"
    restore(one.workspace, backup)
    one.load(200)
    service = one.workspace.catch_up(90)
    assert findings(service)[0] not in ("normal", "aborted", "first start"), findings(service)
    assert one.figures()["quarantined"] == 60
    one.prove_as_it_is(ledger_lost=True)
    verdict("markers adopted, delivered once")


@row("ledger-backup-restored")
def test_a_backup_that_is_the_latest_goes_on_as_after_any_restart(case, verdict):
    one = case(600, poison=6, max_records=20)
    one.workspace.catch_up()
    backup = one.workspace.directory / "backup.db"
    assert one.workspace.run("backup", str(backup)).returncode == 0
    restore(one.workspace, backup)
    one.load(200)
    service = one.workspace.catch_up()
    assert findings(service) == ["normal"]
    one.prove_as_it_is()
    verdict("goes on, delivered once")


# A corrupt page


def damage(path: pathlib.Path, where: str) -> None:
    """Overwrites pages with noise. Where no service runs, the write-ahead log is merged into the file before:
    pages that stand in it are read from there."""
    with contextlib.closing(sqlite3.connect(path)) as rows:
        rows.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        size, = rows.execute("PRAGMA page_size").fetchone()
        count, = rows.execute("PRAGMA page_count").fetchone()
        roots = dict(rows.execute("SELECT name, rootpage FROM sqlite_master"))
    first, last = {"header": (1, 1), "all but the first": (2, count)}.get(where) or [roots[where]] * 2
    with open(path, "r+b") as file:
        file.seek((first - 1) * size)
        file.write(os.urandom((last - first + 1) * size))


def is_sound(path: pathlib.Path) -> bool:
    """What SQLite itself says of every page."""
    try:
        with contextlib.closing(sqlite3.connect(path)) as rows:
            return rows.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    except sqlite3.DatabaseError:
        return False


def start_anew(one) -> None:
    """The page's answer: the damaged ledger aside, and a start without it."""
    one.workspace.ledger.parent.rename(one.workspace.directory / "state.damaged")
    one.workspace.catch_up()
    one.prove_as_it_is(ledger_lost=True)


@row("ledger-corrupt-page")
@pytest.mark.parametrize("where", ["all but the first", "partition", "meta", "header"])
def test_a_corrupt_page_is_found_at_the_start(case, verdict, where):
    one = case(600, max_records=20)
    one.workspace.catch_up()
    one.load(200)
    before = one.seen()
    damage(one.workspace.ledger, where)
    service = one.workspace.start("--until-caught-up")
    assert service.finish(60) in (1, 2), service.log[-3000:]
    assert "runbooks/halts/ledger-corrupt.md" in service.log, service.log[-3000:]
    assert one.seen() == before
    told = one.workspace.run("recover", "flights-skyways")
    assert told.returncode != 0 and "ledger" in told.stdout + told.stderr
    start_anew(one)
    verdict("halt ledger-corrupt; started without it: delivered once")


@row("ledger-corrupt-page")
@pytest.mark.parametrize("where", ["all but the first", "lane"])
def test_a_page_that_is_overwritten_under_load_loses_nothing(case, verdict, where):
    one = case(600, max_records=20)
    one.workspace.catch_up()
    one.load(4000)
    service = one.workspace.start()
    one.await_deliveries(100)
    damage(one.workspace.ledger, where)

    def settled() -> bool:
        return one.delivered() > 0 and (not service.runs or "halted" in service.log or is_through(one))

    wait_until(settled, "a halt or the end", 90, every=0.3)
    service.stop()
    # What stands at the partner is right in any case, and the damage is found, at the latest by the next start.
    found = one.seen()
    history = one.history()
    wanted = one.rules.expect(history, 2)
    for number, records in enumerate(found):
        seen = [one.rules.seen(record) for record in records]
        assert seen == wanted.by_source[number][:len(seen)], f"partition {number}"
    if is_sound(one.workspace.ledger):
        # A page that every batch writes: the next checkpoint put the right content over the noise.
        one.workspace.catch_up()
        one.prove_as_it_is()
        verdict("written anew by the next checkpoint: delivered once")
        return
    again = one.workspace.start("--until-caught-up")
    assert again.finish(60) in (1, 2), again.log[-3000:]
    assert "runbooks/halts/ledger-corrupt.md" in service.log + again.log
    assert one.seen() == found
    start_anew(one)
    verdict("halt ledger-corrupt; started without it: delivered once")


def is_through(one) -> bool:
    """Without asking the ledger: the partner has all there is to deliver."""
    wanted = one.rules.expect(one.history(), 2).delivered
    return sum(map(len, one.seen())) >= wanted


# The disk


@pytest.fixture
def volume(say):
    """Puts a small disk beneath a workspace's ledger."""
    if not volumes.can_mount():
        if demands.everything():
            pytest.fail(f"{NO_MOUNTS}; CI demands these rows", pytrace=False)
        say(NO_MOUNTS)
        pytest.skip(NO_MOUNTS)
    made: list[volumes.Volume] = []

    def make(one, megabytes: int = 16) -> volumes.Volume:
        made.append(volumes.Volume(one.workspace, megabytes))
        return made[-1]

    yield make
    for each in made:
        each.close()


NO_MOUNTS = "NO MOUNTS: the rows about the ledger's disk need a mount namespace of their own (unshare as root)"


@row("ledger-disk-full")
def test_a_full_disk_is_waited_for_under_load(case, volume, verdict):
    one = case(6000, max_records=5)
    disk = volume(one)
    service = one.workspace.start()
    one.await_deliveries(200)
    disk.fill()
    wait_until(lambda: "disk is full" in service.log, "the service to say what it waits for", 60)
    told = next(line for line in service.log.splitlines() if "disk is full" in line)
    assert " warn " in told and "contract=flights-skyways" in told and "ledger.db" in told, told
    # It stands still: nothing is delivered that could not be recorded.
    still = topics.ends(one.partner, one.target)
    wait_until(lambda: service.log.count("disk is full") > 0 and has_come_to_rest(one, still), "rest", 30, every=1)
    assert service.runs and not one.workspace.halted()
    report = one.workspace.lag()
    assert report["lag"] > 0 and report["status"] not in ("IDLE",), report
    disk.make_room()
    idle(one.workspace)
    assert service.stop() == 0
    disk.leave()
    one.prove_as_it_is()
    verdict("waits and says so; with room again: delivered once")


def has_come_to_rest(one, ends: list[int]) -> bool:
    """Nothing more than the batch whose intent was written already."""
    now = topics.ends(one.partner, one.target)
    if now == ends:
        return True
    ends[:] = now
    return False


@row("ledger-disk-full")
def test_a_start_on_a_full_disk_delivers_nothing_and_says_why(case, volume, verdict):
    one = case(600, max_records=20)
    disk = volume(one)
    one.workspace.catch_up()
    disk.fill()
    one.load(200)
    seen = one.seen()
    service = one.workspace.start()
    wait_until(lambda: "disk is full" in service.log or not service.runs, "the service to say so", 60)
    assert "disk is full" in service.log, service.log[-3000:]
    assert one.seen() == seen
    disk.make_room()
    if not service.runs:
        assert service.finish(1) == 2
        service = one.workspace.start()
    idle(one.workspace)
    assert service.stop() == 0
    disk.leave()
    one.prove_as_it_is()
    verdict("waits or ends, and says so; with room again: delivered once")


@row("ledger-read-only")
def test_a_start_on_a_read_only_disk_is_refused(case, volume, verdict):
    one = case(600)
    disk = volume(one)
    one.workspace.catch_up()
    one.load(200)
    seen = one.seen()
    disk.remount("ro")
    service = one.workspace.start()
    assert service.finish(30) == 2, service.log
    assert "state" in service.log and "ead-only" in service.log, service.log
    assert one.seen() == seen
    disk.remount("rw")
    one.workspace.catch_up()
    disk.leave()
    one.prove_as_it_is()
    verdict("refused; writable again: delivered once")


@row("ledger-read-only")
def test_a_disk_that_becomes_read_only_under_load_is_waited_for(case, faults, verdict):
    # No mount can be made read-only while a file on it is open for writing; a kernel that finds the disk
    # failing does it. So writes to the ledger's files fail with EROFS here, from one on, and the process ends.
    one = case(3000, max_records=20)
    run = faults.start(one.workspace, "write-before:300+:fail:30")
    wait_until(lambda: "readonly" in run.service.log or "disk I/O error" in run.service.log, "the service to say so", 60)
    still = topics.ends(one.partner, one.target)
    wait_until(lambda: has_come_to_rest(one, still), "rest", 30, every=1)
    assert run.service.runs and sum(map(len, one.seen())) > 0
    told = next(line for line in run.service.log.splitlines() if "ledger.db" in line)
    assert " warn " in told and "contract=flights-skyways" in told, told
    assert run.service.stop() == 0
    one.workspace.catch_up()
    one.prove_as_it_is()
    verdict("waits and says so; writable again: delivered once")
