"""Writes at the end of a log: entries with payloads, the signed head, roots of whole packages.

Used by `store` alone, which holds the lock.
"""

from collections.abc import Iterable, Sequence

from django.db import transaction

from liptako.core.errors import RefusedError
from liptako.core.log.checkpoint import head_of, sign_checkpoint
from liptako.core.log.merkle import CompactRange, leaf_hash, read_range, tree_hash
from liptako.core.log.verify import Accepted
from liptako.core.records.envelope import Header, Lane, PayloadStub, encode_header
from liptako.core.records.payload import PACKAGE, SEED_BYTES, derive_salt, payload_hash
from liptako.core.refs import audience_id, channel_origin
from liptako.ledger import compacts, tally
from liptako.ledger.attachments import note_files
from liptako.ledger.models import Audience, Channel, Entry, Package, Payload
from liptako.ledger.node import Node
from liptako.ledger.reader import StoredEntry
from liptako.ledger.recalls import note_recalls, recalled_among
from liptako.ledger.records import Draft, Record, is_flash, retain_of
from liptako.ledger.registry import encode_payload
from liptako.ledger.rows import insert_values, prepared_value
from liptako.ledger.tree import leaves


class Pen:
    """Writes entries at the end of one of our own logs; `close` puts them into the database."""

    def __init__(self, node: Node, audience: frozenset[str], lane: Lane, epoch: int) -> None:
        """Go on where the log of this audience, lane and epoch ends; begin it if there is none."""
        self._node = node
        self._channel = _own_channel(node, audience, lane, epoch)
        self._log = read_range(self._channel.size, bytes(self._channel.frontier))
        self._seeds: dict[int, bytes] = {}
        self._written: list[Accepted] = []

    @property
    def audience(self) -> Audience:
        """For whom the log is."""
        return self._channel.audience

    def write(self, draft: Draft, *, lamport: int, compact: int) -> Record:
        """Write one record and return it."""
        seq = self._log.size
        body = encode_payload(draft.payload)
        salt = derive_salt(self._seed(seq // PACKAGE), seq)
        header = Header(
            kind=draft.kind,
            author=self._node.member,
            office=draft.office,
            audience=self._channel.audience_id,
            compact=compact,
            object=draft.object,
            lamport=lamport,
            time=self._node.clock(),
            payload=PayloadStub(hash=payload_hash(salt, body), size=len(body)),
            precedence=draft.precedence,
            marking=draft.marking,
            retain=draft.retain,
            refs=draft.refs,
            attachments=draft.attachments,
        )
        data = encode_header(header)
        leaf = leaf_hash(data)
        self._log = self._log.extend([leaf])
        entry = Accepted(seq=seq, data=data, leaf=leaf, salt=salt, body=body, header=header)
        self._written.append(entry)
        return Record(
            origin=self._channel.origin, seq=seq, leaf=leaf, header=header, payload=draft.payload
        )

    def close(self, position: int) -> int:
        """Store what was written with the signed head; return the last place given."""
        head = head_of(self._channel.origin, self._log)
        note = sign_checkpoint(head, self._node.signer)
        advance(self._channel, self._log, note)
        stored = store_entries(self._node, self._channel, self._written, position)
        reach(self._channel, self._written)
        return stored[-1].position

    def _seed(self, number: int) -> bytes:
        """Return the seed of a package's salts, drawn when its first entry is written.

        Once a payload of the package was deleted its seed is gone, and what is written after that
        gets salts of another one that nobody keeps: from no seed at all anybody could make them.
        """
        if number not in self._seeds:
            package, _ = Package.objects.get_or_create(
                channel=self._channel,
                number=number,
                defaults={"seed": self._node.random(SEED_BYTES)},
            )
            self._seeds[number] = bytes(package.seed) or self._node.random(SEED_BYTES)
        return self._seeds[number]


def _own_channel(node: Node, members: frozenset[str], lane: Lane, epoch: int) -> Channel:
    """Return our log of this epoch for an audience and a lane, begun if there is none."""
    _check_members(node, members)
    wanted = {"author": node.member, "audience": keep_audience(members), "lane": lane}
    log = Channel.objects.filter(**wanted, epoch=epoch).order_by("origin").first()
    return log or Channel(
        origin=channel_origin(node.member, node.random(8), epoch), epoch=epoch, **wanted
    )


def _check_members(node: Node, members: frozenset[str]) -> None:
    """Raise RefusedError for an audience with somebody who does not take part in the compact.

    Also if this process signs with a key that the node no longer has: it was started before that.
    """
    compact = compacts.current()
    if compact.version and compact.member(node.member).keys.sign != node.signer.public:
        raise RefusedError(
            "this process signs with a key that the node has changed: start serve and work again"
        )
    for member in sorted(members - node.alone):
        compact.check_exchange(member)


def keep_audience(members: Iterable[str]) -> Audience:
    """Return the row of an audience, written if it is new."""
    roster = sorted(set(members))
    return Audience.objects.get_or_create(id=audience_id(roster), defaults={"members": roster})[0]


def own_sizes(node: Node) -> dict[str, int]:
    """Return the sizes of our own logs."""
    return dict(Channel.objects.filter(author=node.member).values_list("origin", "size"))


@transaction.atomic
def sign_heads_again(node: Node) -> None:
    """Sign the heads of our own logs with the present key: the one before is good no longer."""
    for log in Channel.objects.select_for_update().filter(author=node.member, size__gt=0):
        head = head_of(log.origin, read_range(log.size, bytes(log.frontier)))
        log.checkpoint = sign_checkpoint(head, node.signer)
        log.save(update_fields=["checkpoint"])


def advance(channel: Channel, log: CompactRange, note: bytes, *, proves_all: bool = True) -> None:
    """Keep the new head of a log; whether the note proves all entries that are held now."""
    before, channel.size = channel.size, log.size
    channel.frontier, channel.checkpoint = log.to_bytes(), note
    channel.doubted = channel.doubted and not proves_all
    channel.save()
    if before == 0:
        tally.begin(channel)


def store_entries(
    node: Node, channel: Channel, entries: Sequence[Accepted], position: int
) -> list[StoredEntry]:
    """Put entries, one at least, into the database behind `position`, and return them as stored.

    What was recalled is not kept; what a new entry recalls is deleted.
    """
    placed = list(enumerate(entries, position + 1))
    now, origin = prepared_value(Entry, "taken_at", node.clock().moment()), channel.origin
    insert_values(Entry, _ENTRY, [_entry_row(origin, place, e, now) for place, e in placed])
    bare = {entry.seq for entry in entries if entry.body is None}
    bare |= recalled_among(channel, entries)
    tally.count_bare((channel.origin, seq) for seq in bare)
    kept = [(place, entry) for place, entry in placed if entry.seq not in bare]
    insert_values(
        Payload,
        ("entry", "salt", "body"),
        [(place, entry.salt, entry.body) for place, entry in kept],
    )
    note_files(node, channel, kept)
    note_recalls(placed)
    return [_stored(channel, place, entry, bare=entry.seq in bare) for place, entry in placed]


def _stored(channel: Channel, position: int, entry: Accepted, *, bare: bool) -> StoredEntry:
    """Return an entry as it lies in the database."""
    return StoredEntry(
        position,
        entry.header.object if entry.header else "",
        entry.seq,
        entry.leaf,
        entry.data,
        None if bare else entry.body,
        channel.origin,
        channel.author,
        channel.audience_id,
        channel.lane,
    )


_ENTRY = (
    "position", "channel", "seq", "leaf", "header", "taken_at",
    "kind", "object", "lamport", "retain", "flash",
)  # fmt: skip


def _entry_row(origin: str, position: int, entry: Accepted, taken_at: object) -> tuple[object, ...]:
    """Return the values of an entry. One that nobody can read is about nothing."""
    header = entry.header
    about = (header.kind, header.object, header.lamport) if header else ("", "", 0)
    place = (position, origin, entry.seq, entry.leaf, entry.data, taken_at)
    return (*place, *about, retain_of(header), is_flash(header))


def reach(channel: Channel, new: Sequence[Accepted]) -> None:
    """Keep what has become whole with the entries at the end of a log: the count, whole packages.

    Only of the package that they begin in the middle of is anything read again.
    """
    before = new[0].seq
    tally.count_run(channel, before)
    begun = before // PACKAGE * PACKAGE
    hashes = leaves(channel.origin, begun, before) if begun < before else []
    hashes += [entry.leaf for entry in new]
    whole = [
        Package(
            channel=channel,
            number=(begun + start) // PACKAGE,
            root=tree_hash(hashes[start : start + PACKAGE]),
        )
        for start in range(0, len(hashes) - PACKAGE + 1, PACKAGE)
    ]
    if whole:
        Package.objects.bulk_create(
            whole,
            update_conflicts=True,
            update_fields=["root"],
            unique_fields=["channel", "number"],
        )
