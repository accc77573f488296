"""The frames of a bundle: what each of them holds (docs/spec/bundle.md, Frames)."""

from typing import Annotated

import msgspec

_Many = msgspec.Meta(max_length=2**16)
"""More parts than any good frame has: a list of millions would fill the memory unread."""


class HeadsFrame(msgspec.Struct, frozen=True, array_like=True, tag="heads"):
    """The sender's signed heads; always the first frame."""

    note: bytes


class DeedsFrame(msgspec.Struct, frozen=True, array_like=True, tag="deeds"):
    """The versions and delegations that the sender believes in: what its heads are judged by."""

    dossier: bytes


class RoomFrame(msgspec.Struct, frozen=True, array_like=True, tag="room"):
    """How many bytes the answer should have at most: what the line carries in a few seconds."""

    size: int


class ChannelFrame(msgspec.Struct, frozen=True, array_like=True, tag="channel"):
    """A log of which entries follow: its roster, lane, and the author's signed checkpoint.

    `start` entries go before; `frontier` holds their hashes as a compact range, so that a reader
    who does not hold them can verify the rest, or is empty.
    """

    origin: str
    roster: Annotated[tuple[str, ...], _Many]
    lane: str
    checkpoint: bytes
    start: int
    frontier: bytes


class PackageFrame(msgspec.Struct, frozen=True, array_like=True, tag="package"):
    """Up to 256 entries from place `start` on.

    `headers` without the payload hash where the payload is here; `bodies` with nothing for a
    payload that is withheld or gone; `seed` for all salts, or `salts` one by one; `proof` from the
    log up to here to the checkpoint.
    """

    start: int
    headers: Annotated[tuple[bytes, ...], _Many]
    bodies: Annotated[tuple[bytes | None, ...], _Many]
    seed: bytes
    salts: Annotated[tuple[bytes, ...], _Many]
    proof: Annotated[tuple[bytes, ...], _Many]


class AheadFrame(msgspec.Struct, frozen=True, array_like=True, tag="ahead"):
    """An entry of the log shown before its turn, with its inclusion proof in the checkpoint."""

    seq: int
    header: bytes
    body: bytes | None
    salt: bytes
    proof: Annotated[tuple[bytes, ...], _Many]


class ShownFrame(msgspec.Struct, frozen=True, array_like=True, tag="shown"):
    """What the sender was shown ahead of a log and has kept: places beyond those it holds."""

    origin: str
    places: Annotated[tuple[int, ...], _Many]


class ReceiptFrame(msgspec.Struct, frozen=True, array_like=True, tag="receipt"):
    """What a member signed that it stored of a log, but for the root, which its reader knows."""

    origin: str
    size: int
    member: str
    time: int
    signature: bytes


class HistoryFrame(msgspec.Struct, frozen=True, array_like=True, tag="history"):
    """What its author signed of a log that the receiver holds otherwise: once it had this root.

    `proof` leads from `root` over `size` entries to `checkpoint`.
    """

    origin: str
    checkpoint: bytes
    size: int
    root: bytes
    proof: Annotated[tuple[bytes, ...], _Many]


class WantFrame(msgspec.Struct, frozen=True, array_like=True, tag="want"):
    """A file that the sender lacks, named by a record for an audience, and how far it has it."""

    audience: str
    hash: bytes
    offset: int


class ChunkFrame(msgspec.Struct, frozen=True, array_like=True, tag="chunk"):
    """Some bytes of a file that a record for an audience names, from `offset` on."""

    audience: str
    hash: bytes
    offset: int
    data: bytes


class ParcelFrame(msgspec.Struct, frozen=True, array_like=True, tag="parcel"):
    """A bundle sealed for `recipient` on its way through a third member, who cannot read it.

    From `sender` for who carries it, or from who has carried it for its recipient.
    """

    sender: str
    recipient: str
    sealed: bytes


class CarriedFrame(msgspec.Struct, frozen=True, array_like=True, tag="carried"):
    """Says that a parcel is here: it is carried on, or has come to its recipient."""

    sender: str
    recipient: str
    digest: bytes


class LaterFrame(msgspec.Struct, frozen=True):
    """A frame that only a later version can read; it is passed over."""

    name: str


class EndFrame(msgspec.Struct, frozen=True, array_like=True, tag="end"):
    """The last frame, with how many came before it: without it the bundle was cut."""

    frames: int


Known = (
    DeedsFrame
    | HeadsFrame
    | RoomFrame
    | ShownFrame
    | ChannelFrame
    | AheadFrame
    | PackageFrame
    | ReceiptFrame
    | HistoryFrame
    | WantFrame
    | ChunkFrame
    | ParcelFrame
    | CarriedFrame
    | EndFrame
)
Frame = Known | LaterFrame
