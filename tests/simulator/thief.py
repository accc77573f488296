"""A stolen node key: somebody signs in a member's name, before and after it is taken back.

The thief has copied the keys and the database of a node. It goes on writing on its copy, beyond
where the member's log ends or beside what the member writes meanwhile, and hands bundles to others.
The member takes the key back at what partners have confirmed, as `liptako delegate --stolen` does.
"""

from dataclasses import dataclass, replace
from random import Random
from typing import Any

from django.db.models import F

from liptako.cli.delegate import confirmed_sizes
from liptako.core.compact.delegation import Revoked
from liptako.core.compact.dossier import dossier_of, write_dossier
from liptako.core.errors import RefusedError
from liptako.core.keys import signer_from_seed
from liptako.core.log.sealed import recipient_of
from liptako.core.records.shared import RECALL
from liptako.core.refs import audience_id, object_id
from liptako.federation import adopting
from liptako.federation.recalls import recall_drafts
from liptako.ledger import compacts, store
from liptako.ledger.models import Channel, Entry
from liptako.ledger.pen import sign_heads_again
from liptako.ledger.records import Draft, Thread
from liptako.members.permissions import Actor
from liptako.members.records import AUDIT
from tests import pact
from tests.simulator.attaching import Saved, attach, save
from tests.simulator.carrying import exchange_between, fill_stick, read_stick
from tests.simulator.world import Place, World, named_in
from tests.simulator.writing import PRECEDENCES, plain, write, write_one

_COLUMNS = ("channel_id", "seq", "leaf", "kind", "header")


@dataclass(slots=True)
class Loot:
    """What a thief has: the node with its keys, and copies of its disk of two moments."""

    node: Any
    copies: list[Saved]


def steals(world: World, chance: Random) -> None:
    """Somebody copies a node's keys and uses them, before they are taken back and after."""
    member, other = chance.sample(world.members, 2)
    if member not in world.stolen:
        audience = chance.choice((frozenset({member, other}), _all(world)))
        write_one(world, member, audience)
        if chance.random() < 0.3:
            attach(world, member, audience, chance)
        _copy_keys(world, member)
    for act in chance.choices((_goes_on, _forges), k=chance.randint(1, 4)):
        act(world, member, chance)
    if chance.random() < 0.7:
        take_back_key(world, member, chance)
        for act in chance.choices((_goes_on, _forges), k=chance.randint(1, 3)):
            act(world, member, chance)
    world.happened["stolen key"] += 1


def _all(world: World) -> frozenset[str]:
    return frozenset(world.members)


def _copy_keys(world: World, member: str) -> None:
    """Copy a node."""
    with world.writing(member) as node:
        pass  # what it wrote by itself until now is its own
    world.stolen[member] = Loot(node, [save(world, member)])


def _goes_on(world: World, member: str, chance: Random) -> None:
    """The member knows of nothing, or has taken its key back, and goes on."""
    other = chance.choice([name for name in world.members if name != member])
    if chance.random() < 0.5:
        write(world, member, chance)
    exchange_between(world, *chance.choice(((member, other), (other, member))), chance)


def _forges(world: World, member: str, chance: Random) -> None:
    """The thief writes in a member's name, on a copy, and hands a bundle to somebody."""
    loot, node = world.stolen[member], world.fleet.nodes[member]
    partner = chance.choice([name for name in world.members if name != member])
    with world.writing(member):
        pass
    mine = save(world, member)
    fresh = loot.node.signer == node.signer and chance.random() < 0.5
    number = chance.randrange(len(loot.copies))
    if not fresh:  # else it has just copied the node once more
        loot.copies[number].put_back()
    world.fleet.nodes[member] = loot.node
    try:
        audience = chance.choice((frozenset({member, partner}), _all(world)))
        _write(world, member, audience, chance)
        stick = fill_stick(world, member, partner, standalone=chance.random() < 0.3)
        if chance.random() < 0.5:
            loot.copies[number] = save(world, member)
    finally:
        world.fleet.nodes[member] = node
        mine.put_back()
    report = read_stick(world, partner, stick.data)
    world.happened["forged entry taken"] += bool(report and report.taken)
    world.happened["thief refused"] += report is None


