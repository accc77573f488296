"""Every parser of bytes from outside: what it begins from, how it is called, what must come back.

A target raises nothing but LiptakoError, and AssertionError if what it read does not write back.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

import msgspec
import zstandard

from liptako.core.clock import Instant, parse_instant
from liptako.core.compact.delegation import DELEGATION_TYPE, read_delegation
from liptako.core.compact.document import COMPACT_TYPE
from liptako.core.compact.dossier import dossier_of, read_dossier, write_dossier
from liptako.core.compact.envelope import Envelope, read_envelope, sign_envelope, write_envelope
from liptako.core.compact.versions import read_version
from liptako.core.errors import LiptakoError
from liptako.core.keys import key_id, read_private_key, write_private_key
from liptako.core.log.bundle import MAGIC, AheadFrame, ChannelFrame, PackageFrame, read_bundle
from liptako.core.log.checkpoint import open_checkpoint, parse_checkpoint
from liptako.core.log.delivery import (
    check_package,
    heads_note,
    open_ahead,
    open_delivery,
    open_sender,
)
from liptako.core.log.fork import check_fork, read_fork, write_fork
from liptako.core.log.heads import read_heads
from liptako.core.log.merkle import CompactRange
from liptako.core.log.note import Note, Signature, open_note, read_note, write_note
from liptako.core.log.receipt import check_receipt, read_receipt
from liptako.core.log.same import open_same, read_same
from liptako.core.log.sealed import check_recipient, recipient_of, unseal
from liptako.core.log.verify import accept_package
from liptako.core.media import JPEG, type_of, without_traces
from liptako.core.records.envelope import decode_header, encode_header
from liptako.core.records.fields import decode_fields, encode_fields
from liptako.core.refs import author_of, epoch_of, member_id, parse_object_id
from tests import pact
from tests.fuzz import samples
from tests.fuzz.mutating import mutated, mutated_json, mutated_value

Read = Callable[[bytes], None]
Change = Callable[[bytes, Sequence[bytes], Random], bytes]

NOW = Instant(1_790_000_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A parser: its name, good bytes to begin from, how they are changed, how they are read."""

    name: str
    seeds: tuple[bytes, ...]
    read: Read
    change: Change = mutated

    def input(self, chance: Random) -> bytes:
        """Return bytes to try: good ones with changes, or any bytes at all."""
        if chance.random() < 0.1:
            return chance.randbytes(int(2 ** chance.uniform(0, 12)) - 1)
        return self.change(chance.choice(self.seeds), self.seeds, chance)


def _note(data: bytes) -> None:
    note = read_note(data)
    assert write_note(note) == data
    open_note(data, {"ML/node": samples.SIGNER.public, samples.ORIGIN: samples.SIGNER.public})


def _checkpoint(data: bytes) -> None:
    text = data.decode(errors="replace")
    assert parse_checkpoint(text).text() == text
    open_checkpoint(_signed(text, samples.ORIGIN), samples.ORIGIN, samples.SIGNER.public)


def _signed(text: str, name: str) -> bytes:
    """Return a note with a good signature, whatever its text is."""
    signer = samples.SIGNER
    raw = signer.sign(text.encode())
    return write_note(Note(text, (Signature(name, key_id(name, signer.public), raw),)))


def _heads(data: bytes) -> None:
    text = data.decode(errors="replace")
    note = _signed(text, "ML/node")
    heads = open_sender(note, samples.COMPACT, "BF")
    assert (heads.text(), read_heads(note)) == (text, heads)


def _same(data: bytes) -> None:
    text = data.decode(errors="replace")
    note = _signed(text, "ML/node")
    same = read_same(note)
    assert same.text() == text
    open_same(note, same, samples.SIGNER.public)


def _receipt(data: bytes) -> None:
    receipt = read_receipt(data)
    assert read_receipt(receipt.note(samples.SIGNER.public)) == receipt
    check_receipt(receipt, [samples.SIGNER.public])


def _fork(data: bytes) -> None:
    fork = read_fork(data)
    assert read_fork(write_fork(fork)) == fork
    check_fork(fork, samples.COMPACT.open_checkpoint)


def _bundle(data: bytes) -> None:
    """Read a bundle as an auditor does, without a database."""
    compact, delivery, log = samples.COMPACT, None, CompactRange()
    frames = read_bundle(io.BytesIO(data))
    heads = open_sender(heads_note(next(frames, None)), compact, "BF")
    for frame in frames:
        try:
            if isinstance(frame, ChannelFrame):
                delivery, log = open_delivery(frame, heads, compact), CompactRange()
            elif isinstance(frame, AheadFrame) and delivery is not None:
                delivery, _ = open_ahead(delivery, frame)
            elif isinstance(frame, PackageFrame) and delivery is not None:
                delivery = check_package(delivery, frame, NOW)
                log, _ = accept_package(delivery.channel, log, delivery.checkpoint, frame)
        except LiptakoError:
            delivery = None


def _frames(data: bytes) -> None:
    _bundle(MAGIC + zstandard.ZstdCompressor(level=1).compress(data))


