"""Good bytes of every kind that comes from outside, to begin from."""

import io

import msgspec

from liptako.core.clock import Instant
from liptako.core.compact.delegation import Revoked
from liptako.core.compact.document import State
from liptako.core.compact.dossier import write_dossier
from liptako.core.keys import signer_from_seed, write_private_key
from liptako.core.log.bundle import (
    AheadFrame,
    BundleWriter,
    CarriedFrame,
    ChannelFrame,
    ChunkFrame,
    HeadsFrame,
    HistoryFrame,
    PackageFrame,
    ParcelFrame,
    ReceiptFrame,
    RoomFrame,
    ShownFrame,
    WantFrame,
    strip_hash,
)
from liptako.core.log.checkpoint import head_of, sign_checkpoint
from liptako.core.log.fork import Fork, View, write_fork
from liptako.core.log.heads import Asked, Heads, read_heads, sign_heads
from liptako.core.log.merkle import CompactRange, inclusion_proof, leaf_hash, tree_hash
from liptako.core.log.receipt import cosign
from liptako.core.log.same import same_of
from liptako.core.log.sealed import new_identity, recipient_of, seal
from liptako.core.records.attachments import attachment_of
from liptako.core.records.envelope import (
    Header,
    PayloadStub,
    Precedence,
    decode_header,
    encode_header,
)
from liptako.core.records.fields import encode_fields
from liptako.core.records.payload import derive_salt, payload_hash
from liptako.core.refs import Ref, audience_id
from tests import pact

SIGNER = signer_from_seed(bytes(range(32)))
ORIGIN = "ML/c/0001020304050607/e1"
ROSTER = ("BF", "ML", "NE")
SEED = bytes(16)
IDENTITY = new_identity()


def _header(seq: int, body: bytes) -> bytes:
    """Return a header with everything in it."""
    salt = derive_salt(SEED, seq)
    return encode_header(
        Header(
            kind="members.audit/1",
            author="ML",
            office="permanence",
            audience=audience_id(ROSTER),
            compact=1,
            object="0000000000001",
            lamport=seq + 1,
            time=Instant(1_790_000_000_000),
            payload=PayloadStub(hash=payload_hash(salt, body), size=len(body)),
            precedence=Precedence.PRIORITY,
            marking="x",
            retain=Instant(1_800_000_000_000),
            refs=(Ref(origin=ORIGIN, seq=0, leaf=bytes(16)),) if seq else (),
            extra=(("later", [1, {"x": None}]),),
        )
    )


