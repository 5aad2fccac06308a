"""What the rows about crashes and the network share: a loaded source, and the proof at the end."""

import dataclasses
import re

from Checkers.view import View
from Cluster.harness import flights, topics
from Cluster.harness.brokers import Broker
from Cluster.harness.proof import exactly_once
from Cluster.harness.service import Workspace


@dataclasses.dataclass
class Scene:
    """A contract between two clusters, with flights to deliver in small transactions."""

    internal: Broker
    partner: Broker
    workspace: Workspace
    route: object
    partitions: int
    loaded: int = 0
    rules: View = dataclasses.field(default_factory=flights.view)

    def load(self, count: int) -> None:
        rows = flights.rows(count, partitions=self.partitions, first=self.loaded)
        topics.produce(self.internal, self.route.source, rows)
        self.loaded += count

    def delivered(self, committed: bool = True) -> int:
        """Where the partner's topic ends, over all partitions: control records count too."""
        return sum(topics.ends(self.partner, self.route.target, committed))

    def has_open_transaction(self) -> bool:
        return topics.has_open_transaction(self.partner, self.route.target)

    def findings(self) -> list[str]:
        """What each recovery of each run found, in order."""
        found = re.findall(r' recovered .*?verdict=("[^"]*"|\S+)', self.workspace.logs)
        return [one.strip('"') for one in found]

    def prove(self, timeout: float = 90) -> None:
        """Catches up in a run without faults, and proves the whole of it."""
        self.workspace.catch_up(timeout=timeout)
        self.prove_as_it_is()

    def prove_as_it_is(self, **allowed) -> None:
        """`allowed`: see `Allowed`."""
        exactly_once(self.workspace, self.internal, self.partner, self.route, self.rules, **allowed)


def scene(
    internal: Broker, partner: Broker, workspace: Workspace, route, count: int, partitions: int = 3,
    max_records: int = 40, **stream: str,
) -> Scene:
    """`stream`: lines of the contract's stream, as flights.contract takes them."""
    made = Scene(internal, partner, workspace, route(partitions=partitions), partitions)
    made.load(count)
    workspace.contract(
        flights.contract(made.route.source, made.route.target, max_records=max_records, **stream)
    )
    return made
