"""Checks lane.pml with Spin: one run is one set of switches, searched to its end."""

import dataclasses
import os
import pathlib
import re
import resource
import shutil
import subprocess

HERE = pathlib.Path(__file__).parent
MEGABYTES = int(os.environ.get("CROSSDOCK_MODEL_MB", "4500"))
MISSING = "NO SPIN: the model needs spin and gcc: configs/debian/setup tests"
#: Bits of PROPS in bounds.h.
PROPERTIES = {
    int(bit): name
    for name, bit in re.findall(
        r"^#define ([A-GQR]_\w+) +(\d+)\b", (HERE / "bounds.h").read_text(), re.MULTILINE
    )
}


def obstacle() -> str | None:
    """Why the model cannot be checked, if it cannot."""
    return None if shutil.which("spin") and shutil.which("gcc") else MISSING


@dataclasses.dataclass(frozen=True)
class Found:
    """What Spin says of a run. `violated`: the property whose assertion failed, None where every state was
    visited and none did."""

    violated: str | None
    states: int
    megabytes: float
    seconds: float

    def __str__(self) -> str:
        return f"{self.states} states, {self.seconds:.0f} s, {self.megabytes:.0f} MB"


class Incomplete(Exception):
    """The search says nothing: it did not build, did not end, or met a limit."""


def check(switches: str, folder: pathlib.Path, is_short: bool = False) -> Found:
    """Builds the verifier in `folder` and runs it to its end. `seconds` is processor time of the search.

    `is_short`: it ends so soon that a verifier which is quick to build is the better one.
    """
    for source in (*HERE.glob("*.pml"), *HERE.glob("*.h")):
        shutil.copy(source, folder)
    _make(["spin", "-a", *switches.split(), "lane.pml"], folder)
    defines = ["-DCOLLAPSE", "-DSAFETY", "-DVECTORSZ=2048", f"-DMEMLIM={MEGABYTES}"]
    level = "-O0" if is_short else "-O1"
    _make(["nice", "-n", "10", "gcc", level, "-w", *defines, "-o", "pan", "pan.c"], folder)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    search = ["nice", "-n", "10", "./pan", "-m400000", "-w24"]
    done = subprocess.run(search, cwd=folder, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return _read(done.stdout + done.stderr, seconds)


def _make(command: list[str], folder: pathlib.Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0 or re.search(r"^spin: .*[Ee]rror", done.stdout, re.MULTILINE):
        raise Incomplete(f"does not build: {' '.join(command)}\n{done.stdout}{done.stderr}")


def _read(text: str, seconds: float) -> Found:
    errors = re.search(r"errors: (\d+)", text)
    states = re.search(r"^\s*(\d+) states, stored", text, re.MULTILINE)
    memory = re.search(r"^\s*([\d.]+)\s+total actual memory usage", text, re.MULTILINE)
    if not (errors and states and memory):
        raise Incomplete(f"no verdict:\n{text}")
    violated = None
    if errors[1] == "0":
        if "MEMLIM" in text or "max search depth too small" in text or "out of memory" in text:
            raise Incomplete(f"a limit was met before every state was visited:\n{text}")
    else:
        bit = re.search(r"assertion violated.*?\(\d+&(\d+)\)", text)
        if bit is None or int(bit[1]) not in PROPERTIES:
            raise Incomplete(f"an error that is no property of the model:\n{text}")
        violated = PROPERTIES[int(bit[1])]
    return Found(violated, int(states[1]), float(memory[1]), seconds)
