"""`crossdock check` tells what is missing before a start does, and asks for no more than a start needs."""

import ctypes
import json
import os
import pathlib
import re
import secrets
import subprocess

import confluent_kafka
import pytest
from confluent_kafka import ConsumerGroupTopicPartitions

from Cluster.harness import flights, topics
from Cluster.harness.processes import free_port, wait_until
from Cluster.harness.proof import exactly_once
from Cluster.harness.secured import Right, tool_path
from Cluster.harness.service import Workspace


@pytest.fixture
def guarded(secured, tmp_path):
    """A workspace whose service logs in to both secured clusters, with 600 records to replicate."""
    name = secrets.token_hex(4)
    source, target = f"flights.{name}", f"skyways.delays.{name}"
    topics.create(secured.internal, source, 2)
    topics.create(secured.skyways, target, 2)
    topics.produce(secured.internal, source, flights.rows(600, partitions=2))
    space = Workspace(
        tmp_path, secured.internal.settings("crossdock"), skyways=secured.skyways.settings("crossdock")
    )
    space.contract(flights.contract(source, target, identity=f"flights-{name}"))
    space.source, space.target, space.identity = source, target, f"flights-{name}"
    yield space
    space.close()


def check(workspace: Workspace, code: int) -> dict:
    done = workspace.run("check", "--json")
    assert done.returncode == code, f"exit {done.returncode}, not {code}: {done.stdout}{done.stderr}"
    report = json.loads(done.stdout)
    assert report["ok"] == (code == 0)
    return report


def failures(report: dict) -> list[dict]:
    return [one for row in report["contracts"] for one in row["checks"] if one["outcome"] == "failed"]


def missing(report: dict) -> set[Right]:
    """Rights that the failures name; a failure for anything else is none that was expected here."""
    assert all(one["missing"] for one in failures(report)), failures(report)
    return {right(one["missing"]) for one in failures(report)}


def right(said: dict) -> Right:
    return Right(said["resourceType"], said["resourceName"], said["operation"])


def rights(report: dict) -> dict[str, set[Right]]:
    return {grant["cluster"]: {right(one) for one in grant["rights"]} for grant in report["grants"]}


def grant(secured, asked: dict[str, set[Right]]) -> None:
    for cluster, needed in asked.items():
        secured.by_name(cluster).grant("crossdock", *needed)


def denials(secured, since) -> list:
    return [
        one for broker, place in zip((secured.internal, secured.skyways), since)
        for one in broker.denied("crossdock", place)
    ]


def places(secured):
    return len(secured.internal.log), len(secured.skyways.log)


