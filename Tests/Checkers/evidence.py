"""Everything that a proof rests on, read by clients of our own: both clusters, and a copy of the ledger.

What the service says of itself (`lag --json`, `offsets --json --history`) stands beside it, to be checked.
"""

import json
import pathlib
from dataclasses import dataclass, field

from confluent_kafka import Consumer, TopicPartition

from Checkers import ledger
from Checkers.ledger import Lane, Partition, Quarantined
from Checkers.markers import Checkpoint, Opener, checkpoint_key
from Cluster.harness import topics


@dataclass
class Evidence:
    contract: str
    topic: str
    #: By partition. Ends are the last stable offsets.
    source: list[list]
    source_ends: list[int]
    partner: list[list]
    #: The contract's records of the checkpoint topic, by partition and offset, opened by us.
    checkpoints: list[Checkpoint]
    #: The source topic's rows of the ledger, by partition.
    partitions: list[Partition]
    #: By lane number.
    lanes: dict[int, Lane]
    quarantine: list[Quarantined]
    #: Offsets of the source group, by partition; None: none committed.
    group: list[int | None]
    #: What `lag` and `offsets` say of the contract.
    lag: dict
    offsets: dict
    #: Partner topics in which a transaction is open.
    open_in: list[str] = field(default_factory=list)


def gather(workspace, internal, partner, route, contract: str) -> Evidence:
    """Reads everything. The service must be down.

    `workspace`: a `Workspace`; `internal`, `partner`: its `Broker`s; `route`: with `source` and `target` topic.
    """
    sealed = sum(topics.read(partner, workspace.checkpoints), [])
    key = checkpoint_key((workspace.directory / "secrets" / "checkpoints.key").read_bytes())
    partitions, lanes, quarantine = ledger.load(workspace.ledger, contract, route.source)
    return Evidence(
        contract=contract, topic=route.source,
        source=topics.read(internal, route.source), source_ends=topics.ends(internal, route.source),
        partner=topics.read(partner, route.target), checkpoints=Opener(contract, key).open(sealed),
        partitions=partitions, lanes=lanes, quarantine=quarantine,
        group=_group_offsets(internal, f"crossdock.{contract}", route.source),
        lag=_said(workspace, contract, "lag", "--json"),
        offsets=_said(workspace, contract, "offsets", contract, "--json", "--history"),
        open_in=[
            topic for topic in (route.target, workspace.checkpoints)
            if topics.has_open_transaction(partner, topic)
        ],
    )


def _said(workspace, contract: str, *words: str) -> dict:
    done = workspace.run(*words)
    assert done.returncode in (0, 1), f"{' '.join(words)}: exit {done.returncode}: {done.stderr}"
    return next(one for one in json.loads(done.stdout)["contracts"] if one["id"] == contract)


def _group_offsets(internal, group: str, topic: str) -> list[int | None]:
    consumer = Consumer({"bootstrap.servers": internal.bootstrap, "group.id": group, "log_level": 0})
    try:
        found = consumer.committed(topics.partitions_of(internal, topic), timeout=20)
    finally:
        consumer.close()
    assert all(one.error is None for one in found), f"offsets of group {group}: {found}"
    return [one.offset if one.offset >= 0 else None for one in found]
