"""The compact in force at this node, and the deeds it rests on: versions and delegations, for ever.

Takes in a deed only if it follows what is held and enough have signed. Of two deeds with one number
the first counts; a second one that the same keys have signed is kept as proof against them.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from django.db import DEFAULT_DB_ALIAS, connections, transaction

from liptako.core.clock import Clock
from liptako.core.compact.delegation import Signed, line_of
from liptako.core.compact.document import Document
from liptako.core.compact.dossier import (
    Dossier,
    dossier_of,
    join_dossiers,
    read_dossier,
    trust_of,
)
from liptako.core.compact.envelope import Envelope, read_envelope, write_envelope
from liptako.core.compact.members import NO_COMPACT, Compact, in_force
from liptako.core.compact.signing import Line, Place, check_unsigned, place_of, proves_double
from liptako.core.compact.versions import Version, check_chain
from liptako.core.errors import LiptakoError, RefusedError, VerificationError
from liptako.ledger.models import Counter, Deed, OwnSignature

_LAST = "SELECT chain FROM ledger_deed ORDER BY position DESC LIMIT 1"


def document() -> bytes:
    """Return the bytes of the version in force; none on a node that stands alone."""
    versions = dossier().versions
    return versions[-1].envelope.payload if versions else b""


def dossier() -> Dossier:
    """Return all that this node's trust rests on, to be handed to a partner or an auditor."""
    return _held(_state())[0]


def current() -> Compact:
    """Return the compact in force, or one without members on a node that stands alone."""
    return _held(_state())[1]


def rivals() -> list[Deed]:
    """Return the proofs that somebody has signed two deeds of one number, the latest first."""
    return list(Deed.objects.filter(rival=True).order_by("-position"))


def trust() -> str:
    """Return 16 hexadecimal digits that tell apart the deeds a node believes in, in any order."""
    return _trust_of(_state())


@lru_cache(maxsize=8)
def _trust_of(state: bytes) -> str:
    """Return what tells apart the deeds up to a state."""
    found = _held(state)[0]
    digests = [version.envelope.digest for version in found.versions]
    return trust_of(digests + [signed.envelope.digest for signed in found.delegations])


def _state() -> bytes:
    """Return what tells apart all that a node can hold: the chain over its deeds.

    Asked some thirty times in an exchange: as plain SQL, which costs a tenth of a query set.
    """
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(_LAST)
        row = cursor.fetchone()
    return bytes(row[0]) if row else b""


