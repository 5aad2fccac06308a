"""Random CEL expressions by type, as trees that can be made smaller, and records for them to look at."""

import json
import random


class Node:
    """Parts of text and operands between them."""

    def __init__(self, type_: str, *parts):
        self.type = type_
        self.parts = parts

    @property
    def text(self) -> str:
        return "".join(part if isinstance(part, str) else part.text for part in self.parts)

    @property
    def operands(self) -> list["Node"]:
        return [part for part in self.parts if isinstance(part, Node)]

    def smaller(self):
        """Trees with one place made simpler, the simplest first."""
        yield from self.operands
        for index, part in enumerate(self.parts):
            if isinstance(part, Node):
                for less in part.smaller():
                    yield Node(self.type, *self.parts[:index], less, *self.parts[index + 1:])


INTS = ["0", "1", "-1", "2", "7", "64", "9223372036854775807", "-9223372036854775808", "9007199254740993"]
UINTS = ["0u", "1u", "3u", "18446744073709551615u", "9223372036854775808u"]
DOUBLES = [
    "0.0", "-0.0", "1.0", "1.5", "-2.5", "0.1", "1e300", "1e-320", "9223372036854775808.0", "9007199254740993.0",
    "18446744073709551616.0", "3.0",
]
STRINGS = [
    "''", "'a'", "'abc'", "'h\\u00e9llo'", "'\\U0001F600x'", "'1'", "'-7'", "'1.5'", "'true'", "'a,b,,c'", "'  pad '",
    "r'\\d+'", "'2026-01-31T08:00:00Z'", "'1h30m'", "'e\\u0301'", "'NaN'", "'0x10'", "'1e3'", "' 1'", "'%'",
]
BYTES = ["b''", "b'abc'", "b'\\xff\\x00'", "b'h\\303\\251'"]
TIMES = [
    "timestamp('2026-01-31T08:00:00Z')", "timestamp('1969-12-31T23:59:59.999999Z')", "timestamp(0)", "timestamp",
    "timestamp('0001-01-01T00:00:00Z')", "timestamp('9999-12-31T23:59:59Z')", "timestamp('2024-02-29T12:30:15.250123+05:30')",
]
SPANS = ["duration('1h30m')", "duration('-1.125s')", "duration('0s')", "duration('1ms')", "duration('100000h')"]
PATTERNS = ["'^a'", "'[0-9]+'", "'(a|b)*c$'", "'\\\\w+'", "'\\\\bl'", "'.'", "'(?i)ABC'", "'h.llo'", "'['", "'a{2,3}'"]
ZONES = ["'UTC'", "'+01:00'", "'-05:30'", "'Europe/Berlin'", "'America/New_York'", "'nowhere'"]
#: Members of the records with the type that they mostly have.
MEMBERS = {
    "int": ["value.i", "value.n.i", "value.big", "value.l[0]"], "uint": ["value.u"], "double": ["value.d", "value.n.d"],
    "string": ["value.s", "value.n['s']", "value.t", "value.l[1]", "key", "topic", "headers.h"],
    "bool": ["value.b", "value.n.b"], "list": ["value.l", "value.ints", "value.n.strings"],
    "map": ["value.n", "value", "value.n.m", "headers"], "null": ["value.z", "null"],
}
ANY = ["value.i", "value.s", "value.d", "value.b", "value.l", "value.n", "value.z", "value.absent", "value.big"]
SCALARS = ["int", "uint", "double", "string", "bool"]
TYPES = SCALARS + ["list", "map", "bytes", "timestamp", "duration"]


