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
    Run("single", "-DMAXCRASH=1 -DMAXNET=1 -DMAXTO=1 -DMAXNB=1"),
    Run("twins", "-DNI=2 -DHALTOK=16 -DNOFF=2 -DMAXINIT=6 -DMAXNET=1"),
    Run("twins-crash", "-DNI=2 -DHALTOK=16 -DNOFF=2 -DMAXINIT=8 -DMAXCRASH=1"),
    Run("quarantine", "-DQUAR -DNOFF=3 -DMAXCRASH=1 -DMAXNET=1 -DMAXVER=1"),
    Run("quarantine-old-copy", "-DQUAR -DNOFF=3 -DMAXROLL=1 -DMAXCRASH=1 -DMAXVER=1 -DHALTOK=2"),
    Run("partner-restored", "-DMAXBACK=1 -DNOFF=3 -DMAXCRASH=1 -DHALTOK=137"),
    Run("source-replaced", "-DMAXCUT=1 -DNOFF=3 -DMAXCRASH=1 -DHALTOK=32"),
    Run("revoked", "-DMAXREV=1 -DNOFF=3 -DMAXCRASH=1 -DMAXNET=1"),
    Run("revoked-ledger-lost", "-DMAXREV=1 -DMAXLOST=1 -DNOFF=3 -DMAXCRASH=2"),
    Run("old-copy", "-DMAXROLL=1 -DNOFF=3 -DMAXCRASH=2"),
    # The campaign.
    Run("single-more", "-DMAXCRASH=2 -DMAXTO=1 -DMAXNET=2 -DMAXNB=1 -DMAXINIT=8", ci=False),
    Run("contract-changes", "-DMAXCRASH=2 -DMAXTO=1 -DMAXNET=1 -DMAXNB=1 -DMAXVER=2 -DNOFF=3", ci=False),
    Run("two-partitions", "-DMAXCRASH=1 -DMAXTO=1 -DMAXNET=1 -DMAXVER=1 -DNP=2 -DNOFF=2", ci=False),
    Run("all-contracts", "-DALLPAT -DNOFF=3 -DMAXCRASH=1 -DMAXNET=1 -DMAXVER=1", ci=False),
    Run("ledger-restored", "-DMAXCRASH=2 -DMAXROLL=1 -DNP=2 -DNOFF=2 -DMAXINIT=8", ci=False),
    Run("ledger-lost", "-DMAXCRASH=2 -DMAXLOST=1 -DMAXVER=2 -DNP=2 -DNOFF=2 -DHALTOK=2", ci=False),
    Run("restored-and-changed", "-DMAXCRASH=1 -DMAXROLL=1 -DMAXVER=1 -DMAXNET=1 -DHALTOK=2", ci=False),
    Run("twins-timeout", "-DNI=2 -DHALTOK=16 -DNOFF=1 -DERRMASK -DMAXTO=1 -DMAXNET=1 -DMAXINIT=8", ci=False),
    Run("twins-change", "-DNI=2 -DHALTOK=82 -DMAXVER=1 -DMAXCRASH=1 -DNOFF=2 -DMAXINIT=8", ci=False),
    Run("twins-two-partitions", "-DNI=2 -DHALTOK=16 -DNP=2 -DNOFF=2 -DMAXB=1", ci=False),
    # Mutations.
    Run("no-claim", "-DM_NOCLAIM -DMAXCRASH=1 -DMAXNB=1", "A_TWICE"),
    Run("no-intent", "-DM_NOINTENT -DMAXCRASH=1", "E_GAP"),
    Run("mark-first", "-DM_MARKFIRST -DMAXCRASH=1", "E_HALT"),
    Run("ignore-dirty", "-DM_NODIRTY -DMAXNET=1", "A_LOST"),
    Run("no-nonce", "-DM_NONONCE -DMAXCRASH=1 -DMAXNET=1 -DMAXROLL=1", "D_SETTLED"),
    Run("trust-old-ledger", "-DM_TRUSTD -DMAXCRASH=1 -DMAXROLL=1", "A_TWICE"),
    Run("no-change-marker", "-DM_NOCHANGE -DMAXCRASH=1 -DMAXVER=1 -DMAXLOST=1 -DHALTOK=2", "B_ONCE"),
    Run("unknown-is-aborted", "-DM_NOUNKNOWN -DMAXNET=1", "A_TWICE"),
    Run("stage-nothing", "-DM_STAGENOTHING -DQUAR -DNOFF=3 -DMAXCRASH=1", "Q_ROWS"),
    Run("stage-keep", "-DM_STAGEKEEP -DQUAR -DNOFF=3 -DMAXNET=1 -DMAXVER=1", "Q_ROWS"),
    Run("adopt-drops-rows", "-DM_ADOPTDROP -DQUAR -DNOFF=2 -DNI=2 -DHALTOK=16 -DMAXCRASH=1", "Q_ROWS"),
    Run("adopt-restored", "-DM_NORESTORECHECK -DMAXBACK=1 -DNOFF=3 -DMAXCRASH=1 -DHALTOK=137 -DPROPS=32511",
        "A_TWICE"),
    Run("no-acknowledged-check", "-DM_NOACKCHECK -DMAXBACK=1 -DNOFF=3 -DHALTOK=137", "A_SILENT"),
    Run("no-fingerprint", "-DM_NOFINGERPRINT -DMAXCUT=1 -DNOFF=3 -DMAXCRASH=1 -DHALTOK=32", "G_SOURCE"),
    Run("no-check-after-wait", "-DM_NOWAITCHECK -DMAXCUT=1 -DNOFF=3 -DHALTOK=32", "G_SOURCE"),
    Run("no-revoke", "-DM_NOREVOKE -DMAXREV=1 -DNOFF=3", "R_REVOKED"),
    Run("late-revoke", "-DM_LATEREVOKE -DMAXREV=1 -DNOFF=3", "R_REVOKED"),
    Run("acts-not-learned", "-DM_NOLEARN -DMAXREV=1 -DMAXLOST=1 -DNOFF=3 -DMAXCRASH=2", "R_REVOKED"),
    Run("group-stays-beyond", "-DM_GROUPSTAYS -DMAXROLL=1 -DNOFF=3 -DMAXCRASH=2", "E_GAP"),
    Run("first-markers-unseen", "-DM_FIRSTUNSEEN -DNOFF=3 -DMAXROLL=1 -DMAXCRASH=1 -DMAXVER=1 -DHALTOK=2",
        "B_ONCE"),
    Run("group-unheard", "-DM_NOGROUP -DNOFF=3 -DMAXROLL=1 -DMAXCRASH=1 -DMAXVER=1 -DHALTOK=2", "B_ONCE"),
    Run("intent-judged-first", "-DM_FIRSTFITS -DMAXCRASH=2 -DMAXROLL=1 -DNP=2 -DNOFF=2 -DMAXINIT=8", "E_HALT"),
    Run("claim-in-vain-is-old", "-DM_OLDBASE -DNI=2 -DHALTOK=16 -DNOFF=2 -DMAXNET=1", "F_TWINS"),
    Run("no-wait", "-DM_NOWAIT -DNI=2 -DHALTOK=16 -DNOFF=2 -DMAXINIT=8", "F_ENDLESS"),
    Run("init-alone", "-DM_INITALONE -DNI=2 -DHALTOK=16 -DNOFF=2 -DMAXNET=1", "E_GAP"),
    Run("this-hash", "-DM_THISHASH -DMAXCRASH=2 -DMAXLOST=1 -DMAXVER=1 -DNOFF=2 -DHALTOK=2", "E_HASH"),
    Run("unproven-rows-stay",
        "-DM_UPSTAYS -DQUAR -DNOFF=2 -DMAXROLL=1 -DMAXCRASH=1 -DMAXNET=1 -DMAXVER=1 -DHALTOK=2", "Q_ROWS"),
]


@pytest.mark.parametrize("run", [run for run in RUNS if ALL or run.ci], ids=lambda run: run.name)
def test_the_model_holds_and_a_mutation_of_it_is_caught(run, verifier, say):
    found = spin.check(run.switches, verifier, is_short=run.ci)
    say(f"model {run.name}: {found}" + (f", caught by {found.violated}" if found.violated else ""))
    assert found.violated == run.caught
