"""The DIRTY guard: brokers end whatever transaction a producer has open when an EndTxn of its epoch arrives,
however old (KIP-890), and librdkafka sends one again unseen. Once a request may still be under way, its
producer is given up."""

import pytest

from Chaos.harness.frames import ADD_PARTITIONS_TO_TXN, END_TXN, PRODUCE, Frame, FrameProxy, Held
from Chaos.harness.scenes import Scene, scene
from Chaos.matrix import row
from Cluster.harness.processes import wait_until


@pytest.fixture
def far(clusters, detoured, frames, route):
    return scene(clusters.internal, clusters.skyways, detoured, route, 3000)


def finish(far: Scene, service) -> None:
    far.workspace.await_lag(lambda report: report["lag"] == 0, "everything to be delivered", 120)
    assert service.stop() == 0, service.log[-2000:]
    far.prove_as_it_is()


def assert_given_up(frames: FrameProxy, position: int) -> None:
    """The transaction of the request at `position` was the last one on its producer."""
    last = frames.transactions[position].transaction
    keys = [one.key for one in frames.transactions]
    end = keys.index(END_TXN, position)
    later = [one.transaction for one in frames.transactions[end:] if one.key == ADD_PARTITIONS_TO_TXN]
    assert later, "no transaction came after it"
    assert (last.producer, last.epoch) not in {(one.producer, one.epoch) for one in later}


def position_of(frames: FrameProxy, key: int) -> int:
    """Of the newest request of that ApiKey among the transaction requests."""
    return max(at for at, one in enumerate(frames.transactions) if one.key == key)


@row("end-txn-reply-lost")
def test_an_end_that_was_applied_and_whose_reply_is_lost(far, frames, verdict):
    seen: list[int] = []

    def fifth(_frame) -> bool:
        seen.append(position_of(frames, END_TXN))
        return True

    frames.cut(END_TXN, reply=True, first=5, where=fifth)
    service = far.workspace.start()
    wait_until(lambda: len(seen) > 5, "the lost reply and later ones", 60)
    finish(far, service)
    lost, again = frames.transactions[seen[4]], frames.transactions[seen[4] + 1]
    assert again.key == END_TXN and again.transaction == lost.transaction, "it was not sent again"
    assert_given_up(frames, seen[4])
    verdict("delivered once; the producer given up")


def hold_before_a_marker(far: Scene, frames: FrameProxy) -> Held:
    """Holds a batch whose records have gone to the partner and whose marker has not: ended now, it would stand
    there undecided."""
    target, checkpoints = far.route.target.encode(), far.workspace.checkpoints.encode()
    gone = -1

    def marker(frame: Frame) -> bool:
        # Batches lie between EndTxn requests. In some the marker leaves first: these pass.
        nonlocal gone
        batch = frames.requests[END_TXN]
        if target in frame.data:
            gone = batch
        return gone == batch and checkpoints in frame.data

    return frames.hold(PRODUCE, where=marker)


@row("end-txn-late")
def test_an_end_that_comes_late_meets_another_epoch(far, frames, verdict):
    """Its client is cut off and sends it again; the first one arrives in the middle of the next batch."""
    held = frames.hold(END_TXN, first=4)
    service = far.workspace.start()
    late = held.wait()
    position = position_of(frames, END_TXN)
    middle = hold_before_a_marker(far, frames)
    held.cut_client()
    middle.wait(60)
    wait_until(far.has_open_transaction, "the next transaction's records at the partner")
    answered = frames.replies[END_TXN]
    held.release()
    wait_until(lambda: frames.replies[END_TXN] > answered, "the broker to answer the late request")
    middle.release()
    finish(far, service)
    assert frames.transactions[position] is late
    assert_given_up(frames, position)
    verdict("delivered once; the late request was refused")


@row("end-txn-late")
def test_an_end_that_is_held_past_the_clients_patience(far, frames, verdict):
    """Nothing is sent again: the commit's outcome is unknown, and the request arrives during the batch that
    replaces its own."""
    held = frames.hold(END_TXN, first=4)
    service = far.workspace.start()
    held.wait()
    position = position_of(frames, END_TXN)
    middle = hold_before_a_marker(far, frames)
    middle.wait(60)
    assert "commit outcome unknown" in service.log
    wait_until(far.has_open_transaction, "the next transaction's records at the partner")
    held.release()
    middle.release()
    finish(far, service)
    assert_given_up(frames, position)
    assert "aborted" in far.findings()
    verdict("delivered once; the late request was refused")


@pytest.mark.parametrize(
    "key", [PRODUCE, ADD_PARTITIONS_TO_TXN, END_TXN], ids=["Produce", "AddPartitionsToTxn", "EndTxn"]
)
@pytest.mark.parametrize("reply", [False, True], ids=["request lost", "reply lost"])
def test_a_disconnect_with_a_transactions_request_in_flight_gives_the_producer_up(far, frames, key, reply):
    seen: list[int] = []

    def note(_frame) -> bool:
        seen.append(len(frames.transactions) - 1)
        return True

    frames.cut(key, reply=reply, first=6, where=note)
    service = far.workspace.start()
    wait_until(lambda: len(seen) > 6, "the cut and later requests", 60)
    finish(far, service)
    assert_given_up(frames, seen[5])


def test_a_produce_that_is_never_answered_ends_in_a_new_producer(far, frames):
    frames.drop(PRODUCE, reply=True, first=6)
    service = far.workspace.start()
    wait_until(lambda: frames.replies[PRODUCE] > 6, "the dropped reply", 60)
    first = {(one.transaction.producer, one.transaction.epoch) for one in frames.transactions}
    finish(far, service)
    last = {(one.transaction.producer, one.transaction.epoch) for one in frames.transactions} - first
    assert last, "the same producer went on"


@row("crash-reply-lost")
def test_an_end_that_outlives_its_process_meets_another_epoch(far, frames, verdict):
    """Killed with EndTxn on its way; it arrives in the middle of a batch of the next run."""
    held = frames.hold(END_TXN, first=4)
    service = far.workspace.start()
    held.wait()
    service.kill()
    middle = hold_before_a_marker(far, frames)
    service = far.workspace.start()
    middle.wait(60)
    wait_until(far.has_open_transaction, "the next run's records at the partner")
    answered = frames.replies[END_TXN]
    held.release()
    wait_until(lambda: frames.replies[END_TXN] > answered, "the broker to answer the late request")
    middle.release()
    finish(far, service)
    assert far.findings()[1] == "aborted"
    verdict("delivered once; the late request was refused")


@row("crash-mid-produce")
def test_records_that_outlive_their_process_are_refused(far, frames, verdict):
    """Killed with a Produce on its way; it arrives in the middle of a batch of the next run. Taken, it would
    be a transaction that nobody ends."""
    target = far.route.target.encode()
    held = frames.hold(PRODUCE, first=3, where=lambda frame: target in frame.data)
    service = far.workspace.start()
    held.wait()
    service.kill()
    middle = hold_before_a_marker(far, frames)
    service = far.workspace.start()
    middle.wait(60)
    answered = frames.replies[PRODUCE]
    held.release()
    wait_until(lambda: frames.replies[PRODUCE] > answered, "the broker to answer the late request")
    middle.release()
    finish(far, service)
    verdict("delivered once; the late records were refused")
