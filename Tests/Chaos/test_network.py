"""The matrix's rows about the partner's brokers and the network between: the service runs on, or waits, and
what the partner sees is whole."""

import time

import pytest

from Chaos.conftest import TRANSACTION_TIMEOUT
from Chaos.harness.scenes import Scene, scene
from Chaos.matrix import row
from Cluster.harness.processes import wait_until


@pytest.fixture
def far(clusters, detoured, route):
    """Flights over three partitions on one lane, to a partner who is reached by the detour alone."""
    return scene(clusters.internal, clusters.skyways, detoured, route, 3000)


def await_delivered(far: Scene, service, timeout: float = 120) -> None:
    far.workspace.await_lag(
        lambda report: report["lag"] == 0 and sum(p["read"] for p in report["partitions"]) == far.loaded,
        "everything to be delivered", timeout,
    )
    assert service.stop() == 0, service.log[-2000:]
    far.prove_as_it_is()


@row("partner-broker-killed")
@pytest.mark.parametrize("point", ["flush-before:4", "end-txn-before:5", "end-txn-after:5"])
def test_the_partners_broker_dies_in_a_transaction(clusters, far, frames, faults, verdict, point):
    run = faults.start(far.workspace, f"{point}:stop")
    run.await_stop()
    assert run.in_transaction
    clusters.skyways.kill()
    run.proceed()
    wait_until(lambda: "waiting" in run.service.log, "the lane to wait", 60)
    far.load(300)
    clusters.skyways.ensure_up()
    await_delivered(far, run.service)
    verdict("delivered once")


@row("partner-paused")
@pytest.mark.parametrize("point", ["flush-before:4", "end-txn-before:5"])
def test_the_partners_broker_hangs_past_the_transaction_timeout(
    clusters, far, frames, faults, verdict, point
):
    run = faults.start(far.workspace, f"{point}:stop")
    run.await_stop()
    clusters.skyways.pause()
    run.proceed()
    time.sleep(1.3 * TRANSACTION_TIMEOUT)
    assert run.service.runs
    clusters.skyways.proceed()
    await_delivered(far, run.service)
    verdict("delivered once")


@row("slow-link")
def test_a_batch_too_slow_for_its_transaction_is_halved_until_it_passes(
    clusters, detoured, route, toxics, verdict
):
    slow = scene(clusters.internal, clusters.skyways, detoured, route, 9_000, max_records=10_000)
    toxics.latency(50)
    toxics.bandwidth(32, streams=("upstream",))
    service = detoured.start()
    await_delivered(slow, service, 180)
    assert "transaction aborted" in service.log, "no transaction was too slow: the row proved nothing"
    verdict("delivered once, in smaller batches")


@row("black-hole")
def test_a_link_that_carries_nothing_past_the_transaction_timeout(far, toxics, verdict):
    service = far.workspace.start()
    wait_until(lambda: far.delivered() > 50, "deliveries")
    toxics.black_hole()
    far.load(300)
    time.sleep(1.3 * TRANSACTION_TIMEOUT)
    assert service.runs
    toxics.heal()
    await_delivered(far, service)
    verdict("delivered once")


@row("connection-reset")
def test_connections_are_reset_over_and_over(far, toxics, verdict):
    service = far.workspace.start()
    for _ in range(4):
        before = far.delivered()
        wait_until(lambda: far.delivered() > before, "deliveries between two resets", 60)
        toxics.reset_peer()
        time.sleep(0.3)
        toxics.heal()
        far.load(300)
    await_delivered(far, service)
    verdict("delivered once")
