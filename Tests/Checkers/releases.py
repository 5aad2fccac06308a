"""Records that left the quarantine: decided anew by another contract, delivered behind the others.

The notes in the checkpoint topic say which ones; everything else (the partner's records with the header, the
ledger's rows, `offsets --json`) has to say the same.
"""

import collections
from dataclasses import dataclass
from typing import Callable, Iterator

from Checkers.allowed import Allowed
from Checkers.evidence import Evidence
from Checkers.view import Expected, NotJSON, Refused, Seen

HEADER = "crossdock-released"
FIELDS = ("id", "topic", "partition", "offset", "refusedIn", "outcome")


@dataclass
class Released:
    lane: int
    batch: int
    #: delivered | filtered
    outcome: str
    #: What the partner must see of it, None where it was filtered.
    seen: Seen | None
    #: Bytes of key and value that the partner holds of it.
    size: int = 0


class Releases:
    def __init__(self, evidence: Evidence, expected: Expected, allowed: Allowed):
        self.evidence, self.allowed = evidence, allowed
        self._wrong: list[str] = []
        #: By source partition and offset.
        self.released: dict[tuple[int, int], Released] = {}
        self.others = [[one for one in records if not _is_released(one)] for records in evidence.partner]
        for note in (one.release for one in evidence.checkpoints if one.release is not None):
            for record in note["releases"]:
                if record["topic"] == evidence.topic:
                    self._add(note, record, expected)
        self._match()

    def _add(self, note: dict, record: dict, expected: Expected) -> None:
        place = (record["partition"], record["offset"])
        name = f"{self.evidence.topic}[{place[0]}]@{place[1]}"
        word, _ = expected.decisions[place[0]].get(place[1], ("not decided", None))
        if place in self.released:
            self._wrong.append(f"{name} is released twice")
        elif word != "quarantined":
            self._wrong.append(f"{name} is released and was {word}")
        elif self.allowed.released_by is None:
            self._wrong.append(f"{name} is released, and nobody asked for it")
        else:
            outcome, seen = self._decide(*place)
            if outcome != record["outcome"]:
                self._wrong.append(f"{name} is released as {record['outcome']}, computed {outcome}")
            self.released[place] = Released(note["lane"], note["batchSeq"], outcome, seen)
            # Behind the others, whatever its offset: not among what is due in order.
            expected.decisions[place[0]][place[1]] = (outcome, None)
            expected.quarantined -= 1
            setattr(expected, outcome, getattr(expected, outcome) + 1)

    def _decide(self, number: int, offset: int) -> tuple[str, Seen | None]:
        record = next(one for one in self.evidence.source[number] if one.offset == offset)
        try:
            seen = self.allowed.released_by._decide(record, len(self.evidence.partner))
        except (Refused, NotJSON):
            return "quarantined", None
        if seen is None:
            return "filtered", None
        return "delivered", seen._replace(headers=(*seen.headers, (HEADER, None)))

    def _match(self) -> None:
        """The partner's released records against what is due of them."""
        rules = self.allowed.released_by
        due = collections.defaultdict(list)
        for (number, offset), one in self.released.items():
            if one.seen is not None:
                due[repr(one.seen)].append(((number, offset), one))
        for record in (one for records in self.evidence.partner for one in records if _is_released(one)):
            where = f"partner partition {record.partition} offset {record.offset}"
            same = due[repr(rules.seen(record))] if rules else []
            if same:
                same.pop()[1].size = len(record.key or b"") + len(record.value or b"")
            else:
                self._wrong.append(f"{where}: a released record, doubled or not due: {record.value!r:.200}")
        for left in due.values():
            for (number, offset), _ in left:
                self._wrong.append(f"{self.evidence.topic}[{number}]@{offset} is released, and lost")

    # What markers count

    def before(self, marker: dict, counts: dict[str, int]) -> dict[str, int]:
        """Final figures at the marker's offset, less what was released later."""
        counts = dict(counts)
        for (number, offset), one in self.released.items():
            if number == marker["partition"] and offset < marker["nextOffset"] and one.batch > marker["batchSeq"]:
                counts["quarantined"] += 1
                counts[one.outcome] -= 1
                counts["bytes"] -= one.size
        return counts

    def between(self, number: int, old: dict, new: dict) -> int:
        """How many of a partition's records batches after the one and up to the other have released."""
        return sum(
            old["batchSeq"] < one.batch <= new["batchSeq"] for (at, _), one in self.released.items() if at == number
        )

    # What else says so

    def differences(self, name: Callable[[int], str], books: dict) -> Iterator[str]:
        yield from self._wrong
        rows = {(one.partition, one.offset) for one in self.evidence.quarantine if one.state == "released"}
        for number, offset in sorted(rows - self.released.keys()):
            yield f"{name(number)}@{offset} is released in the ledger, and no note says so"
        for number, offset in sorted(self.released.keys() - rows):
            if not self.allowed.ledger_lost:
                yield f"{name(number)}@{offset} is released, and the ledger does not know it"
        told = {
            (one["checkpointPartition"], one["checkpointOffset"]): [
                {word: record[word] for word in FIELDS} for record in one["records"]
            ]
            for one in self.evidence.offsets["releases"]
        }
        opened = {
            (one.partition, one.offset): [{word: record[word] for word in FIELDS} for record in one.release["releases"]]
            for one in self.evidence.checkpoints if one.release is not None
        }
        if told != opened:
            yield f"offsets shows other releases than stand there: {told}, opened {opened}"


def _is_released(record) -> bool:
    return any(name == HEADER for name, *_ in record.headers)
