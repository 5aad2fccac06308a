"""Repeats the rows of the fault matrix and records what became of each run."""

import json
import os
import time

import pytest

from Chaos.matrix import ROWS

REPEAT = int(os.environ.get("CROSSDOCK_REPEAT", "1"))
RECORD = os.environ.get("CROSSDOCK_MATRIX")


def pytest_generate_tests(metafunc):
    """`CROSSDOCK_REPEAT` runs of every test that is tied to a row."""
    if REPEAT > 1 and metafunc.definition.get_closest_marker("row"):
        metafunc.fixturenames.append("run")
        metafunc.parametrize("run", range(1, REPEAT + 1))


@pytest.fixture
def verdict(request):
    """What a row's test found out, in a few words: "delivered once", "halt source-truncated". A row's test
    that says nothing has failed."""
    said: list[str] = []
    yield said.append
    request.node.verdict = said[-1] if said else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    mark = item.get_closest_marker("row")
    if mark is None:
        return report
    if call.when == "teardown":
        found = getattr(item, "verdict", None)
        passed = report.passed and getattr(item, "called", False)
        if passed and found is None:
            report.outcome = "failed"
            report.longrepr = "the row's test gave no verdict"
            passed = False
        if RECORD and getattr(item, "ran", False):
            line = {
                "row": mark.args[0], "test": f"{item.path.name}::{item.originalname}", "passed": passed,
                "verdict": found, "seconds": round(item.seconds, 1), "at": int(time.time()),
            }
            with open(RECORD, "a") as record:
                record.write(json.dumps(line) + "\n")
    elif call.when == "call":
        item.ran = not report.skipped
        item.called = report.passed
        item.seconds = call.duration
    return report


def pytest_configure(config):
    config.addinivalue_line("markers", f"row(name): a row of the fault matrix, one of {len(ROWS)}")
