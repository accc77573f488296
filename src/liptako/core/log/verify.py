"""May we accept this? The one gate through which bytes of another node become evidence.

A package is taken whole or not at all, and only if the author's signed checkpoint covers it. What
its author signed but should not have (a header nobody can read, a wrong audience) is evidence all
the same: it is taken with a fault and set aside by whoever projects it, so that one poison record
never blocks a log.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import msgspec

from liptako.core.errors import GapError, MalformedError, VerificationError
from liptako.core.log.bundle import restore_hash
from liptako.core.log.checkpoint import Checkpoint
from liptako.core.log.frames import AheadFrame, PackageFrame
from liptako.core.log.merkle import CompactRange, leaf_hash, verify_consistency, verify_inclusion
from liptako.core.records.envelope import HEADER_LIMIT, Header, Lane, decode_header, lane_of
from liptako.core.records.payload import (
    PACKAGE,
    PAYLOAD_LIMIT,
    SALT_BYTES,
    SEED_BYTES,
    derive_salt,
    payload_hash,
)

_AT_HAND = 4096  # headers, of some 300 bytes each


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A log and what all its records share: author, audience, lane."""

    origin: str
    author: str
    audience: str
    lane: Lane


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """An entry that its author signed, with its payload if that came along.

    `header` is nothing if the author wrote what cannot be read; `fault` says why it is set aside.
    """

    seq: int
    data: bytes
    leaf: bytes
    salt: bytes = b""
    body: bytes | None = None
    header: Header | None = None
    fault: MalformedError | None = None


class Opened(NamedTuple):
    """A package with its entries, as `read_package` has read them before."""

    package: PackageFrame
    entries: tuple[Accepted, ...]


def read_package(channel: Channel, package: PackageFrame) -> tuple[Accepted, ...]:
    """Return the entries of a package; whether its author has signed them is yet to be proved.

    Their headers are whole again, their payloads are the ones that these name. This is most of the
    work, and needs nothing of the log. Raises MalformedError or VerificationError.
    """
    _check_shape(package)
    return tuple(_judge(channel, entry) for entry in _read_entries(package))


def accept_package(
    channel: Channel, log: CompactRange, checkpoint: Checkpoint, given: PackageFrame | Opened
) -> tuple[CompactRange, tuple[Accepted, ...]]:
    """Return the longer log and the new entries of a package.

    Entries that are held already are skipped. Raises MalformedError or VerificationError, naming
    the log and the entries, if anything is missing, added, changed, or out of order.
    """
    package = given.package if isinstance(given, Opened) else given
    where = {"origin": channel.origin, "start": package.start}
    _check_shape(package)
    if package.start > log.size:
        raise GapError(
            "%(origin)s: entries are missing: expected number %(expected)d next, got %(start)d",
            expected=log.size,
            **where,
        )
    if package.start + len(package.headers) <= log.size:
        return log, ()
    if isinstance(given, Opened) and _is_in_order(given):
        new = tuple(entry for entry in given.entries if entry.seq >= log.size)
    else:
        entries = list(_read_entries(package))
        new = tuple(_judge(channel, entry) for entry in entries if entry.seq >= log.size)
    longer = log.extend(entry.leaf for entry in new)
    try:
        _prove(longer, checkpoint, package.proof)
    except VerificationError as cause:
        raise VerificationError(
            "%(origin)s: the entries from number %(start)d on are not what the author signed: "
            "one was changed, left out, added or moved",
            **where,
        ) from cause
    return longer, new


def _is_in_order(given: Opened) -> bool:
    """Say whether what was read before are all entries of the package, each with its own hash."""
    places = range(given.package.start, given.package.start + len(given.package.headers))
    return len(given.entries) == len(places) and all(
        entry.seq == seq and entry.leaf == leaf_hash(entry.data)
        for seq, entry in zip(places, given.entries, strict=True)
    )


def accept_ahead(channel: Channel, checkpoint: Checkpoint, frame: AheadFrame) -> Accepted:
    """Return an entry that is shown before its turn, proven by its inclusion in the checkpoint.

    Raises MalformedError or VerificationError if its author has not signed it there, or if it does
    not belong into its log: who shows it has a choice, unlike in a package.
    """
    entry = _read_entry(frame.seq, frame.header, frame.body, frame.salt)
    verify_inclusion(
        leaf_hash(entry.data),
        index=frame.seq,
        size=checkpoint.size,
        root=checkpoint.root,
        proof=frame.proof,
    )
    accepted = _judge(channel, entry)
    if accepted.fault is not None:
        raise accepted.fault
    return accepted


