"""The whole proof in one call: both clusters and the ledger against the checker's own computation."""

from Checkers.evidence import gather
from Checkers.prove import Allowed, prove
from Checkers.view import Expected, View

from .brokers import Broker
from .service import Workspace


def exactly_once(
    workspace: Workspace, internal: Broker, partner: Broker, route, rules: View,
    contract: str = "flights-skyways", **allowed,
) -> Expected:
    """Proves that the partner sees each delivered record once, in order, and that the books and the markers
    agree. The service must be down. `allowed`: see `Allowed`."""
    return prove(gather(workspace, internal, partner, route, contract), rules, Allowed(**allowed))
