"""The proof: exactly once, or what differs, by partition and offset.

It shares nothing with the service. What must stand at the partner is computed from the source (view.py), the
markers are opened by another library (markers.py), the ledger is read from a copy (ledger.py). Every check
yields a sentence for each difference that it finds; `prove` runs all of them.
"""

import bisect
import collections
import itertools
from typing import Iterator

from Checkers.allowed import Allowed, NotProven
from Checkers.evidence import Evidence
from Checkers.markers import COUNTS, Checkpoint
from Checkers.releases import Releases
from Checkers.view import Expected, Seen, View

#: Kinds of rows whose offsets this ledger did not see decided.
SECOND_HAND = ("ledger-gap", "unaccounted")


def prove(evidence: Evidence, rules: View, allowed: Allowed | None = None) -> Expected:
    """Raises `NotProven` with all that differs; else gives back what was expected of the decided records."""
    case = Case(evidence, rules, allowed or Allowed())
    found = {name: list(check(case)) for name, check in CHECKS.items()}
    if any(found.values()):
        raise NotProven({name: sentences for name, sentences in found.items() if sentences})
    return case.expected


class Case:
    """The evidence, and what is computed from it."""

    def __init__(self, evidence: Evidence, rules: View, allowed: Allowed):
        self.evidence, self.rules, self.allowed = evidence, rules, allowed
        self.books = {one.number: one for one in evidence.partitions}
        decided = [
            [one for one in records if self._is_decided(number, one.offset)]
            for number, records in enumerate(evidence.source)
        ]
        self.expected = rules.expect(decided, len(evidence.partner))
        self.releases = Releases(evidence, self.expected, self.allowed)
        #: What stands in the order of its source, by partner partition.
        self.partner = self.releases.others
        #: (source offset, what the partner sees of it), by source partition, in the order of delivery.
        self.deliveries = [list(self._deliveries(number)) for number in range(len(decided))]
        for number, deliveries in enumerate(self.deliveries):
            self.expected.by_source[number] = [seen for _, seen in deliveries]
        self.sizes = self._sizes()
        self._sums = [self._summed(number) for number in range(len(decided))]

    def _is_decided(self, number: int, offset: int) -> bool:
        if offset < self.allowed.starts.get(number, 0):
            return False
        if any(start <= offset < end for start, end in self.allowed.gaps.get(number, [])):
            return False
        # Where the service must have caught up, a book that is short is a difference and no excuse.
        return self.allowed.caught_up or (number in self.books and offset < self.books[number].decided)

    def _deliveries(self, number: int) -> Iterator[tuple[int, Seen]]:
        """Offsets as the lane went over them."""
        decisions = sorted(self.expected.decisions[number].items())
        start = 0
        for again, end in [*self.allowed.resent.get(number, []), (None, None)]:
            for offset, (_, seen) in decisions:
                if seen is not None and offset >= start and (end is None or offset < end):
                    yield offset, seen
            start = again

    def _sizes(self) -> list[dict[int, int]]:
        """Bytes of key and value that the partner holds of a record, by source partition and offset."""
        held: dict[tuple, collections.deque] = collections.defaultdict(collections.deque)
        for records in self.partner:
            for record in records:
                held[self._place(record.partition, record.key)].append(
                    len(record.key or b"") + len(record.value or b"")
                )
        sizes: list[dict[int, int]] = [{} for _ in self.deliveries]
        for number, deliveries in enumerate(self.deliveries):
            for offset, seen in deliveries:
                left = held[self._place(seen.partition, seen.key)]
                sizes[number][offset] = left.popleft() if left else 0
        for (number, offset), one in self.releases.released.items():
            sizes[number][offset] = one.size
        return sizes

    def _place(self, partition: int, key: bytes | None) -> tuple:
        """Within it the partner's order is the source's."""
        return (partition,) if self.rules.partition == "keep" else (partition, key)

    def _summed(self, number: int) -> tuple[list[int], dict[str, list[int]]]:
        decisions = sorted(self.expected.decisions[number].items())
        sums: dict[str, list[int]] = {
            word: [0, *itertools.accumulate(int(decision == word) for _, (decision, _) in decisions)]
            for word in ("delivered", "filtered", "dropped", "quarantined")
        }
        sums["bytes"] = [0, *itertools.accumulate(self.sizes[number].get(at, 0) for at, _ in decisions)]
        return [offset for offset, _ in decisions], sums

    def counts(self, number: int, start: int, end: int) -> dict[str, int]:
        """What was decided of the offsets from `start` up to `end`, by our own count."""
        offsets, sums = self._sums[number]
        first, last = bisect.bisect_left(offsets, start), bisect.bisect_left(offsets, end)
        counts = {word: values[last] - values[first] for word, values in sums.items()}
        counts["gaps"] = sum(
            max(0, min(end, to) - max(start, at)) for at, to in self.allowed.gaps.get(number, [])
        )
        counts["read"] = sum(counts[word] for word in COUNTS if word not in ("read", "bytes"))
        return counts

    def walked(self, number: int, end: int) -> dict[str, int]:
        """Cumulative at `end`, every lap counted."""
        total = collections.Counter()
        start = 0
        for again, turn in self.allowed.resent.get(number, []):
            total.update(self.counts(number, start, turn))
            start = again
        total.update(self.counts(number, start, end))
        return {word: total[word] for word in COUNTS}

    def is_second_hand(self, number: int, offset: int) -> bool:
        return number in self.books and any(
            one.kind in SECOND_HAND and one.start <= offset < one.end for one in self.books[number].ranges
        )

    def name(self, number: int) -> str:
        return f"{self.evidence.topic}[{number}]"

    @property
    def history(self) -> list[Checkpoint]:
        """The topic's markers, in order."""
        return [
            one for one in self.evidence.checkpoints
            if one.marker is not None and one.marker["topic"] == self.evidence.topic
        ]


