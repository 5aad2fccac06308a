"""The whole proof in one call: both clusters and the ledger against the checker's own computation."""

from Checkers import ledger, report, view
from Checkers.view import Expected, View

from . import topics
from .brokers import Broker
from .service import Workspace


def exactly_once(
    workspace: Workspace, internal: Broker, partner: Broker, route, rules: View,
    contract: str = "flights-skyways", beyond_source: bool = False,
) -> Expected:
    """Proves that the partner sees each delivered record once, in order, and that the books agree.

    The service must be down. `beyond_source`: the report's figures hold more than the topic does now.
    """
    source = topics.read(internal, route.source)
    partner_view = topics.read(partner, route.target)
    expected = rules.expect(source, len(partner_view))
    view.compare(rules, expected, partner_view)
    assert not topics.has_open_transaction(partner, route.target, workspace.checkpoints)
    said = workspace.lag()
    if "id" not in said:
        said = said[contract]
    if not beyond_source:
        report.matches(said, expected, topics.ends(internal, route.source), route.source)
        ledger.covers(workspace.ledger, contract, route.source, said)
    return expected
