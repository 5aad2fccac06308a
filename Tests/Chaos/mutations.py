"""Breaks the product on purpose, one way at a time, and shows which test of the suite notices.

    mutations.py [--simulation] [NAME...]      all of them, or those; prints a table

Each mutation is a few lines replaced in a copy of the sources. A text that is not there exactly once is an
error, so that code which has moved on cannot leave a mutation behind that changes nothing. The tests must
first pass on the copy as it is. With `--simulation` the simulated lane's tests are asked as well.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree
from dataclasses import dataclass

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
PLACE = REPOSITORY / ".build" / "mutations"
COPY, BUILD = PLACE / "checkout", PLACE / "build"

LOOP = "Sources/Replication/LaneLoop.swift"
RECOVERY = "Sources/Replication/LaneRecovery.swift"
REMAINS = "Sources/Replication/LaneRemains.swift"
PRODUCER = "Sources/Kafka/TransactionalProducer.swift"

CRASHES = "Tests/Chaos/test_crashes.py"
CALLS = "Tests/Chaos/test_calls.py::test_a_call_that_fails_loses_and_doubles_nothing"
DIRTY = "Tests/Chaos/test_dirty.py"
TWINS = "Tests/Cluster/test_recover.py::test_an_instance_that_was_fenced_takes_over_again"
POISON = "Tests/Cluster/test_refusals.py::test_poison_records_are_quarantined_and_the_stream_goes_on"
PLAIN = "Tests/Cluster/test_start.py::test_a_first_start_delivers_every_record_once_and_in_order"
CAMPAIGN = "Tests/Chaos/test_campaign.py::test_random_faults_lose_double_and_reorder_nothing"


@dataclass(frozen=True)
class Edit:
    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Mutation:
    name: str
    what: str
    edits: tuple[Edit, ...]
    #: Tests on real brokers, one of which must fail.
    tests: tuple[str, ...]


MUTATIONS = (
    Mutation(
        "leave-the-remains", "what a coordinator forgot to end is left to the next commit",
        (Edit(REMAINS, "if remains.isEmpty { return }", "if !remains.isEmpty || remains.isEmpty { return }"),),
        ("Tests/Chaos/test_partner.py::test_a_broker_away_past_the_timeout_of_an_open_transaction[half]",),
    ),
    Mutation(
        "skip-the-intent", "the intent is written with the mark, after the commit",
        (
            Edit(LOOP, "        try save([.intent(intent, quarantined: batch.quarantined)] + presenceChanges)\n", ""),
            Edit(
                LOOP, "        saveLater(\n            .mark(\n",
                "        saveLater(.intent(intent, quarantined: batch.quarantined))\n"
                "        saveLater(\n            .mark(\n",
            ),
        ),
        (f"{CALLS}[commit-after]", CAMPAIGN),
    ),
    Mutation(
        "ignore-a-produce-failure", "a record that the client library does not take counts as sent",
        (
            Edit(
                PRODUCER,
                "            dropHeaders()\n            throw produceFailure(error, client, topic, partition)\n",
                "            dropHeaders()\n            return .accepted\n",
            ),
            Edit(
                LOOP, "        guard acknowledged.failed == 0, acknowledged.count == batch.planned else {\n",
                "        guard acknowledged.failed == 0 else {\n",
            ),
        ),
        (f"{CALLS}[produce-before]",),
    ),
    Mutation(
        "commit-twice", "the batch is committed once more before it is let go",
        (
            Edit(
                LOOP,
                "            try deliver(pin: books.pin ?? plan.pin, next: books.pin ?? plan.pin)\n",
                "            try deliver(pin: books.pin ?? plan.pin, next: books.pin ?? plan.pin)\n"
                "            (batch.begunAt, batch.planned) = (nil, 0)\n"
                "            try deliver(pin: books.pin ?? plan.pin, next: books.pin ?? plan.pin)\n",
            ),
        ),
        (PLAIN,),
    ),
    Mutation(
        "mark-before-commit", "the ledger says committed before the partner was asked",
        (
            Edit(
                LOOP, "        let outcome = partner.commit(timeout: timeToCommit())\n",
                "        try save([\n            .mark(\n                batchSeq: intent.batchSeq,\n"
                "                checkpointOffset: acknowledged.checkpointOffset,\n"
                "                acknowledged: acknowledged.positions)\n        ])\n"
                "        let outcome = partner.commit(timeout: timeToCommit())\n",
            ),
        ),
        (f"{CRASHES}::test_killed_between_intent_and_commit", CAMPAIGN),
    ),
    Mutation(
        "drop-the-claim", "a new producer claims nothing and reads to the end that it sees",
        (
            Edit(
                RECOVERY, "        books.apply(.claim(nonce))\n        let sealed",
                "        books.apply(.claim(nonce))\n"
                "        if nonce.high | nonce.low != 0 { return .claimed(nonce, at: 0) }\n        let sealed",
            ),
            Edit(
                RECOVERY, "            guard scan == .found else { return nil }\n",
                "            guard scan != .timedOut else { return nil }\n",
            ),
        ),
        (TWINS, CAMPAIGN),
    ),
    Mutation(
        "resume-from-the-ledger-alone", "what the markers say is not compared",
        (
            Edit(
                "Sources/Replication/Reconciliation.swift",
                "    private mutating func byTheTable() -> Judgement {\n",
                "    private mutating func byTheTable() -> Judgement {\n"
                "        if !books.partitions.isEmpty {\n"
                "            if let intent = books.intent {\n"
                "                done.changes.append(.drop(batchSeq: intent.batchSeq))\n            }\n"
                "            noteAppeared()\n            return .proceed(done)\n        }\n",
            ),
        ),
        (CAMPAIGN, f"{CRASHES}::test_killed_with_end_txn_sent"),
    ),
    Mutation(
        "stage-nothing", "refused records are counted and not kept",
        (Edit(LOOP, ".intent(intent, quarantined: batch.quarantined)", ".intent(intent, quarantined: [])"),),
        (POISON,),
    ),
    Mutation(
        "ignore-the-dirty-rule", "a producer whose EndTxn may still be under way is used again",
        (
            Edit(
                PRODUCER,
                "        return isSpoilt || crossdock_wire_interrupted(client.context.wire) != 0\n",
                "        return crossdock_wire_interrupted(client.context.wire) < 0\n",
            ),
        ),
        (f"{DIRTY}::test_an_end_that_comes_late_meets_another_epoch",),
    ),
    Mutation(
        "drop-a-marker", "a batch's first partition gets no marker",
        (
            Edit(
                LOOP, "        for step in intent.progress { try produceMarker(step, intent, acts) }\n",
                "        for step in intent.progress.dropFirst() { try produceMarker(step, intent, acts) }\n",
            ),
        ),
        (PLAIN,),
    ),
    Mutation(
        "no-fingerprint-check", "the source's last records are not compared",
        (Edit("Sources/Replication/LaneChecks.swift", "        try checkFingerprints(marks)\n", ""),),
        ("Tests/Cluster/test_halts.py::test_a_source_recreated_and_filled_beyond_the_position_halts",),
    ),
    Mutation(
        "replay-without-rewind", "after an abort the batch's figures stay",
        (
            Edit(
                LOOP,
                "        for index in slots.indices { slots[index].rewind() }\n        ends = []",
                "        ends = []",
            ),
        ),
        ("Tests/Chaos/test_calls.py::test_an_aborted_batch_is_decided_again",),
    ),
    Mutation(
        "unknown-taken-for-committed", "a commit without a certain outcome counts as done",
        (
            Edit(
                LOOP, "            world.report(.unknownOutcome(why))\n            throw Renew(cause: .renew(why))\n",
                "            world.report(.unknownOutcome(why))\n            try committed(intent, acknowledged)\n",
            ),
        ),
        (f"{CALLS}[commit-before]",),
    ),
    Mutation(
        "unknown-taken-for-aborted", "a commit without a certain outcome counts as not done",
        (
            Edit(
                LOOP, "            world.report(.unknownOutcome(why))\n            throw Renew(cause: .renew(why))\n",
                "            world.report(.unknownOutcome(why))\n"
                "            try save([.drop(batchSeq: intent.batchSeq)])\n"
                "            throw Renew(cause: .renew(why))\n",
            ),
        ),
        (f"{CALLS}[commit-after]",),
    ),
)


def sync() -> None:
    """Makes the copy equal to the repository, and leaves alone what is equal: builds stay incremental."""
    listing = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z", "Package.swift", "Sources", "Tests"],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    ).stdout
    wanted = {name for name in listing.split("\0") if name and (REPOSITORY / name).is_file()}
    for name in wanted:
        source, target = REPOSITORY / name, COPY / name
        if not target.exists() or target.read_bytes() != source.read_bytes():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    for path in list(COPY.rglob("*")):
        if path.is_file() and str(path.relative_to(COPY)) not in wanted:
            path.unlink()


def mutated(mutation: Mutation, root: pathlib.Path) -> dict[str, str]:
    """Texts of the files that the mutation changes, by name."""
    texts: dict[str, str] = {}
    for edit in mutation.edits:
        text = texts.get(edit.file) or (root / edit.file).read_text()
        if text.count(edit.old) != 1:
            raise SystemExit(f"{mutation.name}: {edit.file} holds {text.count(edit.old)} times:\n{edit.old}")
        texts[edit.file] = text.replace(edit.old, edit.new)
    return texts


def run(*command: str, **options) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["nice", "-n", "10", *command], capture_output=True, text=True, timeout=1800, **options
    )


def build() -> None:
    done = run("swift", "build", "--product", "crossdock", "--package-path", str(COPY), "--scratch-path", str(BUILD))
    if done.returncode != 0:
        raise SystemExit(f"it does not build:\n{done.stdout[-3000:]}{done.stderr[-2000:]}")


@dataclass
class Verdict:
    #: The first test that failed, None where all passed.
    test: str | None
    #: What it said, in a few words.
    words: str = ""


def ask(tests: tuple[str, ...]) -> Verdict:
    with tempfile.TemporaryDirectory(prefix="crossdock-mutations-") as directory:
        report = pathlib.Path(directory) / "report.xml"
        done = run(
            sys.executable, "-m", "pytest", "-c", "Tests/pytest.ini", "-x", "-q", "--junit-xml", str(report),
            "--basetemp", f"{directory}/tests", *tests, cwd=REPOSITORY,
            env=dict(
                os.environ, CI="true", CROSSDOCK_BINARY=str(BUILD / "debug" / "crossdock"),
                CROSSDOCK_FAULTS="30", CROSSDOCK_SEED="4",
            ),
        )
        if done.returncode not in (0, 1):
            raise SystemExit(f"pytest: exit {done.returncode}:\n{done.stdout[-3000:]}")
        for case in xml.etree.ElementTree.parse(report).iter("testcase"):
            failure = case.find("failure")
            if failure is None:
                failure = case.find("error")
            if failure is not None:
                return Verdict(case.get("name"), _words(failure.get("message") or ""))
    return Verdict(None)


def _words(message: str) -> str:
    """Of a failure: what was not proven, or its first line; and as what lanes had halted by then."""
    lines = [line.strip() for line in message.splitlines()]
    proven = [line for line in lines[1:] if re.match(r"[a-z ]+: ", line)] if "not proven:" in message else []
    words = re.sub(r"[\w.]*NotProven: |AssertionError: |: Seen\(.*|; its log ends:.*|[|`]", "", (proven or lines)[0])
    # Topics of a test have names of their own.
    words = re.sub(r"flights\.[0-9a-f]{8}", "flights", words)
    halts = sorted(set(re.findall(r"halted .*?reason=([a-z-]+)", message)))
    return words[:120].rstrip(":") + "".join(f"; halted as {halt}" for halt in halts)


def simulate() -> Verdict:
    done = run("swift", "test", "--filter", "SimulationTests", "--package-path", str(COPY), "--scratch-path", str(BUILD))
    failed = re.findall(r"✘ Test (.+?) (?:recorded an issue|failed)", done.stdout + done.stderr)
    if done.returncode != 0 and not failed:
        return Verdict("the suite", (done.stdout + done.stderr).strip().splitlines()[-1])
    return Verdict(failed[0].strip('"')[:80] if failed else None)


def main(words: list[str]) -> int:
    simulates = "--simulation" in words
    names = [word for word in words if word != "--simulation"]
    chosen = [one for one in MUTATIONS if not names or one.name in names]
    if unknown := set(names) - {one.name for one in MUTATIONS}:
        raise SystemExit(f"no mutation is called {', '.join(sorted(unknown))}")
    sync()
    build()
    tests = tuple(dict.fromkeys(test for one in chosen for test in one.tests))
    if (whole := ask(tests)).test is not None:
        raise SystemExit(f"nothing is broken and {whole.test} fails: {whole.words}")
    print(f"unbroken: {len(tests)} tests pass", file=sys.stderr, flush=True)
    rows = ["| mutation | what it does | caught by | as | verdict |", "|---|---|---|---|---|"]
    survivors = 0
    for one in chosen:
        sync()
        for name, text in mutated(one, COPY).items():
            (COPY / name).write_text(text)
        build()
        found = [Verdict(None)] if not one.tests else [ask(one.tests)]
        if simulates:
            found.append(simulate())
        caught = [f"`{verdict.test}`" for verdict in found if verdict.test is not None]
        survivors += not caught
        said = next((verdict.words for verdict in found if verdict.words), "")
        rows.append(
            f"| {one.name} | {one.what} | {'<br>'.join(caught)} | {said} | {'caught' if caught else 'SURVIVED'} |"
        )
        print(rows[-1], file=sys.stderr, flush=True)
    sync()
    print("\n".join(rows))
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
