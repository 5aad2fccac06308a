"""Makes runbooks/fault-matrix.md's table of recorded runs: `table.py RECORD...` prints it.

Only what was run stands in it: a row's verdicts as its test gave them, how many runs passed of how many, and
the median time of one.
"""

import collections
import json
import pathlib
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from Chaos.matrix import ROWS


def table(lines: list[dict]) -> str:
    runs: dict[str, list[dict]] = collections.defaultdict(list)
    for line in lines:
        runs[line["row"]].append(line)
    rows = ["| row | tests | verdict | passed | seconds |", "|---|---|---|---|---|"]
    for name, words in ROWS.items():
        found = runs[name]
        tests = "<br>".join(f"`{test}`" for test in sorted({one["test"] for one in found}))
        verdicts = "<br>".join(sorted({one["verdict"] or "none" for one in found}))
        passed = f"{sum(one['passed'] for one in found)} of {len(found)}"
        seconds = f"{statistics.median(one['seconds'] for one in found):.0f}" if found else ""
        rows.append(f"| {words} | {tests or 'not run'} | {verdicts} | {passed} | {seconds} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(table([
        json.loads(line) for name in sys.argv[1:] for line in pathlib.Path(name).read_text().splitlines()
    ]))
