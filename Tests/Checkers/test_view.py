"""The checker is tested too: a checker that passes everything proves nothing."""

import dataclasses

import pytest

from Checkers import view
from Checkers.view import Field, View


@dataclasses.dataclass
class Record:
    partition: int
    offset: int
    value: bytes | None
    key: bytes | None = b"k"
    timestamp: int = 7
    headers: tuple = ()


def test_murmur2_gives_the_values_of_kafkas_own_test():
    """Test vectors of Kafka's UtilsTest.testMurmur2, as unsigned numbers."""
    known = {
        b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536,
        b"a-little-bit-longer-string": -1486304829,
        b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971, b"abc": 479470107,
    }
    for data, signed in known.items():
        assert view.murmur2(data) == signed & 0xFFFFFFFF


@pytest.mark.parametrize(
    "text",
    [b'{"a":1,"a":2}', b'{"a":1,"\\u0061":2}', b'{"a":NaN}', b'{"a":"\\ud800"}', b"\xff", b'{"a":01}', b""],
)
def test_what_is_not_strict_json_is_refused(text):
    with pytest.raises(view.NotJSON):
        view.parse(text)


def expectation(*values: bytes | None) -> tuple[View, list[list[Record]]]:
    rules = View(fields=[Field("a"), Field("b.c", "d.e", required=True)], filter=lambda v: v["a"] > 0)
    return rules, [[Record(0, number, value) for number, value in enumerate(values)]]


def test_every_record_gets_one_decision():
    rules, source = expectation(b'{"a":1.0,"b":{"c":"x"}}', b'{"a":0}', b'{"a":1}', b"nonsense", None)
    expected = rules.expect(source, 1)
    assert (expected.delivered, expected.filtered, expected.quarantined) == (1, 2, 2)
    assert expected.refused == [(0, 2), (0, 3)]
    view.compare(rules, expected, [[Record(0, 90, b'{"a":1.0,"d":{"e":"x"}}')]])


@pytest.mark.parametrize(
    "partner",
    [
        [],
        [b'{"a":1,"d":{"e":1}}', b'{"a":2,"d":{"e":2}}', b'{"a":2,"d":{"e":2}}'],
        [b'{"a":2,"d":{"e":2}}', b'{"a":1,"d":{"e":1}}'],
        [b'{"a":1,"d":{"e":1}}', b'{"a":2,"d":{"e":2},"b":0}'],
        [b'{"a":1,"d":{"e":1}}', b'{"a":2.0,"d":{"e":2}}'],
        [b'{"a":1,"d":{"e":1}}', b'{"d":{"e":2},"a":2}'],
        [b'{"a":1,"d":{"e":1}}', b'{"a":"2","d":{"e":2}}'],
    ],
    ids=["lost", "doubled", "reordered", "leaked", "rewritten", "members swapped", "retyped"],
)
@pytest.mark.parametrize("partition", ["keep", "key"])
def test_a_wrong_partner_view_is_caught(partner, partition):
    rules, source = expectation(b'{"a":1,"b":{"c":1}}', b'{"a":2,"b":{"c":2}}')
    rules.partition = partition
    expected = rules.expect(source, 1)
    with pytest.raises(AssertionError):
        view.compare(rules, expected, [[Record(0, at, value) for at, value in enumerate(partner)]])


def test_a_changed_key_header_or_timestamp_is_caught():
    rules, source = expectation(b'{"a":1,"b":{"c":1}}')
    right = Record(0, 5, b'{"a":1,"d":{"e":1}}')
    expected = rules.expect(source, 1)
    view.compare(rules, expected, [[right]])
    for wrong in ({"key": b"other"}, {"key": None}, {"headers": (("h", b""),)}, {"timestamp": 8}):
        with pytest.raises(AssertionError):
            view.compare(rules, expected, [[dataclasses.replace(right, **wrong)]])


def test_masks_keep_what_they_may_and_always_hide_one():
    assert view.mask(last=4)("4242424242424242") == "************4242"
    assert view.mask(first=2, last=2)("abcdef") == "ab**ef"
    assert view.mask(first=9)("ab") == "a*"


def test_a_key_that_leaves_is_retracted_once_and_a_refusal_retracts_nothing():
    rules, _ = expectation()
    rules.retract = True
    steps = [
        (b"x", b'{"a":0}', "filtered"), (b"x", b'{"a":1,"b":{"c":1}}', "delivered"), (b"x", b"nonsense", "quarantined"),
        (b"y", b'{"a":0}', "filtered"), (b"x", b'{"a":0}', "delivered"), (b"x", b'{"a":0}', "filtered"),
        (b"y", b'{"a":1,"b":{"c":1}}', "delivered"), (b"y", None, "delivered"), (b"y", None, "filtered"),
        (None, b'{"a":1,"b":{"c":1}}', "delivered"), (None, b'{"a":0}', "filtered"),
        (b"z", b'{"a":1,"b":{"c":1}}', "delivered"),
    ]
    source = [[Record(0, at, value, key) for at, (key, value, _) in enumerate(steps)]]
    expected = rules.expect(source, 1)
    assert [expected.decisions[0][at][0] for at in range(len(steps))] == [word for _, _, word in steps]
    assert [seen.key for seen in expected.by_source[0] if seen.value is None] == [b"x", b"y"]
    assert (expected.retracted, expected.held) == (2, [{b"z"}])
