"""What a partner must see, computed from the source apart from the service.

A slow, obvious second reading of the contract page for the part of it that the tests use. It shares no
code with the service: other language, other JSON reader, other HMAC, other partitioner.
"""

import hashlib
import hmac
import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, NamedTuple


class Number(float):
    """A JSON number that remembers how it was written."""

    text: str

    def __new__(cls, text: str):
        number = super().__new__(cls, text)
        number.text = text
        return number


class Object(dict):
    """A JSON object whose equality includes the order of its members."""

    def __eq__(self, other) -> bool:
        return list(self.items()) == list(other.items()) if isinstance(other, dict) else False

    __hash__ = None


class NotJSON(Exception):
    pass


def parse(value: bytes) -> Any:
    """RFC 8259, strictly: UTF-8, no duplicate members, no lone surrogates, depth at most 128."""

    def members(pairs: list[tuple[str, Any]]) -> Object:
        made = Object(pairs)
        if len(made) != len(pairs):
            raise NotJSON("duplicate member")
        return made

    def refuse(word: str):
        raise NotJSON(word)

    try:
        text = value.decode("utf-8")
        found = json.loads(
            text, object_pairs_hook=members, parse_int=Number, parse_float=Number, parse_constant=refuse
        )
    except (ValueError, RecursionError) as failure:
        raise NotJSON(str(failure)) from None
    _inspect(found, 1)
    return found


def _inspect(found: Any, depth: int) -> None:
    if isinstance(found, str):
        if any(0xD800 <= ord(character) <= 0xDFFF for character in found):
            raise NotJSON("lone surrogate")
    elif isinstance(found, (dict, list)):
        if depth > 128:
            raise NotJSON("too deep")
        for name, member in found.items() if isinstance(found, dict) else enumerate(found):
            _inspect(name, depth + 1)
            _inspect(member, depth + 1)


def canonical(found: Any) -> Any:
    """For comparison: numbers as they were written, told from strings; members in order."""
    if isinstance(found, Number):
        return ("number", found.text)
    if isinstance(found, dict):
        return ("object", [(name, canonical(member)) for name, member in found.items()])
    if isinstance(found, list):
        return [canonical(element) for element in found]
    return found


class Refused(Exception):
    """A violation: the record does not conform to the contract."""


Transform = Callable[[Any], Any]


def scalar_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Number):
        return value.text
    raise Refused("not a scalar")


def pseudonym(key: bytes, length: int = 32) -> Transform:
    return lambda value: hmac.new(key, scalar_text(value).encode(), hashlib.sha256).hexdigest()[:length]


def mask(first: int = 0, last: int = 0, sign: str = "*") -> Transform:
    """For ASCII text; the tests mask nothing else."""

    def masked(value: Any) -> str:
        if not isinstance(value, str) or not value.isascii():
            raise Refused("mask takes a string")
        keep_first, keep_last = first, last
        if keep_first + keep_last >= len(value):
            keep_last = max(0, min(keep_last, len(value) - 1))
            keep_first = max(0, len(value) - 1 - keep_last)
        middle = len(value) - keep_first - keep_last
        return value[:keep_first] + sign * middle + value[len(value) - keep_last:]

    return masked


KINDS: dict[str, Callable[[Any], bool]] = {
    "string": lambda v: isinstance(v, str),
    "number": lambda v: isinstance(v, Number),
    "integer": lambda v: isinstance(v, Number) and v.is_integer(),
    "boolean": lambda v: isinstance(v, bool),
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
}


@dataclass
class Field:
    """One entry of the allow-list, on dotted paths without arrays."""

    path: str = ""
    output: str = ""
    kind: str | None = None
    required: bool = False
    transform: Transform | None = None
    constant: Any = None

    def add(self, record: Object, output: Object) -> None:
        if not self.path:
            self._place(output, self.constant)
            return
        value: Any = record
        for member in self.path.split("."):
            if not isinstance(value, dict) or member not in value:
                if self.required:
                    raise Refused(f"{self.path} is absent")
                return
            value = value[member]
        if value is None:
            if self.required:
                raise Refused(f"{self.path} is null")
        else:
            if self.kind and not KINDS[self.kind](value):
                raise Refused(f"{self.path} is no {self.kind}")
            if self.transform:
                value = self.transform(value)
        self._place(output, value)

    def _place(self, output: Object, value: Any) -> None:
        *above, last = (self.output or self.path).split(".")
        for member in above:
            output = output.setdefault(member, Object())
        output[last] = value


class Seen(NamedTuple):
    """A record as the partner sees it, without its offset."""

    partition: int
    timestamp: int
    key: bytes | None
    value: Any
    headers: tuple


@dataclass
class Expected:
    """What becomes of a source topic. Lists hold source order."""

    by_source: list[list[Seen]]
    delivered: int = 0
    filtered: int = 0
    dropped: int = 0
    quarantined: int = 0
    #: (partition, offset) of the refused records.
    refused: list[tuple[int, int]] = field(default_factory=list)
    #: Keys that the partner holds in the end, by source partition; empty where the stream does not retract.
    held: list[set[bytes]] = field(default_factory=list)
    #: Tombstones for keys that left, among the delivered.
    retracted: int = 0
    #: By partition and offset: the decision's word, and what the partner sees of the record.
    decisions: list[dict[int, tuple[str, Seen | None]]] = field(default_factory=list)