BODIES = (b'{"event":"a"}', b'{"event":"b","detail":"' + "é".encode() * 50 + b'"}', b"{}")
HEADERS = tuple(_header(seq, body) for seq, body in enumerate(BODIES))
LEAVES = [leaf_hash(header) for header in HEADERS]
LOG = CompactRange().extend(LEAVES)
CHECKPOINT = head_of(ORIGIN, LOG)
CHECKPOINT_NOTE = sign_checkpoint(CHECKPOINT, SIGNER)
HEADS = sign_heads(
    Heads(
        sender="ML",
        recipient="BF",
        epoch=22_774_400,
        time=Instant(1_790_000_000_000),
        logs=(CHECKPOINT, head_of("NE/c/0001020304050607/e2", LOG)),
        asked=(
            Asked(origin=ORIGIN, member="BF", size=2),
            Asked(origin=ORIGIN, member="NE", size=0),
        ),
    ),
    SIGNER,
)
SAME = same_of(read_heads(HEADS), read_heads(HEADS), Instant(1_790_000_000_000))
RECEIPT = cosign(CHECKPOINT, "BF", 1_790_000_000, SIGNER)
RECEIPT_NOTE = RECEIPT.note(SIGNER.public)
_OTHER = head_of(ORIGIN, CompactRange().extend([leaf_hash(b"x")]))
FORK = write_fork(
    Fork(
        ORIGIN,
        1,
        View(sign_checkpoint(_OTHER, SIGNER), _OTHER.root),
        View(CHECKPOINT_NOTE, LEAVES[0], (LEAVES[1], LEAVES[2])),
    )
)
PACKAGE = PackageFrame(
    0,
    tuple(strip_hash(h, derive_salt(SEED, i), BODIES[i]) for i, h in enumerate(HEADERS)),
    BODIES,
    SEED,
    (),
    (),
)
_WAY = inclusion_proof(0, 3, lambda start, end: tree_hash(LEAVES[start:end]))
FRAMES = (
    HeadsFrame(HEADS),
    RoomFrame(65_536),
    WantFrame("5ex32j7raeh5jzlf", bytes(32), 65_536),
    ShownFrame(ORIGIN, (7, 9)),
    ChannelFrame(ORIGIN, ROSTER, "bulk", CHECKPOINT_NOTE, 0, b""),
    AheadFrame(0, HEADERS[0], BODIES[0], derive_salt(SEED, 0), _WAY),
    PACKAGE,
    HistoryFrame(ORIGIN, CHECKPOINT_NOTE, 3, CHECKPOINT.root, ()),
    ReceiptFrame(ORIGIN, 3, "BF", 1_790_000_000, RECEIPT.signature),
    CarriedFrame("ML", "NE", bytes(16)),
    ParcelFrame("ML", "NE", b"age-encryption.org/v1\n"),
    ChunkFrame("5ex32j7raeh5jzlf", bytes(32), 0, b"bytes of a file"),
)
FRAME_VALUES = [msgspec.msgpack.decode(msgspec.msgpack.encode(frame)) for frame in FRAMES]
VERSION = pact.first(*ROSTER)
LATER_VERSION = pact.after(VERSION, *ROSTER, states={"NE": (State.SUSPENDED, {})})
DELEGATION = pact.delegated("ML", sign=SIGNER.public, seals=(recipient_of(IDENTITY),))
NEXT_DELEGATION = pact.delegated(
    "ML",
    before=DELEGATION,
    sign=pact.signer("next").public,
    revoked=(Revoked(key=SIGNER.public, caps={ORIGIN: 3}),),
)
OTHERS = tuple(pact.delegated(name) for name in ("BF", "NE"))
CARD = encode_fields(pact.card("ML").fields)
DOSSIER = (
    CARD
    + b"\n"
    + write_dossier(
        pact.dossier(VERSION, LATER_VERSION, delegations=(DELEGATION, NEXT_DELEGATION, *OTHERS))
    )
)
COMPACT = pact.dossier(VERSION, delegations=(DELEGATION, *OTHERS)).compact()
KEY = write_private_key("ML/node", bytes(range(32))).encode()


WITH_FILE = encode_header(
    msgspec.structs.replace(
        decode_header(HEADERS[0]),
        attachments=(attachment_of(b"abc", type_="image/jpeg", name="ML-2026-7K3F-1.jpg"),),
    )
)
_EXIF = b"Exif\0\0MM\0*\0\0\0\10\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"
PHOTO = (
    b"\xff\xd8\xff\xe1" + (len(_EXIF) + 2).to_bytes(2, "big") + _EXIF
    + b"\xff\xfe\0\5Awa\xff\xdb\0\3\1\xff\xda\0\2pic\xff\0ture\xff\xd0\xff\xd9film"
)  # fmt: skip
PICTURE = (
    b"\x89PNG\r\n\x1a\n\0\0\0\1IHDR\0crc4\0\0\0\3tEXtAwacrc4\0\0\0\2IDATpxcrc4\0\0\0\0IENDcrc4"
)


def bundle() -> bytes:
    """Return a bundle that is not sealed."""
    target = io.BytesIO()
    writer = BundleWriter(target)
    for frame in FRAMES:
        writer.write(frame)
    writer.close()
    return target.getvalue()


def sealed(plain: bytes) -> bytes:
    """Return bytes under a seal."""
    target = io.BytesIO()
    seal(io.BytesIO(plain), target, recipient_of(IDENTITY))
    return target.getvalue()
