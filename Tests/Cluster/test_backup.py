"""`crossdock backup`: a copy made beside a working service, put back later, loses and doubles nothing."""

import json
import shutil
import sqlite3
import stat
import threading

from Cluster.harness import flights, topics
from Cluster.harness.processes import wait_until
from Cluster.harness.proof import exactly_once

CONTRACT = "flights-skyways"


def back_up(workspace, name: str = "copy.db") -> dict:
    done = workspace.run("backup", str(workspace.directory / name), "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def restore(workspace, name: str = "copy.db") -> None:
    """As runbooks/backup-and-restore.md says."""
    workspace.ledger.parent.rename(workspace.directory / "state.old")
    workspace.ledger.parent.mkdir(mode=0o700)
    shutil.copy(workspace.directory / name, workspace.ledger)


def kinds(workspace) -> dict[str, int]:
    """Rows of the ledger by kind. The service must be down."""
    with sqlite3.connect(workspace.ledger) as rows:
        return dict(rows.execute("SELECT kind, count(*) FROM decided_range GROUP BY kind").fetchall())


class Load(threading.Thread):
    """Produces without a pause, 200 records at a time, until it is ended."""

    def __init__(self, broker, topic: str, partitions: int):
        super().__init__(daemon=True)
        self._broker, self._topic, self._partitions = broker, topic, partitions
        self._over = threading.Event()
        self.sent = 0

    def run(self) -> None:
        while not self._over.is_set():
            rows = flights.rows(200, partitions=self._partitions, first=self.sent)
            topics.produce(self._broker, self._topic, rows)
            self.sent += 200

    def end(self) -> None:
        self._over.set()
        self.join(60)
        assert not self.is_alive()


def test_a_copy_made_under_load_is_put_back_after_more_was_delivered(clusters, workspace, route, say):
    r = route(partitions=4)
    workspace.contract(flights.contract(r.source, r.target, max_records=200))
    load = Load(clusters.internal, r.source, 4)
    load.start()
    try:
        service = workspace.start()
        wait_until(lambda: sum(topics.ends(clusters.skyways, r.target)) > 500, "the first deliveries")
        said = back_up(workspace)
        after = sum(topics.ends(clusters.skyways, r.target))
        wait_until(lambda: sum(topics.ends(clusters.skyways, r.target)) > after + 500, "more deliveries")
    finally:
        load.end()
    copied = sum(one["read"] for one in said["partitions"])
    assert len(said["partitions"]) == 4 and 0 < copied < load.sent
    workspace.await_lag(lambda report: report["lag"] == 0, "all of them", 120)
    assert service.stop() == 0
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())
    delivered = topics.ends(clusters.skyways, r.target)
    assert kinds(workspace).keys() <= {"decided", "filtered"}

    restore(workspace)
    topics.produce(clusters.internal, r.source, flights.rows(2000, partitions=4, first=load.sent))
    workspace.catch_up(timeout=120)
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view(), ledger_lost=True)
    assert sum(topics.ends(clusters.skyways, r.target)) > sum(delivered)
    rows = kinds(workspace)
    assert rows["ledger-gap"] == 4, f"one a partition: {rows}"
    say(
        f"copied at {copied} of {load.sent} records, put back: the rest stands in {rows['ledger-gap']} ledger gaps, "
        "nothing lost or doubled"
    )


def test_a_copy_of_a_service_at_rest_is_as_good_as_its_ledger(clusters, workspace, route):
    r = route(partitions=2)
    topics.produce(clusters.internal, r.source, flights.rows(500, partitions=2))
    workspace.contract(flights.contract(r.source, r.target))
    workspace.catch_up()
    back_up(workspace)
    before = kinds(workspace)
    restore(workspace)
    workspace.catch_up()
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())
    assert kinds(workspace) == before


def test_a_copy_says_what_it_holds_and_overwrites_nothing(clusters, workspace, route):
    r = route(partitions=2)
    topics.produce(clusters.internal, r.source, flights.rows(100, partitions=2))
    workspace.contract(flights.contract(r.source, r.target))
    assert workspace.run("backup", "early.db").returncode == 2, "there is no ledger yet"
    workspace.catch_up()
    told = workspace.run("backup", "copy.db")
    assert told.returncode == 0, told.stderr
    copy = workspace.directory / "copy.db"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert f"{copy.stat().st_size} bytes, checked" in told.stdout
    ends = topics.ends(clusters.internal, r.source)
    for partition, end in enumerate(ends):
        assert f"{CONTRACT}  {r.source}[{partition}]  decided up to offset {end}" in told.stdout
    content = copy.read_bytes()
    for file, why in [("copy.db", "there already"), ("state/ledger.db", "there already"),
                      ("state/other.db", "state directory"), ("nowhere/copy.db", "nowhere")]:
        refused = workspace.run("backup", file)
        assert refused.returncode == 2 and why in refused.stderr, refused.stderr
    assert copy.read_bytes() == content
    assert {one.name for one in workspace.ledger.parent.iterdir()} <= {
        "ledger.db", "ledger.db-wal", "ledger.db-shm", "lock"}