def _differences(where: str, said: dict, computed: dict, words=COUNTS) -> Iterator[str]:
    for word in words:
        if said[word] != computed[word]:
            yield f"{where}: {word} is {said[word]}, computed {computed[word]}"


def _identity(where: str, counts: dict) -> Iterator[str]:
    parts = ("delivered", "filtered", "dropped", "quarantined", "gaps")
    if counts["read"] != sum(counts[part] for part in parts):
        yield f"{where}: the identity does not hold: " + ", ".join(f"{word} {counts[word]}" for word in COUNTS)


# The partner's view


def partner_view(case: Case) -> Iterator[str]:
    """Each delivered record once, with the right content, in the order of its source partition (or key)."""
    wanted: dict[tuple, list] = collections.defaultdict(list)
    found: dict[tuple, list] = collections.defaultdict(list)
    for number, deliveries in enumerate(case.deliveries):
        for offset, seen in deliveries:
            wanted[case._place(seen.partition, seen.key)].append((f"{case.name(number)}@{offset}", repr(seen)))
    for records in case.partner:
        for record in records:
            seen = repr(case.rules.seen(record))
            found[case._place(record.partition, record.key)].append((f"offset {record.offset}", seen))
    for place in sorted(wanted.keys() | found.keys(), key=repr):
        where = f"partner partition {place[0]}" + (f", key {place[1]!r}" if len(place) > 1 else "")
        yield from _compared(where, wanted[place], found[place])


def _compared(where: str, wanted: list[tuple[str, str]], found: list[tuple[str, str]]) -> Iterator[str]:
    if [seen for _, seen in wanted] == [seen for _, seen in found]:
        return
    due = collections.Counter(seen for _, seen in wanted)
    there = collections.Counter(seen for _, seen in found)
    lost, surplus = due - there, there - due
    for source, seen in wanted:
        if lost[seen] > 0:
            lost[seen] -= 1
            yield f"{where}: lost {source}: {seen[:200]}"
    for place, seen in reversed(found):
        if surplus[seen] > 0:
            surplus[seen] -= 1
            yield f"{where}: {'doubled' if due[seen] else 'not due'} at {place}: {seen[:200]}"
    if due == there:
        at = next(at for at, (left, right) in enumerate(zip(wanted, found)) if left[1] != right[1])
        yield f"{where}: reordered from {found[at][0]} on, where {wanted[at][0]} was due"


def no_open_transaction(case: Case) -> Iterator[str]:
    for topic in case.evidence.open_in:
        yield f"a transaction is open in {topic}"


