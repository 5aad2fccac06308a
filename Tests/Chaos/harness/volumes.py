"""A small disk of its own for one workspace's ledger: full or read-only when a test says so."""

import os
import pathlib
import subprocess

from Cluster.harness.processes import end, spawn, wait_until
from Cluster.harness.service import Workspace


def can_mount() -> bool:
    done = subprocess.run(
        ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, timeout=30
    )
    return done.returncode == 0


class Volume:
    """A tmpfs in place of the state directory, in a mount namespace that a process of ours holds: the service
    and all commands run in it, nobody else sees it, and it is gone with that process."""

    def __init__(self, workspace: Workspace, megabytes: int):
        place = workspace.directory / "state"
        place.mkdir(mode=0o700)
        self._place = place
        self._holder = spawn([
            "unshare", "--mount", "sh", "-c",
            f"mount -t tmpfs -o size={megabytes}m,mode=700 tmpfs '{place}' && touch '{place}/there'"
            " && exec sleep infinity",
        ])
        wait_until((self.path / "there").exists, "the volume to be mounted")
        (self.path / "there").unlink()
        workspace.prefix = ["nsenter", f"--mount=/proc/{self._holder.pid}/ns/mnt", "--"]
        self._workspace = workspace

    @property
    def path(self) -> pathlib.Path:
        """The state directory, as this process can look into it."""
        return pathlib.Path(f"/proc/{self._holder.pid}/root{self._place}")

    @property
    def _ballast(self) -> pathlib.Path:
        return self.path / "ballast"

    def fill(self) -> None:
        """Takes what room is left, to the last byte."""
        with open(self._ballast, "wb", buffering=0) as file:
            size = 1 << 16
            while size > 0:
                try:
                    file.write(bytes(size))
                except OSError:
                    size //= 2

    def make_room(self) -> None:
        self._ballast.unlink()

    def remount(self, how: str) -> None:
        """`ro` or `rw`. Refused while a file there is open for writing."""
        subprocess.run(
            [*self._workspace.prefix, "mount", "-o", f"remount,{how}", str(self._place)],
            check=True, capture_output=True, timeout=30,
        )

    def leave(self) -> None:
        """The state moves to the directory beneath; from now on the workspace runs without the volume."""
        files = {file.name: file.read_bytes() for file in self.path.iterdir()}
        self.close()
        self._workspace.prefix = []
        for name, content in files.items():
            (self._place / name).write_bytes(content)
            os.chmod(self._place / name, 0o600)

    def close(self) -> None:
        if self._holder.poll() is None:
            end(self._holder)
