"""CEL against Google's own runtime (PyPI: cel-expr-python), on generated expressions and records.

CROSSDOCK_DIFFERENTIAL=20000 is the number of expressions (600, always the same ones), CROSSDOCK_SEED replays a run. What may differ stands
in DIFFERENCES with its reason; anything else is made small and fails.
"""

import datetime
import json
import os
import random
import re

import pytest

import demands
from Differential import expressions, googles, product

COUNT = int(os.environ.get("CROSSDOCK_DIFFERENTIAL", "600"))
RECORDS = 4

#: Where the two differ, and why that is right: a pattern on the expression, one on each side's answer.
DIFFERENCES: list[tuple[str, str, str, str]] = [
    (
        "", r"compile.*(RFC 3339 time|no duration, such|JSON's members|no time zone|a filter is|takes numbers|pattern|"
        r"does not take|a map's key|takes .* here, not)",
        "^.'error'",
        "what no record could make right is told when the contract is read",
    ),
    (
        r"string\(|%s|quote", r"\.\d+(Z|s)", r"\.\d*0(Z|s)",
        "string() of a time: cel-go leaves needless zeros out, as we do; cel-cpp writes 3, 6 or 9 digits",
    ),
    (
        "", "value|error", "compile.*(found no matching overload|cannot be the range)",
        "our check is wider: values of different types are compared, a whole double is an index, and what an optional or "
        "a list of several types holds is dyn, where they stand in the text as where they come from a record",
    ),
    (
        "%s", r"\d{7}|e[-+]\d|\.\d{3}", r"\d",
        "'%s' of a double: cel-cpp keeps six digits, cel-go writes no exponent, we write what string() does",
    ),
    (
        r"base64\.decode", "cannot be converted", "value",
        "white space in base64 is passed over by cel-cpp; cel-go refuses it, as we do",
    ),
    (" in ", "value", "No matching overloads found : @in", "what cannot be a key is in no map, as cel-go has it"),
    (
        "", "compile.*(RFC 3339 time|no duration, such|no time zone|bad pattern)", "value",
        "a literal that is no time or no pattern is told when the contract is read, also where it would not be used",
    ),
    ("%d|%x|%o|%b", "format does not fit", "value", "'%d' of a double that is finite is cel-cpp's own"),
    ("timestamp", r"\b0\d\d\d-", r"\b\d{1,3}-", "cel-cpp writes the year 1 with one digit, which is not RFC 3339"),
    (
        r"(size|bytes)\(.*timestamp\('0001-", "value", "value",
        "the same, when the text's length or its bytes are asked for",
    ),
    (
        r"''\.split\(|\.split\(''\)", "value", "value|error",
        "''.split(''): no part, as cel-go has it (Go's strings.Split); cel-cpp has an empty one",
    ),
    ("duration", "cannot be converted|out of range", "span|value", "cel-go ends durations at 292 years, as we do"),
    (r"int\(|duration\(|double\(", "cannot be converted", "value", "white space around a number is cel-cpp's own"),
    (r"string\(|%", "Infinity|NaN", "inf|nan", "cel-go writes +Inf, cel-cpp inf, we the Infinity and NaN of '%s'"),
    ("substring", "value", "is greater than <string>", "cel-cpp refuses an end that is the text's end"),
    (r"%s.*xff", "value", "value", "'%s' of bytes that are no UTF-8 is text here, and no valid string in cel-cpp"),
    (r"int\(", "no such overload", "value", "int(bool) is cel-cpp's own; the specification has none"),
    ("", r"\\ufffd|�|value", "Unable to convert function return", "Python's wrapper cannot show it"),
]


def same(own, other) -> bool:
    match other:
        case {"\0time": moment}:
            return isinstance(own, str) and datetime.datetime.fromisoformat(own.replace("Z", "+00:00")) == \
                datetime.datetime.fromisoformat(moment)
        case {"\0span": span}:
            return isinstance(own, str) and own.endswith("s") and round(float(own[:-1]) * 1e6) == span
        case {"\0double": text}:  # RFC 8785 writes a whole double without a point.
            return isinstance(own, (int, float)) and not isinstance(own, bool) and float(own) == float(text)
        case list():
            if not isinstance(own, list) or len(own) != len(other):
                return False
            # A macro over a map goes through it in an order that CEL leaves open.
            return all(map(same, own, other)) or all(any(same(one, its) for its in other) for one in own)
        case dict():
            return isinstance(own, dict) and own.keys() == other.keys() and all(same(own[n], other[n]) for n in own)
        case bool() | None:
            return own is other
        case str():
            return isinstance(own, str) and own == other
        case _:
            return isinstance(own, int) and not isinstance(own, bool) and own == other


def agree(own, other) -> bool:
    return other[0] == "crashed" or own[0] == other[0] and (own[0] != "value" or same(own[1], other[1]))


