"""The proof is tested too, on a small world of its own: what is right is proven, and each kind of damage is
found and named."""

import copy
import dataclasses
import json

import pytest

from Checkers import prove as proof
from Checkers.evidence import Evidence
from Checkers.ledger import Lane, Partition, Quarantined, Range
from Checkers.markers import Checkpoint
from Checkers.prove import Allowed, NotProven, prove
from Checkers.view import Field, View

RULES = View(fields=[Field("n", kind="number")], filter=lambda value: value["n"] % 3 != 0)
CLUSTERS = {"source": "S", "partner": "P"}
PIN = {"version": "1.0.0", "hash": "aa"}


@dataclasses.dataclass
class Record:
    partition: int
    offset: int
    value: bytes | None
    key: bytes | None = b"key"
    timestamp: int = 7
    headers: tuple = ()


def counted(records: list[Record], gaps: int = 0) -> dict[str, int]:
    decided = RULES.expect([records], 1)
    words = {word: getattr(decided, word) for word in ("delivered", "filtered", "dropped", "quarantined")}
    size = sum(len(record.key) + len(record.value) for record, (word, _) in zip(
        records, decided.decisions[0].values()) if word == "delivered")
    return words | {"read": sum(words.values()) + gaps, "gaps": gaps, "bytes": size}


def world() -> Evidence:
    """Two partitions of 40 offsets, of which every tenth holds no record and every eleventh a bad one; four
    batches of ten offsets each."""
    source = [
        [
            Record(number, offset, b"nonsense" if offset % 11 == 5 else b'{"n":%d}' % (offset + number))
            for offset in range(40) if offset % 10 != 9
        ]
        for number in range(2)
    ]
    partner: list[list[Record]] = [[], []]
    for number, records in enumerate(source):
        decisions = RULES.expect([records], 1).decisions[0]
        for record in records:
            if decisions[record.offset][0] == "delivered":
                partner[number].append(dataclasses.replace(record, offset=2 * len(partner[number])))
    checkpoints, partitions = [], []
    for batch in range(1, 5):
        for number in range(2):
            checkpoints.append(Checkpoint(0, len(checkpoints), marker={
                "contract": "c", "topic": "t", "partition": number, "lane": 0, "nextOffset": 10 * batch,
                "batchSeq": batch, "nonce": f"nonce-{batch}", "digest": f"digest-{batch}",
                "chain": f"chain-{batch}", "clusters": CLUSTERS, "pin": PIN, "next": PIN, "acts": [],
                "acknowledged": [],
                "counts": counted([record for record in source[number] if record.offset < 10 * batch]),
            }))
    for number in range(2):
        ranges = [
            Range(at, at + 10, "decided", "1.0.0", counted(
                [record for record in source[number] if at <= record.offset < at + 10]
            )) for at in range(0, 40, 10)
        ]
        partitions.append(
            Partition(number, 0, 40, counted(source[number]), "chain-4", (40, 4, "nonce-4"), ranges)
        )
    quarantine = [
        Quarantined(number, record.offset, "real")
        for number in range(2) for record in source[number] if record.value == b"nonsense"
    ]
    evidence = Evidence(
        "c", "t", source, [40, 40], partner, checkpoints, partitions,
        {0: Lane(4, "S", "P", ("1.0.0", "aa"), False, 0, {})}, quarantine, [40, None], {}, {},
    )
    tell(evidence)
    return evidence


def tell(evidence: Evidence) -> None:
    """What `lag` and `offsets` would say."""
    rows = [
        {
            "stream": "t", "partition": one.number, "currentOffset": one.decided, "logEndOffset": 40, "lag": 0,
        } | one.counts for one in evidence.partitions
    ]
    history = [
        one.marker | one.marker["counts"] | {
            "contract": one.marker["pin"], "checkpointPartition": one.partition, "checkpointOffset": one.offset,
        } for one in evidence.checkpoints if one.marker
    ]
    newest = {one["partition"]: one for one in history}
    evidence.lag = {"partitions": rows, "lag": 0}
    releases = [
        {"records": one.release["releases"], "checkpointPartition": one.partition, "checkpointOffset": one.offset}
        for one in evidence.checkpoints if one.release
    ]
    evidence.offsets = {
        "partitions": list(newest.values()), "history": history, "releases": releases, "unopened": [],
    }


def found(evidence: Evidence, **allowed) -> dict[str, list[str]]:
    with pytest.raises(NotProven) as caught:
        prove(evidence, RULES, Allowed(**allowed))
    return caught.value.found