def _prove(log: CompactRange, checkpoint: Checkpoint, proof: Sequence[bytes]) -> None:
    """Raise VerificationError unless the log is a prefix of what the checkpoint signs."""
    verify_consistency(
        log.size, checkpoint.size, old_root=log.root(), new_root=checkpoint.root, proof=proof
    )


def _check_shape(package: PackageFrame) -> None:
    """Raise MalformedError unless all entries lie between two multiples of 256, with payloads."""
    count = len(package.headers)
    if not 0 < count <= PACKAGE or len(package.bodies) != count or package.start < 0:
        raise MalformedError("package: expected 1 to 256 headers and as many payloads")
    if package.start % PACKAGE + count > PACKAGE:
        raise MalformedError(
            "package: expected entries up to the next multiple of 256, "
            "got %(got)d from number %(start)d on",
            got=count,
            start=package.start,
        )


class _Entry(NamedTuple):
    """An entry as its author wrote it, yet to be judged."""

    seq: int
    data: bytes
    salt: bytes
    body: bytes | None


def _read_entries(package: PackageFrame) -> Iterator[_Entry]:
    """Give the entries as their author wrote them. Raises MalformedError."""
    parts = zip(package.headers, package.bodies, _salts(package), strict=True)
    for seq, (header, body, salt) in enumerate(parts, package.start):
        yield _read_entry(seq, header, body, salt)


def _salts(package: PackageFrame) -> Sequence[bytes]:
    """Return the salt of every entry. Raises MalformedError."""
    places = range(package.start, package.start + len(package.headers))
    if len(package.seed) == SEED_BYTES and not package.salts:
        return [derive_salt(package.seed, seq) for seq in places]
    if package.seed or len(package.salts) != len(places):
        raise MalformedError("package: expected one seed, or a salt for every entry")
    return package.salts


def _read_entry(seq: int, header: bytes, body: bytes | None, salt: bytes) -> _Entry:
    """Return one entry, its header whole again. Raises MalformedError for lengths out of bounds."""
    if len(header) > HEADER_LIMIT or len(body or b"") > PAYLOAD_LIMIT:
        raise MalformedError("entry %(seq)d: it is longer than an entry may be", seq=seq)
    if body is None:
        return _Entry(seq, header, b"", None)
    if len(salt) != SALT_BYTES:
        raise MalformedError("entry %(seq)d: expected a salt of 16 bytes", seq=seq)
    return _Entry(seq, restore_hash(header, salt, body), salt, body)


def _judge(channel: Channel, entry: _Entry) -> Accepted:
    """Return the entry with its header read, or with the fault for which it is set aside.

    Raises VerificationError if its payload is not the one that the header names.
    """
    seq, data, salt, body = entry
    leaf = leaf_hash(data)
    try:
        header = read_header(channel, data)
    except MalformedError as fault:
        # Nothing says which payload belongs to it: what came along is not kept.
        return Accepted(seq=seq, data=data, leaf=leaf, fault=fault)
    if body is not None:
        _check_payload(seq, header, salt, body)
    return Accepted(seq=seq, data=data, leaf=leaf, salt=salt, body=body, header=header)


@lru_cache(maxsize=_AT_HAND)
def read_header(channel: Channel, data: bytes) -> Header:
    """Return the header of an entry of a log. Raises MalformedError if it does not belong there.

    The last ones are kept at hand: what is taken in is drawn a moment later.
    """
    header = decode_header(data)
    found = (header.author, header.audience, lane_of(header.precedence))
    if found != (channel.author, channel.audience, channel.lane):
        raise MalformedError(
            "header: expected %(expected)s as in its log, got %(got)s",
            expected=f"{channel.author}, {channel.audience}, {channel.lane}",
            got=", ".join(found),
        )
    return header


def _check_payload(seq: int, header: Header, salt: bytes, body: bytes) -> None:
    """Raise VerificationError if the payload is not the one that the header names."""
    if (len(body), payload_hash(salt, body)) != (header.payload.size, header.payload.hash):
        raise VerificationError("entry %(seq)d: its payload is not the one it names", seq=seq)
