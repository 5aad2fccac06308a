"""`onScopeExit: tombstone`: what stops matching is retracted, whatever happens in between."""

import dataclasses
import json
import os
import random
import time

from Checkers.view import View
from Cluster.harness import flights, topics
from Cluster.harness.processes import wait_until
from Cluster.harness.proof import exactly_once
from Cluster.harness.topics import Row

SEED = int(os.environ.get("CROSSDOCK_SEED", "0")) or random.SystemRandom().randrange(1, 2**31)


def rows(count: int, partitions: int) -> list[Row]:
    """Flights whose keys come again and again, delayed and not; every fiftieth is a tombstone, every seventieth
    unreadable."""
    found = []
    for number, row in enumerate(flights.rows(count, partitions)):
        value = None if number % 50 == 7 else b"nonsense" if number % 70 == 9 else row.value
        found.append(dataclasses.replace(row, value=value))
    return found


def latest(records: list) -> dict[bytes, bytes | None]:
    return {record.key: record.value for record in records}


def test_after_kills_the_partner_holds_exactly_the_keys_whose_newest_record_matches(
    clusters, workspace, route, say
):
    print(f"CROSSDOCK_SEED={SEED}")
    dice = random.Random(SEED)
    r = route(partitions=3)
    rules: View = flights.view(retract=True)
    workspace.contract(flights.contract(r.source, r.target, max_records=50, onScopeExit="tombstone"))
    kills = 0
    for part in range(4):
        topics.produce(clusters.internal, r.source, rows(3_000, 3))
        before = sum(topics.ends(clusters.skyways, r.target, committed=False))
        service = workspace.start()
        wait_until(
            lambda: sum(topics.ends(clusters.skyways, r.target, committed=False)) > before, "deliveries", 60,
            every=0.01,
        )
        time.sleep(dice.uniform(0.0, 0.1))
        service.kill()
        kills += 1
    workspace.catch_up(timeout=120)
    expected = exactly_once(workspace, clusters.internal, clusters.skyways, r, rules)
    source, partner = topics.read(clusters.internal, r.source), topics.read(clusters.skyways, r.target)
    for number, records in enumerate(source):
        # What is unreadable changes nothing: the newest record that can be read counts.
        newest = latest([record for record in records if record.value != b"nonsense"])
        matching = {key for key, value in newest.items() if value and rules.filter(json.loads(value))}
        present = {key for key, value in latest(partner[number]).items() if value is not None}
        assert present == matching, f"partition {number}: {len(present ^ matching)} keys differ"
    say(
        f"scope: {kills} kills, {expected.delivered} delivered, of them {expected.retracted} tombstones for keys "
        f"that left; {sum(len(held) for held in expected.held)} keys held (seed {SEED})"
    )
    assert expected.retracted > 300


def test_a_lost_ledger_halts_and_the_choice_retracts_what_is_not_known(clusters, workspace, route):
    r = route(partitions=1)

    def flight(key: bytes, delay: int) -> Row:
        value = {"year": 2013, "dest": "ORD", "dep_delay": delay, "origin": "JFK"}
        return Row(key, json.dumps(value).encode(), partition=0)

    def present() -> set[bytes]:
        return {key for key, value in latest(topics.read(clusters.skyways, r.target)[0]).items() if value}

    workspace.contract(flights.contract(r.source, r.target, onScopeExit="tombstone"))
    topics.produce(clusters.internal, r.source, [flight(b"a", 5), flight(b"b", 5), flight(b"c", 5)])
    workspace.catch_up()
    assert present() == {b"a", b"b", b"c"}
    for file in workspace.ledger.parent.glob("ledger.db*"):
        file.unlink()
    topics.produce(clusters.internal, r.source, [flight(b"a", -1), flight(b"new", -1), flight(b"b", 7)])
    service = workspace.start()
    wait_until(lambda: workspace.ledger.exists(), "a ledger")
    workspace.await_lag(lambda report: workspace.halted() == {"presence-lost"}, "the halt", 60)
    assert present() == {b"a", b"b", b"c"}
    done = workspace.run("recover", "flights-skyways", "--retract-unknown")
    assert done.returncode == 0, done.stderr
    workspace.await_lag(lambda report: report["lag"] == 0, "the rest", 60)
    assert service.stop() == 0
    assert present() == {b"b", b"c"}
    sent = [(record.key, record.value is None) for record in topics.read(clusters.skyways, r.target)[0]]
    assert sent[3:] == [(b"a", True), (b"new", True), (b"b", False)]
