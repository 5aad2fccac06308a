"""The proxy itself, before a broker of a few lines that answers every request with its correlation id."""

import contextlib
import socket
import struct
import threading

import pytest

from Chaos.harness.frames import ADD_PARTITIONS_TO_TXN, END_TXN, METADATA, FrameProxy, Transaction
from Cluster.harness.processes import free_port, wait_until


def frame(key: int, correlation: int, body: bytes = b"") -> bytes:
    data = struct.pack(">hhih", key, 1, correlation, 2) + b"me" + body
    return struct.pack(">i", len(data)) + data


class Echo:
    """A broker that keeps what it is asked and answers in order."""

    def __init__(self):
        self.asked: list[tuple[int, int]] = []
        self.port = free_port()
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._connections: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._connections.append(connection)
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as stream:
            while head := stream.read(4):
                data = stream.read(struct.unpack(">i", head)[0])
                key, _, correlation = struct.unpack_from(">hhi", data)
                self.asked.append((key, correlation))
                connection.sendall(struct.pack(">ii", 4, correlation))

    def close(self) -> None:
        for one in [self._listener, *self._connections]:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


class Client:
    def __init__(self, port: int):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)

    def ask(self, key: int, correlation: int, body: bytes = b"") -> None:
        self.socket.sendall(frame(key, correlation, body))

    def answer(self) -> int | None:
        """The next reply's correlation id; None where the connection has ended."""
        try:
            data = self.socket.recv(8, socket.MSG_WAITALL)
        except ConnectionResetError:
            return None
        return struct.unpack(">ii", data)[1] if data else None

    def is_silent(self) -> bool:
        self.socket.settimeout(0.2)
        try:
            return self.socket.recv(1) is None
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(5)


@pytest.fixture
def echo():
    made = Echo()
    yield made
    made.close()


@pytest.fixture
def proxy(echo):
    made = FrameProxy(free_port(), echo.port)
    yield made
    made.close()


@pytest.fixture
def client(proxy):
    made = Client(proxy.port)
    yield made
    made.socket.close()


def test_what_no_rule_meets_passes_and_is_counted(echo, proxy, client):
    client.ask(METADATA, 7)
    client.ask(END_TXN, 8)
    assert [client.answer(), client.answer()] == [7, 8]
    assert echo.asked == [(METADATA, 7), (END_TXN, 8)]
    assert proxy.requests == proxy.replies == {METADATA: 1, END_TXN: 1}


def test_the_nth_request_is_held_until_told_and_what_follows_waits(echo, proxy, client):
    held = proxy.hold(END_TXN, first=2)
    for number, key in enumerate((END_TXN, METADATA, END_TXN, METADATA)):
        client.ask(key, number)
    assert held.wait().correlation == 2
    assert [client.answer(), client.answer()] == [0, 1]
    assert client.is_silent() and len(echo.asked) == 2
    held.release()
    assert [client.answer(), client.answer()] == [2, 3]


def test_a_held_request_reaches_the_broker_though_its_client_is_gone(echo, proxy, client):
    held = proxy.hold(END_TXN)
    client.ask(END_TXN, 1)
    held.wait()
    held.cut_client()
    assert client.answer() is None
    again = Client(proxy.port)
    again.ask(END_TXN, 2)
    assert again.answer() == 2 and echo.asked == [(END_TXN, 2)]
    held.release()
    wait_until(lambda: echo.asked == [(END_TXN, 2), (END_TXN, 1)], "the late request")
    again.socket.close()


def test_a_discarded_request_never_arrives(echo, proxy, client):
    held = proxy.hold(END_TXN)
    client.ask(END_TXN, 1)
    held.wait()
    held.discard()
    client.ask(METADATA, 2)
    assert client.answer() == 2 and echo.asked == [(METADATA, 2)]


def test_a_request_is_cut_before_the_broker_sees_it(echo, proxy, client):
    proxy.cut(END_TXN)
    client.ask(END_TXN, 1)
    assert client.answer() is None and echo.asked == []


def test_a_reply_is_cut_after_the_broker_did_it(echo, proxy, client):
    proxy.cut(END_TXN, reply=True)
    client.ask(METADATA, 1)
    client.ask(END_TXN, 2)
    assert client.answer() == 1
    assert client.answer() is None and echo.asked[-1] == (END_TXN, 2)


def test_exactly_one_reply_is_dropped(proxy, client):
    proxy.drop(END_TXN, reply=True)
    for number in range(3):
        client.ask(END_TXN, number)
    assert [client.answer(), client.answer()] == [1, 2] and client.is_silent()


def test_a_reply_can_be_held(echo, proxy, client):
    held = proxy.hold(END_TXN, reply=True)
    client.ask(END_TXN, 4)
    assert held.wait().correlation == 4 and echo.asked == [(END_TXN, 4)] and client.is_silent()
    held.release()
    assert client.answer() == 4


def test_a_doubled_request_is_answered_once(echo, proxy, client):
    proxy.double(END_TXN)
    client.ask(END_TXN, 5)
    assert client.answer() == 5 and client.is_silent()
    assert [key for key, _ in echo.asked] == [END_TXN, END_TXN]


def test_rules_choose_by_what_the_request_says_and_end_when_forgotten(echo, proxy, client):
    def body(identity: bytes, producer: int, epoch: int, end: bytes) -> bytes:
        return struct.pack(">h", len(identity)) + identity + struct.pack(">qh", producer, epoch) + end

    proxy.drop(END_TXN, times=None, where=lambda one: one.transaction.identity == "b")
    client.ask(ADD_PARTITIONS_TO_TXN, 0, body(b"a", 1000, 3, b"\0\0\0\0"))
    client.ask(END_TXN, 1, body(b"a", 1000, 3, b"\1"))
    client.ask(END_TXN, 2, body(b"b", 1001, 0, b"\0"))
    assert [client.answer(), client.answer()] == [0, 1] and client.is_silent()
    proxy.forget()
    client.ask(END_TXN, 3, body(b"b", 1001, 0, b"\0"))
    assert client.answer() == 3
    assert [one.transaction for one in proxy.transactions] == [
        Transaction("a", 1000, 3), Transaction("a", 1000, 3, True), Transaction("b", 1001, 0, False),
        Transaction("b", 1001, 0, False),
    ]


def test_every_connection_ends_on_demand_and_new_ones_are_taken(proxy, client):
    client.ask(METADATA, 1)
    assert client.answer() == 1
    proxy.cut_all()
    assert client.answer() is None
    again = Client(proxy.port)
    again.ask(METADATA, 2)
    assert again.answer() == 2
    again.socket.close()