# The ledger


def ledger_covers(case: Case) -> Iterator[str]:
    """Every offset from the contract's start to the decided one lies in exactly one row, gaps in rows of
    their own; and nothing else does."""
    if set(case.books) != set(range(len(case.evidence.source))) and case.allowed.caught_up:
        yield f"the books hold partitions {sorted(case.books)} of {len(case.evidence.source)}"
    for number, book in case.books.items():
        where = case.name(number)
        # A ledger that was lost does not know where the contract began.
        position = book.ranges[0].start if book.ranges else book.decided
        if position > case.allowed.starts.get(number, 0) and case.allowed.source_whole:
            yield f"{where}: the first row begins at {position}"
        for one in book.ranges:
            if one.start != position:
                what = "nothing covers" if one.start > position else "two rows cover"
                yield f"{where}: {what} offsets {min(position, one.start)} to {max(position, one.start)}"
            position = one.end
        if position != book.decided:
            yield f"{where}: rows end at {position}, decided is {book.decided}"
        if case.allowed.caught_up and book.decided != case.evidence.source_ends[number]:
            yield f"{where}: decided is {book.decided}, the source ends at {case.evidence.source_ends[number]}"
        given_up = [(one.start, one.end) for one in book.ranges if one.kind == "gap"]
        if given_up != sorted(case.allowed.gaps.get(number, [])) and not case.allowed.ledger_lost:
            yield f"{where}: gaps {given_up}, accepted were {case.allowed.gaps.get(number, [])}"
        for one in book.ranges:
            if one.kind in SECOND_HAND and not case.allowed.ledger_lost and case.allowed.source_whole:
                yield f"{where}: offsets {one.start} to {one.end} are {one.kind}, and no ledger was lost"


def ledger_counts(case: Case) -> Iterator[str]:
    """Usage: each row's figures, and each partition's, are what the source's records and the partner's bytes
    make of these offsets; what a row delivered, a version has decided."""
    for number, book in case.books.items():
        where = case.name(number)
        yield from _identity(where, book.counts)
        for one in book.ranges:
            row = f"{where}: row {one.start} to {one.end} ({one.kind})"
            yield from _identity(row, one.counts)
            if one.kind in ("decided", "filtered") and one.version is None:
                yield f"{row}: no version decided it"
            if case.allowed.source_whole and not (number in case.allowed.resent and one.kind == "unaccounted"):
                yield from _differences(row, one.counts, case.counts(number, one.start, one.end))
        if case.allowed.source_whole:
            yield from _differences(f"{where}: books", book.counts, case.walked(number, book.decided))


def nothing_left_open(case: Case) -> Iterator[str]:
    for number, lane in case.evidence.lanes.items():
        if lane.has_intent:
            yield f"lane {number}: an intent is open"
        if lane.staged:
            yield f"lane {number}: {lane.staged} quarantined records are staged"
        if lane.staged_presence:
            yield f"lane {number}: {lane.staged_presence} changes of the keys that the partner holds are staged"


def presence(case: Case) -> Iterator[str]:
    """The ledger holds as many keys as delivered are present at the partner; an index is kept where the stream
    retracts, and nowhere else."""
    for number, book in case.books.items():
        if case.rules.retract != (book.held is not None):
            yield f"{case.name(number)}: an index of keys is {'not ' if book.held is None else ''}kept"
        elif book.held is not None and book.held != len(case.expected.held[number]):
            yield f"{case.name(number)}: {book.held} keys are held, computed {len(case.expected.held[number])}"


def quarantine(case: Case) -> Iterator[str]:
    """Each refused record has one row; no other record has one."""
    if not case.allowed.source_whole:
        return
    refused = {
        (number, offset) for number, decisions in enumerate(case.expected.decisions)
        for offset, (word, _) in decisions.items() if word == "quarantined"
    }
    rows = collections.Counter(
        (one.partition, one.offset) for one in case.evidence.quarantine if one.state != "released"
    )
    for number, offset in sorted(rows.keys() - refused):
        yield f"{case.name(number)}@{offset} is in the quarantine and conforms"
    for (number, offset), count in sorted(rows.items()):
        if count > 1:
            yield f"{case.name(number)}@{offset} is {count} times in the quarantine"
    for number, offset in sorted(refused - rows.keys()):
        if not case.is_second_hand(number, offset):
            yield f"{case.name(number)}@{offset} was refused and is not in the quarantine"
    for one in case.evidence.quarantine:
        if one.state == "unproven" and not case.is_second_hand(one.partition, one.offset):
            yield f"{case.name(one.partition)}@{one.offset} is in the quarantine as unproven"


