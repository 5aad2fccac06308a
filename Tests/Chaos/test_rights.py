"""A right is taken away from a running service, and given back: it waits, says which one it misses, loses nothing."""

import json
import secrets
import threading
import time

import pytest

from Chaos.matrix import row
from Cluster.harness import flights, topics
from Cluster.harness.processes import wait_until
from Cluster.harness.proof import exactly_once
from Cluster.harness.secured import Right
from Cluster.harness.service import Workspace


class Load:
    """Records that keep coming, a few hundred a second, until it is stopped."""

    def __init__(self, broker, topic: str):
        self._over = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._feed, args=(broker, topic), daemon=True)
        self.count = 0
        self._thread.start()

    def _feed(self, broker, topic) -> None:
        try:
            while not self._over.wait(0.2):
                self.count += topics.produce(broker, topic, flights.rows(60, partitions=4, first=self.count))
        except BaseException as failure:
            self._failure = failure

    def stop(self) -> int:
        self._over.set()
        self._thread.join(60)
        assert self._failure is None and not self._thread.is_alive(), self._failure
        return self.count


@pytest.fixture
def guarded(secured, tmp_path):
    """A workspace whose service holds exactly the rights that `check` asks for."""
    name = secrets.token_hex(4)
    source, target = f"flights.{name}", f"skyways.delays.{name}"
    topics.create(secured.internal, source, 4)
    topics.create(secured.skyways, target, 4)
    space = Workspace(
        tmp_path, secured.internal.settings("crossdock"), skyways=secured.skyways.settings("crossdock")
    )
    space.source, space.target, space.identity = source, target, f"flights-{name}"
    space.contract(flights.contract(source, target, identity=space.identity, max_records=50))
    for grant in json.loads(space.run("check", "--json").stdout)["grants"]:
        secured.by_name(grant["cluster"]).grant(
            "crossdock",
            *(Right(one["resourceType"], one["resourceName"], one["operation"]) for one in grant["rights"]),
        )
    yield space
    space.close()


def lanes(workspace) -> list[dict]:
    return json.loads(workspace.run("status", "--json").stdout)["contracts"][0]["lanes"]


def await_refusal(workspace, words: list[str], every_lane: bool = True) -> None:
    """Waits until the lanes wait, and say what for."""

    def told() -> bool:
        found = [
            lane["state"] == "waiting" and all(word in (lane["detail"] or "") for word in words)
            for lane in lanes(workspace)
        ]
        return all(found) if every_lane else any(found)

    try:
        wait_until(told, f"lanes that wait for {words}", 90, every=0.3)
    except AssertionError as failure:
        raise AssertionError(f"{failure}\n{lanes(workspace)}\n{workspace.logs[-4000:]}") from None


#: What is taken away: the cluster, the right, and the words by which a lane says so.
CASES = {
    "write on the data topic": ("skyways", lambda s: Right("Topic", s.target, "Write")),
    "write on the checkpoint topic": ("skyways", lambda s: Right("Topic", s.checkpoints, "Write")),
    "read on the checkpoint topic": ("skyways", lambda s: Right("Topic", s.checkpoints, "Read")),
    "a lane's transactional id": (
        "skyways", lambda s: Right("TransactionalId", f"crossdock.{s.identity}.0", "Write")
    ),
    "read on the source topic": ("internal", lambda s: Right("Topic", s.source, "Read")),
}


@row("acl-revoked")
@pytest.mark.parametrize("case", CASES)
def test_a_right_revoked_mid_run_is_waited_for_and_named(secured, guarded, verdict, say, case):
    cluster, make = CASES[case]
    taken = make(guarded)
    broker = secured.by_name(cluster)
    load = Load(secured.internal, guarded.source)
    service = guarded.start()
    guarded.await_lag(lambda report: sum(p["delivered"] for p in report["partitions"]) > 200, "deliveries", 60)
    broker.revoke("crossdock", taken)
    if case == "read on the checkpoint topic":
        # A lane reads there when it recovers: from here on, an outage of the partner.
        broker.kill()
        broker.ensure_up()
    # A lane whose transaction outlives a short outage does not recover, and reads no marker.
    every_lane = taken.resource == "Topic" and case != "read on the checkpoint topic"
    await_refusal(guarded, [taken.name, taken.operation], every_lane)
    place, since = len(broker.log), time.monotonic()
    before = load.count
    wait_until(lambda: load.count > before + 600, "more records", 60)
    refused = len(broker.denied("crossdock", place))
    rate = refused / (time.monotonic() - since)
    assert rate < 20, f"{refused} refused requests in {time.monotonic() - since:.0f} s: a tight loop"
    assert service.runs and guarded.lag()["status"] == "WAITING"
    broker.grant("crossdock", taken)
    guarded.await_lag(lambda report: report["lag"] < 500, "the lanes to go on", 120)
    total = load.stop()
    guarded.await_lag(
        lambda report: report["lag"] == 0 and sum(p["read"] for p in report["partitions"]) == total,
        "all of it", 120,
    )
    assert service.stop() == 0
    exactly_once(guarded, secured.internal, secured.skyways, guarded, flights.view(), guarded.identity)
    say(f"rights: without {taken.operation} on a {taken.resource}: {rate:.1f} refused requests a second")
    verdict("waited and named the right; delivered once, without a restart")


@row("acl-revoked")
@pytest.mark.parametrize("cluster", ["internal", "skyways"])
def test_a_login_that_is_withdrawn_is_waited_for(secured, guarded, verdict, cluster):
    """The user is gone when the brokers come back, and is let in again later."""
    broker = secured.by_name(cluster)
    total = topics.produce(secured.internal, guarded.source, flights.rows(2000, partitions=4))
    service = guarded.start()
    guarded.await_lag(lambda report: sum(p["delivered"] for p in report["partitions"]) > 100, "deliveries", 60)
    broker.kill()
    broker.admit("admin")
    broker.ensure_up()
    total += topics.produce(secured.internal, guarded.source, flights.rows(2000, partitions=4, first=total))
    await_refusal(guarded, ["_AUTHENTICATION"])
    assert service.runs
    broker.kill()
    broker.admit("admin", "crossdock")
    broker.ensure_up()
    guarded.await_lag(
        lambda report: report["lag"] == 0 and sum(p["read"] for p in report["partitions"]) == total,
        "all of it", 120,
    )
    assert service.stop() == 0
    exactly_once(guarded, secured.internal, secured.skyways, guarded, flights.view(), guarded.identity)
    verdict("waited for the login; delivered once, without a restart")
