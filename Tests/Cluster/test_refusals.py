"""Records that do not conform, and what must never leave or be told."""

import base64
import json
import time

from Checkers import ledger
from Checkers.view import Field, View, mask, pseudonym
from Cluster.harness import flights, topics
from Cluster.harness.processes import wait_until
from Cluster.harness.proof import exactly_once
from Cluster.harness.topics import Row


def test_poison_records_are_quarantined_and_the_stream_goes_on(clusters, workspace, route):
    r = route(partitions=2)
    poison = [
        b"", b"not json", b'{"dep_delay":1', b'{"dep_delay":"late","origin":"JFK"}',
        b'{"a":1,"a":2}', b"[1]", b'{"origin":"JFK"}', b'{"dep_delay":5,"origin":"JFK","dest":null}',
        b'\xff\xfe', b'{"dep_delay":5,"origin":"JFK","dest":"SFO","tailnum":"\\ud800"}',
    ]
    rows = list(flights.rows(400, partitions=2))
    for number, value in enumerate(poison):
        rows.insert(17 * number + 3, Row(b"poison-%d" % number, value, partition=number % 2))
    topics.produce(clusters.internal, r.source, rows)
    workspace.contract(flights.contract(r.source, r.target, max_records=50))
    workspace.catch_up()
    rules = flights.view(filter=flights.strict_filter)
    expected = exactly_once(workspace, clusters.internal, clusters.skyways, r, rules)
    assert expected.quarantined == len(poison)
    assert ledger.quarantined(workspace.ledger, "flights-skyways", r.source) == sorted(expected.refused)


def test_violations_may_be_dropped_and_are_counted_apart(clusters, workspace, route):
    r = route(partitions=1)
    topics.produce(clusters.internal, r.source, [Row(None, b"nonsense", partition=0), *flights.rows(50, 1)])
    workspace.contract(flights.contract(r.source, r.target, onViolation="drop"))
    workspace.catch_up()
    expected = exactly_once(
        workspace, clusters.internal, clusters.skyways, r, flights.view(on_violation="dropped")
    )
    assert expected.dropped == 1


CANARY = "canary"


def planted(number: int) -> Row:
    """A record whose every part that may not leave holds a canary of its own."""
    value = {
        "id": number,
        "top": f"{CANARY}-top",
        f"{CANARY}-name": 1,
        "customer": {"city": "Oslo", "email": f"{CANARY}-email", "more": {"deep": [f"{CANARY}-deep"]}},
        "card": f"{CANARY}-4242424242424242",
        "tail": f"{CANARY}-tail-{number}",
        "list": [{"x": f"{CANARY}-list"}],
        "note": f"{CANARY}-note \u00e6 \\ \" escaped",
    }
    if number % 10 == 7:
        value["card"] = [f"{CANARY}-violation"]
    return Row(
        f"{CANARY}-key-{number}".encode(), json.dumps(value, ensure_ascii=number % 2 == 0).encode(),
        (
            ("trace", b"%d" % number), ("secret", f"{CANARY}-header".encode()),
            (f"{CANARY}-header-name", b"1"),
        ),
        number % 2,
    )


def test_canaries_reach_neither_partner_nor_markers_nor_logs_nor_reports(clusters, workspace, route):
    r = route(partitions=2)
    topics.produce(clusters.internal, r.source, [planted(number) for number in range(200)])
    # What is no JSON at all is quoted nowhere either.
    topics.produce(clusters.internal, r.source, [Row(None, f"{CANARY}-broken".encode(), partition=0)])
    fields = """
      - id
      - customer.city
      - { path: card, mask: { keepLast: 4 } }
      - { path: tail, pseudonym: { key: tail-2026 } }"""
    workspace.contract(flights.contract(
        r.source, r.target, filter="value.top != 'x' && !value.note.startsWith('never')",
        fields=fields, key="{ pseudonym: { key: tail-2026 } }", max_records=50,
    ))
    service = workspace.start()
    workspace.await_lag(lambda report: report["lag"] == 0, "the records")
    told = [workspace.run(*words) for words in (("lag",), ("lag", "--json"), ("status",), ("status", "--json"))]
    assert service.stop() == 0
    told += [workspace.run(*words) for words in (("lag",), ("status",), ("recover", "flights-skyways"))]
    assert exactly_once(
        workspace, clusters.internal, clusters.skyways, r,
        View(
            fields=[
                Field("id"), Field("customer.city"), Field("card", transform=mask(last=4)),
                Field("tail", transform=pseudonym(flights.TAIL_KEY)),
            ],
            headers=("trace",),
            key=lambda key: pseudonym(flights.TAIL_KEY)(key.decode()).encode(),
        ),
    ).quarantined == 21

    sign = CANARY.encode()
    for topic in (r.target, workspace.checkpoints):
        for record in sum(topics.read(clusters.skyways, topic, committed=False), []):
            assert sign not in repr(record).encode(), f"{topic}: {record}"
    assert CANARY not in workspace.logs
    for done in told:
        assert CANARY not in done.stdout + done.stderr, done.args
    # The partner must not learn from the markers what the source is called either.
    raw = b"".join(
        (record.key or b"") + (record.value or b"")
        for record in sum(topics.read(clusters.skyways, workspace.checkpoints, committed=False), [])
    )
    assert raw and r.source.encode() not in raw
    assert sign in b"".join(ledger.contents(workspace.ledger, quarantine=True)), "the quarantine holds records"
    assert sign not in b"".join(ledger.contents(workspace.ledger, quarantine=False))
    for file in workspace.directory.iterdir():
        if file.is_file():
            assert sign not in file.read_bytes(), file


def test_a_ledger_without_refused_records_holds_no_record_at_all(clusters, workspace, route):
    r = route(partitions=2)
    topics.produce(clusters.internal, r.source, [planted(10 * number) for number in range(100)])
    workspace.contract(flights.contract(
        r.source, r.target, filter=None, fields="[id]", key="drop", headers="[trace]"
    ))
    workspace.catch_up()
    for file in workspace.ledger.parent.iterdir():
        assert CANARY.encode() not in file.read_bytes(), file


def test_secrets_are_told_nowhere(clusters, workspace, route):
    r = route(partitions=1)
    topics.produce(clusters.internal, r.source, flights.rows(50, partitions=1))
    workspace.contract(flights.contract(r.source, r.target))
    workspace.catch_up()
    text = (workspace.directory / "secrets" / "checkpoints.key").read_text().removeprefix("base64:")
    forms = [flights.TAIL_KEY, text.encode(), base64.b64decode(text), base64.b64decode(text).hex().encode()]
    told = [workspace.logs]
    for words in (("lag", "--json"), ("status",), ("status", "--json"), ("validate",)):
        done = workspace.run(*words)
        told += [done.stdout, done.stderr]
    told += [file.read_bytes().decode("latin-1") for file in workspace.ledger.parent.iterdir()]
    for form in forms:
        assert not any(form.decode("latin-1") in text for text in told), form