@dataclass
class View:
    """One stream of a contract."""

    fields: list[Field] = field(default_factory=list)
    filter: Callable[[Any], bool] = lambda value: True
    #: "keep", "drop", or what becomes of the key's bytes.
    key: str | Callable[[bytes], bytes] = "keep"
    headers: tuple[str, ...] = ()
    forward_tombstones: bool = False
    partition: str = "keep"
    on_violation: str = "quarantined"
    format: str = "json"
    #: `onScopeExit: tombstone`.
    retract: bool = False

    def expect(self, source: list[list], partner_partitions: int) -> Expected:
        """Decides every record of a source topic, read read_committed, by partition."""
        expected = Expected([[] for _ in source], decisions=[{} for _ in source])
        for number, records in enumerate(source):
            expected.held.append(held := set())
            for record in records:
                seen = None
                try:
                    seen = self._decide(record, partner_partitions)
                    if self.retract:
                        if seen is None and self._key(record.key) in held:
                            seen = self._address(record, None, partner_partitions)
                            expected.retracted += 1
                        if seen is not None and seen.key is not None:
                            (held.discard if seen.value is None else held.add)(seen.key)
                    word = "filtered" if seen is None else "delivered"
                except (Refused, NotJSON):
                    word = self.on_violation
                    expected.refused.append((number, record.offset))
                setattr(expected, word, getattr(expected, word) + 1)
                expected.decisions[number][record.offset] = (word, seen)
                if seen is not None:
                    expected.by_source[number].append(seen)
        return expected

    def _decide(self, record, partner_partitions: int) -> Seen | None:
        value = None
        if record.value is None:
            if not self.forward_tombstones:
                return None
        elif self.format == "bytes":
            value = record.value
        else:
            whole = parse(record.value)
            if not isinstance(whole, dict):
                raise Refused("not an object")
            if not self.filter(whole):
                return None
            value = Object()
            for one in self.fields:
                one.add(whole, value)
            value = canonical(value)
        return self._address(record, value, partner_partitions)

    def _address(self, record, value: Any, partner_partitions: int) -> Seen:
        key = self._key(record.key)
        partition = record.partition
        if self.partition == "key":
            partition = (murmur2(key) & 0x7FFFFFFF if key is not None else record.partition) % partner_partitions
        headers = tuple(header for header in record.headers if header[0] in self.headers)
        return Seen(partition, record.timestamp, key, value, headers)

    def _key(self, key: bytes | None) -> bytes | None:
        if self.key == "keep" or key is None:
            return key
        return None if self.key == "drop" else self.key(key)

    def seen(self, record) -> Seen:
        """A record of the partner's topic, to be compared with an expected one."""
        value = record.value
        if value is not None and self.format == "json":
            value = canonical(parse(value))
        return Seen(record.partition, record.timestamp, record.key, value, record.headers)


def murmur2(data: bytes) -> int:
    """Kafka's 32-bit MurmurHash2 (org.apache.kafka.common.utils.Utils), unsigned."""
    m, mask32 = 0x5BD1E995, 0xFFFFFFFF
    h = (0x9747B28C ^ len(data)) & mask32
    whole = len(data) & ~3
    for at in range(0, whole, 4):
        k = int.from_bytes(data[at:at + 4], "little") * m & mask32
        k = (k ^ (k >> 24)) * m & mask32
        h = (h * m & mask32) ^ k
    rest = data[whole:]
    if rest:
        h ^= int.from_bytes(rest, "little")
        h = h * m & mask32
    h = (h ^ (h >> 13)) * m & mask32
    return h ^ (h >> 15)


def compare(view: View, expected: Expected, partner: list[list]) -> None:
    """Record for record: nothing lost, doubled, changed or out of order; else what differs first."""
    actual = [[view.seen(record) for record in records] for records in partner]
    if view.partition == "keep":
        for number, wanted in enumerate(expected.by_source):
            _same(wanted, actual[number], f"partner partition {number}")
        for number in range(len(expected.by_source), len(actual)):
            _same([], actual[number], f"partner partition {number}")
        return
    # Order holds per key only: two source partitions may interleave in any way.
    wanted_keys, found_keys = _by_key(sum(expected.by_source, [])), _by_key(sum(actual, []))
    assert wanted_keys.keys() == found_keys.keys(), (
        f"{len(wanted_keys)} keys expected, {len(found_keys)} found"
    )
    for place, wanted in wanted_keys.items():
        _same(wanted, found_keys[place], f"partner partition {place[0]}, key {place[1]!r}")


def _by_key(records: Iterable[Seen]) -> dict[tuple, list[Seen]]:
    groups: dict[tuple, list[Seen]] = defaultdict(list)
    for record in records:
        groups[record.partition, record.key].append(record)
    return groups


def _same(wanted: list[Seen], found: list[Seen], where: str) -> None:
    for at, (left, right) in enumerate(zip(wanted, found)):
        assert left == right, f"{where}, record {at}:\n  expected {left}\n  found    {right}"
    assert len(wanted) == len(found), (
        f"{where}: {len(wanted)} records expected, {len(found)} found; first beyond: "
        f"{(wanted[len(found):] or found[len(wanted):])[0]}"
    )
