"""Where Spin is missing its tests are skipped loudly; where CI is set they fail."""

import pathlib

import pytest

import demands
from Model import spin

HERE = pathlib.Path(__file__).parent


def pytest_collection_modifyitems(items):
    reason = spin.obstacle()
    if reason is None or demands.everything():
        return
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=reason))


def pytest_terminal_summary(terminalreporter):
    reason = spin.obstacle()
    if reason is not None:
        outcome = "FAILED" if demands.everything() else "SKIPPED"
        terminalreporter.section(f"model {outcome}", sep="!", red=True, bold=True)
        terminalreporter.write_line(reason, red=True, bold=True)


@pytest.fixture
def verifier(tmp_path):
    """A folder to build a verifier in."""
    reason = spin.obstacle()
    if reason is not None:
        pytest.fail(f"{reason}; CI demands the model", pytrace=False)
    return tmp_path
