"""A proxy before a broker that knows Kafka's frames: it can hold, cut, drop, delay or double exactly one
request or reply, chosen by its ApiKey.

    proxy = FrameProxy(broker.detour.port, broker.detour.behind)
    held = proxy.hold(END_TXN)            # the next EndTxn request waits here
    held.wait(); ...; held.release()

Rules are made while traffic flows; each counts the frames that it matches from then on. Frames of one
connection and direction stay in order: what comes after a held one waits behind it.
"""

import asyncio
import collections
import contextlib
import dataclasses
import socket
import struct
import threading
from typing import Awaitable, Callable

PRODUCE, FETCH, METADATA, API_VERSIONS, INIT_PRODUCER_ID = 0, 1, 3, 18, 22
ADD_PARTITIONS_TO_TXN, END_TXN = 24, 26


@dataclasses.dataclass(frozen=True)
class Transaction:
    """What an AddPartitionsToTxn or EndTxn request says of its transaction (`committed`: EndTxn's)."""

    identity: str
    producer: int
    epoch: int
    committed: bool | None = None


@dataclasses.dataclass
class Frame:
    """A request or a reply, without the 4 bytes of its size (protocol guide: request header v1, v2)."""

    data: bytes
    key: int
    correlation: int

    @property
    def transaction(self) -> Transaction:
        """Of the versions before the flexible ones, which librdkafka speaks: EndTxn 0-2, AddPartitionsToTxn
        0-2."""
        assert self.key in (ADD_PARTITIONS_TO_TXN, END_TXN)
        client, = struct.unpack_from(">h", self.data, 8)
        at = 10 + max(client, 0)
        length, = struct.unpack_from(">h", self.data, at)
        identity = self.data[at + 2:at + 2 + length].decode()
        producer, epoch = struct.unpack_from(">qh", self.data, at + 2 + length)
        committed = None
        if self.key == END_TXN:
            committed = self.data[at + 12 + length] != 0
        return Transaction(identity, producer, epoch, committed)


def request(data: bytes) -> Frame:
    key, _version, correlation = struct.unpack_from(">hhi", data)
    return Frame(data, key, correlation)


class Connection:
    """A client's connection and ours to the broker."""

    def __init__(self, client: asyncio.StreamWriter, broker: asyncio.StreamWriter):
        self.client = client
        self.broker = broker
        #: ApiKey by correlation id of the requests without a reply; None: nobody waits for it.
        self.unanswered: dict[int, int | None] = {}

    def cut(self) -> None:
        self.client.transport.abort()
        self.broker.transport.abort()


Act = Callable[[Connection, Frame], Awaitable[bool]]


@dataclasses.dataclass
class Rule:
    key: int
    is_reply: bool
    #: The first match that is acted upon, from 1, and how many from there (None: all).
    first: int
    times: int | None
    where: Callable[[Frame], bool]
    act: Act
    matched: int = 0

    def takes(self, frame: Frame) -> bool:
        if frame.key != self.key or not self.where(frame):
            return False
        self.matched += 1
        over = self.matched - self.first
        return over >= 0 and (self.times is None or over < self.times)


class Held:
    """A frame that a rule holds, once it is there."""

    def __init__(self, loop: asyncio.AbstractEventLoop):
        self.frame: Frame | None = None
        self.connection: Connection | None = None
        self._loop = loop
        self._arrived = threading.Event()
        self._decision: asyncio.Future[bool] = loop.create_future()

    async def take(self, connection: Connection, frame: Frame) -> bool:
        self.frame, self.connection = frame, connection
        self._arrived.set()
        return await self._decision

    @property
    def is_there(self) -> bool:
        return self._arrived.is_set()

    def wait(self, timeout: float = 30) -> Frame:
        """The frame, once it is held."""
        assert self._arrived.wait(timeout), f"no such frame within {timeout:.0f} s"
        return self.frame

    def release(self) -> None:
        """The frame goes on; to the broker also where its client is gone."""
        self._decide(True)

    def discard(self) -> None:
        self._decide(False)

    def cut_client(self) -> None:
        """Ends the client's side alone: the frame can still be let go to the broker."""
        self._loop.call_soon_threadsafe(self.connection.client.transport.abort)

    def _decide(self, goes_on: bool) -> None:
        self._loop.call_soon_threadsafe(
            lambda: self._decision.done() or self._decision.set_result(goes_on)
        )


