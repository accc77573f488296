"""What nodes write: records of several kinds, for random audiences, naming each other, expiring."""

from random import Random

import msgspec

from liptako.core.clock import Instant
from liptako.core.errors import LiptakoError, RefusedError
from liptako.core.records.envelope import Precedence
from liptako.core.refs import LEAF_BYTES, Ref, audience_id, object_id
from liptako.federation.recalls import recall_drafts
from liptako.ledger import store
from liptako.ledger.models import Entry
from liptako.ledger.records import Draft, Thread
from liptako.members.permissions import Actor
from liptako.members.records import (
    AUDIT,
    MANDATE,
    MANDATE_END,
    OFFICE,
    Audit,
    Mandate,
    MandateEnd,
    Office,
)
from liptako.situation.records import INCIDENT, JOURNAL, Incident, JournalEntry, Period, Place
from tests.simulator.world import DAY, HOUR, START, World

LATER = ("later.thing/1", "members.office/2", "situation.journal/9")
KINDS = (AUDIT, OFFICE, OFFICE, MANDATE, JOURNAL, INCIDENT)
NEXT = {OFFICE: OFFICE, MANDATE: MANDATE_END, INCIDENT: INCIDENT}
PRECEDENCES = (*(Precedence.ROUTINE,) * 3, Precedence.PRIORITY, Precedence.FLASH)


class Later(msgspec.Struct, frozen=True):
    """A payload of a kind that a newer version of the program writes."""

    text: str
    later: int = 1


def payload_of(kind: str, name: str, mark: str) -> msgspec.Struct:
    """Return a payload of a kind about an object, with a mark in it."""
    made = {
        AUDIT: lambda: Audit(event="test", detail=mark),
        OFFICE: lambda: Office(code=f"o{name}", titles={"en": mark}, roles=("planner",)),
        MANDATE: lambda: Mandate(office="delegue", subjects=(mark,), begins=START),
        MANDATE_END: lambda: MandateEnd(reason=mark),
        JOURNAL: lambda: JournalEntry(at=START, text=mark),
        INCIDENT: lambda: Incident(
            reference=name,
            kind="flood",
            summary=mark,
            period=Period(begins=START),
            place=Place(words="x"),
        ),
    }
    return made[kind]() if kind in made else Later(text=mark)


def some_audience(world: World, member: str, chance: Random) -> frozenset[str]:
    """Return an audience of a member: alone, a pair, everybody, or anything between."""
    others = [other for other in world.members if other != member]
    count = chance.choice((0, 1, 1, len(others), len(others), chance.randint(1, len(others))))
    return frozenset({member, *chance.sample(others, count)})


def write(world: World, member: str, chance: Random, *, count: int = 0) -> None:
    """Let a member write some records in one go; a rule of the module may refuse them."""
    count = count or chance.choice((1, 2, 3, 4))
    with world.writing(member) as node:
        drafts = [_draft(world, node, chance) for _ in range(count)]
        try:
            store.append(node, drafts)
        except LiptakoError:
            world.happened["refused"] += 1


def write_many(world: World, member: str, audience: frozenset[str], count: int) -> None:
    """Let a member write more records into one log than a package has."""
    with world.writing(member) as node:
        drafts = [
            plain(AUDIT, object_id(node.random(8)), audience, world.next_mark(audience))
            for _ in range(count)
        ]
        store.append(node, drafts)


def write_one(world: World, member: str, audience: frozenset[str]) -> None:
    """Let a member write one record that nothing can refuse. Raises LiptakoError if it was."""
    write_many(world, member, audience, 1)


def take_back(world: World, member: str, audience: frozenset[str], name: str) -> None:
    """Let a member take back what it has said about an object to an audience."""
    thread = Thread(author=member, object=name, audience=audience_id(audience))
    actor = Actor(member=member, person="", office="permanence", roles=frozenset())
    with world.writing(member) as node:
        try:
            store.append(node, recall_drafts(actor, thread, "it was wrong"))
            world.happened["recall"] += 1
        except RefusedError:
            world.happened["refused"] += 1


def plain(kind: str, name: str, audience: frozenset[str], mark: str, **more) -> Draft:
    """Return a draft of a kind about an object."""
    payload = payload_of(kind, name, mark)
    return Draft(
        kind=kind, object=name, office="permanence", payload=payload, audience=audience, **more
    )


def _draft(world: World, node, chance: Random) -> Draft:
    """Return something to write."""
    audience = some_audience(world, node.member, chance)
    kind, name = _subject(world, node, audience, chance)
    retain = None
    if chance.random() < 0.3:
        retain = Instant(node.clock().milliseconds + chance.choice((HOUR, DAY, 20 * DAY)))
    return plain(
        kind,
        name,
        audience,
        world.next_mark(audience),
        precedence=chance.choice(PRECEDENCES),
        retain=retain,
        refs=_refs(audience, chance) if chance.random() < 0.5 else (),
    )


def _subject(world: World, node, audience: frozenset[str], chance: Random) -> tuple[str, str]:
    """Return a kind and an object: a new one, or one that was written about before."""
    known = world.subjects.setdefault((node.member, audience), [])
    if known and chance.random() < 0.4:
        kind, name = chance.choice(known)
        return NEXT[kind], name
    later = chance.random() < 0.1
    kind, name = chance.choice(LATER if later else KINDS), object_id(node.random(8))
    if later:
        world.happened["newer kind"] += 1
    if kind in NEXT:
        known.append((kind, name))
    return kind, name


def _refs(audience: frozenset[str], chance: Random) -> tuple[Ref, ...]:
    """Return one or two records of this node that a whole audience may have."""
    rows = Entry.objects.order_by("position").values_list(
        "channel_id", "seq", "leaf", "channel__audience__members"
    )
    found = [
        Ref(origin=origin, seq=seq, leaf=bytes(leaf)[:LEAF_BYTES])
        for origin, seq, leaf, members in rows
        if audience <= set(members)
    ]
    return tuple(chance.sample(found, min(len(found), chance.choice((1, 1, 2)))))
