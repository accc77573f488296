"""Keeps receipts: what each member signed that it stored of a log, the latest of each.

Our own are signed once the entries are committed; those of others are kept only if they fit the
log that this node holds.
"""

from typing import NamedTuple

from django.db import transaction

from liptako.core.keys import COSIGNATURE, key_id
from liptako.core.log.checkpoint import Checkpoint, parse_checkpoint
from liptako.core.log.frames import ReceiptFrame
from liptako.core.log.heads import key_name
from liptako.core.log.note import read_note
from liptako.core.log.receipt import Receipt as Value
from liptako.core.log.receipt import check_receipt, cosign, read_receipt
from liptako.ledger import compacts
from liptako.ledger.models import Channel, Counter, Receipt
from liptako.ledger.node import Node
from liptako.ledger.tree import root_at


class Signed(NamedTuple):
    """Up to where a member has signed for a log, and when by its own clock (POSIX seconds)."""

    size: int
    time: int


NOTHING = Signed(0, 0)

Sizes = dict[tuple[str, str], Signed]
"""What members have signed for: (origin, member) → size and time."""


def sizes() -> Sizes:
    """Return up to where members have signed that they hold our logs and each other's.

    Only by their present keys: what a key signed that was taken back, they sign once more.
    """
    rows = Receipt.objects.values_list("channel_id", "member", "size", "time", "key")
    members = compacts.current().members
    keys = {member.id: _key_of(member.id, member.keys.sign) for member in members}
    return {
        (origin, member): Signed(size, time)
        for origin, member, size, time, key in rows
        if bytes(key) == keys.get(member)
    }


def _key_of(member: str, public: bytes) -> bytes:
    """Return the id of a key by which a member signs receipts."""
    return key_id(key_name(member), public, COSIGNATURE)


@transaction.atomic
def sign_receipts(node: Node) -> int:
    """Cosign the checkpoints of what was stored since the last time; return how many.

    Only what its author has signed and this node holds whole, and never less than before; once more
    after a change of our key: others take receipts by the present key only.
    """
    _wait_for_turn()
    signed, count = sizes(), 0
    for log in Channel.objects.exclude(author=node.member):
        if not log.checkpoint:
            continue
        checkpoint = parse_checkpoint(read_note(bytes(log.checkpoint)).text)
        if checkpoint.size > signed.get((log.origin, node.member), NOTHING).size:
            seconds = node.clock().milliseconds // 1000
            receipt = cosign(checkpoint, node.member, seconds, node.signer)
            _keep(receipt, node.signer.public)
            count += 1
    return count


def _wait_for_turn() -> None:
    """Wait until no other process is writing: a receipt must not be replaced by an earlier one."""
    Counter.objects.select_for_update().filter(id=1).first()


@transaction.atomic
def keep_receipt(node: Node, frame: ReceiptFrame) -> bool:
    """Keep a receipt that came with a bundle; say whether it was news.

    Passes over one for a log that is not held so far, one that is no later than the one held, and
    one by a key that its member has taken back: it signs it once more.
    Raises MalformedError, RefusedError or VerificationError for one that does not fit the log.
    """
    log = Channel.objects.select_related("audience").filter(origin=frame.origin).first()
    if log is None or frame.member in {node.member, log.author} or not 0 < frame.size <= log.size:
        return False
    _wait_for_turn()
    if frame.member not in log.audience.members:
        return False
    signer = compacts.current().member(frame.member)
    public = signer.keys.sign
    held = Receipt.objects.filter(channel=log, member=frame.member, size__gte=frame.size).first()
    if held and bytes(held.key) == _key_of(frame.member, public):
        return False
    root = root_at(frame.origin, frame.size)
    receipt = Value(
        checkpoint=Checkpoint(origin=frame.origin, size=frame.size, root=root),
        member=frame.member,
        time=frame.time,
        signature=frame.signature,
    )
    if check_receipt(receipt, signer.signing_keys) != public:
        return False
    _keep(receipt, public)
    return True


def _keep(receipt: Value, public: bytes) -> None:
    """Put a receipt in the place of the one before."""
    Receipt.objects.update_or_create(
        channel_id=receipt.checkpoint.origin,
        member=receipt.member,
        defaults={
            "size": receipt.checkpoint.size,
            "time": receipt.time,
            "key": _key_of(receipt.member, public),
            "note": receipt.note(public),
        },
    )


def frame_of(row: Receipt) -> ReceiptFrame:
    """Return a kept receipt as it travels."""
    receipt = read_receipt(bytes(row.note))
    return ReceiptFrame(
        origin=row.channel_id,
        size=receipt.checkpoint.size,
        member=receipt.member,
        time=receipt.time,
        signature=receipt.signature,
    )
