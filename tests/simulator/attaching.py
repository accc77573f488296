"""Files of records: attached, carried, damaged, taken back; and what must hold of them at the end.

A file lies outside the database, so a disk that is set back is set back with it (`Saved`).
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from random import Random
from typing import Any

from liptako.core.errors import MalformedError
from liptako.core.records.envelope import decode_header
from liptako.core.refs import object_id
from liptako.ledger import files, store
from liptako.ledger.file_models import Attached, Chunk, Incoming, StoredFile
from liptako.ledger.models import Entry
from liptako.ledger.node import Node
from liptako.situation.records import INCIDENT
from tests.simulator.carrying import (
    TROUBLES,
    damaged,
    exchange_between,
    fill_stick,
    opened,
    read_stick,
    sealed,
)
from tests.simulator.world import Place, World
from tests.simulator.writing import plain, some_audience, take_back

_SIZES = (1, 400, 3_000, 3_000, 70_000)  # bytes; the last one needs two chunks


def attach(world: World, member: str, audience: frozenset[str], chance: Random) -> str:
    """Let a member write a record with a file; return what the record is about."""
    mark = world.next_mark(audience)
    data = mark.encode() + chance.randbytes(chance.choice(_SIZES))
    with world.writing(member) as node:
        file = files.keep(node, data, type_="image/png", name="x.png")
        world.files[file.hash.hex()] = data
        name = object_id(node.random(8))
        draft = plain(INCIDENT, name, audience, mark, attachments=(file,))
        store.append(node, [draft])
    world.subjects.setdefault((member, audience), []).append((INCIDENT, name))
    return name


def attaches(world: World, chance: Random) -> None:
    """A member attaches a file to what it writes, which goes to another, spoilt, or is recalled."""
    member, other = chance.sample(world.members, 2)
    audience, what = some_audience(world, member, chance), chance.randrange(4)
    name = attach(world, member, audience, chance)
    world.happened["file"] += 1
    if what == 1:
        exchange_between(world, member, other, chance, chance.choice(("", *TROUBLES)))
    elif what == 2:
        stick = fill_stick(world, member, other, standalone=True)
        read_stick(world, other, sealed(world, other, damaged(opened(world, stick), chance)))
    elif what == 3:
        exchange_between(world, other, member, chance)
        take_back(world, member, audience, name)


def forget_files(world: World) -> None:
    """Delete the bytes of a history that has ended: the next ones use the same folder."""
    for node in world.fleet.nodes.values():
        for digest in world.files:
            storage().delete(files.name_of(node, digest))


def storage() -> Any:
    """Return where the bytes lie."""
    return files.storages[files.STORAGE]


def bytes_of(node: Node, digest: str) -> bytes | None:
    """Return the bytes that lie in a node's storage under the name of a file."""
    name = files.name_of(node, digest)
    if not storage().exists(name):
        return None
    with storage().open(name) as file:
        return bytes(file.read())


@dataclass(slots=True)
class Saved:
    """A node's disk at one moment: the database, and the files beside it."""

    world: World
    member: str
    snapshot: Any
    files: dict[str, bytes]

    def put_back(self) -> None:
        """Let the disk hold what it held then."""
        self.snapshot.put_back()
        node = self.world.fleet.nodes[self.member]
        for digest in self.world.files:
            name = files.name_of(node, digest)
            storage().delete(name)
            if digest in self.files:
                storage().save(name, io.BytesIO(self.files[digest]))


def save(world: World, member: str) -> Saved:
    """Return a copy of a member's disk."""
    node = world.fleet.nodes[member]
    found = {digest: bytes_of(node, digest) for digest in world.files}
    kept = {digest: data for digest, data in found.items() if data is not None}
    return Saved(world, member, world.fleet.snapshot(member), kept)


# What must hold at the end


def check_files(world: World, forked: set[str]) -> Iterator[str]:
    """A file is whole where a record that names it has its payload, and nowhere else.

    Except that nobody has it whose only copy was on a disk that was set back, and that who was sent
    wrong bytes takes nothing more of it from that sender (docs/spec/bundle.md, Attachments).
    """
    if not world.files:
        return
    states = {member: _States(world, member) for member in world.members}
    for state in states.values():
        yield from state.faults()
    for place, (audience, digests) in _named(world).items():
        if place.origin in forked:
            continue
        for digest in digests:
            holders = {member for member in audience if states[member].has(place, digest)}
            due = {member for member in audience if states[member].awaits(place, digest)}
            if holders or not place.origin.startswith(tuple(world.was_set_back or " ")):
                yield from (f"{name} lacks the file of {place}" for name in sorted(due - holders))


def _named(world: World) -> dict[Place, tuple[frozenset[str], tuple[str, ...]]]:
    """Return the records that name files, with their audiences and the hashes."""
    found = {}
    for member in world.members:
        with world.at(member):
            for row in Entry.objects.filter(kind=INCIDENT).select_related("channel__audience"):
                try:
                    named = decode_header(bytes(row.header)).attachments
                except MalformedError:
                    continue
                if named:
                    place = Place(row.channel_id, row.seq, bytes(row.leaf))
                    roster = frozenset(row.channel.audience.members)
                    found[place] = (roster, tuple(item.hash.hex() for item in named))
    return found


class _States:
    """What one member has of all files."""

    def __init__(self, world: World, member: str) -> None:
        self._world, self._member = world, member
        self.held = world.held(member)
        with world.at(member) as node:
            self._bytes = {digest: bytes_of(node, digest) for digest in world.files}
            self._stored = set(StoredFile.objects.values_list("digest", flat=True))
            coming = Incoming.objects.values_list("digest", flat=True)
            self._coming = {*coming, *Chunk.objects.values_list("incoming__digest", flat=True)}
            wrong = Incoming.objects.exclude(spoiled_at=None)
            self._spoilt = set(wrong.values_list("digest", flat=True))
            world.happened["spoilt file"] += len(self._spoilt)
            rows = Attached.objects.filter(held=True).values_list(
                "entry__channel", "entry__seq", "digest"
            )
            self._attached = set(rows)
            self._wanted = set(Attached.objects.values_list("digest", flat=True))
            self._checked = [str(fault) for fault in files.check_files(node)]

    def has(self, place: Place, digest: str) -> bool:
        """Say whether a file is here for a record, whole."""
        data = self._bytes[digest]
        told = (place.origin, place.seq, digest) in self._attached and digest in self._stored
        return told and data is not None and sha256(data).hexdigest() == digest

    def awaits(self, place: Place, digest: str) -> bool:
        """Say whether the file of a record has to be here in the end."""
        return self.held.get(place, False) and digest not in self._spoilt

    def faults(self) -> Iterator[str]:
        """Give what lies here of files that no record names whose payload is held."""
        yield from (f"{self._member}: {fault}" for fault in self._checked)
        for digest, data in self._bytes.items():
            traces = (data is not None, digest in self._stored, digest in self._coming)
            if any(traces) and digest not in self._wanted:
                yield f"{self._member} has something of the file {digest[:8]}: {traces}"
