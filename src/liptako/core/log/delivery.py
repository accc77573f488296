"""What a bundle hands over, log by log: from whom, whose log it is, which package is due.

All that can be said of a bundle without a database, so that a node and an auditor say the same.
Whether entries are what their author signed is in `verify`; what is held of a log already is left
to whoever holds it.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

from liptako.core.clock import Instant
from liptako.core.compact.members import Compact, Member
from liptako.core.errors import MalformedError, RefusedError, VerificationError
from liptako.core.keys import key_id
from liptako.core.log.checkpoint import Checkpoint
from liptako.core.log.frames import (
    AheadFrame,
    ChannelFrame,
    Frame,
    HeadsFrame,
    PackageFrame,
)
from liptako.core.log.heads import Heads, key_name, open_heads, read_heads, signers_of
from liptako.core.log.verify import Accepted, Channel, accept_ahead, read_header
from liptako.core.records.envelope import Header, Lane
from liptako.core.records.shared import RECALL
from liptako.core.refs import audience_id, author_of, member_id

Place = tuple[str, int]
"""The origin of a log and the place of an entry in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A log of which packages come: who hands it on, whose it is, what its author signed of it.

    `note` is the checkpoint as signed; `due` is where the next package has to begin; `recalled` are
    the places whose payloads may be gone because their author took them back. `former` if its
    sender has taken back since the key that the bundle was signed with; `cap` is where the log ends
    if its author does not take part any longer, however much of it was signed.
    """

    sender: str
    roster: tuple[str, ...]
    channel: Channel
    checkpoint: Checkpoint
    note: bytes
    due: int
    recalled: frozenset[Place] = frozenset()
    former: bool = False
    cap: int | None = None


def heads_note(frame: Frame | None) -> bytes:
    """Return the signed heads from the first frame behind any deeds. Raises MalformedError."""
    if not isinstance(frame, HeadsFrame):
        raise MalformedError("bundle: expected the heads of its sender first")
    return frame.note


def open_sender(
    note: bytes, compact: Compact, recipient: str | None, *, former: bool = False
) -> Heads:
    """Return the heads that a member of the compact signed for a recipient.

    For whom they say themselves, if nobody knows who that has to be. With `former` also by a key
    that the member has taken back since: a file may be older than that. Raises MalformedError,
    VerificationError, or RefusedError for a stranger and for somebody who writes to themselves.
    """
    heads = read_heads(note)
    recipient = recipient or heads.recipient
    if heads.sender == recipient:
        raise RefusedError("bundle: this node wrote it itself; it is for a partner")
    member = compact.check_exchange(heads.sender)
    public = _signed_by(note, member) if former else member.keys.sign
    return open_heads(note, sender=heads.sender, recipient=recipient, public=public)


def by_former_key(note: bytes, compact: Compact, sender: str) -> bool:
    """Say whether heads that were opened are signed with a key that their sender has taken back.

    A thief may have signed them. So they prove nothing of what their sender holds or wants; what
    others have signed, or their author up to the cap of that key, is as good as ever.
    """
    member = compact.member(sender)
    return _signed_by(note, member) != member.keys.sign


def _signed_by(note: bytes, member: Member) -> bytes:
    """Return the key, of those that a member's node has or had, that signs a note by its hints.

    The present one if none does, and before all others.
    """
    hints = signers_of(note)
    found = (key for key in member.signing_keys if key_id(key_name(member.id), key) in hints)
    return next(found, member.keys.sign)


def open_delivery(frame: ChannelFrame, heads: Heads, compact: Compact) -> Delivery:
    """Return a log whose recipients are in order and whose head its author signed.

    `heads` tell who hands it on to whom. Raises MalformedError, VerificationError, or RefusedError
    for an author who is a stranger to the compact.
    """
    author = author_of(frame.origin)
    _check_roster(frame, {author, heads.sender, heads.recipient})
    checkpoint = compact.open_checkpoint(frame.checkpoint, frame.origin)
    channel = channel_of(frame)
    if not 0 <= frame.start <= checkpoint.size:
        raise MalformedError(
            "%(origin)s: expected to begin with an entry up to %(size)d, got %(got)d",
            origin=frame.origin,
            size=checkpoint.size,
            got=frame.start,
        )
    return Delivery(
        sender=heads.sender,
        roster=frame.roster,
        channel=channel,
        checkpoint=checkpoint,
        note=frame.checkpoint,
        due=frame.start,
        cap=compact.cap_of(frame.origin),
    )


def channel_of(frame: ChannelFrame) -> Channel:
    """Return the log that a frame says follows. Raises MalformedError for a lane that is none."""
    if frame.lane not in set(Lane):
        raise MalformedError("%(origin)s: there is no such lane", origin=frame.origin)
    return Channel(
        origin=frame.origin,
        author=author_of(frame.origin),
        audience=audience_id(frame.roster),
        lane=Lane(frame.lane),
    )


def _check_roster(frame: ChannelFrame, wanted: Collection[str]) -> None:
    """Raise unless the members of an audience stand once each, in order, the wanted among them."""
    if list(frame.roster) != sorted({member_id(member) for member in frame.roster}):
        raise MalformedError(
            "%(origin)s: expected its members once each, in order", origin=frame.origin
        )
    if not set(wanted) <= set(frame.roster):
        raise VerificationError(
            "%(origin)s: its author, its sender or who is to read it is not among its recipients",
            origin=frame.origin,
        )


def open_ahead(delivery: Delivery, frame: AheadFrame) -> tuple[Delivery, Accepted]:
    """Return an entry that is shown ahead of its place, and the delivery with what it recalls.

    Raises MalformedError or VerificationError if its author has not signed it there, RefusedError
    behind the end of a frozen log.
    """
    _check_frozen(delivery, frame.seq + 1)
    entry = accept_ahead(delivery.channel, delivery.checkpoint, frame)
    named = recalled_by(entry.header) if entry.header else frozenset()
    return replace(delivery, recalled=delivery.recalled | named), entry


def recalled_by(header: Header) -> frozenset[Place]:
    """Return the places that a record names if it is a recall, or else none."""
    if header.kind != RECALL:
        return frozenset()
    return frozenset((ref.origin, ref.seq) for ref in header.refs)


def _check_frozen(delivery: Delivery, size: int) -> None:
    """Raise RefusedError for more of a log than where it was frozen: its author has left."""
    if delivery.cap is not None and size > delivery.cap:
        raise RefusedError(
            "%(origin)s: its author does not take part any longer: the log ends at %(cap)d "
            "entries, got %(size)d",
            origin=delivery.channel.origin,
            cap=delivery.cap,
            size=size,
        )


def check_package(delivery: Delivery, package: PackageFrame, now: Instant) -> Delivery:
    """Return the delivery with what is due after a package.

    Raises VerificationError, or RefusedError behind the end of a frozen log.

    The package has to begin where the one before ended, and nobody but the author may have left
    out a payload. Who hands a log on may lack those that have expired, those that were recalled,
    and those of records that nobody can read; what else is left out would never come again.
    """
    channel = delivery.channel
    if package.start != delivery.due:
        raise VerificationError(
            "%(origin)s: entries are missing or come twice: "
            "expected number %(expected)d next, got %(start)d",
            origin=channel.origin,
            expected=delivery.due,
            start=package.start,
        )
    _check_frozen(delivery, package.start + len(package.headers))
    pairs = zip(package.headers, package.bodies, strict=False)
    for seq, (header, body) in enumerate(pairs, package.start):
        if body is not None or (channel.origin, seq) in delivery.recalled:
            continue
        if not _may_lack(delivery, header, now):
            raise VerificationError(
                "%(origin)s: %(sender)s has left out a payload that its author has not",
                origin=channel.origin,
                sender=delivery.sender,
            )
    return replace(delivery, due=delivery.due + len(package.headers))


def _may_lack(delivery: Delivery, header: bytes, now: Instant) -> bool:
    """Say whether the payload of a record may be gone."""
    if delivery.sender == delivery.channel.author and not delivery.former:
        return True
    try:
        return read_header(delivery.channel, header).has_ended(now)
    except MalformedError:
        return True
