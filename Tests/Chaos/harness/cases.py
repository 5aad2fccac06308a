"""What the rows about ledger, partner, source and process share: a contract at work between two clusters, and
what its partner must have seen."""

import dataclasses
import json
import re
import shutil

from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource

from Chaos.harness.scenes import Scene
from Checkers import view
from Cluster.harness import flights, topics
from Cluster.harness.brokers import REPOSITORY, Broker
from Cluster.harness.processes import wait_until
from Cluster.harness.service import Service, Workspace

CONTRACT = "flights-skyways"
IDENTITY = ("delivered", "filtered", "dropped", "quarantined", "gaps")

#: A source topic as it was read, by partition.
History = list[list[topics.Record]]


@dataclasses.dataclass
class Case(Scene):
    """A scene whose topics are deleted, set back and filled anew: what they held is remembered."""

    @property
    def source(self) -> str:
        return self.route.source

    @property
    def target(self) -> str:
        return self.route.target

    def load(self, count: int, poison: int = 0) -> None:
        """More flights, and records among them that breach the contract."""
        rows = list(flights.rows(count, self.partitions, self.loaded))
        for number in range(poison):
            at = (number + 1) * count // (poison + 1)
            rows.insert(at, topics.Row(b"poison", b'{"broken', partition=number % self.partitions))
        topics.produce(self.internal, self.source, rows)
        self.loaded += count

    def contract(self, version: str = "1.0.0", max_records: int = 10_000, **stream: str) -> None:
        self.workspace.contract(flights.contract(
            self.source, self.target, version=version, max_records=max_records, **stream
        ))

    def history(self) -> History:
        return topics.read(self.internal, self.source)

    def seen(self, committed: bool = True) -> History:
        return topics.read(self.partner, self.target, committed)

    def await_deliveries(self, records: int = 1, timeout: float = 60) -> None:
        """Until so many more offsets are taken at the partner."""
        before = self.delivered()
        wait_until(lambda: self.delivered() >= before + records, "deliveries", timeout, every=0.02)

    def sees(self, *parts: History) -> None:
        """The partner has what the contract makes of these histories, one after the other: each record once,
        in order, nothing else, and nothing undecided."""
        self.sees_only(*parts)
        assert not topics.has_open_transaction(self.partner, self.target, self.workspace.checkpoints)

    def sees_only(self, *parts: History) -> None:
        """The same under read_committed, whatever is undecided."""
        found = self.seen()
        view.compare(self.rules, self.rules.expect(joined(*parts), len(found)), found)

    def figures(self) -> dict[str, int]:
        """Sums of the report's counts, its identity checked."""
        rows = self.workspace.lag()["partitions"]
        for one in rows:
            assert one["read"] == sum(one[name] for name in IDENTITY), one
        return {name: sum(one[name] for one in rows) for name in ("lag", "read", *IDENTITY)}

    def decided(self) -> list[int]:
        """The next undecided offset, by partition."""
        rows = self.workspace.lag()["partitions"]
        return [one["currentOffset"] for one in sorted(rows, key=lambda one: one["partition"])]


def joined(*parts: History) -> History:
    return [sum((part[number] for part in parts), []) for number in range(len(parts[0]))]


def before(history: History, offsets: list[int]) -> History:
    return [[one for one in records if one.offset < end] for records, end in zip(history, offsets)]


def since(history: History, offsets: list[int]) -> History:
    return [[one for one in records if one.offset >= start] for records, start in zip(history, offsets)]


def configure(broker: Broker, topic: str, **settings: str) -> None:
    """Changes settings of a topic that is there."""
    entries = [
        ConfigEntry(name.replace("_", "."), value, incremental_operation=AlterConfigOpType.SET)
        for name, value in settings.items()
    ]
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=entries)
    for answer in broker.admin.incremental_alter_configs([resource]).values():
        answer.result(timeout=20)


def recreate(broker: Broker, topic: str, partitions: int, **settings: str) -> None:
    topics.delete(broker, topic)
    wait_until(lambda: not topics.exists(broker, topic), f"{topic} to be gone")
    topics.create(broker, topic, partitions, **settings)


def lose_ledger(workspace: Workspace) -> None:
    shutil.rmtree(workspace.ledger.parent)


# A halt


def halts(workspace: Workspace, *reasons: str) -> str:
    """A start ends with a halt for one of these reasons, told wherever an operator may look. Which it is."""
    service = workspace.catch_up(code=1)
    found = workspace.halted()
    assert len(found) == 1 and found <= set(reasons), f"halts {found}, not {reasons}:\n{service.log[-3000:]}"
    reason, = found
    shows_halt(workspace, service, reason)
    return reason


def await_halt(workspace: Workspace, service: Service, reason: str, timeout: float = 60) -> None:
    """The running service halts, and says so wherever an operator may look; it runs on."""
    workspace.await_lag(lambda _: workspace.halted() == {reason}, f"the lanes to halt: {reason}", timeout)
    shows_halt(workspace, service, reason)
    assert service.runs, service.log[-3000:]


def shows_halt(workspace: Workspace, service: Service, reason: str) -> None:
    """Log, report, status and their exit codes name the halt and its page."""
    page = f"runbooks/halts/{reason}.md"
    assert (REPOSITORY / page).exists()
    told = re.search(rf"^\S+ error halted .*reason={reason} .*$", service.log, re.MULTILINE)
    assert told and page in told[0] and "recover" in told[0], service.log[-3000:]
    assert workspace.lag()["status"] == "HALTED"
    for command in ("lag", "status"):
        done = workspace.run(command)
        assert done.returncode == 1 and reason in done.stdout, f"{command}: {done.stdout}{done.stderr}"
    assert page in done.stdout
    explained = workspace.run("recover", CONTRACT)
    assert explained.returncode == 1 and reason in explained.stdout, explained.stdout + explained.stderr
    assert explained.stdout.endswith("Nothing was changed.\n")


def choose(workspace: Workspace, *choice: str) -> None:
    done = workspace.run("recover", CONTRACT, *choice)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Recorded: " + " ".join(choice) in done.stdout


def answer(workspace: Workspace, reason: str, *choice: str) -> None:
    """Takes the choice for one partition after the other, where the halt is about one, and catches up."""
    while True:
        choose(workspace, *choice)
        service = workspace.start("--until-caught-up")
        if service.finish(90) == 0:
            return
        assert workspace.halted() == {reason}, service.log[-3000:]


def answer_running(workspace: Workspace, reason: str, *choice: str) -> None:
    """The same while the service runs."""
    def settled(report: dict) -> bool:
        for lane in lanes(workspace):
            if lane["halt"] and lane["halt"]["recorded"] is None:
                assert lane["halt"]["reason"] == reason, lane
                choose(workspace, *choice)
        return report["lag"] == 0 and report["status"] == "IDLE"

    workspace.await_lag(settled, f"the rest after {' '.join(choice)}", 90)


def idle(workspace: Workspace, timeout: float = 90) -> None:
    workspace.await_lag(lambda report: report["lag"] == 0 and report["status"] == "IDLE", "the rest", timeout)


def lanes(workspace: Workspace) -> list[dict]:
    return json.loads(workspace.run("status", "--json").stdout)["contracts"][0]["lanes"]


def findings(service: Service) -> list[str]:
    """What each recovery of a run found, in order."""
    return [one.strip('"') for one in re.findall(r' recovered .*?verdict=("[^"]*"|\S+)', service.log)]
