"""Calls of the client library that do not come back, by a library preloaded into the service (hang.c)."""

import pathlib
import shutil
import subprocess

from .processes import wait_until

SOURCE = pathlib.Path(__file__).with_name("hang.c")


class Hangs:
    """The faults of one service; `environment` goes to `Workspace.start`."""

    def __init__(self, directory: pathlib.Path):
        self._directory = directory / "faults"
        self._directory.mkdir()
        library = directory / "hang.so"
        compiler = shutil.which("cc") or shutil.which("clang")
        assert compiler, "a C compiler is needed to build hang.c"
        subprocess.run(
            [compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", str(library), str(SOURCE), "-ldl"],
            check=True,
        )
        self.environment = {"LD_PRELOAD": str(library), "CROSSDOCK_FAULTS": str(self._directory)}

    def ask(self, kind: str, call: str) -> None:
        """`kind`: hang, late or fatal; at the next `call` of any lane."""
        (self._directory / f"{kind}-{call}").touch()

    def await_taken(self, kind: str, call: str) -> None:
        wait_until(
            lambda: not (self._directory / f"{kind}-{call}").exists(), f"a lane to call {call}", 60
        )

    def wake(self, call: str) -> None:
        """Lets the call that hangs go on."""
        (self._directory / f"hung-{call}").unlink()