# The markers


def markers_open(case: Case) -> Iterator[str]:
    """Each record under the contract's keys opens, here and in `offsets --json --history`, to the same."""
    for one in case.evidence.checkpoints:
        if one.wrong is not None:
            yield f"checkpoint record {one.partition}@{one.offset}: {one.wrong}"
    said = case.evidence.offsets
    for one in said["unopened"]:
        yield f"offsets: {one['checkpointPartition']}@{one['checkpointOffset']}: {one['why']}"
    told = {(one["checkpointPartition"], one["checkpointOffset"]): one for one in said["history"]}
    opened = {(one.partition, one.offset): one.marker for one in case.evidence.checkpoints if one.marker}
    for place in sorted(told.keys() ^ opened.keys()):
        by = "offsets alone" if place in told else "us alone"
        yield f"checkpoint record {place[0]}@{place[1]} is a marker for {by}"
    for place in sorted(told.keys() & opened.keys()):
        one, marker = told[place], opened[place]
        where = f"checkpoint record {place[0]}@{place[1]}: offsets"
        for word in ("topic", "partition", "lane", "nextOffset", "batchSeq", "nonce", "digest", "chain"):
            if one[word] != marker[word]:
                yield f"{where}: {word} is {one[word]}, opened {marker[word]}"
        yield from _differences(where, one, marker["counts"])
        if one["contract"] != marker["pin"] or one["next"] != marker["next"]:
            yield f"{where}: contract {one['contract']}, {one['next']}; {marker['pin']}, {marker['next']}"
        if [act["id"] for act in one["acts"]] != [act["id"] for act in marker["acts"]]:
            yield f"{where}: other acts"
    newest = {one["partition"]: one for one in said["partitions"] if one["topic"] == case.evidence.topic}
    for number, marker in _newest(case).items():
        if newest.get(number, {}).get("nonce") != marker["nonce"]:
            yield f"{case.name(number)}: offsets shows another marker than the newest"


def _newest(case: Case) -> dict[int, dict]:
    return {one.marker["partition"]: one.marker for one in case.history}


def markers_rise(case: Case) -> Iterator[str]:
    """Per source partition the next offset and every count never fall and the batch number rises; per lane
    batch numbers rise, and one of them is one attempt."""
    if case.allowed.markers_replayed:
        return
    before: dict[int, Checkpoint] = {}
    attempts: dict[tuple[int, int], tuple] = {}
    lanes: dict[int, int] = {}
    for one in case.history:
        marker = one.marker
        number, lane = marker["partition"], marker["lane"]
        where = f"{case.name(number)}: marker {one.partition}@{one.offset}"
        yield from _identity(where, marker["counts"])
        if number in before:
            yield from _risen(case, where, before[number].marker, marker)
        before[number] = one
        if marker["batchSeq"] < lanes.get(lane, 0):
            yield f"{where}: batch {marker['batchSeq']} after batch {lanes[lane]} of lane {lane}"
        lanes[lane] = max(lanes.get(lane, 0), marker["batchSeq"])
        attempt = (marker["nonce"], marker["digest"])
        if attempts.setdefault((lane, marker["batchSeq"]), attempt) != attempt:
            yield f"{where}: batch {marker['batchSeq']} of lane {lane} was committed twice"


def _risen(case: Case, where: str, old: dict, new: dict) -> Iterator[str]:
    turns = [(end, start) for start, end in case.allowed.resent.get(new["partition"], [])]
    if new["nextOffset"] < old["nextOffset"] and case.allowed.source_whole:
        if not any(start <= new["nextOffset"] and old["nextOffset"] <= end for end, start in turns):
            yield f"{where}: next offset falls from {old['nextOffset']} to {new['nextOffset']}"
    if new["batchSeq"] <= old["batchSeq"]:
        yield f"{where}: batch {new['batchSeq']} after batch {old['batchSeq']}"
    for word in COUNTS:
        fell = case.releases.between(new["partition"], old, new) if word == "quarantined" else 0
        if new["counts"][word] < old["counts"][word] - fell:
            yield f"{where}: {word} falls from {old['counts'][word]} to {new['counts'][word]}"


