"""The proof of released records is tested on the small world of the other checks."""

import dataclasses

import pytest

from Checkers.allowed import Allowed, NotProven
from Checkers.markers import Checkpoint
from Checkers.prove import prove
from Checkers.releases import HEADER
from Checkers.test_prove import RULES, tell, world
from Checkers.view import View

#: Takes what is no JSON, too.
LENIENT = View(format="bytes", key="keep")


def note(offset: int, batch: int = 5) -> dict:
    return {
        "contract": "c", "lane": 0, "batchSeq": batch, "nonce": f"nonce-{batch}", "pin": {}, "releases": [{
            "id": 1, "topic": "t", "partition": 0, "offset": offset, "refusedIn": 1, "outcome": "delivered",
            "bytes": 11,
        }],
    }


def moved(counts: dict) -> dict:
    return counts | {
        "quarantined": counts["quarantined"] - 1, "delivered": counts["delivered"] + 1,
        "bytes": counts["bytes"] + 11,
    }


def released():
    """Offset 5 of partition 0 was refused in batch 1 and released in batch 5."""
    e = world()
    record = next(one for one in e.source[0] if one.offset == 5)
    e.partner[0].append(dataclasses.replace(record, offset=999, headers=((HEADER, None),)))
    last = next(one.marker for one in reversed(e.checkpoints) if one.marker["partition"] == 0)
    e.checkpoints.append(Checkpoint(0, len(e.checkpoints), marker=last | {
        "batchSeq": 5, "nonce": "nonce-5", "digest": "digest-5", "chain": "chain-5", "counts": moved(last["counts"]),
    }))
    e.checkpoints.append(Checkpoint(0, len(e.checkpoints), release=note(5)))
    book = e.partitions[0]
    book.counts, book.ranges[0].counts = moved(book.counts), moved(book.ranges[0].counts)
    book.marker, book.chain = (40, 5, "nonce-5"), "chain-5"
    e.lanes[0].last_batch_seq = 5
    e.quarantine = [
        dataclasses.replace(one, state="released") if (one.partition, one.offset) == (0, 5) else one
        for one in e.quarantine
    ]
    tell(e)
    return e


def test_a_released_record_is_proven():
    expected = prove(released(), RULES, Allowed(released_by=LENIENT))
    assert expected.quarantined == 7


def lose(e):
    e.partner[0].pop()


def double(e):
    e.partner[0].append(dataclasses.replace(e.partner[0][-1], offset=1000))


def without_note(e):
    e.checkpoints.pop()
    tell(e)


def twice_noted(e):
    e.checkpoints.append(Checkpoint(0, len(e.checkpoints), release=note(5, 6)))
    tell(e)


def one_that_conformed(e):
    e.checkpoints[-1] = Checkpoint(0, len(e.checkpoints) - 1, release=note(4))
    tell(e)


def forgotten(e):
    e.quarantine = [dataclasses.replace(one, state="real") for one in e.quarantine]


def not_told(e):
    e.offsets["releases"] = []


def figures_unmoved(e):
    e.partitions[0].counts = world().partitions[0].counts


@pytest.mark.parametrize("damage, check, words", [
    (lose, "releases", "is released, and lost"),
    (double, "releases", "doubled or not due"),
    (without_note, "releases", "doubled or not due"),
    (twice_noted, "releases", "is released twice"),
    (one_that_conformed, "releases", "is released and was"),
    (forgotten, "releases", "the ledger does not know it"),
    (not_told, "releases", "offsets shows other releases"),
    (figures_unmoved, "ledger counts", "quarantined is"),
])
def test_damage_is_found(damage, check, words):
    e = released()
    damage(e)
    with pytest.raises(NotProven) as caught:
        prove(e, RULES, Allowed(released_by=LENIENT))
    assert any(words in sentence for sentence in caught.value.found.get(check, [])), caught.value


def test_a_release_that_nobody_asked_for_is_found():
    with pytest.raises(NotProven) as caught:
        prove(released(), RULES)
    assert "nobody asked" in str(caught.value)