@lru_cache(maxsize=8)
def _held(state: bytes) -> tuple[Dossier, Compact]:
    """Return the deeds up to a state, and the compact that they put in force."""
    rows = Deed.objects.order_by("position").values_list("envelope", "chain", "rival")
    envelopes = []
    for envelope, chain, rival in rows if state else ():
        envelopes += [] if rival else [read_envelope(bytes(envelope))]
        if bytes(chain) == state:
            break
    found = dossier_of(envelopes)
    versions = found.versions
    return found, in_force(versions[-1].document, found.delegations) if versions else NO_COMPACT


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What a dossier would bring: new deeds, what would be in force, and who has signed two."""

    compact: Compact
    fresh: tuple[Envelope, ...]
    rivals: tuple[Envelope, ...]
    faults: tuple[LiptakoError, ...]

    @property
    def is_news(self) -> bool:
        """Say whether anything in it is new, or proves something against somebody."""
        return bool(self.fresh or self.rivals or self.faults)


def examine(data: bytes) -> Intake:
    """Say what a dossier would bring, and change nothing.

    Raises MalformedError for what cannot be read; RefusedError and VerificationError for a version
    or a delegation that does not follow what is held or that too few have signed.
    """
    found, held = read_dossier(data), dossier()
    known = {version.document.version: version for version in held.versions}
    new = [item for item in found.versions if item.document.version not in known]
    twins = [
        item for item in found.versions if _differs(item.envelope, known.get(item.document.version))
    ]
    if not held.versions and not new:
        raise RefusedError("this node has no compact yet, and there is none in the file")
    document = check_chain([*held.versions, *new]).document
    fresh, doubles = _sort_delegations(found, held, document)
    joined = join_dossiers([held, dossier_of(fresh)])
    compact = in_force(document, joined.delegations)
    _check_used(fresh, joined, document)
    rivals = {item.envelope: _signers_of_both(item, known) for item in twins}
    return Intake(
        compact=compact,
        fresh=(*(version.envelope for version in new), *fresh),
        rivals=(*(item for item, who in rivals.items() if who), *doubles),
        faults=tuple(_faults(rivals, doubles)),
    )


def _differs(envelope: Envelope, held: Version | None) -> bool:
    """Say whether another version with this number is held."""
    return held is not None and held.envelope.payload != envelope.payload


def _sort_delegations(
    found: Dossier, held: Dossier, document: Document
) -> tuple[list[Envelope], list[Envelope]]:
    """Return the delegations that are new, and those that rival one that is held."""
    roots = {member.id: member.root for member in document.members}
    known = {item.envelope.payload for item in held.delegations}
    fresh: list[Envelope] = []
    doubles: list[Envelope] = []
    for signed in found.delegations:
        member, envelope = signed.delegation.member, signed.envelope
        if member not in roots:
            raise RefusedError("%(member)s is not a member of the compact", member=member)
        if envelope.payload in known:
            continue
        is_double = any(
            proves_double(other.envelope, envelope, roots[member]) for other in held.line(member)
        )
        (doubles if is_double else fresh).append(envelope)
    return fresh, doubles


def _check_used(fresh: Iterable[Envelope], joined: Dossier, document: Document) -> None:
    """Raise VerificationError for a new delegation on which nothing rests."""
    used = {
        signed.envelope.payload
        for member in document.members
        for signed in line_of(joined.delegations, member.id, member.root)
    }
    for envelope in fresh:
        if envelope.payload not in used:
            place = place_of(envelope)
            raise VerificationError(
                "delegation %(serial)d of %(member)s is not signed by its root keys of the compact",
                serial=place.number,
                member=place.member,
            )


def _signers_of_both(version: Version, known: dict[int, Version]) -> frozenset[str]:
    """Return the members whose keys have signed a version and the one held with its number."""
    held = known[version.document.version]
    before = known.get(version.document.version - 1)
    parties = [*held.document.members, *(before.document.members if before else ())]
    return frozenset(
        member.id
        for member in parties
        if proves_double(held.envelope, version.envelope, member.root)
    )


def _faults(
    rivals: dict[Envelope, frozenset[str]], doubles: Iterable[Envelope]
) -> Iterable[LiptakoError]:
    """Give what is wrong with deeds of which others are held."""
    for envelope, who in rivals.items():
        number = place_of(envelope).number
        if who:
            yield VerificationError(
                "compact: %(who)s has signed two versions %(number)d: the first one counts, the "
                "other is kept as proof",
                who=", ".join(sorted(who)),
                number=number,
            )
        else:
            yield RefusedError("compact: another version %(number)d is held", number=number)
    for envelope in doubles:
        place = place_of(envelope)
        yield VerificationError(
            "%(member)s has signed two delegations %(number)d: the first one counts, the other is "
            "kept as proof",
            member=place.member,
            number=place.number,
        )


def adopt(data: bytes, member: str, clock: Clock) -> Compact:
    """Take in the versions and delegations of a dossier, and return what is in force then.

    Whether the first one has been compared aloud is left to whoever calls. Raises MalformedError;
    RefusedError if nothing in it is new or this member is not in it; VerificationError if too few
    have signed, or somebody has signed two (the proof is kept).
    """
    with transaction.atomic():
        Counter.objects.get_or_create(id=1)
        Counter.objects.select_for_update().get(id=1)
        intake = examine(data)
        _keep([item for item in intake.rivals if not _is_kept(item)], clock, rival=True)
        if not intake.faults:
            intake.compact.member(member)
            _keep(intake.fresh, clock, rival=False)
    if intake.faults:
        raise intake.faults[0]
    if not intake.fresh:
        raise RefusedError(
            "compact: version %(held)d is held already, and so are these keys of the members",
            held=intake.compact.version,
        )
    return current()


def _is_kept(rival: Envelope) -> bool:
    """Say whether a proof of this number is kept already: who signs two could sign any number."""
    place = place_of(rival)
    return Deed.objects.filter(rival=True, member=place.member, number=place.number).exists()


def _keep(envelopes: Iterable[Envelope], clock: Clock, *, rival: bool) -> None:
    """Write deeds behind those that are held."""
    last = Deed.objects.order_by("-position").first()
    position, chain = (last.position, bytes(last.chain)) if last else (0, b"")
    for envelope in envelopes:
        place, position = place_of(envelope), position + 1
        chain = hashlib.sha256(chain + envelope.digest).digest()
        Deed.objects.create(
            position=position,
            member=place.member,
            number=place.number,
            envelope=write_envelope(envelope),
            chain=chain,
            rival=rival,
            taken_at=clock().moment(),
        )


@transaction.atomic
def note_signature(line: Line, clock: Clock) -> None:
    """Keep that a root key signs a deed, before it does.

    Raises RefusedError if it has signed another one with this number.
    """
    rows = OwnSignature.objects.select_for_update().filter(keyid=line.keyid)
    kept = [
        Line(
            keyid=row.keyid,
            place=Place(type=row.type, member=row.member, number=row.number),
            digest=bytes(row.digest),
        )
        for row in rows
    ]
    check_unsigned(kept, line)
    if line not in kept:
        OwnSignature.objects.create(
            keyid=line.keyid,
            type=line.place.type,
            member=line.place.member,
            number=line.place.number,
            digest=line.digest,
            signed_at=clock().moment(),
        )


def delegations_of(member: str) -> tuple[Signed, ...]:
    """Return the delegations of a member that are in force, the newest last."""
    held = dossier()
    signatory = next(item for item in held.versions[-1].document.members if item.id == member)
    return line_of(held.delegations, member, signatory.root)
