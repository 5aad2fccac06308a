"""Random faults, one after the other, on a stream that is fed all the time; a proof after every few of them.

A campaign is drawn from its seed: the kinds and their order from a shuffled deck, each fault's particulars from
dice of its own. Only the machine's timing differs between two runs with one seed.
"""

import collections
import pathlib
import random
import shutil
import signal
import time
from dataclasses import dataclass

from Chaos.harness.faults import FaultedService, Faults
from Chaos.harness.feeder import Feeder
from Chaos.harness.frames import END_TXN, FrameProxy
from Chaos.harness.toxics import Toxiproxy
from Cluster.harness import flights, topics
from Cluster.harness.processes import wait_until
from Cluster.harness.proof import exactly_once
from Cluster.harness.service import Workspace

#: Kinds by how many cards of the deck are theirs. Most are deaths between an intent and its mark.
DECK = {
    "failpoint in an open intent": 14, "failpoint elsewhere": 4, "kill": 4,
    "sigterm": 3, "sigstop": 3,
    "ledger deleted": 1, "ledger restored": 2, "twin": 2, "zombie": 1,
    "partner killed": 1, "source killed": 1, "partner paused": 2, "source paused": 1,
    "reset": 3, "latency": 2, "bandwidth": 1, "black hole": 2, "EndTxn reply lost": 3,
}
#: The intent is written before the flush.
OPEN = (
    "intent-after", "flush-before", "flush-after", "commit-before", "commit-after", "end-txn-before",
    "end-txn-after",
)
ELSEWHERE = {
    "begin-before": 6, "begin-after": 6, "produce-before": 60, "intent-before": 6, "mark-after": 3,
    "init-before": 2, "init-after": 2, "claim-begin-after": 2, "claim-flush-after": 2, "claim-commit-before": 2,
    "claim-end-txn-after": 2, "claim-commit-after": 2, "scan-before": 3, "assign-after": 2, "nonce-before": 2,
}
#: These end a run of the service.
ENDING = {
    "failpoint in an open intent", "failpoint elsewhere", "kill", "sigterm", "ledger deleted", "ledger restored",
    "twin", "zombie", "proof",
}
TRANSACTION_TIMEOUT = 10


@dataclass
class Fault:
    kind: str
    dice: random.Random
    #: A failpoint's plan, for the run that it is to end.
    plan: str = ""
    is_done: bool = False


def draw(seed: int, count: int, proof_every: int) -> list[Fault]:
    """The campaign's faults in order, with proofs between them and at the end."""
    dice = random.Random(seed)
    faults: list[Fault] = []
    deck: list[str] = []
    for number in range(count):
        if not deck:
            deck = [kind for kind, cards in DECK.items() for _ in range(cards)]
            dice.shuffle(deck)
        fault = Fault(deck.pop(), random.Random(f"{seed}/{number}"))
        if fault.kind == "failpoint in an open intent":
            fault.plan = f"{fault.dice.choice(OPEN)}:{fault.dice.randint(1, 12)}:kill"
        elif fault.kind == "failpoint elsewhere":
            point = fault.dice.choice(sorted(ELSEWHERE))
            fault.plan = f"{point}:{fault.dice.randint(1, ELSEWHERE[point])}:kill"
        faults.append(fault)
        if (number + 1) % proof_every == 0 and number + 1 < count:
            faults.append(Fault("proof", dice))
    return [*faults, Fault("proof", dice)]


@dataclass
class Tally:
    kinds: collections.Counter
    kills: int = 0
    in_transaction: int = 0
    in_intent: int = 0
    halts: int = 0
    proofs: int = 0
    seconds: float = 0


