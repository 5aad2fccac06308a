"""The protocol of a lane, as lane.pml states it, in every state that the bounds of a run reach.

`CROSSDOCK_MODEL=all` runs the whole table, else the part that is marked for CI.
"""

import dataclasses
import os

import pytest

from Model import spin

ALL = os.environ.get("CROSSDOCK_MODEL") == "all"


@dataclasses.dataclass(frozen=True)
class Run:
    name: str
    switches: str
    #: A mutation's: the property that must catch it. None: everything holds.
    caught: str | None = None
    ci: bool = True


RUNS = [
    Run("single", "-DMAXCRASH=2 -DMAXTO=1 -DMAXNET=2 -DMAXNB=1 -DMAXINIT=8"),
    Run("contract-changes", "-DMAXCRASH=2 -DMAXTO=1 -DMAXNET=1 -DMAXNB=1 -DMAXVER=2 -DNOFF=3", ci=False),
    Run("two-partitions", "-DMAXCRASH=1 -DMAXTO=1 -DMAXNET=1 -DMAXVER=1 -DNP=2 -DNOFF=2", ci=False),
    Run("all-contracts", "-DALLPAT -DNOFF=3 -DMAXCRASH=1 -DMAXNET=1 -DMAXVER=1", ci=False),
    Run("ledger-restored", "-DMAXCRASH=2 -DMAXROLL=1 -DNP=2 -DNOFF=2 -DMAXINIT=8", ci=False),
    Run("ledger-lost", "-DMAXCRASH=2 -DMAXLOST=1 -DMAXVER=2 -DNP=2 -DNOFF=2 -DHALTOK=2"),
    Run("restored-and-changed", "-DMAXCRASH=1 -DMAXROLL=1 -DMAXVER=1 -DMAXNET=1 -DHALTOK=2"),
    Run("twins", "-DNI=2 -DHALTOK=16 -DMAXCRASH=1 -DMAXNET=1 -DNOFF=3", ci=False),
    Run("twins-timeout", "-DNI=2 -DHALTOK=16 -DNOFF=2 -DERRMASK -DMAXTO=1 -DMAXNET=1 -DMAXINIT=6"),
    Run("twins-change", "-DNI=2 -DHALTOK=18 -DMAXVER=1 -DMAXCRASH=1 -DNOFF=2 -DMAXINIT=8", ci=False),
    Run("twins-two-partitions", "-DNI=2 -DHALTOK=16 -DNP=2 -DNOFF=2 -DMAXB=1", ci=False),
    Run("no-claim", "-DM_NOCLAIM -DMAXCRASH=1 -DMAXNB=1", "A_TWICE"),
    Run("no-intent", "-DM_NOINTENT -DMAXCRASH=1", "E_GAP"),
    Run("mark-first", "-DM_MARKFIRST -DMAXCRASH=1", "E_HALT"),
    Run("ignore-dirty", "-DM_NODIRTY -DMAXNET=1", "A_LOST"),
    Run("no-nonce", "-DM_NONONCE -DMAXCRASH=1 -DMAXNET=1 -DMAXROLL=1", "D_SETTLED"),
    Run("trust-old-ledger", "-DM_TRUSTD -DMAXCRASH=1 -DMAXROLL=1", "A_TWICE"),
    Run("no-change-marker", "-DM_NOCHANGE -DMAXCRASH=1 -DMAXVER=1 -DMAXLOST=1 -DHALTOK=2", "B_ONCE"),
    Run("unknown-is-aborted", "-DM_NOUNKNOWN -DMAXNET=1", "A_TWICE"),
]


@pytest.mark.parametrize("run", [run for run in RUNS if ALL or run.ci], ids=lambda run: run.name)
def test_the_model_holds_and_a_mutation_of_it_is_caught(run, verifier, say):
    found = spin.check(f"-DFIXED {run.switches}", verifier, is_short=run.caught is not None)
    say(f"model {run.name}: {found}" + (f", caught by {found.violated}" if found.violated else ""))
    assert found.violated == run.caught
