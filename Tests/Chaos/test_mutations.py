"""The mutation check: always that each still applies, and with CROSSDOCK_MUTATIONS=all that each is caught."""

import os
import re

import pytest

from Chaos import mutations
from Chaos.mutations import MUTATIONS, REPOSITORY


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: one.name)
def test_a_mutation_changes_what_it_says(mutation):
    assert mutations.mutated(mutation, REPOSITORY)
    for test in mutation.tests:
        file, name = re.fullmatch(r"([^:]+)::(\w+)(?:\[.*\])?", test).groups()
        assert f"def {name}(" in (REPOSITORY / file).read_text()


@pytest.mark.skipif(os.environ.get("CROSSDOCK_MUTATIONS") != "all", reason="half an hour: CROSSDOCK_MUTATIONS=all")
def test_every_mutation_is_caught():
    assert mutations.main([]) == 0
