"""Random JSON documents as bytes, whole and damaged, and what RFC 8259 and contract.md say of them, read with Python's
own parser: no member twice, no lone surrogate, depth at most 128, strict UTF-8, an object at the top."""

import json
import random

NAMES = ["a", "b", "c", "d", "e", "é", "x y", "a.b", "", "longer_name_of_a_member",
         "longer_name_of_b_member", "longer_name_of_a_member_2", "q\"r"]
NUMBERS = ["0", "-0", "1", "-1", "10", "1.5", "1e400", "-1E-7", "0.10", "1e+2", "123456789012345678901234567890", "0e0"]
ODD = ["00", "01", "+1", ".5", "1.", "1e", "1e+", "-", "0x1", "NaN", "Infinity", "1_0", "١", "True", "nul", "'a'", "//"]
PIECES = ["a", "é", "😀", " ", "\\n", "\\\"", "\\\\", "\\/", "\\u0041", "\\u00e9", "\\ud83d\\ude00", "\\u0000", "\x7f", "\u2028",
          "\ufeff", "\uffff"]
ODD_PIECES = ["\\ud83d", "\\ude00", "\\ude00\\ud83d", "\\ud83d\\u0041", "\\x41", "\\u12", "\\u12g4", "\\U0041", "\x00", "\t", "\x1f"]
SPACES = ["", "", "", " ", "\t", "\r", "  "]
ODD_SPACES = ["\x0b", "\x0c", "\xa0", "\ufeff", "/**/"]
MAXIMUM_DEPTH = 128


class Documents:
    def __init__(self, seed: int):
        self.random = random.Random(seed)
        #: How often something is put in that JSON has not.
        self.odd = 0.0

    def pick(self, good: list[str], odd: list[str]) -> str:
        return self.random.choice(odd if self.random.random() < self.odd else good)

    def space(self) -> str:
        return self.pick(SPACES, ODD_SPACES)

    def string(self) -> str:
        return '"' + "".join(self.pick(PIECES, ODD_PIECES) for _ in range(self.random.randrange(5))) + '"'

    def name(self) -> str:
        name = self.random.choice(NAMES)
        if name and self.random.random() < 0.15:
            return f'"\\u{ord(name[0]):04x}{json.dumps(name[1:], ensure_ascii=False)[1:]}'
        return json.dumps(name, ensure_ascii=self.random.random() < 0.2)

    def value(self, depth: int) -> str:
        match self.random.randrange(5 if depth > 4 else 8):
            case 0:
                return self.random.choice(["null", "true", "false"])
            case 1 | 2:
                return self.pick(NUMBERS, ODD)
            case 3 | 4:
                return self.string()
            case 5:
                return self.list(depth)
            case _:
                return self.object(depth)

    def list(self, depth: int) -> str:
        parts = [self.space() + self.value(depth + 1) + self.space() for _ in range(self.random.randrange(4))]
        return "[" + (",".join(parts) or self.space()) + self.pick([""], [",", ",,", "]"]) + "]"

    def object(self, depth: int) -> str:
        names: dict[str, str] = {}
        for _ in range(self.random.randrange(6)):
            name = self.name()
            names.setdefault(json.loads(name) + ("" if self.random.random() >= self.odd else name), name)
        parts = [
            self.space() + name + self.space() + self.pick([":"], ["", "::", "="]) + self.space() + self.value(depth + 1)
            for name in names.values()
        ]
        return "{" + ",".join(parts) + self.space() + self.pick([""], [",", "}"]) + "}"

    def deep(self) -> str:
        depth = MAXIMUM_DEPTH + self.random.randrange(-3, 3)
        opening = [self.random.choice(["[", '{"a":']) for _ in range(depth - 1)]
        closing = "".join("]" if one == "[" else "}" for one in reversed(opening))
        return '{"b":' + "".join(opening) + self.random.choice(["1", "{}", "[]"]) + closing + "}"

    def wide(self) -> str:
        """More names than the engine learns, one of them twice now and then."""
        names = [f"n{self.random.randrange(10**6)}" for _ in range(self.random.randrange(300, 700))]
        names = list(dict.fromkeys(names))
        if self.random.random() < 0.5:
            names.insert(self.random.randrange(len(names)), self.random.choice(names))
        parts = [f'"{name}":{index}' for index, name in enumerate(names)]
        parts.insert(self.random.randrange(len(parts)), '"a":"kept"')
        inner = "{" + ",".join(parts) + "}"
        return inner if self.random.random() < 0.5 else '{"b":{"c":0,"x":' + inner + "}}"

    def one(self) -> bytes:
        kind = self.random.random()
        self.odd = 0.02 if kind < 0.4 else 0.0
        text = self.wide() if kind > 0.997 else self.deep() if kind > 0.98 else self.space() + self.object(0) + self.space()
        if 0.95 < kind < 0.98:
            text = self.value(3)
        made = bytearray(text.encode())
        if 0.4 <= kind < 0.75:
            for _ in range(self.random.randrange(1, 4)):
                self.damage(made)
        # A record a line: what holds a line feed would be two, what is blank none.
        line = bytes(made).replace(b"\n", b"\r")
        return line if line.strip(b" \t\r") else b"0"

    def damage(self, made: bytearray) -> None:
        if not made:
            return
        place = self.random.randrange(len(made))
        match self.random.randrange(7):
            case 0:
                made[place] = self.random.randrange(256)
            case 1:
                del made[place]
            case 2:
                made.insert(place, self.random.choice(b"{}[]\",:\\u0e-+.tfn \x7f"))
            case 3:
                del made[place:]
            case 4:
                made[place:place] = made[self.random.randrange(len(made)):][:20]
            case 5:
                made[place:place] = self.random.choice(
                    [b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xff", b"\xe2\x82", b"\xf0\x9f\x98\x80", b"\xc3"])
            case _:
                made[place] ^= 1 << self.random.randrange(8)


class Refused(Exception):
    """No record that contract.md takes."""


class Text(str):
    """A number's source text."""


def parse(document: bytes) -> dict:
    """The record, numbers as they stand; raises Refused."""

    def members(pairs):
        if len({name for name, _ in pairs}) != len(pairs):
            raise Refused("a member twice")
        return dict(pairs)

    def constant(word):
        raise Refused(word)

    try:
        made = json.loads(
            document.decode("utf-8", "strict"), object_pairs_hook=members, parse_int=Text, parse_float=Text,
            parse_constant=constant)
    except (ValueError, RecursionError) as error:
        raise Refused(str(error)) from error
    if not isinstance(made, dict):
        raise Refused("no object at the top")
    look(made, 1)
    return made


def look(value, depth: int) -> None:
    match value:
        case str():
            if any(0xD800 <= ord(character) < 0xE000 for character in value):
                raise Refused("a lone surrogate")
        case list() | dict():
            if depth > MAXIMUM_DEPTH:
                raise Refused("too deep")
            for one in value if isinstance(value, list) else [*value.keys(), *value.values()]:
                look(one, depth + 1)
