"""What we tell a partner that we hold, what of it we want signed, and what does not fit together.

Everything here is computed from the tables: a bundle that is lost is simply made again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from liptako.core import digest
from liptako.core.compact.members import Compact
from liptako.core.errors import LiptakoError, VerificationError
from liptako.core.log.checkpoint import Checkpoint
from liptako.core.log.frames import HistoryFrame, ReceiptFrame
from liptako.core.log.heads import Asked, Heads, sign_heads
from liptako.core.records.envelope import Lane
from liptako.federation import attachments, peers
from liptako.ledger import compacts, store
from liptako.ledger.histories import history_frame, is_forked
from liptako.ledger.models import Channel, Receipt
from liptako.ledger.node import Node
from liptako.ledger.reader import epoch, head_of_log, logs_for, root_of, signed_size
from liptako.ledger.receipts import NOTHING, Sizes, frame_of, sizes
from liptako.ledger.tally import shared_digest


def heads_for(node: Node, member: str) -> bytes:
    """Return our signed heads of all logs that a partner may have."""
    store.check_fence(node.clock())
    signed, held = sizes(), logs_for(member, begun=False)
    logs = [log for log in held if log.size]  # read once: the digest is of just what the heads say
    heads = Heads(
        sender=node.member,
        recipient=member,
        epoch=epoch(),
        time=node.clock(),
        trust=compacts.trust(),
        digest=shared_digest(held),
        logs=tuple(head_of_log(log) for log in logs),
        asked=tuple(_asked(node, member, logs, signed)),
    )
    return sign_heads(heads, node.signer)


def judges_otherwise(said: Heads) -> bool | None:
    """Say whether a partner that holds just the same judges it differently than this node.

    Nothing where nothing follows (docs/spec/state.md, Digest): the one holds more than the other,
    lacks a payload, knows another kind, or cannot say yet.
    """
    logs = logs_for(said.sender, begun=False)
    mine = shared_digest(logs)
    if mine is None or said.digest is None or mine.basis != said.digest.basis:
        return None
    if said.logs != tuple(head_of_log(log) for log in logs):
        return None
    return digest.judges_otherwise(mine, said.digest)


def _asked(node: Node, member: str, logs: Sequence[Channel], signed: Sizes) -> Iterator[Asked]:
    """Give the receipts that are wanted: of our logs from all; of others' what their author lacks.

    A partner hands on to an author whom we cannot reach what it has of us, and we the other way.
    """
    said = {author: peers.said_by(author) for author in {log.author for log in logs}}
    for log in logs:
        if log.author == node.member:
            wanted = [other for other in log.audience.members if other != node.member]
        else:
            lacks = _lacks(said[log.author], log, member)
            wanted = [member] if log.author != member and lacks else []
        for other in wanted:
            size = signed.get((log.origin, other), NOTHING).size
            if size < log.size:
                yield Asked(origin=log.origin, member=other, size=size)


def _lacks(said: Heads | None, log: Channel, member: str) -> bool:
    """Say whether the author of a log has told us that it wants a member's receipt."""
    return said is not None and said.wants(log.origin, member) is not None


def receipts_for(member: str, said: Heads | None) -> Iterator[ReceiptFrame]:
    """Give the receipts that a partner wants, or would want if it knew what is here."""
    logs = {log.origin: log for log in logs_for(member)}
    rows, signed = Receipt.objects.filter(channel__in=logs).exclude(member=member), sizes()
    for row in rows.order_by("channel_id", "member"):
        if (row.channel_id, row.member) not in signed:
            continue  # by a key that was taken back
        if row.size > _known(logs[row.channel_id], row.member, member, said):
            yield frame_of(row)


def _known(log: Channel, of: str, member: str, said: Heads | None) -> int:
    """Return up to where a partner has somebody's receipt of a log, as far as it has told us.

    It asks for what it lacks. What it has not asked for of its own logs, it had up to their size;
    of other logs it wants nothing else.
    """
    asked = said.wants(log.origin, of) if said else None
    if asked is not None:
        return asked
    if log.author == member:
        return said.size_of(log.origin) if said else 0
    return log.size


def histories_for(member: str, said: Heads | None) -> Iterator[HistoryFrame]:
    """Give what shows a partner that a log is not as it says: set back, or told in two ways."""
    if said is None:
        return
    for log in logs_for(member):
        size = _shown_size(log, said)
        if size:
            yield history_frame(log, size)


