"""Repeats the rows of the fault matrix and records what became of each run."""

import json
import os
import time
from typing import Iterator

import pytest

import demands
from Chaos.harness import toxics as toxiproxy
from Chaos.harness.cases import Case
from Chaos.harness.faults import Faults
from Chaos.harness.frames import FrameProxy
from Chaos.harness.restorable import RestorableBroker
from Chaos.matrix import ROWS
from Cluster.harness import brokers, topics
from Cluster.harness.brokers import Broker
from Cluster.harness.service import Workspace

REPEAT = int(os.environ.get("CROSSDOCK_REPEAT", "1"))
RECORD = os.environ.get("CROSSDOCK_MATRIX")


NO_TOXICS = (
    "NO TOXIPROXY: put toxiproxy-server at ../shared/toxiproxy beside the checkout, or set TOXIPROXY to it"
)
#: After a kill -9 the node leads its partitions until its own registration of before has expired, 9 s by default; at
#: that moment they have no leader, and Kafka 4.3.1 forgets the ends of transactions that were due (KAFKA-20734).
SLOW_TO_FENCE = "broker.session.timeout.ms=6000\n"
#: Waiting for a transaction to time out takes so long.
TRANSACTION_TIMEOUT = 10


@pytest.fixture(scope="session")
def faults(tmp_path_factory) -> Faults:
    """Starts the service with failpoints."""
    return Faults(tmp_path_factory.mktemp("faults"))


@pytest.fixture
def frames(clusters):
    """A proxy that knows frames, on the partner's detour."""
    proxy = FrameProxy(clusters.skyways.detour.port, clusters.skyways.detour.behind)
    yield proxy
    proxy.close()


@pytest.fixture
def toxics_here(say):
    """For tests that need toxiproxy."""
    if toxiproxy.binary() is None:
        if demands.everything():
            pytest.fail(f"{NO_TOXICS}; CI demands these rows", pytrace=False)
        say(NO_TOXICS)
        pytest.skip(NO_TOXICS)


@pytest.fixture
def toxics(clusters, tmp_path, toxics_here):
    """A network with faults, on the partner's detour."""
    proxy = toxiproxy.Toxiproxy(tmp_path, clusters.skyways.detour.port, clusters.skyways.detour.behind)
    yield proxy
    proxy.close()


@pytest.fixture
def detoured(clusters, tmp_path):
    """A workspace that reaches the partner by its detour alone, with short transactions."""
    made = Workspace(tmp_path, clusters.internal, lanes=1, skyways={
        "bootstrap.servers": clusters.skyways.detour.bootstrap,
        "transaction.timeout.ms": str(1000 * TRANSACTION_TIMEOUT),
    })
    yield made
    made.close()


@pytest.fixture(scope="module")
def restorable() -> Iterator[RestorableBroker]:
    """A broker for tests that take it away for a while, or put back an older copy of its log directory."""
    broker = RestorableBroker("restorable", brokers.kafka_home(), extra=SLOW_TO_FENCE)
    try:
        broker.start()
        broker.await_ready()
        yield broker
    finally:
        broker.close()


@pytest.fixture
def case(clusters, tmp_path):
    """Makes a case: flights, a contract, a workspace of its own with one lane and short transactions."""
    made: list[Workspace] = []

    def make(
        count: int = 600, partitions: int = 2, target: int | None = None, poison: int = 0,
        max_records: int = 10_000, lanes: int = 1, settings: dict[str, str] | None = None,
        internal: Broker = clusters.internal, partner: Broker = clusters.skyways,
        login: dict[str, str] | None = None, **stream: str,
    ) -> Case:
        """`settings`: the source topic's; `login`: how the service reaches the partner, where not as we do."""
        r = topics.route(internal, partner, partitions, target, **(settings or {}))
        directory = tmp_path / r.source
        directory.mkdir()
        workspace = Workspace(directory, internal, lanes=lanes, skyways={
            "transaction.timeout.ms": str(1000 * TRANSACTION_TIMEOUT),
            **(login or {"bootstrap.servers": partner.bootstrap}),
        })
        made.append(workspace)
        one = Case(internal, partner, workspace, r, partitions)
        one.load(count, poison)
        one.contract(max_records=max_records, **stream)
        return one

    yield make
    for workspace in made:
        workspace.close()


def pytest_generate_tests(metafunc):
    """`CROSSDOCK_REPEAT` runs of every test that is tied to a row."""
    if REPEAT > 1 and metafunc.definition.get_closest_marker("row"):
        metafunc.fixturenames.append("run")
        metafunc.parametrize("run", range(1, REPEAT + 1))


@pytest.fixture
def verdict(request):
    """What a row's test found out, in a few words: "delivered once", "halt source-truncated". A row's test
    that says nothing has failed."""
    said: list[str] = []
    yield said.append
    request.node.verdict = said[-1] if said else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    mark = item.get_closest_marker("row")
    if mark is None:
        return report
    if call.when == "teardown":
        found = getattr(item, "verdict", None)
        passed = report.passed and getattr(item, "called", False)
        if passed and found is None:
            report.outcome = "failed"
            report.longrepr = "the row's test gave no verdict"
            passed = False
        if RECORD and getattr(item, "ran", False):
            line = {
                "row": mark.args[0], "test": f"{item.path.name}::{item.originalname}", "passed": passed,
                "verdict": found, "seconds": round(item.seconds, 1), "at": int(time.time()),
            }
            with open(RECORD, "a") as record:
                record.write(json.dumps(line) + "\n")
    elif call.when == "call":
        item.ran = not report.skipped
        item.called = report.passed
        item.seconds = call.duration
    return report


def pytest_configure(config):
    config.addinivalue_line("markers", f"row(name): a row of the fault matrix, one of {len(ROWS)}")