def _write(world: World, member: str, audience: frozenset[str], chance: Random) -> None:
    """Write records on a thief's copy, and note that the member has not written them."""
    with world.at(member) as node:
        drafts = [
            plain(
                AUDIT,
                object_id(node.random(8)),
                audience,
                world.next_mark(audience),
                precedence=chance.choice(PRECEDENCES),
            )
            for _ in range(chance.randint(1, 3))
        ]
        store.append(node, drafts + _recalls(world, member, chance))
        sizes = dict(Channel.objects.filter(author=member).values_list("origin", "size"))
        rows = Entry.objects.filter(channel__author=member)
        for origin, seq, leaf, kind, header in rows.values_list(*_COLUMNS):
            place = Place(origin, seq, bytes(leaf))
            if place not in world.written:
                world.forged[place] = min(world.forged.get(place, sizes[origin]), sizes[origin])
                if kind == RECALL:
                    world.forged_recalls[place] = named_in(bytes(header))


def _recalls(world: World, member: str, chance: Random) -> list[Draft]:
    """Return what takes back, now and then, a record that the member has released."""
    known = [
        Thread(author=member, object=name, audience=audience_id(audience))
        for (author, audience), names in world.subjects.items()
        if author == member and len(audience) > 1
        for _, name in names
    ]
    if not known or chance.random() < 0.5:
        return []
    actor = Actor(member=member, person="", office="permanence", roles=frozenset())
    try:
        drafts = recall_drafts(actor, chance.choice(known), "stolen")
    except RefusedError:
        return []  # the copy is of before
    world.happened["forged recall"] += len(drafts)
    return drafts


def take_back_key(world: World, member: str, chance: Random) -> None:
    """Let a member take its signing key back at what partners have confirmed, and have others.

    Who was set back first asks all partners what it has lost, as the guide says, or waits for them.
    """
    others = [name for name in world.members if name != member]
    if member in world.caps:
        return
    if member in world.was_set_back:
        if any(world.is_down(member, other) for other in others):
            return
        for other in others * 3:
            exchange_between(world, member, other, chance)
    with world.writing(member):
        pass
    world.stolen[member].copies.append(save(world, member))
    with world.at(member) as node:
        last, caps = compacts.delegations_of(member)[-1], _caps(world, node)
        signer = signer_from_seed(member.encode().ljust(32, b"\2"))
        identity = f"{world.spare(member)}\n{node.identity}"
        made = pact.delegated(
            member,
            before=last,
            sign=signer.public,
            seals=(recipient_of(world.spare(member)),),
            revoked=(Revoked(key=node.signer.public, caps=caps),),
        )
        line = [signed.envelope for signed in compacts.delegations_of(member)]
        world.deeds[member] = write_dossier(dossier_of([*line, made.envelope]))
        world.caps[member] = caps
        world.fleet.nodes[member] = replace(node, signer=signer, identity=identity)
    use_keys(world, member)
    world.happened["key taken back"] += 1


def _caps(world: World, node: Any) -> dict[str, int]:
    """Return up to where the key counts: of what partners handed back, the member knows its own."""
    caps = dict(confirmed_sizes(node))
    for log in Channel.objects.filter(author=node.member, regained__lt=F("size")):
        rows = Entry.objects.filter(channel=log, seq__range=(log.regained, log.size - 1))
        places = [
            Place(log.origin, seq, bytes(leaf)) for seq, leaf in rows.values_list("seq", "leaf")
        ]
        forged = [place.seq for place in places if place in world.forged]
        caps[log.origin] = min(forged, default=log.size)
    return caps


def use_keys(world: World, member: str) -> None:
    """Let a node whose database is of before that take in the keys that lie in its folder."""
    with world.writing(member) as node:
        if compacts.current().member(member).keys.sign != node.signer.public:
            signer = world.stolen[member].node.signer
            adopting.adopt(replace(node, signer=signer), world.deeds[member])
            sign_heads_again(node)
