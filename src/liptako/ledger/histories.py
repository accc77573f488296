"""Double histories: found by comparing what members say, proved by what their author signed.

A proof is evidence: kept for ever, shown as an alarm, handed to anybody as a file. Of a log with
two histories nothing more is taken; what was held stays.
"""

from liptako.core.clock import Instant
from liptako.core.errors import VerificationError
from liptako.core.log.fork import Fork, View, check_fork, check_view, write_fork
from liptako.core.log.frames import HistoryFrame
from liptako.core.log.merkle import consistency_proof
from liptako.core.refs import author_of
from liptako.ledger import compacts
from liptako.ledger.models import Channel, DoubleHistory
from liptako.ledger.node import Node
from liptako.ledger.reader import root_of, signed_size
from liptako.ledger.tree import stored_subtrees


def view_at(log: Channel, size: int) -> View:
    """Return what is held of a log, as its author signed it, with the root at `size` entries."""
    signed = signed_size(log)
    proof = consistency_proof(size, signed, stored_subtrees(log.origin))
    return View(bytes(log.checkpoint), root_of(log, size), proof)


def history_frame(log: Channel, size: int) -> HistoryFrame:
    """Return what shows a partner that we hold another history of a log than it says it does."""
    view = view_at(log, size)
    return HistoryFrame(log.origin, view.checkpoint, size, view.root, view.proof)


def is_set_back(node: Node, frame: HistoryFrame) -> bool:
    """Say whether a log of ours is shown to be longer than this node has it.

    So the node was set back to an older state. Raises MalformedError or VerificationError if this
    node did not sign what is shown.
    """
    if author_of(frame.origin) != node.member:
        return False
    log = Channel.objects.filter(origin=frame.origin).first()
    if frame.size <= (log.size if log else 0):
        return False
    shown = View(frame.checkpoint, frame.root, frame.proof)
    check_view(frame.origin, frame.size, shown, compacts.current().open_checkpoint)
    return True


def compare_history(node: Node, frame: HistoryFrame) -> None:
    """Compare what a partner shows of a log with what is held; keep the proof if they differ.

    Raises MalformedError or VerificationError if its author did not sign what is shown, and
    VerificationError if the author has signed both.
    """
    log = Channel.objects.filter(origin=frame.origin).first()
    limit = 0 if log is None else log.size if log.doubted else signed_size(log)
    if log is None or not 0 < frame.size <= limit:
        return
    shown = View(frame.checkpoint, frame.root, frame.proof)
    check_view(frame.origin, frame.size, shown, compacts.current().open_checkpoint)
    if shown.root == root_of(log, frame.size):
        return
    if frame.size > signed_size(log):
        raise not_signed(log.origin)
    fork = Fork(frame.origin, frame.size, view_at(log, frame.size), shown)
    raise keep_fork(log, fork, node.clock())


def not_signed(origin: str) -> VerificationError:
    """Return the error that tells that a log is not held as its author has signed it."""
    return VerificationError(
        "%(origin)s: the entries that are held are not what its author signed", origin=origin
    )


def keep_fork(log: Channel, fork: Fork, now: Instant) -> VerificationError:
    """Keep the proof that an author has signed two histories; return the error that says so."""
    check_fork(fork, compacts.current().open_checkpoint)
    proof = {"size": fork.size, "proof": write_fork(fork), "found_at": now.moment()}
    DoubleHistory.objects.filter(channel=log, void=True).update(**proof, void=False)
    DoubleHistory.objects.get_or_create(channel=log, defaults=proof)
    return two_histories(log.origin)


def all_forks() -> list[DoubleHistory]:
    """Return all proofs that are kept, the latest first."""
    return list(DoubleHistory.objects.select_related("channel").order_by("-found_at"))


def two_histories(origin: str) -> VerificationError:
    """Return the error that tells of a double history."""
    return VerificationError(
        "%(origin)s: its author has signed two different histories of it", origin=origin
    )


def is_forked(origin: str) -> bool:
    """Say whether two histories of a log are known."""
    return DoubleHistory.objects.filter(channel_id=origin, void=False).exists()
