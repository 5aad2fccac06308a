"""Contract files that change while the service runs."""

import signal

from Checkers import ledger
from Checkers.view import Field, View
from Cluster.harness import flights, topics
from Cluster.harness.processes import wait_until
from Cluster.harness.proof import exactly_once
from Cluster.test_acts import CONTRACT, await_lanes, status


class ByVersion(View):
    """Each record under the version that the ledger says decided it."""

    def __init__(self, workspace, topic: str, views: dict[str, View]):
        super().__init__()
        self.views = views
        partitions, _, _ = ledger.load(workspace.ledger, CONTRACT, topic)
        self.ranges = {one.number: one.ranges for one in partitions}

    def version(self, partition: int, offset: int) -> str:
        return next(one.version for one in self.ranges[partition] if one.start <= offset < one.end)

    def _decide(self, record, partner_partitions: int):
        return self.views[self.version(record.partition, record.offset)]._decide(record, partner_partitions)


def put(workspace, text: str, name: str = "contract.yaml") -> None:
    """As a deployment does it: the file is there whole, or the old one is."""
    new = workspace.directory / "contracts" / f".{name}"
    new.write_text(text)
    new.rename(workspace.directory / "contracts" / name)


def said(service, words: str) -> None:
    wait_until(lambda: words in service.log, f"the log to say '{words}':\n{service.log[-2000:]}", 60)


def version(workspace) -> str:
    return status(workspace)["version"]


def test_a_higher_version_takes_over_between_two_batches_while_records_flow(clusters, workspace, route):
    r, other = route(partitions=3), route(partitions=3)
    first = flights.rows(20_000, partitions=3)
    topics.produce(clusters.internal, r.source, first)
    workspace.contract(flights.contract(r.source, r.target, max_records=100))
    workspace.contract(flights.contract(r.source, other.target, identity="zz-other"), "other.yaml")
    service = workspace.start()
    wait_until(lambda: min(topics.ends(clusters.skyways, r.target)) > 50, "deliveries to every partition")
    put(workspace, flights.contract(
        r.source, r.target, version="1.1.0", max_records=100,
        filter="value.dep_delay != null && value.dep_delay > 30",
        fields="[carrier, { as: provider, constant: Second }]",
    ))
    said(service, f"contract runs contract={CONTRACT} version=1.1.0")
    topics.produce(clusters.internal, r.source, flights.rows(600, partitions=3, first=20_000))
    workspace.await_lag(
        lambda report: all(one["lag"] == 0 and one["status"] == "IDLE" for one in report.values()), "the rest", 90
    )
    assert version(workspace) == "1.1.0"
    # The other contract's lanes recovered once, at the start.
    assert service.log.count("recovered contract=zz-other") == 2
    assert service.stop() == 0
    second = View(
        filter=lambda value: value["dep_delay"] is not None and value["dep_delay"] > 30,
        fields=[Field("carrier"), Field(output="provider", constant="Second")], headers=("trace",),
    )
    views = {"1.0.0": flights.view(), "1.1.0": second}
    rules = ByVersion(workspace, r.source, views)
    exactly_once(workspace, clusters.internal, clusters.skyways, r, rules)
    for number, ranges in rules.ranges.items():
        found = [one.version for one in ranges]
        assert set(found) == set(views) and found == sorted(found), f"partition {number}: {found}"


def test_what_cannot_take_effect_leaves_the_old_version_running(clusters, workspace, route):
    r = route(partitions=2)
    topics.produce(clusters.internal, r.source, flights.rows(100, partitions=2))
    whole = flights.contract(r.source, r.target)
    workspace.contract(whole)
    service = workspace.start()
    workspace.await_lag(lambda report: report["lag"] == 0 and report["status"] == "IDLE", "an idle lane", 60)

    put(workspace, whole.replace("1.0.0", "1.1.0").replace("format: json", "format: jsn"))
    said(service, "contract.yaml:13:13: error: 'format' is 'jsn'; did you mean 'json'?")
    said(service, "contract not taken")
    assert "version 1.0.0 goes on" in service.log
    wait_until(lambda: "not taken" in (status(workspace)["lanes"][0]["detail"] or ""), "the status to say so")
    put(workspace, whole.replace("Delayed", "Other"))
    said(service, "the content changed under version 1.0.0")
    narrow = route(partitions=3, target=1)
    for target, why in ((r.target + "x", "is not there on 'skyways'"), (narrow.target, "needs at least as many")):
        put(workspace, flights.contract(r.source, target, version="1.1.0"))
        said(service, why)
    put(workspace, whole)
    wait_until(lambda: not status(workspace)["lanes"][0]["detail"], "the remark to go")
    put(workspace, whole.replace("Delayed", "Other"))
    wait_until(lambda: service.log.count("the content changed under version 1.0.0") == 2, "it to be said anew")
    put(workspace, whole.replace("1.0.0", "1.1.0"), "second.yaml")
    said(service, "stands in")
    (workspace.directory / "contracts" / "second.yaml").unlink()
    wait_until(lambda: service.log.count("the content changed under version 1.0.0") == 3, "it to be said anew")
    workspace.configure("# changed")
    service.process.send_signal(signal.SIGHUP)
    said(service, "crossdock.yaml changed and is not read again")
    # What was refused is said once, and again at SIGHUP.
    wait_until(lambda: service.log.count("the content changed under version 1.0.0") == 4, "it to be said again")

    topics.produce(clusters.internal, r.source, flights.rows(100, partitions=2, first=100))
    # Tests, below and beside, are no part of what is in force.
    put(workspace, "tests: []\n", "contract.tests.yaml")
    put(workspace, whole + "tests: []\n")
    wait_until(lambda: not status(workspace)["lanes"][0]["detail"], "the remark to go")
    workspace.await_lag(lambda report: report["lag"] == 0 and report["status"] == "IDLE", "the rest")
    assert version(workspace) == "1.0.0" and service.log.count("recovered") == 2
    assert "contract.tests.yaml" not in service.log
    assert service.stop() == 0
    assert exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view()).delivered > 20


def test_a_file_that_says_so_or_is_gone_stops_its_lanes_until_it_is_back(clusters, workspace, route):
    r = route(partitions=2)
    whole = flights.contract(r.source, r.target)
    file = workspace.contract(whole)
    service = workspace.start()
    workspace.await_lag(lambda report: report["status"] == "IDLE", "an idle lane", 60)
    suspended = whole.replace("status: active", "status: suspended")
    for number, (stop, why, status_then) in enumerate([
        (lambda: put(workspace, suspended), "its file says status: suspended", "SUSPENDED"),
        (file.unlink, "is gone", "STOP"),
    ]):
        stop()
        said(service, why)
        await_lanes(workspace, "stopped")
        topics.produce(clusters.internal, r.source, flights.rows(100, partitions=2, first=100 * number))
        assert workspace.lag()["status"] == status_then
        put(workspace, whole)
        workspace.await_lag(lambda report: report["lag"] == 0 and report["status"] == "IDLE", "the rest")
    # A contract that came later runs, too.
    other = route(partitions=2)
    put(workspace, flights.contract(r.source, other.target, identity="zz-other"), "other.yaml")
    workspace.await_lag(lambda report: "zz-other" in report and report["zz-other"]["lag"] == 0, "the new one")
    assert service.stop() == 0
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())
    pair = topics.Route(r.source, other.target)
    exactly_once(workspace, clusters.internal, clusters.skyways, pair, flights.view(), contract="zz-other")
