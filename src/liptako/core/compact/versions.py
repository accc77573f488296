"""Which version of the compact is valid: who must have signed it, who has, who is missing.

The first is valid when all its members have signed it; each later one when it names the one before
and enough active members of both have signed it, each by the rule and with the keys of that
version. Nothing expires: clocks never decide what is valid. Where all have to sign, one member that
has lost its keys is replaced by the word of all others (docs/adr/0013).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from liptako.core.compact.document import COMPACT_TYPE, Document, Root, State, read_document
from liptako.core.compact.envelope import Envelope, signed_with
from liptako.core.errors import MalformedError, RefusedError, VerificationError

_WITNESSES = 2  # members that have to say that another one has lost its keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version: what it says, and the envelope with the signatures."""

    document: Document
    envelope: Envelope


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many members a version needs by one document's rule, who has signed, who has not.

    `bound` are those that must be among the signers: new ones, and those with other root keys.
    `renewed` are those of the signers that have lost their keys: new ones count.
    """

    needed: int
    signed: frozenset[str]
    missing: frozenset[str]
    bound: frozenset[str] = frozenset()
    renewed: frozenset[str] = frozenset()

    @property
    def is_enough(self) -> bool:
        """Say whether nobody more has to sign."""
        return len(self.signed) >= self.needed and self.bound <= self.signed


def read_version(envelope: Envelope) -> Version:
    """Read a version without trusting it. Raises MalformedError."""
    if envelope.type != COMPACT_TYPE:
        raise MalformedError(
            "compact: expected %(expected)s, got %(got)s", expected=COMPACT_TYPE, got=envelope.type
        )
    return Version(document=read_document(envelope.payload), envelope=envelope)


def has_signed(envelope: Envelope, root: Root) -> bool:
    """Say whether a member has signed: as many of its root keys as it takes."""
    return len(signed_with(envelope, root.keys)) >= root.threshold


def tallies(version: Version, before: Version | None) -> tuple[Tally, ...]:
    """Return how a version stands under the rule before it, if there is one, and under its own."""
    own = _tally(version, version.document, _bound(version.document, before))
    if before is None:
        return (own,)
    old = _tally(version, before.document, frozenset())
    lost = _renewed(version, before.document, old)
    return (replace(old, signed=old.signed | lost, missing=old.missing - lost, renewed=lost), own)


def _renewed(version: Version, before: Document, old: Tally) -> frozenset[str]:
    """Return the member that all others say has lost its root keys: those of the version count.

    Only where no member may be missing, or lost keys would block every later version. At least two
    others have to say so with the keys they had: no State is spoken for by a single one.
    """
    if old.needed < len(before.active) or len(old.missing) != 1 or len(old.signed) < _WITNESSES:
        return frozenset()
    roots = {member.id: member.root for member in before.active if member.id in old.missing}
    return frozenset(
        member.id
        for member in version.document.active
        if member.id in roots
        and member.root != roots[member.id]
        and has_signed(version.envelope, member.root)
    )


def _tally(version: Version, under: Document, bound: frozenset[str]) -> Tally:
    """Return how a version stands under the rule and with the keys of a document."""
    active = {member.id: member.root for member in under.active}
    signed = {name for name, root in active.items() if has_signed(version.envelope, root)}
    # The first version is a founding act: nobody is made a member by the others.
    needed = len(under.members) if version.document.version == 1 else under.needed
    return Tally(
        needed=needed,
        signed=frozenset(signed),
        missing=frozenset(active) - signed,
        bound=bound,
    )


def _bound(document: Document, before: Version | None) -> frozenset[str]:
    """Return the active members that a version cannot speak for without their own signature.

    A new member, one that comes back after it was suspended or had left, one with other root keys.
    """
    held = {member.id: member for member in before.document.members} if before else {}
    return frozenset(
        member.id
        for member in document.active
        if (known := held.get(member.id)) is None
        or known.state is not State.ACTIVE
        or known.root != member.root
    )


def check_version(version: Version, before: Version | None) -> None:
    """Raise unless a version is valid behind the one before it, or as the first.

    RefusedError if it follows another one or drops a member, VerificationError if it is not signed
    by enough members.
    """
    _check_place(version, before)
    for tally in tallies(version, before):
        if not tally.is_enough:
            raise VerificationError(
                "compact: version %(version)d needs the signatures of %(needed)d members, got "
                "%(signed)s; missing: %(missing)s",
                version=version.document.version,
                needed=tally.needed,
                signed=", ".join(sorted(tally.signed)) or "—",
                missing=", ".join(sorted(tally.missing)) or "—",
            )


def _check_place(version: Version, before: Version | None) -> None:
    """Raise RefusedError unless a version follows the one before it and keeps its members."""
    document = version.document
    expected = before.document.version + 1 if before else 1
    if document.version != expected:
        raise RefusedError(
            "compact: expected version %(expected)d next, got %(got)d",
            expected=expected,
            got=document.version,
        )
    if before is None:
        return
    if document.previous != before.envelope.digest:
        raise RefusedError(
            "compact: version %(version)d follows another version %(before)d than the one held",
            version=document.version,
            before=before.document.version,
        )
    kept = {member.id for member in document.members}
    lost = {member.id for member in before.document.members} - kept
    if lost:
        raise RefusedError(
            "compact: version %(version)d no longer names %(lost)s: who leaves stays named",
            version=document.version,
            lost=", ".join(sorted(lost)),
        )


def check_chain(versions: Iterable[Version]) -> Version:
    """Return the last of all versions from the first on, each valid behind the one before it.

    Raises RefusedError or VerificationError; MalformedError if there is none.
    """
    before: Version | None = None
    for version in versions:
        check_version(version, before)
        before = version
    if before is None:
        raise MalformedError("compact: expected a version of it")
    return before
