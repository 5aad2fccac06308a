"""The demo, as somebody runs it who has just built the binary."""

import os
import pathlib
import signal
import subprocess
import time

import pytest

from Cluster.harness.brokers import kafka_home
from Cluster.harness.processes import spawn, wait_until
from Cluster.harness.service import binary


def environment(directory: pathlib.Path, home: str | None) -> dict[str, str]:
    variables = {name: value for name, value in os.environ.items() if name != "KAFKA_HOME"}
    return variables | {"TMPDIR": str(directory)} | ({"KAFKA_HOME": home} if home else {})


def demo(directory: pathlib.Path, home: str | None = None) -> subprocess.CompletedProcess:
    return subprocess.run(
        [str(binary()), "demo"], capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
        env=environment(directory, home), cwd=directory,
    )


def children_of(directory: pathlib.Path) -> list[int]:
    """Processes that run in the demo's directories."""
    found = []
    for process in pathlib.Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                words = (process / "cmdline").read_bytes() + os.readlink(process / "cwd").encode()
            except OSError:
                continue
            if str(directory).encode() in words:
                found.append(int(process.name))
    return found


def test_the_demo_needs_no_kafka_and_leaves_nothing_behind(tmp_path):
    begun = time.monotonic()
    done = demo(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert time.monotonic() - begun < 60
    for step in range(1, 7):
        assert f"[{step}/6]" in done.stdout
    for words in (
        "stopped in the middle", "resumed", "5,000 read = ", "0 lost, 0 doubled, 0 out of order",
        "PARTITION", "STATUS",
    ):
        assert words in done.stdout, done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("after", [0.3, 1.5])
def test_ctrl_c_ends_the_demo_and_everything_that_it_started(tmp_path, after):
    child = spawn(
        [str(binary()), "demo"], env=environment(tmp_path, None), cwd=tmp_path,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    time.sleep(after)
    child.send_signal(signal.SIGINT)
    child.wait(20)
    wait_until(lambda: not children_of(tmp_path), "its children to be gone", 10)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(kafka_home() is None, reason="no Kafka distribution")
def test_the_demo_on_real_clusters_proves_exactly_once_over_a_kill(tmp_path):
    done = demo(tmp_path, str(kafka_home()))
    assert done.returncode == 0, done.stdout + done.stderr
    for words in ("killed in the middle", "0 lost, 0 doubled, 0 out of order, 0 other"):
        assert words in done.stdout, done.stdout
    assert children_of(tmp_path) == [] and list(tmp_path.iterdir()) == []
