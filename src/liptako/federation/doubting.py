"""What is taken in while a key is taken back, and what rests on one and is told otherwise."""

from collections.abc import Iterator
from contextlib import contextmanager

from liptako.core.errors import GapError, VerificationError
from liptako.core.log.frames import HistoryFrame
from liptako.federation.deeds import note_gone
from liptako.ledger import doubts, histories
from liptako.ledger.models import Channel
from liptako.ledger.node import Node


@contextmanager
def gives_up(node: Node, origin: str) -> Iterator[None]:
    """Give up what rests on a key that was taken back if what is stored of its log does not fit."""
    try:
        yield
    except GapError:
        raise
    except VerificationError:
        give_up(node, origin)
        raise


def give_up(node: Node, origin: str) -> None:
    """Give up what is held of a log and rests on a key that was taken back, if any does."""
    log = Channel.objects.filter(origin=origin, doubted=True).first()
    if log is not None:
        note_gone(node, doubts.give_up(origin, log.size))


def compare_history(node: Node, frame: HistoryFrame) -> None:
    """Compare a history with ours. What has no proof here, against one that has, is given up."""
    try:
        histories.compare_history(node, frame)
    except VerificationError:
        if not histories.is_forked(frame.origin):
            give_up(node, frame.origin)
        raise
