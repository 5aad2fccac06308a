"""How much memory the service takes while its source is fast and its partner slow."""

import os
import time

import pytest

import demands
from Chaos.harness import toxics as toxiproxy
from Cluster.harness import flights, topics
from Cluster.harness.proof import exactly_once
from Cluster.harness.service import Workspace

#: Records that wait; CROSSDOCK_BACKLOG=500000 is the campaign.
BACKLOG = int(os.environ.get("CROSSDOCK_BACKLOG", "100000"))
LANES = 2

#: MiB. A lane holds at most: 8 of prefetched records (queued.max.messages.kbytes) and one fetch on its way
#: (256 KiB a partition, several times that once unpacked: 8), 1 of records taken and not decided (2,000), 16 of
#: outputs in the producer's queue; each record costs the client library some 250 bytes besides, at most 30,000 of
#: them fetched and 10,000 given out: 10. The rest of the process took 40.
BOUND = 40 + LANES * (8 + 8 + 1 + 16 + 10)


def contract(r) -> str:
    return flights.contract(r.source, r.target, filter=None)


def rules():
    return flights.view(filter=lambda value: True)


@pytest.fixture
def slow(clusters, tmp_path):
    """The partner behind a link of 1 MiB a second."""
    if toxiproxy.binary() is None:
        assert not demands.everything(), "NO TOXIPROXY; CI demands it"
        pytest.skip("NO TOXIPROXY: put toxiproxy-server at ../shared/toxiproxy, or set TOXIPROXY to it")
    proxy = toxiproxy.Toxiproxy(tmp_path, clusters.skyways.detour.port, clusters.skyways.detour.behind)
    proxy.bandwidth(1024)
    yield proxy
    proxy.close()


def test_a_slow_link_does_not_fill_the_memory(clusters, tmp_path, route, slow, say):
    space = Workspace(tmp_path, clusters.internal, lanes=LANES, skyways={
        "bootstrap.servers": clusters.skyways.detour.bootstrap, "compression.type": "none",
    })
    try:
        r = route(partitions=6)
        topics.produce(clusters.internal, r.source, flights.rows(BACKLOG, partitions=6))
        space.contract(contract(r))
        service = space.start()
        begun = time.monotonic()
        space.await_lag(
            lambda report: sum(p["delivered"] for p in report["partitions"]) > BACKLOG // 4,
            "a quarter to pass the slow link", 300,
        )
        rate = BACKLOG / 4 / (time.monotonic() - begun)
        peak = service.memory()["VmHWM"] >> 20
        say(
            f"{BACKLOG} records behind 1 MiB/s: peak resident memory {peak} MiB of {BOUND} allowed, "
            f"{rate:.0f} records/s"
        )
        assert peak < BOUND
        slow.heal()
        space.await_lag(lambda report: report["lag"] == 0, "the rest, at full speed", 300)
        assert service.memory()["VmHWM"] >> 20 < BOUND
        assert service.stop() == 0
        exactly_once(space, clusters.internal, clusters.skyways, r, rules())
    finally:
        space.close()


def test_a_partner_that_hangs_does_not_fill_the_memory(clusters, workspace, route, say):
    r = route(partitions=6)
    workspace.contract(contract(r))
    service = workspace.start()
    workspace.await_lag(lambda report: report["status"] == "IDLE", "idle lanes", 60)
    clusters.skyways.pause()
    topics.produce(clusters.internal, r.source, flights.rows(BACKLOG, partitions=6))
    workspace.await_lag(
        lambda report: {p["status"] for p in report["partitions"]} == {"WAITING"}, "the lanes to wait", 90
    )
    peak = service.memory()["VmHWM"] >> 20
    clusters.skyways.proceed()
    workspace.await_lag(
        lambda report: sum(p["read"] for p in report["partitions"]) == BACKLOG, "the backlog", 300
    )
    after = service.memory()["VmHWM"] >> 20
    say(
        f"{BACKLOG} records and a partner that hangs: peak resident memory {peak} MiB while it hung, "
        f"{after} MiB in all, of {BOUND} allowed"
    )
    assert max(peak, after) < BOUND
    assert service.stop() == 0
    exactly_once(workspace, clusters.internal, clusters.skyways, r, rules())
