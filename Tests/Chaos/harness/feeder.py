"""A source that never rests: flights in transactions of which some abort, with records that do not conform and
tombstones among them."""

import random
import threading
import time

from confluent_kafka import KafkaException, Producer

from Cluster.harness import flights
from Cluster.harness.brokers import Broker
from Cluster.harness.topics import Row

POISON = (
    b"", b"not json", b'{"dep_delay":1', b'{"a":1,"a":2}', b"[1]", b'{"origin":"JFK"}', b"\xff\xfe",
    b'{"dep_delay":5,"origin":"JFK","dest":null}', b'{"dep_delay":"late","origin":"JFK"}',
)


class Feeder:
    """A thread that writes about `rate` records a second until it is stopped."""

    def __init__(self, broker: Broker, topic: str, partitions: int, rate: int, dice: random.Random):
        self.committed = 0
        self.aborted = 0
        self._broker, self._topic, self._rate, self._dice = broker, topic, rate, dice
        self._rows = self._mixed(partitions)
        self._producer: Producer | None = None
        self._ends = threading.Event()
        self._rests = threading.Event()
        self._resting = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True, name="feeder")
        self._thread.start()

    def _mixed(self, partitions: int):
        """Every record has a trace header of its own, so that no two are alike."""
        for number, row in enumerate(flights.rows(10**9, partitions)):
            value = row.value
            if number % 37 == 11:
                value = POISON[number // 37 % len(POISON)]
            elif number % 41 == 7:
                value = None
            yield Row(row.key, value, row.headers, row.partition)

    def rest(self, timeout: float = 60) -> None:
        """Ends the open transaction and writes nothing until `proceed`."""
        self._rests.set()
        self._await_rest(timeout)

    def proceed(self) -> None:
        self._resting.clear()
        self._rests.clear()

    def close(self) -> None:
        self._ends.set()
        self._thread.join(60)

    def _await_rest(self, timeout: float) -> None:
        assert self._resting.wait(timeout), "the feeder did not come to rest"
        if self._failure is not None:
            raise AssertionError("the feeder failed") from self._failure

    def _run(self) -> None:
        try:
            while not self._ends.is_set():
                if self._rests.is_set():
                    self._resting.set()
                    self._ends.wait(0.05)
                    continue
                try:
                    self._transaction()
                except KafkaException:
                    # The broker is away: with a new producer the open transaction ends.
                    self._producer = None
                    self._ends.wait(0.2)
        except BaseException as failure:
            self._failure = failure
            self._resting.set()

    def _transaction(self) -> None:
        if self._producer is None:
            self._producer = self._made()
        size = self._dice.randrange(5, 60)
        aborts = self._dice.random() < 0.2
        began = time.monotonic()
        self._producer.begin_transaction()
        for _ in range(size):
            row = next(self._rows)
            self._producer.produce(
                self._topic, key=row.key, value=row.value, headers=list(row.headers), partition=row.partition
            )
        if aborts:
            self._producer.flush(10)
            self._producer.abort_transaction(10)
            self.aborted += size
        else:
            self._producer.commit_transaction(10)
            self.committed += size
        self._ends.wait(max(0.0, size / self._rate - (time.monotonic() - began)))

    def _made(self) -> Producer:
        producer = Producer({
            "bootstrap.servers": self._broker.bootstrap, "transactional.id": f"upstream-{self._topic}",
            "transaction.timeout.ms": 10_000, "message.timeout.ms": 10_000, "linger.ms": 5,
            "reconnect.backoff.max.ms": 200, "log_level": 0,
        })
        producer.init_transactions(20)
        return producer