def test_a_right_world_is_proven():
    expected = prove(world(), RULES)
    assert (expected.quarantined, len(expected.refused)) == (8, 8)
    assert expected.delivered == sum(map(len, world().partner))


# What is done to the world, the check that must find it, and words of what it says.


def lose(e):
    del e.partner[1][4]


def double(e):
    e.partner[0].insert(7, dataclasses.replace(e.partner[0][2], offset=99))


def say_released(e):
    e.partner[0][2].headers = (("crossdock-released", None),)


def reorder(e):
    e.partner[0][3:5] = reversed(e.partner[0][3:5])


def change(e):
    e.partner[0][3].value = b'{"n":3.0}'


def leak(e):
    e.partner[0][3].headers = (("x-internal", b"1"),)


def leave_open(e):
    e.open_in = ["checkpoints"]


def skip_offsets(e):
    del e.partitions[0].ranges[2]


def cover_twice(e):
    one = e.partitions[0].ranges[2]
    e.partitions[0].ranges.insert(3, dataclasses.replace(one, start=25))


def end_short(e):
    e.partitions[1].decided = 39


def begin_late(e):
    del e.partitions[1].ranges[0]


def give_up(e):
    e.partitions[0].ranges[1].kind = "gap"


def know_by_hearsay(e):
    e.partitions[0].ranges[1].kind = "ledger-gap"


def miscount(e):
    counts = e.partitions[0].ranges[1].counts
    counts["delivered"] += 1
    counts["filtered"] -= 1


def misweigh(e):
    e.partitions[0].ranges[1].counts["bytes"] += 1


def unbalance(e):
    e.partitions[0].counts["read"] += 1


def forget_version(e):
    e.partitions[0].ranges[1].version = None


def stay_intent(e):
    e.lanes[0].has_intent = True


def stay_staged(e):
    e.lanes[0].staged = 2
    e.lanes[0].staged_presence = 1


def keep_index(e):
    e.partitions[0].held = 1


def quarantine_none(e):
    del e.quarantine[0]


def quarantine_good(e):
    e.quarantine.append(Quarantined(0, 1, "real"))


def quarantine_twice(e):
    e.quarantine.append(e.quarantine[0])


def quarantine_unproven(e):
    e.quarantine[0] = dataclasses.replace(e.quarantine[0], state="unproven")


def shut(e):
    e.checkpoints.append(Checkpoint(0, 50, wrong="it does not open"))


def lie_about_marker(e):
    e.offsets["history"][3]["nextOffset"] += 1


def hide_marker(e):
    del e.offsets["history"][3]


def show_older(e):
    e.offsets["partitions"][0] = e.offsets["history"][0]


def fall_back(e):
    e.checkpoints[6].marker["nextOffset"] = 29


def batch_again(e):
    e.checkpoints[6].marker["batchSeq"] = 3


def commit_twice(e):
    e.checkpoints[7].marker["nonce"] = "another"


def fall_in_count(e):
    e.checkpoints[6].marker["counts"]["filtered"] = 0


def marker_miscounts(e):
    e.checkpoints[2].marker["counts"]["bytes"] += 5


def marker_acknowledges_much(e):
    e.checkpoints[6].marker["acknowledged"] = [{"topic": "p", "partition": 0, "offset": 1000}]


def lose_marker(e):
    del e.checkpoints[6]


def marker_of_another_batch(e):
    e.partitions[0].marker = (40, 4, "another")


def break_chain(e):
    e.partitions[0].chain = "another"


def move_cluster(e):
    e.checkpoints[6].marker["clusters"] = {"source": "X", "partner": "P"}


def group_ahead(e):
    e.group[0] = 41


def group_of_nothing(e):
    e.group[1] = 41


def report_lag(e):
    e.lag["partitions"][0]["currentOffset"] = 39


def report_count(e):
    e.lag["partitions"][1]["filtered"] += 1