class Expressions:
    def __init__(self, seed: int):
        self.random = random.Random(seed)
        self.variables: list[str] = []

    def any(self, depth: int) -> Node:
        return self.make(self.random.choice(TYPES), depth)

    def make(self, type_: str, depth: int) -> Node:
        pick = self.random.random()
        if pick < 0.04:  # Of another type: what is refused must be refused by both.
            type_ = self.random.choice(TYPES)
        if self.variables and pick < 0.3:
            return Node(type_, self.random.choice(self.variables))
        if depth <= 0 or pick > 0.9:
            return self.leaf(type_)
        if pick < 0.08:
            return self.general(type_, depth)
        return getattr(self, f"make_{type_}")(depth - 1)

    def leaf(self, type_: str) -> Node:
        literals = {
            "int": INTS, "uint": UINTS, "double": DOUBLES, "string": STRINGS, "bytes": BYTES, "timestamp": TIMES,
            "duration": SPANS, "bool": ["true", "false"],
            "list": ["[]", "[1, 2, 3]", "['a', 'b']", "[1, 1.0, 1u]", "[[1], []]", "[true, 'x', null]"],
            "map": ["{}", "{'a': 1}", "{1: 'x', 2u: 'y'}", "{'a': {'b': [1]}, 'c': null}", "{true: 1}"],
        }[type_]
        return Node(type_, self.random.choice(literals + MEMBERS.get(type_, []) * 2))

    def general(self, type_: str, depth: int) -> Node:
        """Forms that every type has."""
        a = lambda: self.make(type_, depth - 1)
        match self.random.randrange(7):
            case 0:
                return Node(type_, "(", self.make("bool", depth - 1), " ? ", a(), " : ", a(), ")")
            case 1:
                return Node(type_, "[", a(), ", ", a(), "][", self.random.choice(["0", "1", "2", "-1", "1.0", "0u"]), "]")
            case 2:
                return Node(type_, "\x01'k': ", a(), "\x02", self.random.choice([".k", "['k']", ".absent"]))
            case 3:
                name = f"v{len(self.variables)}"
                first = a()
                self.variables.append(name)
                body = a()
                self.variables.pop()
                return Node(type_, f"cel.bind({name}, ", first, ", ", body, ")")
            case 4:
                where = self.random.choice(["value.?i", "value.n.?absent", "value[?'s']", "value.?n.?s", "value.l[?9]"])
                return Node(type_, where, ".orValue(", a(), ")")
            case 5:
                return Node(type_, "dyn(", a(), ")")
            case _:
                return Node(type_, "optional.of(", a(), ")", self.random.choice([".value()", ".orValue(null)"]))

    def arithmetic(self, type_: str, depth: int, operators: list[str]) -> Node:
        return Node(
            type_, "(", self.make(type_, depth), f" {self.random.choice(operators)} ", self.make(type_, depth), ")"
        )

    def call(self, type_: str, pattern: str, depth: int) -> Node:
        """`pattern`: text with {type} where an operand stands."""
        parts: list = []
        for index, piece in enumerate(pattern.replace("}", "{").split("{")):
            if index % 2 == 0:
                parts.append(piece.replace("PATTERN", self.random.choice(PATTERNS)))
            else:
                parts.append(self.make(piece, depth))
        return Node(type_, *parts)

    def pattern(self, type_: str, patterns: list[str], depth: int) -> Node:
        return self.call(type_, self.random.choice(patterns), depth)

    def make_int(self, depth: int) -> Node:
        if self.random.random() < 0.45:
            return self.arithmetic("int", depth, ["+", "-", "*", "/", "%"])
        part = self.random.choice(["FullYear", "Month", "Date", "DayOfMonth", "DayOfWeek", "DayOfYear", "Hours", "Minutes",
                                   "Seconds", "Milliseconds"])
        return self.pattern("int", [
            "-({int})", "int({double})", "int({string})", "int({uint})", "int({timestamp})", "size({string})",
            "{list}.size()", "size({map})", "size({bytes})", "{string}.indexOf({string})", "{string}.lastIndexOf({string})",
            "{string}.indexOf({string}, {int})", "math.greatest({int}, {int})", "math.least({int}, {int}, {int})",
            "math.abs({int})", "math.sign({int})", "math.bitAnd({int}, {int})", "math.bitXor({int}, {int})",
            "math.bitNot({int})", "math.bitShiftLeft({int}, {int})", "math.bitShiftRight({int}, {int})",
            f"{{timestamp}}.get{part}()", f"{{timestamp}}.get{part}({self.random.choice(ZONES)})",
            "{duration}.getHours()", "{duration}.getMinutes()", "{duration}.getSeconds()", "{duration}.getMilliseconds()",
        ], depth)

    def make_uint(self, depth: int) -> Node:
        if self.random.random() < 0.4:
            return self.arithmetic("uint", depth, ["+", "-", "*", "/", "%"])
        return self.pattern("uint", [
            "uint({int})", "uint({double})", "uint({string})", "math.greatest({uint}, {uint})", "math.bitOr({uint}, {uint})",
            "math.bitShiftRight({uint}, {int})", "math.abs({uint})", "math.bitNot({uint})",
        ], depth)

    def make_double(self, depth: int) -> Node:
        if self.random.random() < 0.4:
            return self.arithmetic("double", depth, ["+", "-", "*", "/"])
        return self.pattern("double", [
            "-({double})", "double({int})", "double({uint})", "double({string})", "math.ceil({double})",
            "math.floor({double})", "math.round({double})", "math.trunc({double})", "math.abs({double})",
            "math.sign({double})", "math.greatest({double}, {double})", "math.least({double}, {int})",
        ], depth)

    def make_string(self, depth: int) -> Node:
        return self.pattern("string", [
            "({string} + {string})", "string({int})", "string({uint})", "string({double})", "string({bool})",
            "string({bytes})", "string({timestamp})", "string({duration})", "{string}.charAt({int})",
            "{string}.lowerAscii()", "{string}.upperAscii()", "{string}.replace({string}, {string})",
            "{string}.replace({string}, {string}, {int})", "{string}.substring({int})",
            "{string}.substring({int}, {int})", "{string}.trim()", "{string}.reverse()", "strings.quote({string})",
            "{string}.split({string}).join({string})", "base64.encode({bytes})", "'%s'.format([{string}])",
            "'%d|%x|%b'.format([{int}, {int}, {int}])", "'%s'.format([{list}])", "'%.2f'.format([{double}])",
            "'%e'.format([{double}])", "'%s %s'.format([{bool}, {timestamp}])",
            "'%X'.format([{string}])", "'%o'.format([{uint}])", "'%s'.format([{duration}])", "'%s'.format([{bytes}])",
        ], depth)

    def make_bytes(self, depth: int) -> Node:
        return self.pattern("bytes", ["bytes({string})", "({bytes} + {bytes})", "base64.decode({string})",
                                      "base64.decode(base64.encode({bytes}))"], depth)

    def make_timestamp(self, depth: int) -> Node:
        return self.pattern("timestamp", ["({timestamp} + {duration})", "({timestamp} - {duration})",
                                          "timestamp({string})", "timestamp({int})", "timestamp(string({timestamp}))"], depth)

    def make_duration(self, depth: int) -> Node:
        return self.pattern("duration", ["({timestamp} - {timestamp})", "({duration} + {duration})",
                                         "({duration} - {duration})", "duration({string})",
                                         "duration(string({int}) + 's')"], depth)

    def make_bool(self, depth: int) -> Node:
        pick = self.random.random()
        if pick < 0.25:
            return self.arithmetic("bool", depth, ["&&", "||"])
        if pick < 0.5:
            left = self.random.choice(TYPES)
            right = left if self.random.random() < 0.7 else self.random.choice(SCALARS)
            operator = self.random.choice(["==", "!=", "<", "<=", ">", ">="])
            return Node("bool", "(", self.make(left, depth), f" {operator} ", self.make(right, depth), ")")
        if pick < 0.6:  # A member against a literal, which the engine compares in place.
            literal = self.random.choice(INTS + UINTS + DOUBLES + STRINGS + ["true", "null"])
            operator = self.random.choice(["==", "!=", "<", "<=", ">", ">="])
            sides = [self.random.choice(ANY), literal]
            if self.random.random() < 0.3:
                sides.reverse()
            return Node("bool", f"({sides[0]} {operator} {sides[1]})")
        if pick < 0.7:
            return self.macro("bool", self.random.choice(["all", "exists", "exists_one"]), "bool", depth)
        held = self.random.choice(["value.i", "value.absent", "value.n.i", "value.n.absent", "value.s.x", "value.z.x",
                                   "headers.h", "headers.absent", "value.l.x"])
        return self.pattern("bool", [
            "!({bool})", f"has({held})", "({int} in {list})", "({string} in {map})", "({double} in [1, 2u, 3.0])",
            "({int} in \x011: 'a', 2u: 'b'\x02)", "{string}.startsWith({string})", "{string}.endsWith({string})",
            "{string}.contains({string})", "{string}.matches(PATTERN)",
            "matches({string}, PATTERN)", "bool({string})", "math.isNaN({double})",
            "math.isInf({double})", "math.isFinite({double})", "(type({int}) == type({double}))",
            "(type({map}) == map)", "optional.ofNonZeroValue({string}).hasValue()",
            "optional.ofNonZeroValue({list}).hasValue()", "value.?n.?i.hasValue()",
        ], depth)

    def macro(self, type_: str, name: str, body_type: str, depth: int, transform: str | None = None) -> Node:
        over = self.make("map" if type_ == "bool" and self.random.random() < 0.3 else "list", depth)
        variable = f"v{len(self.variables)}"
        self.variables.append(variable)
        body = self.make(body_type, depth)
        more = [", ", self.make(transform, depth)] if transform else []
        self.variables.pop()
        return Node(type_, over, f".{name}({variable}, ", body, *more, ")")

    def make_list(self, depth: int) -> Node:
        pick = self.random.random()
        if pick < 0.2:
            return self.macro("list", "map", self.random.choice(SCALARS), depth)
        if pick < 0.4:
            return self.macro("list", "filter", "bool", depth)
        if pick < 0.5:
            return self.macro("list", "map", "bool", depth, self.random.choice(SCALARS))
        one = self.random.choice(SCALARS)
        return self.pattern("list", [
            "({list} + {list})", f"[{{{one}}}, {{{one}}}]", "[{int}, {string}]", "{string}.split({string})",
            "{string}.split({string}, {int})", "[?value.?i, {int}]", "[?value.?absent, {list}]",
        ], depth)

    def make_map(self, depth: int) -> Node:
        one = self.random.choice(SCALARS)
        return self.pattern("map", [
            f"\x01'a': {{{one}}}, 'b': {{{one}}}\x02",
            "\x01{string}: {int}\x02", "\x01'x': {list}, ?'y': value.?absent\x02", "\x01{int}: {string}, {int}: 1\x02",
        ], depth)