class Case:
    def __init__(self, node: expressions.Node, made: dict, filters: bool):
        self.node, self.made, self.filters = node, made, filters
        self.own = self.other = None

    def stream(self, index: int) -> dict:
        text = self.node.text
        if self.filters:
            return product.stream(f"t{index}", filter=text)
        return product.stream(f"t{index}", fields=[{"as": "v", "value": text}])

    def record(self, index: int) -> dict:
        return {
            "topic": f"t{index}", "partition": googles.PARTITION, "offset": googles.OFFSET, "ts": googles.TIME,
            "key": googles.KEY, "headers": [part for pair in googles.HEADERS.items() for part in pair],
            "payload": expressions.text(self.made),
        }

    def read(self, line: dict):
        if line["decision"] == "quarantined":
            return ("error", line["reason"])
        if self.filters:
            return ("value", line["decision"] == "delivered")
        return ("value", json.loads(line["output"]["payload"]).get("v"))

    def judge(self, other: tuple):
        if self.filters and other[0] == "value" and not isinstance(other[1], bool):
            other = ("error", "a filter that is no bool")
        self.other = other

    @property
    def differs(self) -> bool:
        return not agree(self.own, self.other) and self.known is None

    @property
    def known(self) -> int | None:
        for index, (expression, own, other, _) in enumerate(DIFFERENCES):
            if re.search(expression, self.node.text) and re.search(own, str(self.own)) and \
                    re.search(other, str(self.other)):
                return index
        return None

    def __str__(self):
        return f"{self.node.text}\n  on {expressions.text(self.made)}\n  ours:   {self.own}\n  theirs: {self.other}"


def decide(folder, cases: list[Case]) -> None:
    """Both answers of each case."""
    refused = product.mistakes(folder, [case.stream(index) for index, case in enumerate(cases)])
    for index, message in refused.items():
        cases[index].own = ("compile", message)
    left = [case for index, case in enumerate(cases) if index not in refused]
    if left:
        lines = product.preview(
            folder, [case.stream(index) for index, case in enumerate(left)],
            [case.record(index) for index, case in enumerate(left)])
        assert len(lines) == len(left)
        for case, line in zip(left, lines):
            case.own = case.read(line)
    places = {id(case): index for index, case in enumerate(left)}
    asked = [(case.node.text, expressions.text(case.made), f"t{places.get(id(case), 0)}") for case in cases]
    for case, other in zip(cases, googles.answers(asked)):
        case.judge(other)


def minimised(folder, case: Case) -> Case:
    """A smaller expression that differs too, as small as it gets."""
    for _ in range(40):
        smaller = [Case(node, case.made, case.filters and node.type == "bool") for node in case.node.smaller()]
        smaller = [one for one in smaller if len(one.node.text) < len(case.node.text)][:120]
        if not smaller:
            return case
        decide(folder, smaller)
        found = [one for one in smaller if one.differs]
        if not found:
            return case
        case = min(found, key=lambda one: len(one.node.text))
    return case


def generate(seed: int, count: int) -> list[Case]:
    maker = expressions.Expressions(seed)
    chance = random.Random(seed + 1)
    cases = []
    for _ in range(count):
        node = expressions.finish(maker.any(chance.choice([1, 2, 2, 3, 4])))
        if node.type in expressions.SCALARS and chance.random() < 0.4:
            # JSON does not tell 1.0 from 1: the type is asked for beside.
            node = expressions.Node(
                "map", "{'v': ", node, ", 't': [type(", node, ") == int, type(", node, ") == double]}")
        filters = node.type == "bool" and chance.random() < 0.6
        cases += [Case(node, expressions.value(chance), filters) for _ in range(RECORDS)]
    return cases


@pytest.mark.skipif(product.binary() is None and not demands.everything(), reason="NO BINARY: build it")
def test_an_expression_yields_what_googles_runtime_yields(tmp_path, say):
    seed = product.seed()
    say(f"CEL differential, seed {seed}, {COUNT} expressions")
    outcomes: dict[str, int] = {}
    known: dict[int, int] = {}
    differing: list[Case] = []
    crashes = 0
    size = 250
    for start in range(0, COUNT, size):
        cases = generate(seed + start, min(size, COUNT - start))
        decide(tmp_path, cases)
        crashes += sum(case.other == ("crashed",) for case in cases)
        for case in cases:
            outcomes[case.own[0]] = outcomes.get(case.own[0], 0) + 1
            if case.known is not None:
                known[case.known] = known.get(case.known, 0) + 1
        differing += [case for case in cases if case.differs]
        if len(differing) > 40:
            break
    small: dict[str, Case] = {}
    for case in differing[:60]:
        one = minimised(tmp_path, case)
        small.setdefault(one.node.text, one)
    told = ", ".join(f"{number} {what}" for what, number in sorted(outcomes.items()))
    say(f"CEL differential, seed {seed}: {told}; {sum(known.values())} listed differences, {crashes} crashes of "
        "the other runtime")
    assert not small, f"seed {seed}: {len(differing)} differ\n" + "\n".join(map(str, small.values()))
    assert outcomes.get("value", 0) > COUNT, outcomes
