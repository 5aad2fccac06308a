"""Markers open under their own key, and nothing else opens."""

import dataclasses
import json
import os

from Checkers import markers
from Checkers.markers import Checkpoint


@dataclasses.dataclass
class Record:
    partition: int
    offset: int
    value: bytes | None
    key: bytes


def sealed(opener: markers.Opener, key: bytes, text: dict, kind: bytes = b"\2") -> Record:
    """As the description of the format has it."""
    head, salt, nonce = kind + opener._identity, os.urandom(16), os.urandom(12)
    cipher = markers.AESGCM(markers._hmac(opener._seal, salt))
    return Record(0, 3, head + salt + nonce + cipher.encrypt(nonce, json.dumps(text).encode(), key + head), key)


def test_a_marker_opens_under_its_own_key_only():
    opener = markers.Opener("c", bytes(range(32)))
    marker = {"topic": "t", "partition": 1}
    key = opener.key_of("t", 1)
    right = sealed(opener, key, marker)
    claim = sealed(opener, b"c:claim:0:me", {"lane": 0}, b"\1")
    foreign = dataclasses.replace(right, key=b"other:1234")
    assert opener.open([right, claim, foreign]) == [
        Checkpoint(0, 3, marker=marker), Checkpoint(0, 3, claim={"lane": 0}),
    ]
    flipped = right.value[:-1] + bytes([right.value[-1] ^ 1])
    for wrong in (
        dataclasses.replace(right, value=None), dataclasses.replace(right, value=b""),
        dataclasses.replace(right, value=flipped), dataclasses.replace(right, value=right.value[:20]),
        dataclasses.replace(right, value=b"\3" + right.value[1:]),
        dataclasses.replace(right, key=opener.key_of("t", 0)),
        sealed(opener, opener.key_of("t", 0), marker),
        sealed(markers.Opener("c", bytes(32)), key, marker),
    ):
        assert opener.open([wrong])[0].wrong, wrong
