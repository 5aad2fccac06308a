"""Rows of the fault matrix about records that the partner's brokers refuse: each is found, put aside with its
place, and the others are delivered once."""

import json
import secrets
import time

import pytest

from Chaos.harness.cases import configure, idle
from Chaos.matrix import row
from Checkers import ledger
from Cluster.harness import topics
from Cluster.harness.secured import Right


def refused_alone(one, number: int) -> None:
    """So many records are in quarantine, each with its place, and no other."""
    assert one.figures()["quarantined"] == number
    assert len(ledger.quarantined(one.workspace.ledger, "flights-skyways", one.source)) == number


def large(size: int) -> topics.Row:
    """A record whose output takes so many bytes, compressed too."""
    text = (
        '{"year":2013,"month":1,"day":1,"dep_delay":9,"carrier":"' + secrets.token_urlsafe(size)[:size]
        + '","origin":"JFK","dest":"SFO","sched_dep_time":1,"tailnum":"N1","flight":1}'
    )
    return topics.Row(b"large", text.encode(), partition=0)


def without(history, *keys: bytes | None):
    return [[one for one in records if one.key not in keys] for records in history]


@row("too-large-local")
def test_a_record_larger_than_the_partners_topic_takes_is_refused_here(case, verdict):
    one = case(0)
    configure(one.partner, one.target, max_message_bytes="20000")
    one.load(200)
    topics.produce(one.internal, one.source, [large(30_000)])
    one.load(200)
    service = one.workspace.catch_up()
    refused_alone(one, 1)
    assert "refused" not in service.log, service.log
    figures = one.figures()
    assert (figures["lag"], figures["read"]) == (0, 401)
    one.sees(without(one.history(), b"large"))
    verdict("the record quarantined, the others delivered once")


@row("too-large-broker")
def test_a_limit_lowered_under_load_finds_the_one_record_that_is_too_large(case, verdict):
    one = case(400, max_records=50)
    service = one.workspace.start()
    idle(one.workspace)
    configure(one.partner, one.target, max_message_bytes="20000")
    one.load(200)
    topics.produce(one.internal, one.source, [large(30_000)])
    one.load(400)
    topics.produce(one.internal, one.source, [large(40_000)])
    one.load(50)
    idle(one.workspace)
    assert service.stop() == 0
    refused_alone(one, 2)
    assert one.figures()["read"] == 1052
    one.sees(without(one.history(), b"large"))
    verdict("the records quarantined, the others delivered once")


@row("too-large-broker")
def test_a_partner_who_does_not_tell_its_limit_refuses_one_record_too(case, secured, verdict):
    one = case(400, max_records=50, partner=secured.skyways, login=secured.skyways.settings("crossdock"))
    asked = json.loads(one.workspace.run("check", "--json").stdout)["grants"]
    for grant in asked:
        if grant["cluster"] == "skyways":
            secured.skyways.grant("crossdock", *(
                Right(right["resourceType"], right["resourceName"], right["operation"])
                for right in grant["rights"] if right["operation"] != "DescribeConfigs"
            ))
    configure(one.partner, one.target, max_message_bytes="20000")
    topics.produce(one.internal, one.source, [large(30_000)])
    one.load(400)
    mark = len(secured.skyways.log)
    service = one.workspace.catch_up(90)
    assert any(right.operation == "DescribeConfigs" for _, right in secured.skyways.denied("crossdock", mark))
    refused_alone(one, 1)
    assert one.figures()["read"] == 801
    one.sees(without(one.history(), b"large"))
    verdict("the record quarantined, the others delivered once")


@row("timestamp-refused")
@pytest.mark.parametrize("limit", ["before", "after"])
def test_a_timestamp_that_the_broker_refuses_is_the_records_own_trouble(case, verdict, limit):
    one = case(200, settings={"message_timestamp_after_max_ms": "9223372036854775807"})
    now = int(time.time() * 1000)
    hour = 3_600_000
    configure(one.partner, one.target, **{f"message_timestamp_{limit}_max_ms": str(hour)})
    wrong = now - 30 * hour if limit == "before" else now + 30 * hour
    late = b'{"dep_delay":5,"origin":"JFK","dest":"SFO"}'
    topics.produce(one.internal, one.source, [
        topics.Row(b"bad", late, partition=number % 2, timestamp=wrong) for number in range(3)
    ])
    one.load(200)
    service = one.workspace.catch_up(90)
    refused_alone(one, 3)
    assert "INVALID_TIMESTAMP" in service.log or "timestamp" in service.log.lower(), service.log[-2000:]
    assert one.figures()["lag"] == 0
    one.sees(without(one.history(), b"bad"))
    verdict("the records quarantined, the others delivered once")


@row("null-key-refused")
def test_a_null_key_that_a_compacted_topic_refuses_is_the_records_own_trouble(case, verdict):
    one = case(200)
    configure(one.partner, one.target, cleanup_policy="compact", min_compaction_lag_ms="3600000")
    late = b'{"dep_delay":5,"origin":"JFK","dest":"SFO"}'
    topics.produce(one.internal, one.source, [topics.Row(None, late, partition=n % 2) for n in range(3)])
    one.load(200)
    one.workspace.catch_up(90)
    refused_alone(one, 3)
    assert one.figures()["lag"] == 0
    one.sees(without(one.history(), None))
    verdict("the records quarantined, the others delivered once")
