"""The matrix itself."""

import pathlib
import re

from Chaos.matrix import ROWS

HERE = pathlib.Path(__file__).parent


def test_every_row_of_the_matrix_has_a_test():
    tied = set()
    for path in HERE.glob("test_*.py"):
        tied |= set(re.findall(r'^@row\("([a-z-]+)"\)', path.read_text(), re.MULTILINE))
    assert tied == set(ROWS), f"without a test: {sorted(set(ROWS) - tied)}"