DAMAGES = [
    (say_released, "releases", "doubled or not due"),
    (lose, "partner view", "partner partition 1: lost t[1]@"),
    (double, "partner view", "partner partition 0: doubled at offset"),
    (reorder, "partner view", "partner partition 0: reordered from offset 8 on"),
    (change, "partner view", "partner partition 0: not due at offset 6"),
    (leak, "partner view", "partner partition 0: not due at offset 6"),
    (leave_open, "no open transaction", "open in checkpoints"),
    (skip_offsets, "ledger covers", "t[0]: nothing covers offsets 20 to 30"),
    (cover_twice, "ledger covers", "t[0]: two rows cover offsets 25 to 30"),
    (end_short, "ledger covers", "t[1]: rows end at 40, decided is 39"),
    (begin_late, "ledger covers", "t[1]: the first row begins at 10"),
    (give_up, "ledger covers", "t[0]: gaps [(10, 20)], accepted were []"),
    (know_by_hearsay, "ledger covers", "t[0]: offsets 10 to 20 are ledger-gap, and no ledger was lost"),
    (miscount, "ledger counts", "t[0]: row 10 to 20 (decided): delivered is"),
    (misweigh, "ledger counts", "t[0]: row 10 to 20 (decided): bytes is"),
    (unbalance, "ledger counts", "t[0]: the identity does not hold"),
    (forget_version, "ledger counts", "t[0]: row 10 to 20 (decided): no version decided it"),
    (stay_intent, "nothing left open", "lane 0: an intent is open"),
    (stay_staged, "nothing left open", "lane 0: 2 quarantined records are staged"),
    (keep_index, "presence", "t[0]: an index of keys is kept"),
    (quarantine_none, "quarantine", "t[0]@5 was refused and is not in the quarantine"),
    (quarantine_good, "quarantine", "t[0]@1 is in the quarantine and conforms"),
    (quarantine_twice, "quarantine", "t[0]@5 is 2 times in the quarantine"),
    (quarantine_unproven, "quarantine", "t[0]@5 is in the quarantine as unproven"),
    (shut, "markers open", "checkpoint record 0@50: it does not open"),
    (lie_about_marker, "markers open", "checkpoint record 0@3: offsets: nextOffset is 21, opened 20"),
    (hide_marker, "markers open", "checkpoint record 0@3 is a marker for us alone"),
    (show_older, "markers open", "t[0]: offsets shows another marker than the newest"),
    (fall_back, "markers rise", "t[0]: marker 0@6: next offset falls from 30 to 29"),
    (batch_again, "markers rise", "t[0]: marker 0@6: batch 3 after batch 3"),
    (commit_twice, "markers rise", "t[1]: marker 0@7: batch 4 of lane 0 was committed twice"),
    (fall_in_count, "markers rise", "t[0]: marker 0@6: filtered falls from"),
    (marker_miscounts, "markers count", "t[0]: marker 0@2 at 20: bytes is"),
    (marker_acknowledges_much, "markers count", "t[0]: marker 0@6 at 40: acknowledged 1000"),
    (lose_marker, "markers equal ledger", "t[0]: the newest marker is (30, 3, 'nonce-3')"),
    (marker_of_another_batch, "markers equal ledger", "the ledger knows (40, 4, 'another')"),
    (break_chain, "markers equal ledger", "t[0]: the chain's head"),
    (move_cluster, "markers equal ledger", "t[0]: clusters"),
    (group_ahead, "group offsets", "t[0]: the group is at 41, decided is 40"),
    (group_of_nothing, "group offsets", "t[1]: the group is at 41, decided is 40"),
    (report_lag, "lag report", "t[0]: lag: CURRENT-OFFSET 39, decided is 40"),
    (report_count, "lag report", "t[1]: lag: filtered is"),
]


#: Of what the service says; the others it would tell as they are.
LIES = {lie_about_marker, hide_marker, show_older, report_lag, report_count}


@pytest.mark.parametrize("damage, check, words", DAMAGES, ids=[one[0].__name__ for one in DAMAGES])
def test_damage_is_found_and_named(damage, check, words):
    evidence = world()
    damage(evidence)
    if damage not in LIES:
        tell(evidence)
    sentences = found(evidence)
    assert any(words in sentence for sentence in sentences.get(check, [])), sentences


def test_every_check_finds_something():
    assert {check for _, check, _ in DAMAGES} == set(proof.CHECKS)


def test_what_is_behind_is_no_difference_where_the_service_need_not_have_caught_up():
    evidence = world()
    for one in evidence.partitions:
        one.decided, one.marker, one.chain = 30, (30, 3, "nonce-3"), "chain-3"
        del one.ranges[3]
        one.counts = counted([record for record in evidence.source[one.number] if record.offset < 30])
        evidence.partner[one.number] = evidence.partner[one.number][:one.counts["delivered"]]
    del evidence.checkpoints[6:]
    evidence.quarantine = [one for one in evidence.quarantine if one.offset < 30]
    evidence.group = [30, None]
    evidence.lanes[0].last_batch_seq = 3
    tell(evidence)
    prove(evidence, RULES, Allowed(caught_up=False))
    assert {"partner view", "ledger covers"} <= set(found(evidence))


