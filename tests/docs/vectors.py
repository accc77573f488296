"""Writes one case of the whole format from the code, with fixed keys, salts and times.

`python tests/docs/vectors.py write` puts it into docs/spec/vectors.json (`make docs`). A reader
that knows nothing of the code is in `test_vectors.py`.
"""

import io
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import zstandard
from msgspec.structs import replace

from liptako.core.clock import Instant
from liptako.core.digest import Basis, State, Sums, digest_of
from liptako.core.keys import fingerprint, key_id, signer_from_seed
from liptako.core.log.bundle import (
    MAGIC,
    BundleWriter,
    ChannelFrame,
    ChunkFrame,
    Frame,
    HeadsFrame,
    PackageFrame,
    WantFrame,
    strip_hash,
)
from liptako.core.log.checkpoint import head_of, sign_checkpoint
from liptako.core.log.heads import Asked, Heads, key_name, sign_heads
from liptako.core.log.merkle import CompactRange, consistency_proof, leaf_hash, subtrees
from liptako.core.log.receipt import cosign
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
from liptako.core.refs import LEAF_BYTES, Ref, audience_id, channel_origin, object_id
from liptako.members.records import MANDATE, Mandate
from liptako.situation.records import (
    ATTACHMENT,
    INCIDENT,
    Count,
    Harm,
    Incident,
    Level,
    Period,
    Place,
)

FILE = Path(__file__).parents[2] / "docs" / "spec" / "vectors.json"

KEY = bytes(range(32))
WITNESS = bytes(range(32, 64))
SEED = bytes(range(16, 32))
ROSTER = ("BF", "ML", "NE")
ORIGIN = channel_origin("ML", bytes(range(8)), 1)
INCIDENT_ID, MANDATE_ID = object_id(bytes(range(8))), object_id(bytes([255] * 8))
BEGINS = 1_790_000_000_000  # 2026-09-21T14:13:20Z
PHOTO = b"\xff\xd8\xff\xdb\0\3\1\xff\xda\0\2picture\xff\xd9"
FIRST_PACKAGE = 2  # entries; the rest comes in a second one

PLACE = Place(lat=15_671_000, lon=502_000, radius_m=5_000, level=Level.RADIUS, words="Ansongo")
REPORT = Incident(
    reference="ML-2026-7K3F",
    kind="flood",
    summary='Crue à "Ansongo"',
    period=Period(begins=BEGINS),
    place=PLACE,
    text="Première ligne\nsuite\t\\ \u0001",
)
CHANGED = msgspec.structs.replace(REPORT, severity=3, harm=Harm(displaced=Count(best=40, low=30)))
SPEAKS = Mandate(office="delegue", subjects=("secours",), begins=BEGINS)
WRITTEN: Sequence[tuple[str, str, msgspec.Struct, Mapping[str, object]]] = (
    (INCIDENT, INCIDENT_ID, REPORT, {}),
    (
        INCIDENT,
        INCIDENT_ID,
        CHANGED,
        {
            "precedence": Precedence.PRIORITY,
            "marking": "Diffusion restreinte",
            "retain": Instant(BEGINS + 30 * 86_400_000),
        },
    ),
    (MANDATE, MANDATE_ID, SPEAKS, {}),
)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A record of the case, with its bytes and its hashes."""

    place: int
    header: bytes
    payload: bytes
    salt: bytes
    payload_hash: bytes
    leaf_hash: bytes


def entries() -> list[Entry]:
    """Return the records of the log; the second one names the first."""
    made: list[Entry] = []
    for place, (kind, name, payload, more) in enumerate(WRITTEN):
        body = encode_fields(msgspec.to_builtins(payload))
        salt = derive_salt(SEED, place)
        digest = payload_hash(salt, body)
        refs = (
            () if place != 1 else (Ref(origin=ORIGIN, seq=0, leaf=made[0].leaf_hash[:LEAF_BYTES]),)
        )
        header = Header(
            kind=kind,
            author="ML",
            office="permanence",
            audience=audience_id(ROSTER),
            compact=1,
            object=name,
            lamport=place + 1,
            time=Instant(BEGINS + 1000 * place),
            payload=PayloadStub(hash=digest, size=len(body)),
            refs=refs,
            **more,
        )
        data = encode_header(header)
        made.append(
            Entry(
                place=place,
                header=data,
                payload=body,
                salt=salt,
                payload_hash=digest,
                leaf_hash=leaf_hash(data),
            )
        )
    return made


def frames(log: Sequence[Entry], checkpoint: bytes, heads: bytes) -> list[Frame]:
    """Return the frames of a bundle: the first package whole, the second without its payload."""
    proof = consistency_proof(FIRST_PACKAGE, len(log), subtrees([entry.leaf_hash for entry in log]))
    first, rest = log[:FIRST_PACKAGE], log[FIRST_PACKAGE:]
    return [
        HeadsFrame(heads),
        ChannelFrame(ORIGIN, ROSTER, "bulk", checkpoint, 0, b""),
        PackageFrame(
            start=0,
            headers=tuple(strip_hash(entry.header, entry.salt, entry.payload) for entry in first),
            bodies=tuple(entry.payload for entry in first),
            seed=SEED,
            salts=(),
            proof=proof,
        ),
        PackageFrame(
            start=FIRST_PACKAGE,
            headers=tuple(entry.header for entry in rest),
            bodies=(None,) * len(rest),
            seed=b"",
            salts=(b"",) * len(rest),
            proof=(),
        ),
    ]


def bundle_of(parts: Sequence[Frame]) -> bytes:
    """Return a bundle before it is sealed."""
    plain = io.BytesIO()
    writer = BundleWriter(plain)
    for frame in parts:
        writer.write(frame)
    writer.close()
    return plain.getvalue()


def digests() -> dict[str, object]:
    """Return digests of the log: of no words, of what the bundle gives, and of the page's words."""
    bundle, page = ((FIRST_PACKAGE, Basis.NO_PAYLOAD),), ((1, Basis.NO_PAYLOAD), (2, State.WAITING))
    return {"nothing": digest(()), "bundle": digest(bundle), "page": digest(page)}


