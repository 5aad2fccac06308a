"""Failpoints of the binary under test, driven from outside (preload/faults.c)."""

import dataclasses
import os
import pathlib
import signal
import struct
import subprocess

from Checkers import ledger
from Cluster.harness.processes import wait_until
from Cluster.harness.service import Service, Workspace

SOURCE = pathlib.Path(__file__).resolve().parents[1] / "preload" / "faults.c"

#: struct slot: name, passages, hits, hits while a transaction was open.
SLOT = struct.Struct("=24sQQQ")


def build(directory: pathlib.Path) -> pathlib.Path:
    """Compiles the library into a directory."""
    library = directory / "faults.so"
    subprocess.run(
        ["gcc", "-Wall", "-Wextra", "-Werror", "-O1", "-fPIC", "-shared", str(SOURCE), "-o", str(library)]
        + ["-ldl"], check=True, timeout=60,
    )
    return library


@dataclasses.dataclass
class Passages:
    passages: int = 0
    hits: int = 0
    #: Hits while one of the process' transactions was open: begun, and its end not yet known.
    in_transaction: int = 0


class FaultedService:
    """A run of the service with a plan."""

    def __init__(self, service: Service, state: pathlib.Path, workspace: Workspace, plan: str):
        self.service = service
        self.plan = plan
        self._state = state
        self._workspace = workspace

    def points(self) -> dict[str, Passages]:
        """By point, as they stand now, or stood when the process ended."""
        data = self._state.read_bytes() if self._state.exists() else b""
        return {
            name.rstrip(b"\0").decode(): Passages(*numbers)
            for name, *numbers in SLOT.iter_unpack(data[:len(data) - len(data) % SLOT.size])
        }

    def passed(self, point: str) -> int:
        return self.points().get(point, Passages()).passages

    def hits(self) -> dict[str, Passages]:
        return {name: one for name, one in self.points().items() if one.hits > 0}

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction of the process is open now, or was when it ended."""
        return self.passed("in-transaction") > 0

    def await_kill(self, timeout: float = 60) -> None:
        """Waits until the plan has killed the process."""
        code = self.service.finish(timeout)
        assert code == -signal.SIGKILL and self.hits(), (
            f"{self.plan}: exit {code}, hits {self.hits()}:\n{self.service.log[-3000:]}"
        )

    def await_stop(self, timeout: float = 60) -> None:
        """Waits until the plan has stopped the process with SIGSTOP."""
        def stopped() -> bool:
            assert self.service.runs, f"{self.plan}: ended:\n{self.service.log[-3000:]}"
            stat = pathlib.Path(f"/proc/{self.service.process.pid}/stat").read_text()
            return stat.rpartition(")")[2].split()[0] == "T"

        wait_until(stopped, f"{self.plan} to stop the service", timeout, every=0.01)

    def await_hit(self, timeout: float = 60) -> None:
        wait_until(self.hits, f"{self.plan} to be hit", timeout, every=0.01)

    def proceed(self) -> None:
        os.kill(self.service.process.pid, signal.SIGCONT)

    def open_intents(self) -> int:
        """How many lanes have an intent in the ledger. The process must be gone."""
        return ledger.open_intents(self._workspace.ledger)


class Faults:
    """Starts the service with the library before its own."""

    def __init__(self, directory: pathlib.Path):
        self._library = build(directory)

    def start(self, workspace: Workspace, plan: str = "", *arguments: str) -> FaultedService:
        """`plan`: see preload/faults.c; empty: points are counted and nothing happens."""
        count = len(list(workspace.directory.glob("faults-*.state")))
        state = workspace.directory / f"faults-{count:03}.state"
        service = workspace.start(*arguments, environment={
            "LD_PRELOAD": str(self._library), "CROSSDOCK_FAULT": plan, "CROSSDOCK_FAULT_STATE": str(state),
        })
        return FaultedService(service, state, workspace, plan)
