"""A foreign reader: the signed words of bundle.md that say what a node holds: heads, and `same`."""

import hashlib
import re
from dataclasses import dataclass

from tests.foreign.logs import read_checkpoint, signed_by
from tests.foreign.spelling import MEMBER, from_base64, matches, need

_PART = "([0-9a-f]{16})"
_AGE = re.compile(rf"([1-9][0-9]{{0,8}}) (0|[1-9][0-9]*) {_PART}(?: {_PART} {_PART})?")
_TIME = re.compile(r"(?m)^([1-9][0-9]*) [0-9]+ ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """What a sender says that it holds."""

    sender: str
    recipient: str
    epoch: int
    time: int
    trust: str
    digest: tuple | None
    logs: dict
    wanted: dict


def read_heads(lines):
    """Return what the lines of heads say."""
    need(len(lines) >= 4 and lines[0] == "liptako.heads/1", "heads")
    age = _AGE.fullmatch(lines[3])
    need(age is not None and all(matches(MEMBER, name) for name in lines[1:3]), "heads")
    logs, wanted = {}, {}
    for line in lines[4:]:
        origin, size, root, *asked = line.split(" ")
        logs[origin] = read_checkpoint([origin, size, root])
        pairs = [one.split("=") for one in asked]
        need(all(len(pair) == 2 and matches(MEMBER, pair[0]) for pair in pairs), "wanted")
        names = [name for name, _ in pairs]
        need(names == sorted(set(names)), "wanted: order")
        wanted |= {(origin, name): int(size) for name, size in pairs}
    need(list(logs) == sorted(logs) and len(logs) == len(lines) - 4, "heads: order")
    return Heads(
        sender=lines[1],
        recipient=lines[2],
        epoch=int(age[1]),
        time=int(age[2]),
        trust=age[3],
        digest=(age[4], age[5]) if age[4] else None,
        logs=logs,
        wanted=wanted,
    )


def without_time(said):
    """Return the text of heads with the time 0."""
    return _TIME.sub(r"\1 0 ", said, count=1)


def hash_of(mine, theirs):
    """Return what a line `liptako.same/1` says of the heads of its sender and its recipient."""
    both = "\0".join(map(without_time, (mine, theirs)))
    return hashlib.sha256(both.encode()).digest()[:16]


def read_same(note, pair, public):
    """Return the hash in a line `liptako.same/1` that a sender has signed for a recipient."""
    sender, recipient = pair
    lines = note.lines
    need(len(lines) == 5 and lines[:3] == ["liptako.same/1", sender, recipient], "same")
    need(lines[3].isdecimal() and signed_by(note, f"{sender}/node", public), "same: signature")
    return from_base64(lines[4], 16)
