"""Child processes that never outlive the tests, however these end."""

import atexit
import ctypes
import os
import signal
import socket
import random
import subprocess
import time

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
_groups: set[int] = set()


def _die_with_parent() -> None:
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def spawn(command: list[str], **options) -> subprocess.Popen:
    """Starts a command in a process group of its own; the kernel kills it when this process dies."""
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=_die_with_parent, **options
    )
    _groups.add(child.pid)
    return child


def end(child: subprocess.Popen, sent: int = signal.SIGKILL) -> None:
    """Signals the whole group of a child and reaps the child."""
    for number in {signal.SIGCONT, sent} if sent == signal.SIGTERM else {sent}:
        try:
            os.killpg(child.pid, number)
        except ProcessLookupError:
            break
    child.wait(timeout=60)
    _groups.discard(child.pid)


@atexit.register
def _end_all() -> None:
    for group in _groups:
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            continue


def free_port() -> int:
    """A port on loopback below the ephemeral range, so that no outgoing connection takes it first."""
    for _ in range(200):
        port = random.SystemRandom().randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port on 127.0.0.1 between 20000 and 32000")


def wait_until(condition, what: str, timeout: float = 30.0, every: float = 0.05):
    """Waits for a condition and returns its first true value; fails with what was waited for."""
    end_of_wait = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end_of_wait:
            raise AssertionError(f"waited {timeout:.0f} s for: {what}")
        time.sleep(every)