class FrameProxy:
    """Listens on `port` of loopback and leads to `behind`, until closed."""

    def __init__(self, port: int, behind: int):
        self.requests: collections.Counter[int] = collections.Counter()
        self.replies: collections.Counter[int] = collections.Counter()
        #: Every AddPartitionsToTxn and EndTxn request, in the order of arrival.
        self.transactions: list[Frame] = []
        self.port, self._behind = port, behind
        self._rules: list[Rule] = []
        self._connections: set[Connection] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="frame proxy")
        self._thread.start()
        self._server = self._call(asyncio.start_server(self._serve, sock=self._listener()))

    def _listener(self) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        return listener

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    def close(self) -> None:
        async def end() -> None:
            self._server.close()
            for connection in self._connections:
                connection.cut()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        self._call(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()

    # What can be done to a frame. `first`: which match from now on, from 1; `times`: how many, None for all.

    def hold(self, key: int, *, reply: bool = False, first: int = 1, where=lambda _: True) -> Held:
        async def make() -> Held:
            return Held(self._loop)

        held = self._call(make())
        self._add(key, reply, first, 1, where, held.take)
        return held

    def cut(
        self, key: int, *, reply: bool = False, first: int = 1, times: int | None = 1, where=lambda _: True
    ) -> Rule:
        """The connection ends in place of the frame. With `reply` the broker has done what was asked."""
        async def act(connection: Connection, _frame: Frame) -> bool:
            connection.cut()
            return False

        return self._add(key, reply, first, times, where, act)

    def drop(
        self, key: int, *, reply: bool = False, first: int = 1, times: int | None = 1, where=lambda _: True
    ) -> Rule:
        """The frame is swallowed; the connection lives."""
        async def act(_connection: Connection, _frame: Frame) -> bool:
            return False

        return self._add(key, reply, first, times, where, act)

    def delay(
        self, key: int, seconds: float, *, reply: bool = False, first: int = 1, times: int | None = 1,
        where=lambda _: True,
    ) -> Rule:
        async def act(_connection: Connection, _frame: Frame) -> bool:
            await asyncio.sleep(seconds)
            return True

        return self._add(key, reply, first, times, where, act)

    def double(self, key: int, *, first: int = 1, times: int | None = 1, where=lambda _: True) -> Rule:
        """The broker gets the request twice; the client gets the reply to the second."""
        async def act(connection: Connection, frame: Frame) -> bool:
            stray = min([0, *connection.unanswered]) - 1
            connection.unanswered[stray] = None
            _send(connection.broker, frame.data[:4] + struct.pack(">i", stray) + frame.data[8:])
            return True

        return self._add(key, False, first, times, where, act)

    def cut_all(self) -> None:
        """Ends every connection there is."""
        async def act() -> None:
            for connection in list(self._connections):
                connection.cut()

        self._call(act())

    def forget(self) -> None:
        """Ends every rule; what is held stays held."""
        self._rules = []

    def _add(self, key: int, is_reply: bool, first: int, times: int | None, where, act: Act) -> Rule:
        rule = Rule(key, is_reply, first, times, where, act)
        self._rules = self._rules + [rule]
        return rule

    async def _passes(self, connection: Connection, frame: Frame, is_reply: bool) -> bool:
        for rule in self._rules:
            if rule.is_reply == is_reply and rule.takes(frame) and not await rule.act(connection, frame):
                return False
        return True

    # Traffic.

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            broker_reader, broker_writer = await asyncio.open_connection("127.0.0.1", self._behind)
        except OSError:
            writer.transport.abort()
            return
        connection = Connection(writer, broker_writer)
        self._connections.add(connection)
        replies = asyncio.ensure_future(self._carry_replies(broker_reader, connection))
        try:
            await self._carry_requests(reader, connection)
            # The client is gone: what the broker still has to say ends with the connection.
            await replies
        finally:
            self._connections.discard(connection)
            connection.cut()

    async def _carry_requests(self, reader: asyncio.StreamReader, connection: Connection) -> None:
        while (data := await _receive(reader)) is not None:
            frame = request(data)
            self.requests[frame.key] += 1
            if frame.key in (ADD_PARTITIONS_TO_TXN, END_TXN):
                self.transactions.append(frame)
            connection.unanswered[frame.correlation] = frame.key
            if await self._passes(connection, frame, is_reply=False):
                _send(connection.broker, frame.data)
        if not connection.broker.is_closing():
            with contextlib.suppress(OSError):
                connection.broker.write_eof()

    async def _carry_replies(self, reader: asyncio.StreamReader, connection: Connection) -> None:
        while (data := await _receive(reader)) is not None:
            correlation, = struct.unpack_from(">i", data)
            key = connection.unanswered.pop(correlation, None)
            if key is None:
                continue
            self.replies[key] += 1
            if await self._passes(connection, Frame(data, key, correlation), is_reply=True):
                _send(connection.client, data)
        connection.client.close()


async def _receive(reader: asyncio.StreamReader) -> bytes | None:
    """One frame without its size; None at the end of the connection."""
    try:
        size, = struct.unpack(">i", await reader.readexactly(4))
        return await reader.readexactly(size)
    except (asyncio.IncompleteReadError, OSError):
        return None


def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    if not writer.is_closing():
        writer.write(struct.pack(">i", len(data)) + data)
