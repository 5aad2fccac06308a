"""A partner cluster of three nodes, whose transaction log survives the loss of one."""

import pathlib

from confluent_kafka.admin import AdminClient

from Cluster.harness.brokers import Broker, cluster_id
from Cluster.harness.processes import free_port, wait_until

#: What SETTINGS says of one node, said of three.
SETTINGS = """\
node.id={node}
controller.quorum.bootstrap.servers=
controller.quorum.voters={voters}
listeners=PLAINTEXT://127.0.0.1:{{port}},CONTROLLER://127.0.0.1:{own}
default.replication.factor=3
min.insync.replicas=2
offsets.topic.replication.factor=3
transaction.state.log.replication.factor=3
transaction.state.log.min.isr=2
transaction.state.log.num.partitions={logs}
"""
LOGS = 4


class Trio:
    """Three combined nodes. Tests use it like a Broker."""

    replication = 3

    def __init__(self, name: str, home: pathlib.Path):
        controllers = [free_port() for _ in range(3)]
        voters = ",".join(f"{number}@127.0.0.1:{port}" for number, port in enumerate(controllers, 1))
        shared = cluster_id()
        #: Node n stands at n - 1.
        self.nodes = [
            Broker(
                f"{name}-{number}", home, cluster=shared,
                extra=SETTINGS.format(node=number, voters=voters, own=port, logs=LOGS),
            )
            for number, port in enumerate(controllers, 1)
        ]
        self.bootstrap = ",".join(node.bootstrap for node in self.nodes)
        self._admin: AdminClient | None = None

    @property
    def admin(self) -> AdminClient:
        if self._admin is None:
            self._admin = AdminClient({
                "bootstrap.servers": self.bootstrap, "reconnect.backoff.max.ms": 200, "log_level": 0
            })
        return self._admin

    def start(self) -> None:
        for node in self.nodes:
            node.start()

    def ensure_up(self) -> None:
        """Every node serves and every replica is in sync: the loss of one more is survived again."""
        for node in self.nodes:
            if node.process is None or node.process.poll() is not None:
                node.start()
            else:
                node.proceed()
        self.await_ready()

    def await_ready(self) -> None:
        def whole() -> bool:
            for node in self.nodes:
                node.await_ready()
            try:
                found = self.admin.list_topics(timeout=2)
            except Exception:
                return False
            replicas = [one for topic in found.topics.values() for one in topic.partitions.values()]
            return len(found.brokers) == 3 and all(len(one.isrs) == 3 for one in replicas)

        wait_until(whole, "three nodes with every replica in sync", timeout=120, every=0.3)

    def coordinator(self, transactional_id: str) -> Broker:
        """The leader of the id's partition of __transaction_state (TransactionStateManager.partitionFor)."""
        partition = _java_hash(transactional_id) % LOGS

        def leader() -> int | None:
            found = self.admin.list_topics("__transaction_state", timeout=5).topics["__transaction_state"]
            return found.partitions[partition].leader if partition in found.partitions else None

        return self.nodes[wait_until(leader, "a coordinator") - 1]

    def close(self) -> None:
        for node in self.nodes:
            node.close()


def _java_hash(text: str) -> int:
    """String.hashCode without its sign (org.apache.kafka.common.utils.Utils.abs)."""
    found = 0
    for character in text:
        found = (31 * found + ord(character)) & 0xFFFFFFFF
    return found & 0x7FFFFFFF if found < 0x80000000 else (0x100000000 - found) & 0x7FFFFFFF