class Campaign:
    def __init__(
        self, seed: int, clusters, route, directory: pathlib.Path, faults: Faults, frames: FrameProxy,
        toxics: Toxiproxy,
    ):
        """`frames` stands on the partner's detour and leads to `toxics`."""
        self.tally = Tally(collections.Counter())
        self._seed, self._clusters, self._route, self._faults = seed, clusters, route, faults
        self._frames, self._toxics = frames, toxics
        self._directory = directory
        self._main = self._workspace("main")
        self._twin: Workspace | None = None
        self._copies: list[pathlib.Path] = []
        self._script: list[Fault] = []
        self._at = 0
        self._run: FaultedService | None = None
        self._planned: Fault | None = None
        self._ledger_lost = False
        self._feeder = Feeder(
            clusters.internal, route.source, len(topics.partitions_of(clusters.internal, route.source)), 150,
            random.Random(f"{seed}/feeder"),
        )

    def _workspace(self, name: str) -> Workspace:
        directory = self._directory / name
        directory.mkdir()
        made = Workspace(directory, self._clusters.internal, lanes=2, skyways={
            "bootstrap.servers": self._clusters.skyways.detour.bootstrap,
            "transaction.timeout.ms": str(1000 * TRANSACTION_TIMEOUT),
        })
        made.contract(flights.contract(
            self._route.source, self._route.target, max_records=100, tombstones="forward"
        ))
        return made

    def close(self) -> None:
        self._feeder.close()
        for space in (self._main, self._twin):
            if space is not None:
                space.close()

    # The order of events

    def perform(self, script: list[Fault]) -> None:
        """Carries the faults out, in order; raises with the fault's number where one is not survived."""
        self._script, self._at = script, 0
        for self._at, fault in enumerate(script):
            began = time.monotonic()
            if self._run is None:
                self._start()
            try:
                self._perform(fault)
            except BaseException as failure:
                failure.add_note(
                    f"fault {self._at} of seed {self._seed}: {fault.kind} {fault.plan}; before it: "
                    + ", ".join(f"{one.kind} {one.plan}".strip() for one in script[:self._at][-6:])
                    + f"\nthe log ends:\n{self._main.logs[-3000:]}"
                )
                raise
            if fault.kind != "proof":
                self.tally.kinds[fault.kind] += 1
                self.tally.seconds += time.monotonic() - began

    def _perform(self, fault: Fault) -> None:
        if fault.plan:
            if not fault.is_done:
                self._run.await_kill(90)
                self._reap()
            return
        self._reap()
        if self._run is None:
            self._start()
        getattr(self, "_do_" + fault.kind.replace(" ", "_").lower())(fault.dice)

    def _start(self) -> None:
        """A run with the plan of the next fault that is to end it, where that is a failpoint."""
        ending = next(one for one in self._script[self._at:] if one.kind in ENDING and not one.is_done)
        self._planned = ending if ending.plan else None
        self._run = self._faults.start(self._main, ending.plan)

    def _reap(self) -> None:
        """A run that its plan has ended may have ended before its turn: amid another fault."""
        if self._run is None or self._run.service.runs:
            return
        assert self._run.hits(), f"the service ended by itself, exit {self._run.service.process.returncode}"
        self._planned.is_done = True
        self._measure(self._run)
        self._run = None

    def _measure(self, run: FaultedService) -> None:
        self.tally.kills += 1
        self.tally.in_transaction += run.in_transaction
        self.tally.in_intent += run.open_intents() > 0

    def _kill(self, run: FaultedService) -> None:
        run.service.kill()
        self._measure(run)

    # The process

    def _do_kill(self, dice: random.Random) -> None:
        time.sleep(dice.uniform(0, 1.5))
        if 2 * self.tally.in_intent < self.tally.kills:
            wait_until(lambda: self._run.in_transaction, "an open transaction", 60, every=0.002)
        self._kill(self._run)
        if dice.random() < 0.5:
            self._copies.append(self._directory / f"copy-{len(self._copies)}")
            shutil.copytree(self._main.ledger.parent, self._copies[-1])
        self._run = None

    def _do_sigterm(self, dice: random.Random) -> None:
        time.sleep(dice.uniform(0, 1.5))
        self._stop()

    def _stop(self) -> None:
        self._terminate(self._run)
        self._run = None

    @staticmethod
    def _terminate(run: FaultedService) -> None:
        code = run.service.stop()
        # A process that has not said that it started has not come to blocking signals yet.
        is_early = code == -signal.SIGTERM and " started " not in run.service.log
        assert code == 0 or is_early, f"exit {code} after SIGTERM:\n{run.service.log[-2000:]}"

    def _do_sigstop(self, dice: random.Random) -> None:
        # Now and then past the transaction's timeout.
        seconds = TRANSACTION_TIMEOUT + 2 if dice.random() < 0.15 else dice.uniform(0.1, 1.5)
        time.sleep(dice.uniform(0, 0.5))
        process = self._run.service.process
        process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        process.send_signal(signal.SIGCONT)

    # The ledger

    def _do_ledger_deleted(self, dice: random.Random) -> None:
        self._do_kill(dice)
        shutil.rmtree(self._main.ledger.parent)
        self._ledger_lost = True

    def _do_ledger_restored(self, dice: random.Random) -> None:
        self._do_kill(dice)
        if not self._copies:
            self._copies.append(self._directory / "copy-first")
            shutil.copytree(self._main.ledger.parent, self._copies[-1])
            self._start()
            self._await_deliveries()
            self._kill(self._run)
            self._run = None
        shutil.rmtree(self._main.ledger.parent)
        shutil.copytree(dice.choice(self._copies), self._main.ledger.parent)
        self._ledger_lost = True

    # Other instances

    def _do_twin(self, dice: random.Random) -> None:
        """Another state directory: it fences the first, delivers or not, and is gone again."""
        time.sleep(dice.uniform(0, 1))
        twin = self._start_twin(dice)
        if dice.random() < 0.7:
            self._await_deliveries(twin)
        else:
            time.sleep(dice.uniform(0, 1))
        self._end_twin(twin, dice)
        # The first may have halted as it should, or not have noticed yet; only a start claims again.
        self._stop()

    def _do_zombie(self, dice: random.Random) -> None:
        """The first sleeps while another instance takes over, and wakes up when that has gone."""
        self._await_deliveries()
        process = self._run.service.process
        process.send_signal(signal.SIGSTOP)
        twin = self._start_twin(dice)
        self._await_deliveries(twin)
        self._end_twin(twin, dice)
        process.send_signal(signal.SIGCONT)
        self._await_halt("another-instance")
        self._stop()

    def _start_twin(self, dice: random.Random) -> FaultedService:
        if self._twin is None:
            self._twin = self._workspace("twin")
            self._twin.checkpoints = self._main.checkpoints
            self._twin.configure()
            shutil.copytree(
                self._main.directory / "secrets", self._twin.directory / "secrets", dirs_exist_ok=True
            )
        elif self._twin.ledger.parent.exists() and dice.random() < 0.5:
            shutil.rmtree(self._twin.ledger.parent)
        self._ledger_lost = True
        return self._faults.start(self._twin)

    def _end_twin(self, twin: FaultedService, dice: random.Random) -> None:
        if dice.random() < 0.5:
            self._kill(twin)
        else:
            self._terminate(twin)

    def _await_deliveries(self, run: FaultedService | None = None) -> None:
        run = run or self._run
        before = run.passed("commit-after")
        wait_until(lambda: run.passed("commit-after") > before + 2, "deliveries", 90, every=0.02)

    def _await_halt(self, reason: str) -> None:
        wait_until(lambda: reason in self._main.halted(), f"a halt as {reason}", 60, every=0.2)
        self.tally.halts += 1

    # Brokers

    def _do_partner_killed(self, dice: random.Random) -> None:
        self._broker_killed(self._clusters.skyways, dice)

    def _do_source_killed(self, dice: random.Random) -> None:
        self._broker_killed(self._clusters.internal, dice)

    def _broker_killed(self, broker, dice: random.Random) -> None:
        time.sleep(dice.uniform(0, 0.5))
        broker.kill()
        time.sleep(dice.uniform(0, 1))
        broker.ensure_up()

    def _do_partner_paused(self, dice: random.Random) -> None:
        self._broker_paused(self._clusters.skyways, dice)

    def _do_source_paused(self, dice: random.Random) -> None:
        self._broker_paused(self._clusters.internal, dice)

    def _broker_paused(self, broker, dice: random.Random) -> None:
        broker.pause()
        time.sleep(dice.uniform(0.2, 2))
        broker.proceed()

    # The network between the service and the partner

    def _do_reset(self, dice: random.Random) -> None:
        time.sleep(dice.uniform(0, 0.5))
        if dice.random() < 0.5:
            self._frames.cut_all()
        else:
            self._toxics.reset_peer(dice.randrange(0, 200))
            time.sleep(dice.uniform(0.2, 1.5))
            self._toxics.heal()

    def _do_latency(self, dice: random.Random) -> None:
        self._toxics.latency(dice.randrange(20, 400), jitter=dice.randrange(0, 50))
        time.sleep(dice.uniform(0.5, 2))
        self._toxics.heal()

    def _do_bandwidth(self, dice: random.Random) -> None:
        self._toxics.bandwidth(dice.randrange(2, 40))
        time.sleep(dice.uniform(0.5, 2))
        self._toxics.heal()

    def _do_black_hole(self, dice: random.Random) -> None:
        time.sleep(dice.uniform(0, 0.5))
        streams = dice.choice([("upstream",), ("downstream",), self._toxics.BOTH])
        self._toxics.black_hole(streams)
        time.sleep(dice.uniform(0.5, 3))
        self._toxics.heal()

    def _do_endtxn_reply_lost(self, dice: random.Random) -> None:
        """The broker has committed; nobody hears of it."""
        if dice.random() < 0.7:
            rule = self._frames.cut(END_TXN, reply=True)
        else:
            rule = self._frames.drop(END_TXN, reply=True)
        wait_until(lambda: rule.matched or not self._run.service.runs, "an EndTxn reply", 60, every=0.01)
        self._frames.forget()

    # The proof

    def _do_proof(self, _dice: random.Random) -> None:
        self._toxics.heal()
        self._frames.forget()
        self._feeder.rest()
        self._main.await_lag(
            lambda report: report["lag"] == 0 and report["status"] == "IDLE", "the service to catch up", 180
        )
        self._stop()
        exactly_once(
            self._main, self._clusters.internal, self._clusters.skyways, self._route, rules(),
            ledger_lost=self._ledger_lost,
        )
        self.tally.proofs += 1
        self._feeder.proceed()

    def report(self) -> str:
        """What the campaign did, for people."""
        tally = self.tally
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(tally.kinds.items()))
        fed = self._feeder
        return (
            f"{sum(tally.kinds.values())} random faults (CROSSDOCK_SEED={self._seed}): {kinds}\n"
            f"{tally.kills} kills, of which {tally.in_transaction} inside an open transaction and "
            f"{tally.in_intent} with an open intent ({tally.in_intent / max(1, tally.kills):.0%}); "
            f"{tally.halts} halts as they should be\n"
            f"{fed.committed} source records committed and {fed.aborted} aborted; {tally.proofs} proofs: 0 lost, "
            f"0 doubled, 0 reordered; {tally.seconds / max(1, sum(tally.kinds.values())):.1f} s a fault"
        )


def rules():
    """The campaign's contract in the checker's terms."""
    return flights.view(filter=flights.strict_filter, forward_tombstones=True)
