"""The world of the simulator: nodes with their clocks and dice, wires, sticks, backups, the truth.

The truth is what the simulator notes beside the nodes: which records were committed, for whom, and
whose only copy was lost. Each carries a mark that names its audience, so that wherever the mark is
found, it can be said whether it may be there.
"""

import itertools
import os
import re
from collections import Counter as Tally
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random

from django.conf import settings

from liptako.core.clock import Instant
from liptako.core.compact.dossier import dossier_of, write_dossier
from liptako.core.compact.draft import first_draft
from liptako.core.keys import Ed25519Signer, signer_from_seed
from liptako.core.log.sealed import new_identity, recipient_of
from liptako.core.records.envelope import decode_header
from liptako.core.records.shared import RECALL
from liptako.core.refs import author_of
from liptako.federation.models import Peer
from liptako.federation.pace import Pace
from liptako.ledger.models import Entry
from liptako.ledger.node import Node
from tests import pact

MEMBERS = ("ML", "BF", "NE", "TD", "MR")
START = 1_790_000_000_000  # 2026-09-21T14:13:20Z
LAST = 253_402_300_799_999
HOUR = 3_600_000
DAY = 24 * HOUR
MARK = re.compile(rb"mark-([0-9]{5})-((?:[A-Z]{2}\.)+)")

_IDENTITIES = {member: new_identity() for member in MEMBERS}
_SPARE = {member: new_identity() for member in MEMBERS}


class Crash(BaseException):
    """The program ends here, as with kill -9: nothing may catch it."""


@dataclass(slots=True)
class Clock:
    """A node's clock: the time of the world, and by how much it is wrong."""

    world: "World"
    wrong: int = 0

    def __call__(self) -> Instant:
        """Tell the time; the world grows older by a millisecond."""
        self.world.now += 1
        return Instant(min(max(self.world.now + self.wrong, 0), LAST))


