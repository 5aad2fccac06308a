"""Writes what fuzzing starts from: seeds.py FOLDER makes FOLDER/{contract,json,cel,marker}, and a dictionary of each.

Seeds are the contracts under configs/ and the samples below; the conformance cases are added where
CROSSDOCK_CONFORMANCE or ../shared/conformance holds them.
"""

import json
import os
import pathlib
import re
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
CONFORMANCE = pathlib.Path(os.environ.get("CROSSDOCK_CONFORMANCE", REPOSITORY.parent / "shared" / "conformance"))

RECORDS = [
    r'{"a":{"b":"x","c":[{"d":1},{}]},"l":[1,[2]],"x y":null,"e":-1.5e3}',
    r'{"a":"12","b":"h\u00e9llo","c":true,"d":[{"e":"abc"}],"f":1.125,"g":"2026-01-31T08:00:00+01:00","h":"N1",'
    r'"i":"aa","j":1.0,"k":"2016-12-31T23:59:60Z"}',
    r'{"a":1,"b":2.5,"c":"\ud834\udd1e\n","d":{"e":1},"l":["x"]}',
]
EXPRESSIONS = [
    "value.dep_delay != null && value.dep_delay > 0 && value.origin != 'LGA'", "value.l.map(x, x * 2).size() > 1",
    "cel.bind(x, value.a, x + x)", "'%s %d %.2f %x'.format([value.c, 1, 2.0, b'a'])", "{'a': value.b}[value.c]",
    "timestamp('2026-01-31T08:00:00Z') - duration('1h') > timestamp(0)", "value.?a.?b.orValue([1u, 2.0, r'x'])",
    "math.greatest(value.a, 1.5) == math.bitShiftLeft(1, 3)", "'a,b'.split(',').join('-').replace('a', 'b', 1)",
    "value.l.exists(x, x == 'x') ? base64.encode(b'abc') : string(value)", "value.c.matches('^[a-z]+(x|y)*$')",
    "timestamp.getHours('Europe/Berlin') in [1, 2] || topic.startsWith('a') && has(headers.x)",
]
PIN = {"version": "1.0.0", "hash": "07" * 32}
MARKER = {
    "contract": "fuzz", "lane": 0, "pin": PIN, "next": PIN, "topic": "flights", "partition": 1, "nextOffset": 42,
    "batchSeq": 3, "nonce": "07" * 16, "digest": "d", "chain": "c", "clusters": {"source": "s", "partner": "p"},
    "counts": dict.fromkeys(["read", "delivered", "filtered", "dropped", "quarantined", "gaps", "bytes"], 1),
    "layout": {"lanes": 2, "hash": "crc32c-in-turn", "checkpointPartitions": 1, "partnerPartitions": {"t": 6}},
    "acknowledged": [{"topic": "t", "partition": 0, "offset": 9}],
    "fingerprints": [{"offset": 41, "timestamp": 1, "digest": "f"}], "acts": [],
}
CLAIM = {"contract": "fuzz", "lane": 0, "instance": "i", "nonce": "n", "at": 1}
NOTE = {
    "contract": "fuzz", "lane": 0, "batchSeq": 3, "nonce": "n", "pin": PIN,
    "releases": [
        {"id": 1, "topic": "flights", "partition": 1, "offset": 41, "refusedIn": 2, "outcome": "delivered", "bytes": 9},
    ],
}


def conformance(kind: str) -> list[pathlib.Path]:
    return sorted((CONFORMANCE / kind).glob("*.json"))


def seeds() -> dict[str, list[bytes]]:
    contracts = [path.read_bytes() for path in sorted((REPOSITORY / "configs").rglob("*.yaml"))]
    texts = [text.encode() for text in RECORDS]
    texts += [b'{"a":%b}' % path.read_bytes() for path in conformance("json") if path.stat().st_size < 2000]
    expressions = list(EXPRESSIONS)
    for path in conformance("cel"):
        expressions += re.findall(r'"expr": ("(?:[^"\\]|\\.)*")', path.read_text())
    cel = [json.loads(text) if text.startswith('"') else text for text in expressions]
    markers = [
        bytes([choice]) + json.dumps(made).encode() for choice, made in [(1, MARKER), (3, CLAIM), (5, NOTE)]
    ] + [b"\0\2" + bytes(64)]
    return {
        "contract": contracts, "marker": markers,
        "json": [bytes([choice]) + text for text in texts for choice in range(3)],
        "cel": [text.encode() + b"\0" + RECORDS[index % 3].encode() for index, text in enumerate(cel)],
    }


def words(kind: str) -> set[str]:
    """What the readers know, as their own source has it."""
    rooms = {"contract": ["Document", "Configuration", "YAML"], "cel": ["CEL"], "json": [], "marker": []}
    found = {"\\ud834\\udd1e", "\\u0041", "1e400", "-0", "null", "true", "false", "[{}", "\":", ","}
    for room in rooms[kind]:
        for path in (REPOSITORY / "Sources" / "Contracts" / room).glob("*.swift"):
            found |= set(re.findall(r'"([^"\\ \n]{1,24})"', path.read_text()))
    return found


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    for kind, texts in seeds().items():
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for index, text in enumerate(texts):
            (folder / kind / f"seed-{index}").write_bytes(text)
        lines = [
            '"' + "".join(f"\\x{byte:02x}" for byte in word.encode()) + '"' for word in sorted(words(kind))
        ]
        (folder / f"{kind}.dict").write_text("\n".join(lines) + "\n")


main()
