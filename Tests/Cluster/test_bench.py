"""The benchmark runs, every copy that it makes is complete, and deciding allocates nothing. No time is asserted."""

import pathlib
import subprocess

import pytest

from Cluster.harness import processes, service

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
PATIENCE = 300


@pytest.fixture(scope="module")
def bench() -> str:
    for product in ("Bench", "CLoop"):
        subprocess.run(["swift", "build", "--product", product], cwd=REPOSITORY, check=True)
    return str(REPOSITORY / ".build/debug/Bench")


def run(*words: str) -> str:
    child = processes.spawn(
        list(words), cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        output, _ = child.communicate(timeout=PATIENCE)
    finally:
        processes.end(child)
    assert child.returncode == 0, output
    return output


def test_deciding_a_record_allocates_nothing(bench):
    output = run(bench, "allocations", "--records", "2000")
    assert output.count("2000 records, 0 bytes allocated") == 4, output


def test_every_copy_of_the_benchmark_is_complete(bench):
    """Bench counts what a partner's consumer gets of each, and fails where that is not what it should be."""
    copiers = ("plain-1", "contract-2", "c-loop")
    output = run(
        bench, "copy", "--crossdock", str(service.binary()), "--records", "20000", "--rounds", "1",
        "--only", ",".join(copiers),
    )
    rows = [line for line in output.splitlines() if line.startswith("| ")][1:]
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == list(copiers), output