def markers_count(case: Case) -> Iterator[str]:
    """Each marker's figures are our own at its offset, and its acknowledged offsets exist at the partner."""
    if not case.allowed.source_whole:
        return
    ends = [records[-1].offset if records else -1 for records in case.evidence.partner]
    for one in case.history:
        marker = one.marker
        number = marker["partition"]
        where = f"{case.name(number)}: marker {one.partition}@{one.offset} at {marker['nextOffset']}"
        if number not in case.allowed.resent:
            computed = case.releases.before(marker, case.walked(number, marker["nextOffset"]))
            yield from _differences(where, marker["counts"], computed)
        for position in marker["acknowledged"]:
            if position["partition"] < len(ends) and position["offset"] > ends[position["partition"]]:
                yield f"{where}: acknowledged {position['offset']} of partner partition {position['partition']}, " \
                    f"which ends with {ends[position['partition']]}"


def markers_equal_ledger(case: Case) -> Iterator[str]:
    """The newest marker of a partition is the one that the ledger knows."""
    newest = _newest(case)
    for number, book in case.books.items():
        where, marker = case.name(number), newest.get(number)
        known = marker and (marker["nextOffset"], marker["batchSeq"], marker["nonce"])
        if known != book.marker:
            yield f"{where}: the newest marker is {known}, the ledger knows {book.marker}"
        if marker is None:
            continue
        if book.decided < marker["nextOffset"]:
            yield f"{where}: decided is {book.decided}, the marker says {marker['nextOffset']}"
        if book.chain != marker["chain"]:
            yield f"{where}: the chain's head is another in the ledger than in the marker"
        lane = case.evidence.lanes[book.lane]
        if lane.last_batch_seq < marker["batchSeq"]:
            yield f"{where}: lane {book.lane} knows batch {lane.last_batch_seq}, the marker is of {marker['batchSeq']}"
        clusters = {"source": lane.source_cluster, "partner": lane.partner_cluster}
        if marker["clusters"] != clusters:
            yield f"{where}: clusters {marker['clusters']} in the marker, {clusters} in the ledger"


def releases(case: Case) -> Iterator[str]:
    """What left the quarantine left once, as the contract of then decides, and is on record everywhere."""
    yield from case.releases.differences(case.name, case.books)


# What others are told


def group_offsets(case: Case) -> Iterator[str]:
    """The source group is never beyond what is decided."""
    for number, offset in enumerate(case.evidence.group):
        book = case.books.get(number)
        if offset is not None and offset > (book.decided if book else 0):
            yield f"{case.name(number)}: the group is at {offset}, decided is {book.decided if book else 'nothing'}"


def lag_report(case: Case) -> Iterator[str]:
    """`lag --json` shows the books, and no lag where all is decided."""
    rows = {row["partition"]: row for row in case.evidence.lag["partitions"] if row["stream"] == case.evidence.topic}
    for number, book in case.books.items():
        row, where = rows.get(number), f"{case.name(number)}: lag"
        if row is None:
            yield f"{where}: no row"
            continue
        if row["currentOffset"] != book.decided:
            yield f"{where}: CURRENT-OFFSET {row['currentOffset']}, decided is {book.decided}"
        yield from _differences(where, row, book.counts, [word for word in COUNTS if word != "bytes"])
        end = case.evidence.source_ends[number]
        if case.allowed.caught_up and (row["lag"], row["logEndOffset"]) != (0, end):
            yield f"{where}: LAG {row['lag']} to LOG-END-OFFSET {row['logEndOffset']}, the source ends at {end}"


CHECKS = {
    check.__name__.replace("_", " "): check for check in (
        partner_view, no_open_transaction, ledger_covers, ledger_counts, nothing_left_open, presence, quarantine,
        markers_open, markers_rise, markers_count, markers_equal_ledger, releases, group_offsets, lag_report,
    )
}