def test_a_lost_ledger_excuses_the_quarantine_of_what_it_did_not_see_and_no_more():
    evidence = world()
    evidence.partitions[0].ranges[1].kind = "ledger-gap"
    evidence.quarantine = [one for one in evidence.quarantine if (one.partition, one.offset) != (0, 16)]
    prove(evidence, RULES, Allowed(ledger_lost=True))
    evidence.quarantine = [one for one in evidence.quarantine if (one.partition, one.offset) != (0, 5)]
    assert found(evidence, ledger_lost=True)["quarantine"] == ["t[0]@5 was refused and is not in the quarantine"]


def test_an_accepted_gap_is_no_loss_and_an_unaccepted_one_is():
    evidence = world()
    # Offsets 10 to 20 of partition 0 were deleted before they were read.
    kept = [record for record in evidence.source[0] if not 10 <= record.offset < 20]
    evidence.source[0] = kept
    values = {record.value for record in kept}
    evidence.partner[0] = [record for record in evidence.partner[0] if record.value in values]
    book = evidence.partitions[0]
    book.ranges[1] = Range(10, 20, "gap", None, counted([], gaps=10))
    book.counts = counted(kept, gaps=10)
    for one in evidence.checkpoints:
        if one.marker["partition"] == 0:
            end = one.marker["nextOffset"]
            one.marker["counts"] = counted(
                [record for record in kept if record.offset < end], gaps=max(0, min(20, end) - 10)
            )
    evidence.quarantine = [one for one in evidence.quarantine if one.partition or not 10 <= one.offset < 20]
    tell(evidence)
    prove(evidence, RULES, Allowed(gaps={0: [(10, 20)]}))
    assert "gaps [(10, 20)], accepted were []" in found(evidence)["ledger covers"][0]
    assert found(evidence, gaps={0: [(10, 25)]})


def test_what_was_resent_by_choice_is_there_twice_and_no_third_time():
    evidence = world()
    # At 40 an operator went back to 20.
    lap = [record for record in evidence.source[0] if record.offset >= 20]
    again = len(evidence.partner[0]) - counted(lap)["delivered"]
    evidence.partner[0] += [
        dataclasses.replace(record, offset=record.offset + 100) for record in evidence.partner[0][again:]
    ]
    book = evidence.partitions[0]
    book.counts = {word: count + counted(lap)[word] for word, count in book.counts.items()}
    evidence.checkpoints.append(Checkpoint(0, 8, marker=copy.deepcopy(evidence.checkpoints[6].marker) | {
        "batchSeq": 5, "nonce": "nonce-5", "digest": "digest-5", "counts": book.counts,
    }))
    book.marker, evidence.lanes[0].last_batch_seq = (40, 5, "nonce-5"), 5
    tell(evidence)
    prove(evidence, RULES, Allowed(resent={0: [(20, 40)]}))
    assert "doubled" in found(evidence)["partner view"][0]
    assert "lost" in found(evidence, resent={0: [(10, 40)]})["partner view"][0]


def test_order_is_per_key_where_the_key_chooses_the_partition():
    evidence = world()
    for number, records in enumerate(evidence.source):
        for record in records:
            record.key = b"key-%d" % number
    rules = dataclasses.replace(RULES, partition="key")
    expected = rules.expect(evidence.source, 2)
    evidence.partner = [[], []]
    # As two lanes may interleave them.
    for seen in sorted(sum(expected.by_source, []), key=lambda seen: repr(seen.value)[-5:]):
        text = json.dumps({"n": int(seen.value[1][0][1][1])}, separators=(",", ":")).encode()
        evidence.partner[seen.partition].append(
            Record(seen.partition, len(evidence.partner[seen.partition]), text, seen.key)
        )
    checks = proof.Case(evidence, rules, Allowed())
    told = list(proof.partner_view(checks))
    assert all("reordered" in sentence for sentence in told)
    for records in evidence.partner:
        records.sort(key=lambda record: json.loads(record.value)["n"])
    assert not list(proof.partner_view(proof.Case(evidence, rules, Allowed())))
    evidence.partner[0 if evidence.partner[0] else 1].pop()
    assert "lost" in list(proof.partner_view(proof.Case(evidence, rules, Allowed())))[0]
