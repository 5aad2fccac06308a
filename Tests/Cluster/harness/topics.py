"""What the tests do with topics through clients of their own."""

import itertools
import secrets
import time
from dataclasses import dataclass
from typing import Iterable

from confluent_kafka import Consumer, IsolationLevel, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import NewPartitions, NewTopic, OffsetSpec

from .brokers import Broker
from .processes import wait_until

Headers = tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True)
class Record:
    """One record as it stands in a topic."""

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers


def _admit(ask) -> None:
    """A broker that was paused is fenced by its controller until its next heartbeat: asked again."""
    deadline = time.monotonic() + 30
    while True:
        try:
            for future in ask().values():
                future.result(timeout=20)
            return
        except KafkaException as error:
            fenced = error.args[0].code() == KafkaError.INVALID_REPLICATION_FACTOR
            if not fenced or time.monotonic() > deadline:
                raise
        time.sleep(0.2)


@dataclass
class Route:
    """A source topic and the partner topic that a contract fills from it."""

    source: str
    target: str


def route(
    internal: Broker, partner: Broker, partitions: int = 3, target: int | None = None, **settings: str
) -> Route:
    """Makes a pair of topics with names of their own; `settings` are the source's."""
    name = secrets.token_hex(4)
    made = Route(f"flights.{name}", f"skyways.delays.{name}")
    create(internal, made.source, partitions, **settings)
    create(partner, made.target, target or partitions)
    return made


def create(broker: Broker, topic: str, partitions: int, **settings: str) -> None:
    config = {name.replace("_", "."): value for name, value in settings.items()}
    new = NewTopic(topic, partitions, broker.replication, config=config)
    _admit(lambda: broker.admin.create_topics([new]))


def delete(broker: Broker, topic: str) -> None:
    for future in broker.admin.delete_topics([topic]).values():
        future.result(timeout=20)


def grow(broker: Broker, topic: str, partitions: int) -> None:
    _admit(lambda: broker.admin.create_partitions([NewPartitions(topic, partitions)]))


def exists(broker: Broker, topic: str) -> bool:
    return topic in broker.admin.list_topics(timeout=30).topics


def partitions_of(broker: Broker, topic: str) -> list[TopicPartition]:
    found = broker.admin.list_topics(topic, timeout=30).topics[topic].partitions
    return [TopicPartition(topic, number) for number in sorted(found)]


STARTING = (
    KafkaError.UNKNOWN_LEADER_EPOCH, KafkaError.FENCED_LEADER_EPOCH, KafkaError.NOT_LEADER_FOR_PARTITION,
)


def ends(broker: Broker, topic: str, committed: bool = True) -> list[int]:
    """End offsets by partition: the last stable ones, or the uncommitted ones."""
    level = IsolationLevel.READ_COMMITTED if committed else IsolationLevel.READ_UNCOMMITTED
    wanted = {partition: OffsetSpec.latest() for partition in partitions_of(broker, topic)}
    deadline = time.monotonic() + 30
    while True:
        answers = broker.admin.list_offsets(wanted, isolation_level=level, request_timeout=10)
        try:
            return [answers[partition].result(timeout=15).offset for partition in wanted]
        except KafkaException as error:
            # A broker that has just started tells of its leaders before it serves them.
            starting = error.args[0].code() in STARTING
            if not starting or time.monotonic() > deadline:
                raise
        time.sleep(0.2)


def await_leaders(broker: Broker, topic: str, timeout: float = 180) -> None:
    """Until each partition of the topic has a leader."""
    def led() -> bool:
        try:
            found = broker.admin.list_topics(topic, timeout=5).topics[topic].partitions.values()
        except KafkaException:
            return False
        return bool(found) and all(one.leader >= 0 for one in found)

    wait_until(led, f"leaders of {topic}", timeout)


def has_open_transaction(broker: Broker, *topics: str) -> bool:
    """Whether records of an undecided transaction stand in one of the topics."""
    return any(
        stable < high
        for topic in topics
        for stable, high in zip(ends(broker, topic), ends(broker, topic, committed=False))
    )


def read(broker: Broker, topic: str, committed: bool = True) -> list[list[Record]]:
    """Everything that stands in a topic, by partition."""
    partitions = partitions_of(broker, topic)
    consumer = Consumer({
        "bootstrap.servers": broker.bootstrap,
        "group.id": "crossdock-tests-reader",
        "isolation.level": "read_committed" if committed else "read_uncommitted",
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "check.crcs": True,
        "log_level": 0,
    })
    records: list[list[Record]] = [[] for _ in partitions]
    unread = {partition.partition for partition in partitions}
    try:
        consumer.assign([TopicPartition(topic, p.partition, 0) for p in partitions])
        silent = 0
        while unread:
            batch = consumer.consume(5000, timeout=1.0)
            silent = 0 if batch else silent + 1
            assert silent < 30, f"{topic}: no end of partitions {sorted(unread)} within 30 s"
            for message in batch:
                if message.error() is None:
                    records[message.partition()].append(_record(message))
                elif message.error().code() == KafkaError._PARTITION_EOF:
                    unread.discard(message.partition())
                else:
                    raise AssertionError(f"{topic}: {message.error()}")
    finally:
        consumer.close()
    return records


def _record(message) -> Record:
    return Record(
        message.partition(), message.offset(), message.timestamp()[1],
        message.key(), message.value(), tuple(message.headers() or ()),
    )


@dataclass(frozen=True)
class Row:
    """A record to be produced."""

    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    partition: int = -1
    #: Milliseconds since the epoch; 0 is now.
    timestamp: int = 0


def produce(broker: Broker, topic: str, rows: Iterable[Row], producer: Producer | None = None) -> int:
    """Writes rows and waits for the acknowledgement of each; the given producer keeps its transaction."""
    failures: list[str] = []
    own = producer or Producer({
        "bootstrap.servers": broker.bootstrap,
        "enable.idempotence": True,
        "linger.ms": 20,
        "compression.type": "lz4",
        "queue.buffering.max.messages": 1_000_000,
        "log_level": 0,
    })

    def report(error, _message) -> None:
        if error is not None:
            failures.append(str(error))

    count = 0
    for count, row in zip(itertools.count(1), rows):
        place = {} if row.partition < 0 else {"partition": row.partition}
        while True:
            try:
                own.produce(
                    topic, key=row.key, value=row.value, headers=list(row.headers), on_delivery=report,
                    timestamp=row.timestamp, **place
                )
                break
            except BufferError:
                own.poll(0.05)
        if count % 5000 == 0:
            own.poll(0)
    assert own.flush(60) == 0, f"{topic}: not everything was acknowledged"
    assert not failures, f"{topic}: {failures[0]}"
    return count


def transactional_producer(broker: Broker, identity: str) -> Producer:
    producer = Producer({
        "bootstrap.servers": broker.bootstrap, "transactional.id": identity, "log_level": 0
    })
    producer.init_transactions(30)
    return producer
