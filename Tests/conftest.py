"""Fixtures of the real-broker tests (Cluster, Chaos): two clusters a session, one workspace a test."""

import dataclasses
import pathlib
import shutil

import pytest

import demands
from Cluster.harness import brokers, service, topics
from Cluster.harness.brokers import Broker
from Cluster.harness.secured import SecuredBroker
from Cluster.harness.service import Workspace

HERE = pathlib.Path(__file__).parent
REAL = (HERE / "Cluster", HERE / "Chaos")
MISSING = (
    "NO BROKERS: set KAFKA_HOME to an Apache Kafka 4 distribution, or put one at ../shared/kafka "
    "beside the checkout (it needs a Java 17 runtime)"
)


def obstacle() -> str | None:
    """Why the real-broker tests cannot run, if they cannot."""
    if brokers.kafka_home() is None or shutil.which("java") is None:
        return MISSING
    if service.binary() is None:
        return "NO BINARY: build it (swift build -c release --product crossdock) or set CROSSDOCK_BINARY"
    return None


def pytest_collection_modifyitems(items):
    reason = obstacle()
    if reason is None or demands.everything():
        return
    for item in items:
        if any(folder in item.path.parents for folder in REAL):
            item.add_marker(pytest.mark.skip(reason=reason))


def pytest_terminal_summary(terminalreporter):
    reason = obstacle()
    if reason is not None:
        outcome = "FAILED" if demands.everything() else "SKIPPED"
        terminalreporter.section(f"real-broker tests {outcome}", sep="!", red=True, bold=True)
        terminalreporter.write_line(reason, red=True, bold=True)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", "") == "teardown":
                continue
            for name, line in getattr(report, "user_properties", []):
                if name == SAYS:
                    terminalreporter.write_line(line)


SAYS = "says"


@pytest.fixture
def say(request):
    """What a test has to say beyond passing, such as how many kills hit an open transaction."""
    return lambda line: request.node.user_properties.append((SAYS, line))


@dataclasses.dataclass
class Clusters:
    internal: Broker
    skyways: Broker


@pytest.fixture(scope="session")
def session_clusters():
    reason = obstacle()
    if reason is not None:
        pytest.fail(f"{reason}; CI demands the real-broker tests", pytrace=False)
    home = brokers.kafka_home()
    both = Clusters(Broker("internal", home), Broker("skyways", home, detour=True))
    try:
        for one in (both.internal, both.skyways):
            one.start()
        for one in (both.internal, both.skyways):
            one.await_ready()
        yield both
    finally:
        both.internal.close()
        both.skyways.close()


@pytest.fixture
def clusters(session_clusters):
    """The two clusters, both serving, whatever the test does to them."""
    yield session_clusters
    session_clusters.internal.ensure_up()
    session_clusters.skyways.ensure_up()


@dataclasses.dataclass
class SecuredClusters:
    """Two clusters that know a user `crossdock`, who may nothing until he is granted it."""

    internal: SecuredBroker
    skyways: SecuredBroker

    def by_name(self, name: str) -> SecuredBroker:
        return {"internal": self.internal, "skyways": self.skyways}[name]


@pytest.fixture(scope="session")
def session_secured():
    reason = obstacle()
    if reason is not None:
        pytest.fail(f"{reason}; CI demands the real-broker tests", pytrace=False)
    home = brokers.kafka_home()
    both = SecuredClusters(*(SecuredBroker(name, home, "crossdock") for name in ("internal", "skyways")))
    try:
        for one in (both.internal, both.skyways):
            one.start()
        for one in (both.internal, both.skyways):
            one.await_ready()
        yield both
    finally:
        both.internal.close()
        both.skyways.close()


@pytest.fixture
def secured(session_secured):
    """Both, serving, and nothing granted."""
    yield session_secured
    for one in (session_secured.internal, session_secured.skyways):
        one.ensure_up()
        one.revoke_all("crossdock")


@pytest.fixture
def workspace(clusters, tmp_path):
    made = Workspace(tmp_path, clusters.internal, skyways=clusters.skyways.bootstrap)
    yield made
    made.close()


@pytest.fixture
def route(clusters):
    """Makes a pair of topics with names of their own."""

    def make(partitions: int = 3, target: int | None = None, **settings: str) -> topics.Route:
        return topics.route(clusters.internal, clusters.skyways, partitions, target, **settings)

    return make