def _change_frames(_data: bytes, _others: Sequence[bytes], chance: Random) -> bytes:
    """Return frames of which one was changed in its structure, as an enemy with our code would."""
    values = list(samples.FRAME_VALUES)
    place = chance.randrange(len(values))
    values[place] = mutated_value(values[place], chance)
    if chance.random() < 0.2:
        chance.shuffle(values)
    bodies = [msgspec.msgpack.encode(value) for value in [*values, ["end", len(values)]]]
    data = b"".join(len(body).to_bytes(4, "big") + body for body in bodies)
    return mutated(data, [data], chance) if chance.random() < 0.3 else data


def _sealed(data: bytes) -> None:
    target = io.BytesIO()
    unseal(io.BytesIO(data), target, samples.IDENTITY)
    _bundle(target.getvalue())


def _header(data: bytes) -> None:
    header = decode_header(data)
    assert decode_header(encode_header(header)) == header


def _photo(data: bytes) -> None:
    """Take out of a photo what a camera wrote: a second time nothing is left to take."""
    kind = type_of(data) or JPEG
    clean = without_traces(data, kind)
    assert without_traces(clean, kind) == clean


def _fields(data: bytes) -> None:
    assert encode_fields(decode_fields(data, limit=70_000)) == data


def _dossier(data: bytes) -> None:
    dossier = read_dossier(data)
    assert read_dossier(write_dossier(dossier)) == dossier
    if dossier.versions:
        dossier.compact()


def _envelope(data: bytes) -> None:
    envelope = read_envelope(data)
    assert read_envelope(write_envelope(envelope)) == envelope
    dossier_of([envelope])


def _version(data: bytes) -> None:
    """Read a version that all have signed, whatever stands in it."""
    envelope = Envelope(type=COMPACT_TYPE, payload=data)
    for member in samples.ROSTER:
        envelope = sign_envelope(envelope, pact.roots(member)[0])
    version = read_version(envelope)
    pact.dossier(
        samples.VERSION, version, delegations=(samples.DELEGATION, *samples.OTHERS)
    ).compact()


def _delegation(data: bytes) -> None:
    """Read a delegation that its member has signed, whatever stands in it."""
    envelope = Envelope(type=DELEGATION_TYPE, payload=data)
    signed = read_delegation(sign_envelope(envelope, pact.roots("ML")[0]))
    pact.dossier(
        samples.VERSION, delegations=(samples.DELEGATION, signed, *samples.OTHERS)
    ).compact()


def _key(data: bytes) -> None:
    text = data.decode(errors="replace")
    assert write_private_key(*read_private_key(text)) == text


def _words(data: bytes) -> None:
    """Try the short texts that stand in all the others."""
    text = data.decode(errors="replace")
    readers = (parse_instant, member_id, parse_object_id, author_of, epoch_of, check_recipient,
               recipient_of)  # fmt: skip
    for reader in readers:
        try:
            reader(text)
        except LiptakoError:
            continue


WORDS = (
    b"2026-11-23T10:00:00.123Z", b"ML", b"0000000000001", samples.ORIGIN.encode(),
    recipient_of(samples.IDENTITY).encode(), samples.IDENTITY.encode(),
)  # fmt: skip
_PLAIN = samples.bundle()
_HEADS_TEXT = samples.HEADS.rpartition(b"\n\n")[0] + b"\n"

TARGETS = (
    Target(
        name="note",
        seeds=(samples.CHECKPOINT_NOTE, samples.HEADS),
        read=_note,
    ),
    Target(name="checkpoint", seeds=(samples.CHECKPOINT.text().encode(),), read=_checkpoint),
    Target(name="heads", seeds=(_HEADS_TEXT,), read=_heads),
    Target(name="same", seeds=(samples.SAME.text().encode(),), read=_same),
    Target(name="receipt", seeds=(samples.RECEIPT_NOTE,), read=_receipt),
    Target(name="fork", seeds=(samples.FORK,), read=_fork, change=mutated_json),
    Target(name="bundle", seeds=(_PLAIN,), read=_bundle),
    Target(name="frames", seeds=(b"",), read=_frames, change=_change_frames),
    Target(name="sealed", seeds=(samples.sealed(_PLAIN),), read=_sealed),
    Target(
        name="header",
        seeds=(*samples.HEADERS, samples.WITH_FILE),
        read=_header,
        change=mutated_json,
    ),
    Target(name="photo", seeds=(samples.PHOTO, samples.PICTURE), read=_photo),
    Target(
        name="fields",
        seeds=(*samples.HEADERS, *samples.BODIES, samples.CARD),
        read=_fields,
        change=mutated_json,
    ),
    Target(name="dossier", seeds=(samples.DOSSIER,), read=_dossier),
    Target(name="card", seeds=(samples.CARD,), read=_dossier, change=mutated_json),
    Target(
        name="envelope",
        seeds=tuple(
            write_envelope(item.envelope) for item in (samples.VERSION, samples.DELEGATION)
        ),
        read=_envelope,
        change=mutated_json,
    ),
    Target(
        name="version",
        seeds=(samples.VERSION.envelope.payload, samples.LATER_VERSION.envelope.payload),
        read=_version,
        change=mutated_json,
    ),
    Target(
        name="delegation",
        seeds=(samples.DELEGATION.envelope.payload, samples.NEXT_DELEGATION.envelope.payload),
        read=_delegation,
        change=mutated_json,
    ),
    Target(name="key", seeds=(samples.KEY,), read=_key),
    Target(name="words", seeds=WORDS, read=_words),
)