def digest(words: Sequence[tuple[int, Basis | State]]) -> dict[str, object]:
    """Return words about records of the log with their digest."""
    sums = Sums()
    for place, word in words:
        sums = sums.with_word(ORIGIN, place, word)
    found = digest_of([sums])
    said = [f"{ORIGIN} {place} {word}" for place, word in words]
    return {"words": said, "basis": found.basis, "state": found.state}


def split_frames(bundle: bytes) -> list[bytes]:
    """Return the frames of a bundle as bytes, each with its length before it."""
    stream = zstandard.ZstdDecompressor().decompressobj().decompress(bundle[len(MAGIC) :])
    found, at = [], 0
    while at < len(stream):
        end = at + 4 + int.from_bytes(stream[at : at + 4], "big")
        found.append(stream[at:end])
        at = end
    return found


def attachment(log: Sequence[Entry]) -> dict[str, str | list[str]]:
    """Return a header that names a file, and the frames in which its bytes are asked for and go."""
    file = attachment_of(PHOTO, type_="image/jpeg", name="ML-2026-7K3F-1.jpg")
    header = replace(decode_header(log[0].header), kind=ATTACHMENT, attachments=(file,))
    where, half = header.audience, len(PHOTO) // 2
    parts: list[Frame] = [
        WantFrame(where, file.hash, 0),
        ChunkFrame(where, file.hash, 0, PHOTO[:half]),
        ChunkFrame(where, file.hash, half, PHOTO[half:]),
    ]
    data = encode_header(header)
    return {
        "header": data.decode(),
        "header_bytes": data.hex(),
        "file": PHOTO.hex(),
        "frames": [frame.hex() for frame in split_frames(bundle_of(parts))[:-1]],
    }


def vectors_page() -> str:
    """Return the case as JSON: bytes as hexadecimal digits, texts as they are."""
    signer, log = signer_from_seed(KEY), entries()
    held = CompactRange().extend(entry.leaf_hash for entry in log)
    head = head_of(ORIGIN, held)
    checkpoint = sign_checkpoint(head, signer)
    asked = (Asked(origin=ORIGIN, member="BF", size=2), Asked(origin=ORIGIN, member="NE", size=0))
    heads = Heads(
        sender="ML", recipient="BF", epoch=1, time=Instant(BEGINS), logs=(head,), asked=asked
    )  # fmt: skip
    heads_note = sign_heads(heads, signer)
    witness = signer_from_seed(WITNESS)
    receipt = cosign(head, "BF", BEGINS // 1000, witness)
    bundle = bundle_of(frames(log, checkpoint, heads_note))
    case = {
        "about": "For tests only. Made from the code by `make docs`; bytes in hexadecimal digits.",
        "key": {
            "seed": KEY.hex(),
            "public": signer.public.hex(),
            "fingerprint": fingerprint(signer.public),
            "id_for_log": key_id(ORIGIN, signer.public).hex(),
            "id_for_heads": key_id(key_name("ML"), signer.public).hex(),
        },
        "log": {
            "origin": ORIGIN,
            "author": "ML",
            "roster": ROSTER,
            "audience": audience_id(ROSTER),
            "lane": "bulk",
            "salt_seed": SEED.hex(),
        },
        "entries": [
            {
                "place": entry.place,
                "header": entry.header.decode(),
                "header_bytes": entry.header.hex(),
                "payload": entry.payload.decode(),
                "payload_bytes": entry.payload.hex(),
                "salt": entry.salt.hex(),
                "payload_hash": entry.payload_hash.hex(),
                "leaf_hash": entry.leaf_hash.hex(),
            }
            for entry in log
        ],
        "root": held.root().hex(),
        "compact_range": held.to_bytes().hex(),
        "checkpoint": checkpoint.decode(),
        "heads": heads_note.decode(),
        "receipt": {
            "seed": WITNESS.hex(),
            "public": witness.public.hex(),
            "note": receipt.note(witness.public).decode(),
        },
        "digests": digests(),
        "frames": [frame.hex() for frame in split_frames(bundle)],
        "bundle": bundle.hex(),
        "attachment": attachment(log),
    }
    return json.dumps(case, ensure_ascii=False, indent=1) + "\n"


def main() -> int:
    """Write the file."""
    FILE.write_text(vectors_page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
