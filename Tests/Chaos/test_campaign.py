"""Random faults: a dozen, or as many as CROSSDOCK_FAULTS says; CROSSDOCK_SEED replays a campaign."""

import os
import random

import pytest

from Chaos import campaign
from Chaos.campaign import Campaign, draw
from Chaos.harness.frames import FrameProxy
from Chaos.harness.toxics import Toxiproxy
from Cluster.harness.processes import free_port

SEED = int(os.environ.get("CROSSDOCK_SEED", "0")) or random.SystemRandom().randrange(1, 2**31)
FAULTS = int(os.environ.get("CROSSDOCK_FAULTS", "12"))
PROOF_EVERY = 20


@pytest.fixture
def network(clusters, tmp_path, toxics_here):
    """Both proxies, one behind the other, on the partner's detour."""
    between = free_port()
    detour = clusters.skyways.detour
    toxics = Toxiproxy(tmp_path, between, detour.behind)
    frames = FrameProxy(detour.port, between)
    yield frames, toxics
    frames.close()
    toxics.close()


def test_random_faults_lose_double_and_reorder_nothing(clusters, network, faults, route, tmp_path, say):
    print(f"CROSSDOCK_SEED={SEED} CROSSDOCK_FAULTS={FAULTS}")
    run = Campaign(SEED, clusters, route(partitions=6), tmp_path, faults, *network)
    try:
        run.perform(draw(SEED, FAULTS, PROOF_EVERY))
    finally:
        run.close()
        say(run.report())
    assert 2 * run.tally.in_intent >= run.tally.kills, "too few kills hit an open intent to prove much"


def test_a_seed_draws_the_same_campaign_again():
    first, second = draw(7, 60, 20), draw(7, 60, 20)
    assert [(one.kind, one.plan, one.dice.random()) for one in first if one.kind != "proof"] == [
        (one.kind, one.plan, one.dice.random()) for one in second if one.kind != "proof"
    ]
    assert [at for at, one in enumerate(first) if one.kind == "proof"] == [20, 41, 62]
    assert {one.kind for one in draw(7, sum(campaign.DECK.values()), 20)} == {*campaign.DECK, "proof"}
    assert [one.plan for one in draw(8, 60, 20)] != [one.plan for one in first]
