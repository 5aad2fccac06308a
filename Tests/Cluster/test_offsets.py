"""`crossdock offsets`: the markers at the partner, while the service runs and while it is down."""

import json

from Checkers.markers import Opener, checkpoint_key
from Cluster.harness import flights, topics
from Cluster.harness.processes import free_port
from Cluster.harness.service import Workspace
from Cluster.harness.topics import Row

CONTRACT = "flights-skyways"


def offsets(workspace, *words: str, code: int = 0) -> dict:
    done = workspace.run("offsets", "--json", *words)
    assert done.returncode == code, f"exit {done.returncode}: {done.stdout}{done.stderr}"
    return json.loads(done.stdout)["contracts"][0]


def test_markers_are_shown_while_the_service_runs_and_while_it_is_down(clusters, workspace, route):
    r = route(partitions=2)
    topics.produce(clusters.internal, r.source, flights.rows(600, partitions=2))
    workspace.contract(flights.contract(r.source, r.target, max_records=50))
    missing = workspace.run("offsets")
    assert missing.returncode == 1 and "is not there" in missing.stdout
    service = workspace.start()
    workspace.await_lag(lambda report: report["lag"] == 0 and report["status"] == "IDLE", "the records")
    running = offsets(workspace)
    assert service.stop() == 0
    ends = topics.ends(clusters.skyways, workspace.checkpoints, committed=False)
    down = offsets(workspace, CONTRACT, "--history")
    assert topics.ends(clusters.skyways, workspace.checkpoints, committed=False) == ends, "nothing is written"

    assert running["history"] is None and running["partitions"] == down["partitions"]
    assert [one["nextOffset"] for one in running["partitions"]] == topics.ends(clusters.internal, r.source)
    assert sum(one["read"] for one in running["partitions"]) == 600
    assert {one["lane"] for one in running["claims"]} == {0, 1}
    key = checkpoint_key((workspace.directory / "secrets" / "checkpoints.key").read_bytes())
    opened = Opener(CONTRACT, key).open(sum(topics.read(clusters.skyways, workspace.checkpoints), []))
    assert [(one["checkpointPartition"], one["checkpointOffset"], one["nonce"]) for one in down["history"]] == [
        (one.partition, one.offset, one.marker["nonce"]) for one in opened if one.marker
    ]
    shown = workspace.run("offsets", "--history")
    assert shown.returncode == 0
    for one in running["partitions"]:
        assert one["nonce"] in shown.stdout and one["digest"] in shown.stdout
    assert all(len(line) <= 80 for line in shown.stdout.splitlines())
    wrong = workspace.run("offsets", "flights-skyway")
    assert wrong.returncode == 64 and "did you mean 'flights-skyways'?" in wrong.stderr


def test_a_record_under_our_key_that_does_not_open_is_told(clusters, workspace, route):
    r = route(partitions=1)
    topics.produce(clusters.internal, r.source, flights.rows(50, partitions=1))
    workspace.contract(flights.contract(r.source, r.target))
    workspace.catch_up()
    topics.produce(clusters.skyways, workspace.checkpoints, [
        Row(f"{CONTRACT}:0000".encode(), b"\1nothing of ours", partition=0),
        Row(b"another-supplier:0000", b"whatever", partition=0),
    ])
    said = offsets(workspace, code=1)
    assert [one["checkpointPartition"] for one in said["unopened"]] == [0]
    assert len(said["partitions"]) == 1, "what opens is shown all the same"
    assert "does not open" in workspace.run("offsets").stdout


def test_a_partner_that_cannot_be_asked_ends_with_2(clusters, tmp_path, route):
    r = route(partitions=1)
    space = Workspace(tmp_path, clusters.internal, skyways=f"127.0.0.1:{free_port()}")
    space.contract(flights.contract(r.source, r.target))
    done = space.run("offsets")
    assert done.returncode == 2 and "cannot read topic" in done.stderr and "skyways" in done.stderr
