"""What is a record, and what leaves of it, against Python's own JSON parser, on generated and damaged documents.

CROSSDOCK_DIFFERENTIAL=200000 is the number of documents (20000, always the same ones), CROSSDOCK_SEED replays a run.
"""

import os
import re

import pytest

import demands
from Differential import documents, product

COUNT = int(os.environ.get("CROSSDOCK_DIFFERENTIAL", "20000"))
#: Whole members, one below an object, one in every element of a list.
WHOLE = ["a", "é", "", "x y", 'q"r', "longer_name_of_a_member"]
FIELDS = [*({"path": '"' + name.replace('"', '\\"') + '"'} for name in WHOLE), "b.c", "d[].e"]
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|-?[0-9][^,\]} \t\r]*')
ABSENT = object()


def expected(record: dict) -> dict:
    made = {name: record[name] for name in WHOLE if name in record}
    below = record.get("b", ABSENT)
    if isinstance(below, dict) and "c" in below:
        made["b"] = {"c": below["c"]}
    elements = record.get("d", ABSENT)
    if isinstance(elements, list):
        made["d"] = [{"e": one["e"]} if isinstance(one, dict) and "e" in one else {} for one in elements]
    return made


def judge(document: bytes, line: dict) -> str | None:
    """What is wrong with the engine's answer."""
    try:
        record = documents.parse(document)
    except documents.Refused as reason:
        refused = line["decision"] == "quarantined" and line["reason"].startswith("invalid-json")
        return None if refused else f"is taken, and should not be: {reason}"
    if line["decision"] != "delivered":
        return f"is refused: {line['reason']}"
    payload = line["output"]["payload"]
    left = documents.parse(payload.encode())
    wanted = expected(record)
    if left != wanted or list(left) != list(wanted):
        return f"leaves as {payload}"
    source = document.decode()
    own = {'"b"', '"c"', '"d"', '"e"', *(f'"{name}"' for name in WHOLE), '"q\\"r"'}
    strange = [token for token in TOKEN.findall(payload) if token not in own and token not in source]
    return f"leaves with {strange}" if strange else None


def shorter(document: bytes):
    for size in (len(document) // 2, 8, 4, 2, 1):
        for place in range(0, len(document), max(size, 1)):
            yield document[:place] + document[place + size:]


def minimised(folder, document: bytes, message: str) -> tuple[bytes, str]:
    stream = product.stream("t", fields=FIELDS)
    for _ in range(60):
        options = list({one for one in shorter(document) if one.strip(b" \t\r") and len(one) < len(document)})[:2000]
        lines = product.preview_values(folder, stream, options) if options else []
        found = [(one, what) for one, line in zip(options, lines) if (what := judge(one, line))]
        if not found:
            break
        document, message = min(found, key=lambda pair: len(pair[0]))
    return document, message


@pytest.mark.skipif(product.binary() is None and not demands.everything(), reason="NO BINARY: build it")
def test_a_document_is_taken_and_leaves_as_pythons_parser_has_it(tmp_path, say):
    seed = product.seed()
    maker = documents.Documents(seed)
    stream = product.stream("t", fields=FIELDS)
    wrong, taken, done = [], 0, 0
    while done < COUNT and len(wrong) < 20:
        batch = [maker.one() for _ in range(min(20000, COUNT - done))]
        done += len(batch)
        lines = product.preview_values(tmp_path, stream, batch)
        assert len(lines) == len(batch)
        for document, line in zip(batch, lines):
            taken += line["decision"] == "delivered"
            if what := judge(document, line):
                wrong.append((document, what))
    say(f"JSON differential, seed {seed}: {done} documents, {taken} taken, {len(wrong)} differ")
    told = [minimised(tmp_path, *pair) for pair in wrong[:20]]
    assert not wrong, f"seed {seed}\n" + "\n".join(f"{document!r} {what}" for document, what in told)
    assert 0.2 < taken / done < 0.9