def _shown_size(log: Channel, said: Heads) -> int:
    """Return at which size a partner is shown our history of a log; 0 if there is no need."""
    size, signed = said.size_of(log.origin), signed_size(log)
    if 0 < size <= signed and not agrees(log, said):
        return size
    was_set_back = log.author == said.sender and size < signed and log.epoch >= said.epoch
    return signed if was_set_back or (size > signed and is_forked(log.origin)) else 0


def agrees(log: Channel, said: Heads | None) -> bool:
    """Say whether what a partner holds of a log, if it is no more than we do, begins ours."""
    if said is None:
        return True
    size = said.size_of(log.origin)
    return not 0 < size <= log.size or said.root_of(log.origin) == root_of(log, size)


def after(node: Node, member: str, said: Heads | None, reached: Mapping[str, int]) -> Heads:
    """Return what a partner will say once it has read up to here."""
    logs = {log.origin: log for log in logs_for(member)}
    if said is None:
        own = [log for log in logs.values() if log.author == member]
        said = Heads(
            sender=member, recipient=node.member, logs=tuple(_head(log, log.size) for log in own)
        )
    held = {head.origin: head for head in said.logs}
    held |= {origin: _head(logs[origin], size) for origin, size in reached.items()}
    return replace(said, logs=tuple(held[origin] for origin in sorted(held)))


def _head(log: Channel, size: int) -> Checkpoint:
    """Return the head of a log as it was with so many entries."""
    return Checkpoint(origin=log.origin, size=size, root=root_of(log, size))


def is_lost(log: Channel, said: Heads) -> bool:
    """Say whether a log is one that its author has lost: it was restored, and says it holds less.

    Such a log is given back: nothing is written into it any longer.
    """
    return log.author == said.sender and log.epoch < said.epoch


def sending_order(log: Channel) -> tuple[bool, str]:
    """Return what the logs of a bundle are sorted by: the urgent ones first."""
    return log.lane != Lane.URGENT, log.origin


def given_size(log: Channel, compact: Compact) -> int:
    """Return how many entries of a log are handed on: what is signed, up to where it is frozen."""
    return _up_to_its_end(log.origin, signed_size(log), compact)


def _up_to_its_end(origin: str, size: int, compact: Compact) -> int:
    """Return a size of a log, but no more than where it was frozen if its author has left."""
    cap = compact.cap_of(origin)
    return size if cap is None else min(size, cap)


def owes(node: Node, member: str) -> bool:
    """Say whether something is left to exchange with a partner, by what it last said."""
    said = peers.said_by(member)
    if said is None:
        return True
    held = {log.origin: log for log in logs_for(member)}
    if said.trust != compacts.trust():
        return True
    compact = compacts.current()
    for log in held.values():
        its_own = log.author == member and not is_lost(log, said)
        if (
            not its_own
            and given_size(log, compact) > said.size_of(log.origin)
            and agrees(log, said)
        ):
            return True
    ends = [(head.origin, _up_to_its_end(head.origin, head.size, compact)) for head in said.logs]
    if any(_is_ahead(node, held.get(origin), origin, size) for origin, size in ends):
        return True
    beside = chain(receipts_for(member, said), histories_for(member, said))
    return next(beside, None) is not None or attachments.owes(node, member)


def _is_ahead(node: Node, log: Channel | None, origin: str, size: int) -> bool:
    """Say whether a partner holds more of a log than this node, that it may give us."""
    if log is None:
        return not origin.startswith(f"{node.member}/") and size > 0
    return size > log.size and (log.author != node.member or log.epoch < epoch())


def disputed(node: Node, said: Heads) -> Iterator[LiptakoError]:
    """Give a fault for each log of ours that a partner says it holds otherwise than we do.

    Its word alone proves nothing; a history that it shows does. Of the logs before a restore a
    partner may hold more: nothing is written into them any longer.
    """
    for log in logs_for(said.sender):
        if log.author != node.member or is_forked(log.origin):
            continue
        longer = said.size_of(log.origin) > log.size and log.epoch >= epoch()
        if longer or not agrees(log, said):
            yield VerificationError(
                "%(origin)s: %(sender)s says that it holds another history of this log of ours "
                "than this node",
                origin=log.origin,
                sender=said.sender,
            )
