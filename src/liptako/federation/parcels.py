"""Carriage through a third member: sealed bundles for partners whom this node does not reach.

The carrier can open nothing and change nothing unseen: a parcel is a bundle like any other, sealed
for its recipient, padded, and signed inside. What a carrier may read itself is not in it: that it
hands on in its own bundles.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import timedelta
from hashlib import sha256

from django.db.models.functions import Length
from django.db.models.lookups import GreaterThan

from liptako.core.errors import MalformedError, RefusedError, VerificationError
from liptako.core.log.frames import CarriedFrame, ParcelFrame
from liptako.federation import peers
from liptako.federation.heads import receipts_for
from liptako.federation.models import Parcel, Peer
from liptako.ledger import compacts
from liptako.ledger.node import Node
from liptako.ledger.reader import logs_for, signed_size

SILENCE = timedelta(hours=1)
"""After so long without a word over the network a partner is written to through others too."""

PARCEL_LIMIT = 4 * 2**20  # bytes of one parcel that is carried for others
_LEAST = 4 * 2**10  # bytes of room below which parcels wait for another bundle
_KEPT = timedelta(days=60)  # that a parcel waits for its recipient
_AGAIN = timedelta(days=7)  # after which the sender gives one anew
_DIGEST_BYTES = 16

Maker = Callable[[str, str, int], bytes]
"""Makes a sealed bundle: for whom, through whom, with how many bytes of room."""


def parcels_for(
    node: Node, carrier: str, room: int, make: Maker, given: Collection[tuple[str, str]] = ()
) -> Iterator[ParcelFrame]:
    """Give what a partner gets of parcels: those for itself, and ours that it is to carry.

    Not those `given` already, from whom and for whom.
    """
    _drop_old(node)
    if room < _LEAST:
        return
    for carried in Parcel.objects.filter(recipient=carrier, carrier="").order_by("at"):
        if len(carried.sealed) <= room and (carried.sender, carrier) not in given:
            room -= len(carried.sealed)
            yield ParcelFrame(carried.sender, carried.recipient, bytes(carried.sealed))
    for member, mark in _untold(node, carrier):
        if room < _LEAST:
            break
        if (node.member, member) in given:
            continue
        row = _own(node, member, carrier)
        if row is None or row.mark != mark or not row.sealed:
            row = _write(node, (node.member, member, carrier), make(member, carrier, room), mark)
        room -= len(row.sealed)
        yield ParcelFrame(row.sender, row.recipient, bytes(row.sealed))


def carried_for(node: Node, member: str) -> Iterator[CarriedFrame]:
    """Give what tells a partner that its parcels are here: to be carried on, or read."""
    ours = Parcel.objects.filter(recipient=node.member, carrier=member)
    for row in [*Parcel.objects.filter(sender=member, carrier=""), *ours]:
        yield CarriedFrame(row.sender, row.recipient, bytes(row.digest))


def gives_parcels(node: Node, member: str) -> bool:
    """Say whether a partner is to get a parcel: to be read, or carried on."""
    rows = Parcel.objects.filter(recipient=member, carrier="")
    return rows.exists() or next(_untold(node, member), None) is not None


def owes_parcels(node: Node, member: str) -> bool:
    """Say whether a partner is to get a parcel, or the word that one has come."""
    told = Parcel.objects.filter(recipient=node.member, carrier=member)
    return told.exists() or gives_parcels(node, member)


def parcels_waiting(node: Node, member: str) -> list[tuple[str, str, int]]:
    """Return the parcels that a partner is to get: from whom, for whom, bytes; 0: not made yet."""
    rows = Parcel.objects.filter(recipient=member, carrier="")
    carried = rows.values_list("sender", "recipient", Length("sealed"))
    found = list(carried.order_by("at"))
    for recipient, mark in _untold(node, member):
        row = _own(node, recipient, member)
        size = len(row.sealed) if row and row.mark == mark else 0
        found.append((node.member, recipient, size))
    return found


def carried() -> dict[bytes, str]:
    """Return the parcels of others that this node is to carry on, each with its recipient."""
    rows = Parcel.objects.filter(carrier="").values_list("digest", "recipient")
    return {bytes(digest): recipient for digest, recipient in rows}


def mark_for(node: Node, member: str) -> str:
    """Return what stands for the parcels that a partner is to get or to be told of; "" for none.

    A parcel that comes once more changes it: whoever gave it did not get the word.
    """
    given = Parcel.objects.filter(recipient=member, carrier="")
    told = Parcel.objects.filter(sender=member, carrier="")
    told |= Parcel.objects.filter(recipient=node.member, carrier=member)
    rows = (given | told).order_by("sender", "recipient", "carrier")
    found = [
        f"{row.sender} {row.recipient} {bytes(row.digest).hex()} {row.at.isoformat()}"
        for row in rows.defer("sealed")
    ]
    return "\n".join([*found, *(f"{who} {mark}" for who, mark in _untold(node, member))])


def take_parcel(node: Node, giver: str, frame: ParcelFrame) -> bytes:
    """Keep a parcel that a partner gives to be carried; return one that is for this node.

    Raises RefusedError for a stranger, VerificationError for one that is not its giver's own, and
    MalformedError for one that is too large.
    """
    if frame.recipient == node.member:
        _write(node, (frame.sender, node.member, giver), frame.sealed, "", keep=False)
        return frame.sealed
    if frame.sender != giver:
        raise VerificationError(
            "bundle: %(giver)s hands on a parcel of %(sender)s that is not for this node",
            giver=giver,
            sender=frame.sender,
        )
    compacts.current().check_exchange(frame.recipient)
    if frame.recipient == giver:
        raise RefusedError("bundle: a parcel for its own sender is not carried")
    if len(frame.sealed) > PARCEL_LIMIT:
        raise MalformedError(
            "bundle: expected a parcel of at most %(limit)d bytes, got %(got)d",
            limit=PARCEL_LIMIT,
            got=len(frame.sealed),
        )
    _write(node, (giver, frame.recipient, ""), frame.sealed, "")
    return b""


def take_carried(node: Node, teller: str, frame: CarriedFrame) -> None:
    """Let go of a parcel that is where it was to go to: at its carrier, or at its recipient."""
    rows = Parcel.objects.filter(
        sender=frame.sender, recipient=frame.recipient, digest=frame.digest
    )
    if frame.sender == node.member:
        rows.filter(carrier=teller).update(sealed=b"")
    elif frame.recipient == teller:
        rows.filter(carrier="").delete()


def forget_read(node: Node, giver: str, arrived: Sequence[bytes]) -> None:
    """Forget the parcels whose carrier brings them no longer: it knows that they are here."""
    rows = Parcel.objects.filter(recipient=node.member, carrier=giver)
    rows.exclude(digest__in=[_digest(sealed) for sealed in arrived]).delete()


def all_parcels() -> list[Parcel]:
    """Return the parcels that are on their way through this node or from it, the oldest first.

    Not their bytes, which no page asks for; `is_here` says whether there are any.
    """
    rows = Parcel.objects.exclude(sealed=b"", mark="").defer("sealed")
    return list(rows.annotate(is_here=GreaterThan(Length("sealed"), 0)).order_by("at"))


def _unreached(node: Node, carrier: str) -> list[str]:
    """Return the members to whom another one carries: no word came from them over the network."""
    compact, now = compacts.current(), node.clock().moment()
    rows = Peer.objects.filter(heard_by__in=["network", "answer"], heard_at__gt=now - SILENCE)
    heard = {carrier, *rows.values_list("member", flat=True)}
    return [
        member.id
        for member in compact.others(node.member)
        if member.id not in heard and compact.may_exchange(member.id)
    ]


def _mark(member: str, carrier: str) -> str:
    """Return what stands for all that a partner is to be told past a carrier; "" for nothing."""
    said = peers.said_by(member)
    logs = [log for log in logs_for(member) if carrier not in log.audience.members]
    held = {log.origin: signed_size(log) for log in logs}
    told = {origin: said.size_of(origin) for origin in held} if said else dict.fromkeys(held, 0)
    receipts = [frame.origin for frame in receipts_for(member, said) if frame.origin in held]
    if held == told and not receipts:
        return ""
    text = "".join(f"{origin} {held[origin]} {told[origin]}\n" for origin in sorted(held))
    return sha256(f"{text}{receipts}".encode()).hexdigest()[: 2 * _DIGEST_BYTES]


def _untold(node: Node, carrier: str) -> Iterator[tuple[str, str]]:
    """Give those to whom a carrier is to take something that it has not yet, with its mark."""
    for member in _unreached(node, carrier):
        mark, row = _mark(member, carrier), _own(node, member, carrier)
        if mark and not (row and _is_there(node, row, mark)):
            yield member, mark


def _own(node: Node, member: str, carrier: str) -> Parcel | None:
    """Return the last parcel of this node for a member through a carrier."""
    return Parcel.objects.filter(sender=node.member, recipient=member, carrier=carrier).first()


def _is_there(node: Node, row: Parcel, mark: str) -> bool:
    """Say whether a parcel with just this in it has come to its carrier, and not too long ago."""
    fresh = row.at > node.clock().moment() - _AGAIN
    return row.mark == mark and not row.sealed and fresh


def _write(
    node: Node, way: tuple[str, str, str], sealed: bytes, mark: str, *, keep: bool = True
) -> Parcel:
    """Keep a parcel of a sender for a recipient through a carrier, in the place of the last one."""
    sender, recipient, carrier = way
    return Parcel.objects.update_or_create(
        sender=sender,
        recipient=recipient,
        carrier=carrier,
        defaults={
            "digest": _digest(sealed),
            "sealed": sealed if keep else b"",
            "mark": mark,
            "at": node.clock().moment(),
        },
    )[0]


def _digest(sealed: bytes) -> bytes:
    """Return what names a parcel."""
    return sha256(sealed).digest()[:_DIGEST_BYTES]


def _drop_old(node: Node) -> None:
    """Let go of what has waited for its recipient too long, and of ours if we reach it again."""
    if not Parcel.objects.exists():
        return
    Parcel.objects.filter(carrier="", at__lt=node.clock().moment() - _KEPT).delete()
    mine = Parcel.objects.filter(sender=node.member)
    mine.exclude(recipient__in=_unreached(node, "")).delete()
