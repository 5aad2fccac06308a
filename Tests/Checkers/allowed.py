"""What a proof may find without being broken, and how it says what it may not."""

from dataclasses import dataclass, field

from Checkers.view import View

Ranges = dict[int, list[tuple[int, int]]]

#: A difference is told so often, then only counted.
TOLD = 5


@dataclass
class Allowed:
    """What an operator's choice, or the test's own doing, explains."""

    #: Source offsets given up by an accepted gap, by partition: [from, to).
    gaps: Ranges = field(default_factory=dict)
    #: What was delivered a second time by choice, by partition: at `to` the lane went back to `from`.
    resent: Ranges = field(default_factory=dict)
    #: Where the contract began, by partition, where that is not offset 0.
    starts: dict[int, int] = field(default_factory=dict)
    #: The ledger was lost, or is not the only one that there was: of some offsets it knows figures alone.
    ledger_lost: bool = False
    #: Whether the service has decided all that the source holds.
    caught_up: bool = True
    #: Whether the source holds all that the service has ever decided: else figures are not recomputed.
    source_whole: bool = True
    #: The test wrote old markers behind newer ones, as a restored checkpoint topic would hold them.
    markers_replayed: bool = False
    #: The contract that released records were decided by, in the checker's terms; None: nothing was released.
    released_by: View | None = None


class NotProven(AssertionError):
    """What differs, a sentence each, by check."""

    def __init__(self, found: dict[str, list[str]]):
        self.found = found
        lines = []
        for check, sentences in found.items():
            lines += [f"{check}: {sentence}" for sentence in sentences[:TOLD]]
            if len(sentences) > TOLD:
                lines.append(f"{check}: and {len(sentences) - TOLD} more")
        super().__init__("not proven:\n  " + "\n  ".join(lines))
