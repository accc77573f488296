"""Checks the evidence in the database against itself: leaves, roots, signatures, payloads.

What a partner would notice when it is sent, an auditor notices here first; and what only this node
could notice: a roster, a column or a hash kept beside the evidence that is not what it says.
"""

from collections.abc import Callable, Iterator

from liptako.core.errors import LiptakoError, MalformedError, VerificationError
from liptako.core.log.checkpoint import open_checkpoint
from liptako.core.log.merkle import CompactRange, leaf_hash, tree_hash
from liptako.core.log.verify import Channel as ChannelValue
from liptako.core.log.verify import read_header
from liptako.core.records.envelope import Header
from liptako.core.records.payload import PACKAGE, derive_salt, payload_hash
from liptako.core.refs import audience_id
from liptako.ledger import compacts
from liptako.ledger.models import Audience, Channel, Entry, Package, Payload
from liptako.ledger.node import Node
from liptako.ledger.reader import channel_value, epoch
from liptako.ledger.recalls import is_recalled
from liptako.ledger.records import is_flash, retain_of

_STEP = 1000  # entries between two lines of progress


def check_logs(
    node: Node, progress: Callable[[int, int], None]
) -> tuple[list[VerificationError], int]:
    """Return what is wrong with any log or roster, and how many entries there are."""
    faults = [fault for audience in Audience.objects.all() for fault in _roster_faults(audience)]
    total, done = Entry.objects.count(), 0
    for log in Channel.objects.order_by("origin"):
        leaves: list[bytes] = []
        for found in _entry_faults(node, log, leaves):
            faults += found
            done += 1
            if done % _STEP == 0:
                progress(done, total)
        faults += _package_faults(log, leaves)
        faults += _head_faults(node, log, leaves)
    progress(total, total)
    return faults, total


def _roster_faults(audience: Audience) -> Iterator[VerificationError]:
    """Give what is wrong with a roster: whoever is added to one would be sent its records."""
    if audience_id(audience.members) != audience.id:
        yield VerificationError(
            "%(audience)s: the roster is not the one of this id", audience=audience.id
        )


