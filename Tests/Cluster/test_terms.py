"""A contract's window and its quota, on real brokers."""

import datetime
import time

from Cluster.harness import flights, topics
from Cluster.harness.processes import wait_until
from Cluster.harness.proof import exactly_once
from Cluster.test_reload import put, said


def with_terms(text: str, terms: str) -> str:
    return f"{text}{terms}\n"


def clock(seconds: float) -> str:
    """RFC 3339, so many seconds from now."""
    then = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return then.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def settled(workspace, status: str = "IDLE"):
    return workspace.await_lag(lambda report: report["lag"] == 0 and report["status"] == status, "the rest", 90)


def test_a_window_is_waited_for_and_its_end_stops_the_lanes_until_it_is_put_off(clusters, workspace, route):
    r = route(partitions=2)
    topics.produce(clusters.internal, r.source, flights.rows(100, partitions=2))
    contract = flights.contract(r.source, r.target)
    opens = time.time() + 12
    workspace.contract(with_terms(contract, f"effective: {{ from: {clock(12)} }}"))
    service = workspace.start()
    said(service, "waits for its window")
    report = workspace.lag()
    assert {row["status"] for row in report["partitions"]} == {"WAITING"}
    assert all("window opens at" in row["reason"] for row in report["partitions"])
    assert sum(topics.ends(clusters.skyways, r.target)) == 0
    report = settled(workspace)
    assert time.time() >= opens and sum(row["read"] for row in report["partitions"]) == 100

    second = contract.replace("1.0.0", "1.1.0")
    put(workspace, with_terms(second, f"effective: {{ until: {clock(6)} }}"))
    said(service, "expired")
    topics.produce(clusters.internal, r.source, flights.rows(100, partitions=2, first=100))
    report = workspace.lag()
    assert report["status"] == "EXPIRED" and report["lag"] == 100
    put(workspace, with_terms(contract.replace("1.0.0", "1.2.0"), f"effective: {{ until: {clock(3600)} }}"))
    report = settled(workspace)
    assert sum(row["read"] for row in report["partitions"]) == 200
    assert service.stop() == 0
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())


def test_a_quota_holds_all_lanes_together_and_no_transaction_open(clusters, workspace, route, say):
    r = route(partitions=4)
    rate, count = 300, 20_000
    topics.produce(clusters.internal, r.source, flights.rows(count, partitions=4))
    workspace.contract(with_terms(
        flights.contract(r.source, r.target), f"quota: {{ recordsPerSecond: {rate}, bytesPerSecond: 10MiB }}"
    ))
    service = workspace.start()

    def delivered() -> int:
        return sum(row["delivered"] for row in workspace.lag()["partitions"])

    wait_until(lambda: delivered() > rate, "the first records", 60)
    before, begun = delivered(), time.monotonic()
    time_up = begun + 8
    seen_open = set()
    while time.monotonic() < time_up:
        report = workspace.lag()
        assert report["status"] == "OK", report
        assert any(row["reason"] == f"quota: {rate} records/s" for row in report["partitions"]), report
        # One that were held open by the quota would be found at every look.
        seen_open.add(topics.has_open_transaction(clusters.skyways, r.target, workspace.checkpoints))
    sent, took = delivered() - before, time.monotonic() - begun
    say(f"a quota of {rate} records/s: {sent / took:.0f} records/s over {took:.1f} s")
    assert abs(sent / took - rate) < 0.15 * rate
    assert False in seen_open
    # The lanes share it: each partition has got something.
    assert all(row["delivered"] > 0 for row in workspace.lag()["partitions"])

    put(workspace, flights.contract(r.source, r.target, version="1.1.0"))
    settled(workspace)
    assert service.stop() == 0
    assert exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view()).delivered > 5_000
