"""The built binary, run against the session's brokers from a directory of its own."""

import base64
import json
import os
import pathlib
import secrets
import signal
import subprocess

from .brokers import REPOSITORY, Broker
from .flights import TAIL_KEY
from .processes import end, spawn, wait_until


def binary() -> pathlib.Path | None:
    """CROSSDOCK_BINARY, else what `swift build` made, a release before a debug build."""
    named = os.environ.get("CROSSDOCK_BINARY")
    places = [pathlib.Path(named)] if named else [
        REPOSITORY / ".build" / kind / "crossdock" for kind in ("release", "debug")
    ]
    return next((place for place in places if place.exists()), None)


class Service:
    """One run of `crossdock start`."""

    def __init__(self, process: subprocess.Popen, log: pathlib.Path):
        self.process = process
        self._log = log

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    @property
    def runs(self) -> bool:
        return self.process.poll() is None

    def memory(self) -> dict[str, int]:
        """Bytes by the names of /proc/PID/status: VmRSS now, VmHWM at the most."""
        lines = pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return {
            name: int(rest.split()[0]) * 1024
            for name, _, rest in (line.partition(":") for line in lines) if name.startswith("Vm")
        }

    def kill(self) -> None:
        end(self.process, signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM, as a service manager sends it: drains and returns the exit code."""
        if self.runs:
            self.process.send_signal(signal.SIGTERM)
        return self.finish(30)

    def finish(self, timeout: float) -> int:
        """Waits for the end of the run; a run that does not end is killed and fails the test."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            end(self.process, signal.SIGKILL)
            raise AssertionError(f"still running after {timeout:.0f} s; its log ends:\n{self.log[-3000:]}")


class Workspace:
    """A directory with crossdock.yaml, keys, contracts and the state of one service."""

    def __init__(
        self, directory: pathlib.Path, internal: Broker | dict[str, str], lanes: int = 2,
        **partners: str | dict[str, str],
    ):
        """`partners`: by cluster name, like `internal`: bootstrap servers, or a client's settings."""
        self.directory = directory
        self.lanes = lanes
        #: Words before every command: what runs it elsewhere, such as in another mount namespace.
        self.prefix: list[str] = []
        self.checkpoints = f"crossdock.checkpoints.{secrets.token_hex(4)}"
        own = internal if isinstance(internal, dict) else internal.bootstrap
        self.clusters = {
            name: settings if isinstance(settings, dict) else {"bootstrap.servers": settings}
            for name, settings in ({"internal": own} | partners).items()
        }
        self._runs: list[Service] = []
        (directory / "contracts").mkdir()
        (directory / "secrets").mkdir()
        self._secret("checkpoints.key", b"base64:" + base64.b64encode(secrets.token_bytes(32)))
        self._secret("tail.key", TAIL_KEY)
        self.configure()

    def _secret(self, name: str, content: bytes) -> None:
        path = self.directory / "secrets" / name
        path.write_bytes(content)
        path.chmod(0o600)

    def configure(self, extra: str = "") -> None:
        clusters = "\n".join(
            f"  {name}: {json.dumps(settings)}" for name, settings in self.clusters.items()
        )
        self.config.write_text(f"""\
stateDirectory: ./state
contracts: [contracts/*.yaml]
clusters:
{clusters}
keys:
  tail-2026: ${{file:./secrets/tail.key}}
checkpoints:
  topic: {self.checkpoints}
  key: ${{file:./secrets/checkpoints.key}}
lanes: {self.lanes}
{extra}""")

    @property
    def config(self) -> pathlib.Path:
        return self.directory / "crossdock.yaml"

    @property
    def ledger(self) -> pathlib.Path:
        return self.directory / "state" / "ledger.db"

    @property
    def logs(self) -> str:
        """What every run has said so far."""
        return "".join(run.log for run in self._runs)

    def contract(self, text: str, name: str = "contract.yaml") -> pathlib.Path:
        path = self.directory / "contracts" / name
        path.write_text(text)
        return path

    def start(self, *arguments: str, environment: dict[str, str] | None = None) -> Service:
        log = self.directory / f"run-{len(self._runs):03}.log"
        with open(log, "wb") as output:
            process = spawn(
                [*self.prefix, str(binary()), "start", "--config", str(self.config), *arguments],
                stdout=output, stderr=output, cwd=self.directory,
                env=dict(os.environ, **(environment or {})),
            )
        service = Service(process, log)
        self._runs.append(service)
        return service

    def catch_up(self, timeout: float = 60, code: int = 0) -> Service:
        """Runs until the end that the source had at the start."""
        service = self.start("--until-caught-up")
        ended = service.finish(timeout)
        assert ended == code, f"exit {ended}, not {code}:\n{service.log[-3000:]}"
        return service

    def run(self, *arguments: str, timeout: float = 60) -> subprocess.CompletedProcess:
        """Any other command, with `--config`."""
        return subprocess.run(
            [*self.prefix, str(binary()), *arguments, "--config", str(self.config)],
            capture_output=True, text=True, timeout=timeout, cwd=self.directory, stdin=subprocess.DEVNULL,
        )

    def lag(self) -> dict:
        """`lag --json`: the one contract of the workspace, or all of them by id where there are several."""
        done = self.run("lag", "--json")
        assert done.returncode in (0, 1), f"lag: exit {done.returncode}: {done.stderr}"
        contracts = json.loads(done.stdout)["contracts"]
        return contracts[0] if len(contracts) == 1 else {one["id"]: one for one in contracts}

    def await_lag(self, condition, what: str, timeout: float = 30) -> dict:
        """Waits until the report satisfies a condition, and returns it."""
        found: dict = {}

        def holds() -> bool:
            found.clear()
            found.update(self.lag())
            return condition(found)

        try:
            wait_until(holds, what, timeout, every=0.3)
        except AssertionError as failure:
            raise AssertionError(
                f"{failure}\nlast report: {json.dumps(found)}\nlog ends:\n{self.logs[-3000:]}"
            ) from None
        return found

    def halted(self) -> set[str]:
        """Reasons of the halts that the report shows."""
        return {row["reason"] for row in self.lag()["partitions"] if row["status"] == "HALTED"}

    def close(self) -> None:
        for service in self._runs:
            if service.runs:
                service.kill()