@dataclass(frozen=True, slots=True)
class Place:
    """A place of a log, with the leaf that stands there: two leaves are two histories."""

    origin: str
    seq: int
    leaf: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A record as its author committed it."""

    audience: frozenset[str]
    mark: bytes
    retain: int | None
    takes_back: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stick:
    """A bundle in a file: from whom, for whom."""

    sender: str
    recipient: str
    data: bytes


@dataclass(slots=True, kw_only=True)
class World:
    """All that a history happens to."""

    fleet: object
    members: tuple[str, ...]
    now: int = START
    clocks: dict[str, Clock] = field(default_factory=dict)
    written: dict[Place, Written] = field(default_factory=dict)
    lost: set[Place] = field(default_factory=set)
    objects: dict[str, set[frozenset[str]]] = field(default_factory=dict)
    subjects: dict[tuple[str, frozenset[str]], list[tuple[str, str]]] = field(default_factory=dict)
    down: set[frozenset[str]] = field(default_factory=set)
    sticks: list[Stick] = field(default_factory=list)
    requests: list[Stick] = field(default_factory=list)
    backups: dict[str, list[object]] = field(default_factory=dict)
    was_set_back: set[str] = field(default_factory=set)
    happened: Tally = field(default_factory=Tally)
    files: dict[str, bytes] = field(default_factory=dict)
    stolen: dict[str, object] = field(default_factory=dict)
    forged: dict[Place, int] = field(default_factory=dict)
    forged_recalls: dict[Place, tuple[tuple[str, int], ...]] = field(default_factory=dict)
    caps: dict[str, dict[str, int]] = field(default_factory=dict)
    deeds: dict[str, bytes] = field(default_factory=dict)
    marks: int = 0

    def at(self, member: str):
        """Let what is inside run on a member's node; gives the node."""
        return self.fleet.at(member)

    @contextmanager
    def writing(self, member: str):
        """Run on a member's node, and note what it wrote, whatever it ends with."""
        with self.fleet.at(member) as node:
            try:
                yield node
            finally:
                self.note_written(member)

    def next_mark(self, audience: frozenset[str]) -> str:
        """Return a mark that no other record has."""
        self.marks += 1
        return f"mark-{self.marks:05}-{''.join(f'{member}.' for member in sorted(audience))}"

    def note_written(self, member: str) -> None:
        """Note what a member has committed into its own logs; to be called on its node."""
        rows = Entry.objects.filter(channel__author=member).values_list(
            "channel_id", "seq", "leaf", "object", "retain", "channel__audience__members",
            "payload__body", "kind", "header",
        )  # fmt: skip
        for origin, seq, leaf, name, retain, members, body, kind, header in rows:
            place = Place(origin, seq, bytes(leaf))
            if place in self.written or place in self.forged:
                continue
            found = MARK.search(bytes(body or b""))
            audience = frozenset(members)
            self.objects.setdefault(name, set()).add(audience)
            self.written[place] = Written(
                audience=audience,
                mark=found[0] if found else b"",
                retain=retain,
                takes_back=named_in(bytes(header)) if kind == RECALL else (),
            )

    def held(self, member: str) -> dict[Place, bool]:
        """Return the records that a member holds, and whether with their payload."""
        with self.at(member):
            rows = Entry.objects.values_list("channel_id", "seq", "leaf", "payload")
            return {Place(*row[:2], bytes(row[2])): row[3] is not None for row in rows}

    def put_back(self, member: str, snapshot) -> None:
        """Put a member's disk back to what it was; note what was lost with its only copy."""
        with self.writing(member):
            pass  # what it wrote by itself, such as that it has destroyed something
        before = self.held(member)
        snapshot.put_back()
        self.was_set_back.add(member)
        gone = before.keys() - self.held(member).keys()
        others = [other for other in self.members if other != member]
        elsewhere = set().union(*(self.held(other) for other in others)) if gone else set()
        self.lost |= gone - elsewhere

    def forked(self) -> set[str]:
        """Return the origins of which two histories were signed."""
        first: dict[tuple[str, int], bytes] = {}
        signed = [place for place in self.forged if self.counts(place)]
        return {
            place.origin
            for place in (*self.written, *signed)
            if first.setdefault((place.origin, place.seq), place.leaf) != place.leaf
        }

    def counts(self, place: Place) -> bool:
        """Say whether what a thief has signed counts: its size is within the cap of the key."""
        caps = self.caps.get(author_of(place.origin))
        return caps is None or self.forged[place] <= caps.get(place.origin, 0)

    def spare(self, member: str) -> str:
        """Return the age key that a member has in reserve."""
        return _SPARE[member]

    def pace(self, peer: Peer) -> Pace:
        """Return the pace of an exchange in which each look at a watch takes a while."""
        seconds = itertools.count()
        return Pace(peer, clock=lambda: next(seconds) / 8, sleep=lambda _seconds: None)

    def is_down(self, one: str, other: str) -> bool:
        """Say whether there is no way between two members."""
        return frozenset({one, other}) in self.down


def named_in(header: bytes) -> tuple[tuple[str, int], ...]:
    """Return the places that a header names."""
    return tuple((ref.origin, ref.seq) for ref in decode_header(header).refs)


def new_world(fleet, chance: Random) -> World:
    """Return a world of three to five members in which nothing has happened yet."""
    count = chance.choice((3,) * 18 + (4, 5))
    world = World(fleet=fleet, members=MEMBERS[:count])
    nodes = {}
    for member in world.members:
        world.clocks[member] = Clock(world)
        nodes[member] = Node(
            member=member,
            signer=_signer(member),
            identity=_IDENTITIES[member],
            home=_home(member),
            clock=world.clocks[member],
            random=Random(chance.getrandbits(64)).randbytes,  # noqa: S311 (a test)
        )
    fleet.reset(nodes, _dossier(world.members), connected=False)
    world.now = START + HOUR
    return world


def _home(member: str) -> Path:
    """Return a folder for a node: in one that processes share, each would wait for the others."""
    home = Path(settings.LIPTAKO.home) / f"{member}-{os.getpid()}"
    home.mkdir(exist_ok=True)
    return home


@cache
def _dossier(names: tuple[str, ...]) -> bytes:
    """Return the compact of some members, signed by all, with the keys of their nodes."""
    version = pact.by(
        first_draft({"en": "Simulated"}, map(pact.card, names), {"en": "All"}), *names
    )
    delegations = [
        pact.delegated(
            name, sign=_signer(name).public, seals=(recipient_of(_IDENTITIES[name]),)
        ).envelope
        for name in names
    ]
    return write_dossier(dossier_of([version.envelope, *delegations]))


def _signer(name: str) -> Ed25519Signer:
    """Return the signer of a member's node."""
    return signer_from_seed(name.encode().ljust(32, b"\1"))
