"""A partner cluster of three nodes loses the one that coordinates the service's transactions."""

import pytest

from Chaos.harness.scenes import scene
from Chaos.harness.trio import Trio
from Chaos.matrix import row
from Cluster.harness import brokers, topics
from Cluster.harness.processes import wait_until
from Cluster.harness.service import Workspace

TRANSACTIONAL_ID = "crossdock.flights-skyways.0"


@pytest.fixture(scope="module")
def trio(session_clusters):
    made = Trio("trio", brokers.kafka_home())
    try:
        made.start()
        made.await_ready()
        yield made
    finally:
        made.close()


@pytest.fixture
def far(clusters, trio, tmp_path):
    trio.ensure_up()
    made = Workspace(
        tmp_path, clusters.internal, lanes=1,
        skyways={"bootstrap.servers": trio.bootstrap, "transaction.timeout.ms": "10000"},
    )

    def route(partitions: int) -> topics.Route:
        return topics.route(clusters.internal, trio, partitions)

    yield scene(clusters.internal, trio, made, route, 3000)
    made.close()


@row("coordinator-killed")
@pytest.mark.parametrize("when", ["records sent", "EndTxn not sent", "EndTxn unread", "EndTxn read"])
def test_the_coordinator_dies_during_a_commit(far, trio, faults, verdict, when):
    point = {"records sent": "flush-after:5", "EndTxn read": "end-txn-after:5"}.get(when, "end-txn-before:5")
    run = faults.start(far.workspace, f"{point}:stop")
    run.await_stop()
    coordinator = trio.coordinator(TRANSACTIONAL_ID)
    if when == "EndTxn unread":
        # Sent to a node that takes it and does nothing more.
        coordinator.pause()
        run.proceed()
        wait_until(lambda: run.passed("end-txn-after") >= 5, "EndTxn to be sent")
    elif when == "EndTxn read":
        wait_until(lambda: not far.has_open_transaction(), "the coordinator to end the transaction")
    coordinator.kill()
    run.proceed()
    far.load(300)
    far.workspace.await_lag(
        lambda report: report["lag"] == 0 and sum(p["read"] for p in report["partitions"]) == far.loaded,
        "everything to be delivered", 120,
    )
    assert trio.coordinator(TRANSACTIONAL_ID) is not coordinator
    assert run.service.stop() == 0, run.service.log[-2000:]
    coordinator.ensure_up()
    far.prove_as_it_is()
    verdict("delivered once")
