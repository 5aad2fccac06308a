"""toxiproxy-server, driven over its HTTP interface: what a network does to whole connections."""

import http.client
import json
import os
import pathlib

from Cluster.harness.brokers import REPOSITORY
from Cluster.harness.processes import end, free_port, spawn, wait_until


def binary() -> pathlib.Path | None:
    """TOXIPROXY, else `shared/toxiproxy/toxiproxy-server` beside the checkout."""
    named = os.environ.get("TOXIPROXY")
    path = pathlib.Path(named) if named else REPOSITORY.parent / "shared" / "toxiproxy" / "toxiproxy-server"
    return path if path.exists() else None


class Toxiproxy:
    """One server with one proxy, from `port` to `behind`; both streams get every toxic unless told else."""

    def __init__(self, directory: pathlib.Path, port: int, behind: int):
        self._control = free_port()
        self._log = open(directory / "toxiproxy.log", "wb")
        self._process = spawn(
            [str(binary()), "-host", "127.0.0.1", "-port", str(self._control)],
            stdout=self._log, stderr=self._log,
        )
        wait_until(self._answers, "toxiproxy to answer")
        self._ask("POST", "/proxies", {
            "name": "broker", "listen": f"127.0.0.1:{port}", "upstream": f"127.0.0.1:{behind}",
        })

    def _answers(self) -> bool:
        try:
            return bool(self._ask("GET", "/version"))
        except OSError:
            return False

    def _ask(self, method: str, path: str, body: dict | None = None) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self._control, timeout=10)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            answer = connection.getresponse()
            said = answer.read()
            assert answer.status < 300, f"toxiproxy: {method} {path}: {answer.status} {said.decode()}"
            return said
        finally:
            connection.close()

    def _add(self, kind: str, streams: tuple[str, ...], **attributes: int) -> None:
        for stream in streams:
            self._ask("POST", "/proxies/broker/toxics", {
                "name": f"{kind}-{stream}", "type": kind, "stream": stream, "attributes": attributes,
            })

    BOTH = ("upstream", "downstream")

    def latency(self, milliseconds: int, jitter: int = 0, streams: tuple[str, ...] = BOTH) -> None:
        self._add("latency", streams, latency=milliseconds, jitter=jitter)

    def bandwidth(self, kilobytes: int, streams: tuple[str, ...] = BOTH) -> None:
        """A second."""
        self._add("bandwidth", streams, rate=kilobytes)

    def black_hole(self, streams: tuple[str, ...] = BOTH) -> None:
        """Connections live and carry nothing. Those that it held end with `heal`."""
        self._add("timeout", streams, timeout=0)

    def reset_peer(self, after: int = 0, streams: tuple[str, ...] = BOTH) -> None:
        """Connections, new ones too, end with a reset after so many milliseconds."""
        self._add("reset_peer", streams, timeout=after)

    def heal(self) -> None:
        """Takes every toxic away."""
        self._ask("POST", "/reset", {})

    def close(self) -> None:
        end(self._process)
        self._log.close()