def test_the_printed_commands_grant_enough_and_nothing_is_denied_to_a_start(secured, guarded, tmp_path):
    before = guarded.run("check")
    assert before.returncode == 1 and "FAILED" in before.stdout
    assert all(len(line) <= 80 for line in before.stdout.splitlines()), before.stdout
    blocks = re.split(r"^What .* grants, and nothing more:$", before.stdout, flags=re.MULTILINE)[1:]
    assert len(blocks) == 2
    path = f"{tool_path(secured.internal, tmp_path / 'bin')}{os.pathsep}{os.environ['PATH']}"
    for broker, block in zip((secured.internal, secured.skyways), blocks):
        commands = block.strip().rsplit("\n\n", 1)[0] if broker is secured.skyways else block
        assert "kafka-acls" in commands and broker.secured in commands
        admin = broker.settings("admin")
        (tmp_path / "admin.properties").write_text(
            "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\n"
            "sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required "
            f'username="admin" password="{admin["sasl.password"]}";\n'
        )
        done = subprocess.run(
            ["sh", "-e", "-c", commands], cwd=tmp_path, env=os.environ | {"PATH": path},
            capture_output=True, text=True, timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    since = places(secured)
    guarded.catch_up()
    assert denials(secured, since) == []
    report = check(guarded, 0)
    assert {one["outcome"] for row in report["contracts"] for one in row["checks"]} == {"ok"}
    # Made by the start: Create is needed no more.
    asked = rights(report)
    assert asked["internal"] == secured.internal.granted("crossdock")
    assert secured.skyways.granted("crossdock") - asked["skyways"] == {
        Right("Topic", guarded.checkpoints, "Create")
    }
    exactly_once(guarded, secured.internal, secured.skyways, guarded, flights.view(), guarded.identity)


def test_each_right_that_is_taken_away_is_the_one_that_is_named(secured, guarded):
    grant(secured, rights(check(guarded, 1)))
    creation = Right("Topic", guarded.checkpoints, "Create")
    secured.skyways.revoke("crossdock", creation)
    assert missing(check(guarded, 1)) == {creation}
    secured.skyways.grant("crossdock", creation)
    guarded.catch_up()
    secured.skyways.revoke("crossdock", creation)
    asked = rights(check(guarded, 0))
    assert sum(map(len, asked.values())) == 10
    for cluster, needed in asked.items():
        for one in sorted(needed):
            secured.by_name(cluster).revoke("crossdock", one)
            assert missing(check(guarded, 1)) == {one}
            secured.by_name(cluster).grant("crossdock", one)
    assert not failures(check(guarded, 0))


def test_a_wrong_password_is_told_as_such(secured, guarded):
    guarded.clusters["skyways"]["sasl.password"] = "wrong"
    guarded.configure()
    report = check(guarded, 1)
    refused = [one for one in failures(report) if one["cluster"] == "skyways"]
    assert [one["subject"] for one in refused] == ["cluster"]
    assert "_AUTHENTICATION" in refused[0]["detail"] and "sasl" in refused[0]["next"]


def test_a_transaction_timeout_that_the_brokers_do_not_allow_is_told(secured, guarded):
    grant(secured, rights(check(guarded, 1)))
    guarded.clusters["skyways"]["transaction.timeout.ms"] = "61000"
    guarded.configure()
    told = failures(check(guarded, 1))
    assert [one["subject"] for one in told] == [f"transactional id crossdock.{guarded.identity}.check"]
    assert "transaction.max.timeout.ms" in told[0]["detail"]


def test_a_cluster_that_cannot_be_reached_is_no_answer(clusters, route, tmp_path):
    r = route()
    space = Workspace(tmp_path, clusters.internal, skyways=f"127.0.0.1:{free_port()}")
    space.contract(flights.contract(r.source, r.target))
    report = check(space, 2)
    assert [(one["cluster"], one["subject"]) for one in failures(report)] == [("skyways", "cluster")]
    assert "not reached" in failures(report)[0]["detail"]


def test_topics_that_are_not_as_they_must_be_are_told(clusters, workspace, route):
    few = route(partitions=3, target=2)
    topics.create(clusters.skyways, workspace.checkpoints, 4, cleanup_policy="compact,delete")
    workspace.contract(flights.contract(few.source, few.target))
    workspace.contract(
        flights.contract("not.there", "neither.there", identity="lost"), "lost.yaml"
    )
    report = check(workspace, 1)
    said = {(one["subject"], one["detail"].split(":")[0]) for one in failures(report)}
    assert said == {
        (f"topic {few.target}", "it has 2 partitions and the source 3"),
        (f"settings of topic {workspace.checkpoints}", "cleanup.policy is 'compact,delete'"),
        ("topic not.there", "it does not exist"),
        ("topic neither.there", "it does not exist"),
    }
    assert all(one["next"] for one in failures(report))
    alone = json.loads(workspace.run("check", "lost", "--json").stdout)
    assert [row["id"] for row in alone["contracts"]] == ["lost"]
    assert workspace.run("check", "lsot").returncode == 64


def committed(broker, group: str) -> dict:
    found = broker.admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group].result()
    return {(one.topic, one.partition): one.offset for one in found.topic_partitions}


def test_a_running_service_is_not_disturbed(clusters, workspace, route):
    r = route(partitions=2)
    topics.produce(clusters.internal, r.source, flights.rows(5000, partitions=2))
    workspace.contract(flights.contract(r.source, r.target, max_records=20))
    service = workspace.start()
    wait_until(lambda: service.log.count(" recovered ") == 2, "both lanes")
    workspace.await_lag(lambda report: sum(p["read"] for p in report["partitions"]) > 0, "the first batches")
    begun = len(service.log)
    for _ in range(3):
        check(workspace, 0)
    workspace.await_lag(lambda report: report["lag"] == 0, "the rest", 90)
    offsets = committed(clusters.internal, "crossdock.flights-skyways")
    check(workspace, 0)
    assert committed(clusters.internal, "crossdock.flights-skyways") == offsets != {}
    assert service.stop() == 0
    meanwhile = service.log[begun:]
    assert " recovered " not in meanwhile and " warn " not in meanwhile, f"a lane was disturbed:\n{meanwhile}"
    exactly_once(workspace, clusters.internal, clusters.skyways, r, flights.view())


def test_scram_takes_a_newer_client_library_and_check_says_so(secured, guarded, tmp_path, monkeypatch):
    """The distribution's librdkafka cannot log in with SCRAM to Kafka 4; a newer one, unchanged binary, can."""
    grant(secured, rights(check(guarded, 1)))
    for name in ("internal", "skyways"):
        guarded.clusters[name]["sasl.mechanism"] = "SCRAM-SHA-512"
    guarded.configure()
    if ctypes.CDLL("librdkafka.so.1").rd_kafka_version() >> 8 < 0x020601:
        refused = failures(check(guarded, 1))
        assert len(refused) == 2 and all("2.6.1 or newer" in one["detail"] for one in refused)
    wheel = pathlib.Path(confluent_kafka.__file__).parent.parent / "confluent_kafka.libs"
    newer = next(wheel.glob("librdkafka*.so*"))
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "librdkafka.so.1").symlink_to(newer)
    monkeypatch.setenv("LD_LIBRARY_PATH", f"{tmp_path / 'lib'}:{wheel}")
    check(guarded, 0)
    guarded.catch_up()
    exactly_once(guarded, secured.internal, secured.skyways, guarded, flights.view(), guarded.identity)
