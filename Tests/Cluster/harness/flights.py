"""Real flights of 2013 as source records, and the contract that most tests run."""

import csv
import gzip
import itertools
import json
import pathlib
from typing import Iterator

from Checkers.view import Field, Number, Refused, View, pseudonym

from .brokers import REPOSITORY
from .topics import Row

SAMPLE = REPOSITORY / "Sources" / "CFlights" / "flights.csv"
WHOLE = REPOSITORY.parent / "shared" / "data" / "flights.ndjson.gz"
TEXT = {"carrier", "tailnum", "origin", "dest", "time_hour"}

#: Bytes of the pseudonym key that every test workspace knows as `tail-2026`.
TAIL_KEY = b"tests-only-tail-key-0123456789"


def _json(cells: dict[str, str]) -> str:
    def text(name: str, cell: str) -> str:
        return "null" if cell == "" else json.dumps(cell) if name in TEXT else cell

    return "{" + ",".join(f'"{name}":{text(name, cell)}' for name, cell in cells.items()) + "}"


def values(count: int, whole: pathlib.Path | None = None) -> Iterator[str]:
    """JSON texts of `count` flights: the 5,000 of the repository, or all of a file, over and over."""
    if whole is None:
        with open(SAMPLE, newline="") as rows:
            texts = [_json(row) for row in csv.DictReader(rows)]
    else:
        texts = gzip.open(whole, "rt").read().splitlines()
    return itertools.islice(itertools.cycle(texts), count)


def rows(count: int, partitions: int | None = None, first: int = 0, whole=None) -> Iterator[Row]:
    """Records keyed by flight, with one header that may leave and two that may not.

    `first`: number of the first record, which stands in its trace header.
    """
    for number, text in enumerate(values(count, whole), first):
        flight = json.loads(text)
        yield Row(
            key=f"{flight['carrier']}{flight['flight']}".encode(),
            value=text.encode(),
            headers=(
                ("source", b"ops"), ("trace", b"%016x" % number), ("x-internal", b"do-not-share"),
            ),
            partition=-1 if partitions is None else number % partitions,
        )


def contract(
    source: str, target: str, *, identity: str = "flights-skyways", version: str = "1.0.0",
    partner: str = "skyways", max_records: int = 10_000, **stream: str,
) -> str:
    """The flights contract; `stream` replaces or adds lines of the stream (None removes one)."""
    lines = {
        "from": source,
        "to": target,
        "format": "json",
        "filter": "value.dep_delay != null && value.dep_delay > 0 && value.origin != 'LGA'",
        "fields": FIELDS,
        "key": "keep",
        "headers": "[trace]",
    } | stream
    said = "\n    ".join(f"{name}: {text}" for name, text in lines.items() if text is not None)
    return f"""\
apiVersion: crossdock/v1
kind: ReplicationContract
id: {identity}
version: {version}
status: active
description: Delayed departures for the tests
partner: {{ name: Skyways, contact: data@skyways.example }}
source: {{ cluster: internal }}
target: {{ cluster: {partner} }}
streams:
  - {said}
delivery:
  maxRecords: {max_records}
  maxInterval: 50ms
"""


FIELDS = """
      - year
      - month
      - day
      - carrier
      - origin
      - { path: dest, required: true }
      - { path: dep_delay, type: number, required: true }
      - { path: sched_dep_time, as: schedule.departure }
      - { path: tailnum, as: tail, pseudonym: { key: tail-2026 } }
      - { path: flight, as: flight, pseudonym: { key: tail-2026, length: 16 } }
      - { as: provider, constant: Crossdock Airways }"""


def view(**changes) -> View:
    """The same contract in the checker's terms; `changes` replace attributes of the view."""
    rules = View(
        filter=lambda value: (
            value["dep_delay"] is not None and value["dep_delay"] > 0 and value["origin"] != "LGA"
        ),
        fields=[
            Field("year"), Field("month"), Field("day"), Field("carrier"), Field("origin"),
            Field("dest", required=True),
            Field("dep_delay", kind="number", required=True),
            Field("sched_dep_time", "schedule.departure"),
            Field("tailnum", "tail", transform=pseudonym(TAIL_KEY)),
            Field("flight", transform=pseudonym(TAIL_KEY, 16)),
            Field(output="provider", constant="Crossdock Airways"),
        ],
        headers=("trace",),
    )
    for name, value in changes.items():
        setattr(rules, name, value)
    return rules


def strict_filter(value) -> bool:
    """The contract's filter with CEL's errors: a missing member or a comparison across types refuses."""
    if "dep_delay" not in value:
        raise Refused("no such member")
    delay = value["dep_delay"]
    if delay is not None and not isinstance(delay, Number):
        # An error on one side of && gives way to a false on the other.
        if value.get("origin") == "LGA":
            return False
        raise Refused("no such overload")
    if delay is None or delay <= 0:
        return False
    if "origin" not in value:
        raise Refused("no such member")
    return value["origin"] != "LGA"


def test_records_that_the_partners_broker_refuses_cost_seconds_not_transaction_timeouts(
    clusters, workspace, route, say
):
    r = route(partitions=1)
    # A compacted topic takes no record without a key.
    topics.delete(clusters.skyways, r.target)
    wait_until(lambda: not topics.exists(clusters.skyways, r.target), "the deletion")
    topics.create(clusters.skyways, r.target, 1, cleanup_policy="compact", min_compaction_lag_ms="3600000")
    rows = list(flights.rows(200, partitions=1))
    for number in range(5):
        flight = json.loads(rows[0].value) | {"carrier": "XX", "dep_delay": 5, "origin": "JFK"}
        rows.insert(30 * number + 7, Row(None, json.dumps(flight).encode(), partition=0))
    workspace.contract(flights.contract(r.source, r.target))
    service = workspace.start()
    workspace.await_lag(lambda report: report["status"] == "IDLE", "an idle lane")
    topics.produce(clusters.internal, r.source, rows)
    begun = time.monotonic()
    workspace.await_lag(
        lambda report: report["lag"] == 0 and sum(p["read"] for p in report["partitions"]) == 205,
        "the five to be found", 120,
    )
    took = time.monotonic() - begun
    say(f"5 records in a row that the broker refuses: found and quarantined in {took:.1f} s")
    # Each wait for a fence is 30 s, and each record used to cost one.
    assert took < 60
    assert service.stop() == 0
    rules = flights.view(filter=refused_by_the_broker)
    assert exactly_once(workspace, clusters.internal, clusters.skyways, r, rules).quarantined == 5


def refused_by_the_broker(value) -> bool:
    if value["carrier"] == "XX":
        raise Refused("the broker refuses it")
    return flights.view().filter(value)
