"""Google's CEL runtime (PyPI: cel-expr-python) as a function, in a process of its own: it may crash.

A line in, a line out: [expression, record value as text, topic] gives ["value", x], ["error", why] or ["compile", why].
Times in a value are marked, see `plain`.
"""

import base64
import datetime
import json
import math
import subprocess
import sys

#: Of every record: what the contract's variables other than `value` and `topic` hold.
TIME, PARTITION, OFFSET, KEY, HEADERS = 1_700_000_000_123, 3, 17, "k", {"h": "x"}


class Unwritable(Exception):
    """Nothing that JSON has."""


def number(text: str):
    """contract.md: an int where it fits, else a uint where it fits, any other a double."""
    whole = int(text)
    return whole if -(2**63) <= whole < 2**64 else float(text)


def plain(value):
    """As contract.md writes it: bytes base64, maps with strings for names; a time is {"\\0time": text}, a duration
    {"\\0span": microseconds}, a double {"\\0double": text}."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            if not math.isfinite(value):
                raise Unwritable("not finite")
            return {"\0double": repr(value)}
        case bytes() | bytearray():
            return base64.b64encode(bytes(value)).decode()
        case datetime.datetime():
            return {"\0time": value.isoformat()}
        case datetime.timedelta():
            return {"\0span": value // datetime.timedelta(microseconds=1)}
        case list():
            return [plain(one) for one in value]
        case dict():
            if not all(isinstance(name, str) for name in value):
                raise Unwritable("a name that is no string")
            return {name: plain(one) for name, one in value.items()}
        case _:
            raise Unwritable(str(value))


def serve() -> None:
    from cel_expr_python import cel
    from cel_expr_python.ext import ext_bindings, ext_encoders, ext_math, ext_optional, ext_strings

    environment = cel.NewEnv(
        variables={
            "value": cel.Type.DYN, "key": cel.Type.DYN, "headers": cel.Type.Map(cel.Type.STRING, cel.Type.DYN),
            "timestamp": cel.Type.TIMESTAMP, "topic": cel.Type.STRING, "partition": cel.Type.INT,
            "offset": cel.Type.INT,
        },
        extensions=[
            ext_math.ExtMath(), ext_strings.ExtStrings(), ext_encoders.ExtEncoders(), ext_bindings.ExtBindings(),
            ext_optional.ExtOptional(),
        ],
    )

    def answer(expression: str, text: str, topic: str):
        try:
            program = environment.compile(expression)
        except RuntimeError as error:
            return ("compile", str(error).split("\n")[0])
        moment = datetime.datetime.fromtimestamp(TIME / 1000, datetime.timezone.utc)
        data = {
            "value": json.loads(text, parse_int=number), "key": KEY, "headers": HEADERS, "timestamp": moment,
            "topic": topic, "partition": PARTITION, "offset": OFFSET,
        }
        try:
            result = program.eval(data=data)
            if result.type() == cel.Type.ERROR:
                return ("error", str(result.plain_value()))
            return ("value", plain(result.plain_value()))
        except (Unwritable, TypeError, ValueError, RuntimeError, OverflowError) as error:
            return ("error", str(error))
        except SystemError as error:  # A text that is no UTF-8, in a way that the wrapper does not foresee.
            return ("error", f"Unable to convert function return: {error.__cause__}")

    for line in sys.stdin:
        print(json.dumps(answer(*json.loads(line))), flush=True)


def answers(cases: list[tuple[str, str, str]]) -> list[tuple]:
    """One answer a case; ("crashed",) where the runtime ended by a signal."""
    found: list[tuple] = []
    while len(found) < len(cases):
        lines = "".join(json.dumps(case) + "\n" for case in cases[len(found):])
        done = subprocess.run([sys.executable, __file__], input=lines, capture_output=True, text=True, timeout=600)
        # A line that was cut off by the crash is no answer.
        whole = done.stdout[: done.stdout.rfind("\n") + 1]
        found += [tuple(json.loads(line)) for line in whole.splitlines()]
        if len(found) < len(cases):
            assert done.returncode < 0, done.stderr
            found.append(("crashed",))
    return found


if __name__ == "__main__":
    serve()
