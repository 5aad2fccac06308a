"""Refused records: looked at, released once, discarded."""

import json
import shutil

from Checkers import ledger
from Checkers.releases import HEADER
from Checkers.view import Field, View
from Cluster.harness import flights, topics
from Cluster.harness.processes import wait_until
from Cluster.harness.proof import exactly_once
from Cluster.harness.topics import Row

CONTRACT = "flights-skyways"

#: Takes a delay as it comes, which the first version refuses where it is a string.
LENIENT = """
      - carrier
      - origin
      - dep_delay"""


def lenient() -> View:
    return View(
        fields=[Field("carrier"), Field("origin"), Field("dep_delay")],
        filter=lambda value: value["origin"] == "JFK", headers=("trace",),
    )


def mixed(count: int, partitions: int) -> list[Row]:
    """Flights, of which every fifth has its delay in words, and every fiftieth is no JSON."""
    rows = list(flights.rows(count, partitions=partitions))
    for number in range(2, count, 5):
        flight = json.loads(rows[number].value) | {"dep_delay": f"late by {number}"}
        value = b"{" if number % 50 == 2 else json.dumps(flight).encode()
        rows[number] = Row(rows[number].key, value, rows[number].headers, rows[number].partition)
    return rows


def strict() -> View:
    return flights.view(filter=flights.strict_filter)


def said(workspace, *words: str, code: int = 0) -> str:
    done = workspace.run("quarantine", *words)
    assert done.returncode == code, f"exit {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout if code == 0 else done.stderr


def records(workspace) -> list[dict]:
    return json.loads(said(workspace, "list", CONTRACT, "--json", "--limit", "10000"))["records"]


def states(workspace) -> dict[str, int]:
    totals = json.loads(said(workspace, "list", CONTRACT, "--json"))["totals"]
    counted: dict[str, int] = {}
    for one in totals:
        counted[one["state"]] = counted.get(one["state"], 0) + one["records"]
    return counted


def released_at(clusters, r) -> int:
    return sum(
        any(name == HEADER for name, _ in record.headers)
        for records in topics.read(clusters.skyways, r.target) for record in records
    )


def refuse_then_change(clusters, workspace, r, count: int) -> int:
    """What the first version refuses stays behind; the second one would take most of it. How many were."""
    topics.produce(clusters.internal, r.source, mixed(count, 2))
    workspace.contract(flights.contract(r.source, r.target, max_records=100))
    workspace.catch_up()
    workspace.contract(flights.contract(
        r.source, r.target, version="1.1.0", max_records=1, filter="value.origin == 'JFK'", fields=LENIENT,
    ))
    workspace.catch_up()
    return states(workspace)["held"]


def test_released_records_leave_once_whatever_is_killed_and_whichever_ledger_comes_back(
    clusters, workspace, route, say, tmp_path
):
    r = route(partitions=2)
    held = refuse_then_change(clusters, workspace, r, 300)
    listing = said(workspace, "list", CONTRACT)
    assert f"{CONTRACT}: {held} refused records" in listing and f"{held} held" in listing
    assert max(map(len, listing.splitlines())) <= 80
    shutil.copytree(workspace.directory / "state", tmp_path / "copy")

    assert f"release {held} records" in said(workspace, "release", CONTRACT, "--all")
    assert states(workspace) == {"releasing": held}
    kills = 0
    while kills < 4 and states(workspace).get("releasing"):
        before = released_at(clusters, r)
        service = workspace.start()
        wait_until(
            lambda: released_at(clusters, r) > before or not states(workspace).get("releasing"),
            "a record to be released", 60, every=0.02,
        )
        service.kill()
        kills += 1
    workspace.catch_up()
    after = states(workspace)
    assert after["held"] == 6 and "releasing" not in after, "six are no JSON for any version"
    assert after["released"] + after["filtered"] == held - 6
    say(f"{held} records held, {kills} kills while they were released: {after}")
    exactly_once(workspace, clusters.internal, clusters.skyways, r, strict(), released_by=lenient())

    # A ledger of before the release believes that they are all refused, and is asked again.
    shutil.rmtree(workspace.directory / "state")
    shutil.copytree(tmp_path / "copy", workspace.directory / "state")
    said(workspace, "release", CONTRACT, "--all")
    workspace.catch_up()
    assert states(workspace) == after
    assert "learn-releases" in events(workspace)
    exactly_once(
        workspace, clusters.internal, clusters.skyways, r, strict(), released_by=lenient(), ledger_lost=True
    )


def events(workspace) -> set[str]:
    with ledger._copy(workspace.ledger) as rows:
        return {row[0] for row in rows.execute("SELECT what FROM event")}


def test_one_record_is_shown_released_by_a_running_service_and_another_is_discarded(
    clusters, workspace, route
):
    r = route(partitions=2)
    held = refuse_then_change(clusters, workspace, r, 60)
    service = workspace.start()
    listed = records(workspace)
    first, broken = (
        next(one for one in listed if one["rule"] == "filter-error"),
        next(one for one in listed if one["rule"] == "invalid-json"),
    )
    shown = said(workspace, "show", CONTRACT, str(first["id"]))
    assert "filter-error" in shown and f"offset {first['offset']}" in shown and "late by" not in shown
    assert "late by" in said(workspace, "show", CONTRACT, str(first["id"]), "--record")
    assert json.loads(said(workspace, "show", CONTRACT, str(first["id"]), "--json"))["record"] is None
    origin = json.loads(said(workspace, "show", CONTRACT, str(first["id"]), "--record"
                             ).split("value: ")[1].splitlines()[0])["origin"]
    said(workspace, "release", CONTRACT, str(first["id"]), str(broken["id"]))
    wait_until(lambda: "releasing" not in states(workspace), "the lane to answer", 60)
    answered = {one["id"]: one for one in records(workspace)}
    assert answered[first["id"]]["state"] == ("released" if origin == "JFK" else "filtered")
    assert answered[broken["id"]]["state"] == "held" and answered[broken["id"]]["outcome"] == "refused"
    assert "is released" in said(workspace, "release", CONTRACT, str(first["id"]), code=1) or origin != "JFK"

    assert "--yes" in said(workspace, "discard", CONTRACT, str(broken["id"]), code=64)
    said(workspace, "discard", CONTRACT, str(broken["id"]), "--yes")
    assert "its copy is gone" in said(workspace, "show", CONTRACT, str(broken["id"]), "--record")
    assert service.stop() == 0
    assert "late by" not in workspace.logs
    assert workspace.run("suspend", CONTRACT).returncode == 0
    assert "suspended" in said(workspace, "release", CONTRACT, "--all", code=1)
    assert states(workspace)["held"] == held - 2
    exactly_once(workspace, clusters.internal, clusters.skyways, r, strict(), released_by=lenient())
