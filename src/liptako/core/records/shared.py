"""Kinds that are about records of any module: a recall, what was destroyed, which files are held.

They belong to no module, so that whoever keeps records can carry them out.
"""

import enum

import msgspec

from liptako.core.errors import RefusedError
from liptako.core.records.envelope import Header
from liptako.core.refs import LEAF_BYTES, Ref

RECALL = "exchange.recall/1"
DESTROYED = "exchange.destroyed/1"
TEST = "exchange.test/1"
FILES = "exchange.files/1"

REASON_LIMIT = 2_000  # characters of a reason for a recall


class Why(enum.StrEnum):
    """Why the payload of a record was deleted."""

    RECALL = "recall"
    EXPIRY = "expiry"


class Recall(msgspec.Struct, frozen=True, kw_only=True):
    """Its author takes records back: those that the header names are to be deleted everywhere.

    They are of the same author, object and audience; header and proof stay. `reason` is told to all
    who had them.
    """

    reason: str


class Destroyed(msgspec.Struct, frozen=True, kw_only=True):
    """A member says that it holds the payloads of the named records no longer, and why."""

    why: str


class FilesHeld(msgspec.Struct, frozen=True):
    """A member says that it holds all files of the named records, whole and as they were named."""


class Probe(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message that only tries the way to a partner and back: its receipt is the answer."""

    text: str = ""


RECORDS: dict[str, type[msgspec.Struct]] = {
    RECALL: Recall,
    DESTROYED: Destroyed,
    FILES: FilesHeld,
    TEST: Probe,
}


def reason_fault(reason: str) -> RefusedError | None:
    """Return what is wrong with the reason for a recall, or nothing."""
    if 0 < len(reason.strip()) <= REASON_LIMIT:
        return None
    return RefusedError(
        "recall: expected a reason of 1 to %(limit)d characters", limit=REASON_LIMIT
    )


def takes_back(recall: Header, named: Ref, target: Header, leaf: bytes) -> bool:
    """Say whether a recall takes back the record of this header and leaf hash, which it names."""
    same = (recall.author, recall.object, recall.audience)
    return (
        recall.kind == RECALL
        and named.leaf == leaf[:LEAF_BYTES]
        and same == (target.author, target.object, target.audience)
    )