def _entry_faults(
    node: Node, log: Channel, leaves: list[bytes]
) -> Iterator[list[VerificationError]]:
    """Give for each entry of a log what is wrong with it, and note its leaf."""
    value = channel_value(log)
    seeds = dict(Package.objects.filter(channel=log).values_list("number", "seed"))
    # Only up to the head that was read: a node that runs goes on writing meanwhile.
    held = Entry.objects.filter(channel=log, seq__lt=log.size)
    entries = held.select_related("payload").order_by("seq")
    place = 0
    for entry in entries.iterator(chunk_size=_STEP):
        fault = (
            _header_fault(value, entry, place)
            or _payload_fault(value, entry, bytes(seeds.get(entry.seq // PACKAGE, b"")))
            or _missing_fault(node, value, entry)
        )
        leaves.append(bytes(entry.leaf))
        place = entry.seq + 1
        yield [fault] if fault else []
    if log.ahead:
        yield from _ahead_faults(value, log)


def _ahead_faults(value: ChannelValue, log: Channel) -> Iterator[list[VerificationError]]:
    """Give for each entry that was shown ahead of its place what is wrong with it."""
    beyond = Entry.objects.filter(channel=log, seq__gte=log.size).select_related("payload")
    for entry in beyond.order_by("seq"):
        fault = _header_fault(value, entry, entry.seq) or _payload_fault(value, entry, b"")
        yield [fault] if fault else []


def _header_fault(value: ChannelValue, entry: Entry, place: int) -> VerificationError | None:
    """Return what is wrong with the header of an entry, its leaf, its place or its columns."""
    data = bytes(entry.header)
    if leaf_hash(data) != bytes(entry.leaf):
        return VerificationError(
            "%(entry)s: the header is not the one that was hashed", entry=str(entry)
        )
    if entry.seq != place:
        return VerificationError("%(entry)s: an entry before this one is missing", entry=str(entry))
    header = _header_of(value, data)
    named = (header.kind, header.object, header.lamport) if header else ("", "", 0)
    if (entry.kind, entry.object, entry.lamport) != named:
        return VerificationError(
            "%(entry)s: its kind, object or lamport is not that of its header", entry=str(entry)
        )
    if entry.retain != retain_of(header):
        return VerificationError(
            "%(entry)s: the time at which its payload is deleted is not the one in its header",
            entry=str(entry),
        )
    if entry.flash != is_flash(header):
        return VerificationError(
            "%(entry)s: its precedence is not that of its header", entry=str(entry)
        )
    return None


def _payload_fault(value: ChannelValue, entry: Entry, seed: bytes) -> VerificationError | None:
    """Return what is wrong with the payload of an entry, if it is here, or with its salt."""
    header = _header_of(value, bytes(entry.header))
    stored: Payload | None = getattr(entry, "payload", None)
    if stored is None or header is None:
        return None
    if payload_hash(bytes(stored.salt), bytes(stored.body)) != header.payload.hash:
        return VerificationError(
            "%(entry)s: the payload is not the one that the header names", entry=str(entry)
        )
    if seed and derive_salt(seed, entry.seq) != bytes(stored.salt):
        return VerificationError(
            "%(entry)s: the salt is not drawn from the seed of its package", entry=str(entry)
        )
    return None


def _missing_fault(node: Node, value: ChannelValue, entry: Entry) -> VerificationError | None:
    """Return that the payload of a record of ours is missing, unless it expired or was recalled.

    Of somebody else's record it may be: its author may withhold it.
    """
    if value.author != node.member or hasattr(entry, "payload"):
        return None
    header = _header_of(value, bytes(entry.header))
    # The clock is asked late: what has expired during the check may be gone already.
    if header is None or header.has_ended(node.clock()):
        return None
    if is_recalled(entry):
        return None
    return VerificationError(
        "%(entry)s: its payload is missing though it has neither expired nor been recalled: "
        "somebody deleted it, or the database was damaged",
        entry=str(entry),
    )


def _header_of(value: ChannelValue, data: bytes) -> Header | None:
    """Return the header of an entry; nothing if its author wrote what does not belong there."""
    try:
        return read_header(value, data)
    except MalformedError:
        return None


def _package_faults(log: Channel, leaves: list[bytes]) -> Iterator[VerificationError]:
    """Give the whole packages of a log whose root is not the one that is kept."""
    roots = dict(Package.objects.filter(channel=log).values_list("number", "root"))
    for number in range(len(leaves) // PACKAGE):
        expected = tree_hash(leaves[number * PACKAGE : (number + 1) * PACKAGE])
        if bytes(roots.get(number, b"")) != expected:
            yield VerificationError(
                "%(origin)s: the root of package %(number)d is not that of its entries",
                origin=log.origin,
                number=number,
            )


def _head_faults(node: Node, log: Channel, leaves: list[bytes]) -> Iterator[VerificationError]:
    """Give what is wrong with the head of a log or the signature on it.

    The last entries of a log may wait for their signature if they came from a partner: never those
    of a log that this node writes.
    """
    try:
        signed = _check_signed(node, log, leaves)
    except LiptakoError as cause:
        yield VerificationError("%(origin)s: %(cause)s", origin=log.origin, cause=str(cause))
        return
    held = CompactRange().extend(leaves)
    mine = log.author == node.member and log.epoch >= epoch()
    if (held.size, held.to_bytes()) != (log.size, bytes(log.frontier)) or (
        mine and signed != log.size
    ):
        yield VerificationError(
            "%(origin)s: the entries are not those of its head", origin=log.origin
        )


def _check_signed(node: Node, log: Channel, leaves: list[bytes]) -> int:
    """Return how many entries of a log the kept checkpoint signs. Raises LiptakoError."""
    if not log.checkpoint:
        return 0
    compact = compacts.current()
    if log.author == node.member and not compact.version:
        head = open_checkpoint(bytes(log.checkpoint), log.origin, node.signer.public)
    else:
        head = compact.open_checkpoint(bytes(log.checkpoint), log.origin)
    found = CompactRange().extend(leaves[: head.size])
    if (found.size, found.root()) != (head.size, head.root):
        raise VerificationError("the entries are not those that the checkpoint signs")
    return head.size
