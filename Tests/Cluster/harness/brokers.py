"""Two one-node Kafka clusters on loopback, shared by every test of a session."""

import base64
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import uuid

from confluent_kafka.admin import AdminClient

from .processes import end, free_port, spawn, wait_until

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]

SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={directory}/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=8
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=2000
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
log.initial.task.delay.ms=500
log.cleaner.backoff.ms=200
log.cleaner.dedupe.buffer.size=8388608
log.cleaner.threads=1
num.network.threads=2
num.io.threads=4
"""


def kafka_home() -> pathlib.Path | None:
    """KAFKA_HOME, else `shared/kafka` beside the checkout; None where neither holds a broker."""
    named = os.environ.get("KAFKA_HOME")
    home = pathlib.Path(named) if named else REPOSITORY.parent / "shared" / "kafka"
    return home if (home / "bin" / "kafka-server-start.sh").exists() else None


DETOUR = """\
listeners=PLAINTEXT://127.0.0.1:{{port}},DETOUR://127.0.0.1:{behind},CONTROLLER://127.0.0.1:{{controller}}
advertised.listeners=PLAINTEXT://127.0.0.1:{{port}},DETOUR://127.0.0.1:{port}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,DETOUR:PLAINTEXT
"""


def cluster_id() -> str:
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "a", 1)


class Detour:
    """A second listener of a broker, which tells its clients to come by `port`: a proxy listens there and
    leads to `behind`. Whoever starts from `bootstrap` never meets the broker but through the proxy."""

    def __init__(self):
        self.behind = free_port()
        self.port = free_port()
        self.bootstrap = f"127.0.0.1:{self.port}"
        # Bound and never listened on: the port stays ours, and a listener that may share it can take it.
        self._reservation = socket.socket()
        self._reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reservation.bind(("127.0.0.1", self.port))

    @property
    def settings(self) -> str:
        return DETOUR.format(behind=self.behind, port=self.port)

    def close(self) -> None:
        self._reservation.close()


class Broker:
    """One KRaft node, which is a whole cluster; its data outlives `kill` and `start`."""

    #: Of topics that tests make.
    replication = 1

    def __init__(
        self, name: str, home: pathlib.Path, extra: str = "", format_arguments: tuple[str, ...] = (),
        detour: bool = False, cluster: str | None = None,
    ):
        """`extra`: further settings, of which the last of a name counts, with {port}, {controller} and
        {directory}. `cluster`: id of a cluster of several nodes, whose voters stand in `extra`."""
        self.name = name
        self.detour = Detour() if detour else None
        if self.detour is not None:
            extra = self.detour.settings + extra
        self.home = home
        self.port = free_port()
        self.bootstrap = f"127.0.0.1:{self.port}"
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix=f"crossdock-{name}-"))
        self.process: subprocess.Popen | None = None
        self._admin: AdminClient | None = None
        self._settings = self.directory / "server.properties"
        self._settings.write_text(
            (SETTINGS + extra).format(port=self.port, controller=free_port(), directory=self.directory)
        )
        self._format = spawn(
            [str(home / "bin" / "kafka-storage.sh"), "format", "-c", str(self._settings)]
            + (["-t", cluster] if cluster else ["-t", cluster_id(), "--standalone"])
            + list(format_arguments),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )

    def start(self) -> None:
        """Runs the node; `await_ready` says when it serves."""
        if self._format.returncode is None:
            said, _ = self._format.communicate(timeout=60)
            if self._format.returncode != 0:
                raise RuntimeError(f"kafka-storage.sh format: {said.decode()}")
        environment = dict(
            os.environ,
            KAFKA_HEAP_OPTS="-Xms96m -Xmx256m",
            KAFKA_JVM_PERFORMANCE_OPTS="-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto",
            KAFKA_LOG4J_OPTS=f"-Dlog4j2.configurationFile={self.home}/config/server-log4j2.yaml",
            LOG_DIR=str(self.directory),
        )
        with open(self.directory / "broker.log", "ab") as log:
            self.process = spawn(
                [str(self.home / "bin" / "kafka-server-start.sh"), str(self._settings)],
                stdout=log, stderr=log, env=environment, cwd=self.directory,
            )

    def await_ready(self) -> None:
        def answers() -> bool:
            if self.process is None or self.process.poll() is not None:
                tail = (self.directory / "broker.log").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"the {self.name} broker ended:\n{tail}")
            try:
                return bool(self.admin.list_topics(timeout=1).brokers)
            except Exception:
                return False

        wait_until(answers, f"the {self.name} broker to answer", timeout=60)

    @property
    def admin(self) -> AdminClient:
        if self._admin is None:
            self._admin = AdminClient({
                "bootstrap.servers": self.bootstrap, "reconnect.backoff.max.ms": 200, "log_level": 0
            })
        return self._admin

    def kill(self) -> None:
        if self.process is not None:
            end(self.process, signal.SIGKILL)
            self.process = None

    def pause(self) -> None:
        os.kill(self.process.pid, signal.SIGSTOP)

    def proceed(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)

    def ensure_up(self) -> None:
        """After a test that paused or killed the node: makes it serve again."""
        if self.process is None or self.process.poll() is not None:
            self.start()
        else:
            self.proceed()
        self.await_ready()

    def tool(self, name: str, *arguments: str) -> str:
        """Runs one of Kafka's own tools; a JVM each, 1-2 s."""
        command = [str(self.home / "bin" / name), "--bootstrap-server", self.bootstrap, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise RuntimeError(f"{name}: {done.stdout}{done.stderr}")
        return done.stdout

    def close(self) -> None:
        self.kill()
        if self.detour is not None:
            self.detour.close()
        shutil.rmtree(self.directory, ignore_errors=True)