def finish(node: Node) -> Node:
    """Braces of a map were kept apart from those of the patterns."""
    return Node(node.type, *(
        part.replace("\x01", "{").replace("\x02", "}") if isinstance(part, str) else finish(part)
        for part in node.parts
    ))


def value(chance: random.Random) -> dict:
    """A record's value, most members of the type that `MEMBERS` says."""
    strings = ["", "abc", "héllo", "😀x", "12", "1.5", "a,b,c", "2026-01-31T08:00:00Z", "90s", "true", "é"]
    ints = [0, 1, -1, 7, 60, 2**31, 2**53 + 1, 2**63 - 1, -(2**63)]
    doubles = [0.5, -0.25, 1.0, 3.0, 1e21, 1e-7, 123456789.125, float(2**63)]
    odd = [None, [], {}, "x", True, 2**64 - 1, 1e308, -7]
    made = {
        "i": chance.choice(ints), "u": chance.choice([2**63, 2**64 - 1, 5]), "d": chance.choice(doubles),
        "s": chance.choice(strings), "t": chance.choice(strings), "b": chance.random() < 0.5, "z": None,
        "big": chance.choice([2**63, 2**64, 10**30, -(2**63) - 1]),
        "l": [chance.choice(ints), chance.choice(strings), chance.choice(doubles), None][: chance.randrange(5)],
        "ints": [chance.choice(ints) for _ in range(chance.randrange(4))],
        "n": {
            "i": chance.choice(ints), "d": chance.choice(doubles), "s": chance.choice(strings), "b": chance.random() < 0.5,
            "m": {"a": chance.choice(ints), "b": chance.choice(strings)},
            "strings": [chance.choice(strings) for _ in range(chance.randrange(3))],
        },
    }
    for name in list(made):
        if chance.random() < 0.1:
            made[name] = chance.choice(odd)
        elif chance.random() < 0.05:
            del made[name]
    return made


def text(made: dict) -> str:
    return json.dumps(made, ensure_ascii=False)
