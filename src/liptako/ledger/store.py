"""The only writer of evidence: appends our own records, takes what others signed.

Every writer locks one row first, so that places in this node's order are given without gaps and a
reader that goes on from a place never misses one.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from django.db import transaction

from liptako.core.clock import Instant
from liptako.core.errors import RefusedError
from liptako.core.log.bundle import PackageFrame
from liptako.core.log.checkpoint import Checkpoint, head_of, sign_checkpoint
from liptako.core.log.merkle import CompactRange, leaf_hash, read_range, tree_hash
from liptako.core.log.verify import Accepted, accept_package
from liptako.core.log.verify import Channel as ChannelValue
from liptako.core.records.envelope import (
    Header,
    Lane,
    PayloadStub,
    encode_header,
    lane_of,
)
from liptako.core.records.payload import PACKAGE, SEED_BYTES, derive_salt, payload_hash
from liptako.core.refs import LEAF_BYTES, audience_id, author_of, channel_origin
from liptako.ledger import compacts, projector
from liptako.ledger.models import Audience, Channel, Counter, Entry, Package, Payload
from liptako.ledger.node import Node
from liptako.ledger.records import Draft, Record
from liptako.ledger.registry import encode_payload
from liptako.ledger.tree import leaves

_listeners: list[Callable[[frozenset[str]], None]] = []

EXPIRED_AT_ONCE = 500  # payloads that are deleted in one transaction
_EPOCH_ZERO = 1_767_225_600_000  # 2026-01-01T00:00:00Z, from which seconds fit into nine digits
_LAMPORT_JUMP = 10**9  # a partner that counts further ahead is not followed: the count would end


def lock() -> Counter:
    """Return the one row that writers lock, locked until the transaction ends."""
    Counter.objects.get_or_create(id=1)
    return Counter.objects.select_for_update().get(id=1)


def on_append(listener: Callable[[frozenset[str]], None]) -> None:
    """Let a listener be told, after each commit, for which partners something was written.

    Called from `AppConfig.ready`: the ledger stands below whoever sends.
    """
    if listener not in _listeners:
        _listeners.append(listener)


def _tell(partners: frozenset[str]) -> None:
    """Tell the listeners, once the transaction has been committed."""
    if partners:
        for listener in _listeners:
            transaction.on_commit(partial(listener, partners), robust=True)


@transaction.atomic
def append(node: Node, drafts: Iterable[Draft]) -> tuple[Record, ...]:
    """Write records into our own logs, sign their heads, and draw the tables, all or nothing.

    Raises RefusedError if a rule of the module, the audience or a reference forbids one, and
    MalformedError for values that no record may hold.
    """
    counter = lock()
    up_to_date = counter.projected == counter.position
    version = compacts.current().version
    pens: dict[tuple[frozenset[str], Lane], _Pen] = {}
    clocks: dict[str, Audience] = {}
    records = []
    for draft in drafts:
        named = _check_refs(draft, node)
        key = (draft.audience | node.alone, lane_of(draft.precedence))
        pen = pens.get(key) or pens.setdefault(key, _Pen(node, *key, counter.epoch))
        clock = clocks.setdefault(pen.audience.id, pen.audience)
        clock.lamport = max(clock.lamport, named) + 1
        records.append(pen.write(draft, lamport=clock.lamport, compact=version))
    for pen in pens.values():
        counter.position = pen.close(counter.position)
    for clock in clocks.values():
        clock.save(update_fields=["lamport"])
    if up_to_date:
        counter.projected = counter.position
    counter.save()
    projector.project_own(records)
    _tell(frozenset().union(*(audience for audience, _ in pens)) - node.alone)
    return tuple(records)


def _check_refs(draft: Draft, node: Node) -> int:
    """Return the greatest lamport of the records that a draft names, 0 if it names none.

    Raises RefusedError if a recipient does not hold one of them.
    """
    greatest = 0
    for ref in draft.refs:
        found = (
            Entry.objects.filter(channel_id=ref.origin, seq=ref.seq)
            .values_list("leaf", "channel__audience__members", "lamport")
            .first()
        )
        if found is None or bytes(found[0])[:LEAF_BYTES] != ref.leaf:
            raise RefusedError("it refers to a record that is not here: %(ref)s", ref=ref.origin)
        if not (draft.audience | node.alone) <= set(found[1]):
            raise RefusedError(
                "it refers to a record that not all its recipients hold: %(ref)s", ref=ref.origin
            )
        greatest = max(greatest, found[2])
    return greatest


class _Pen:
    """Writes entries at the end of one of our own logs; `close` puts them into the database."""

    def __init__(self, node: Node, audience: frozenset[str], lane: Lane, epoch: int) -> None:
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
        _advance(self._channel, self._log, note)
        return _store(self._node, self._channel, self._written, position)

    def _seed(self, number: int) -> bytes:
        """Return the seed of a package's salts, drawn when its first entry is written."""
        if number not in self._seeds:
            package, _ = Package.objects.get_or_create(
                channel=self._channel,
                number=number,
                defaults={"seed": self._node.random(SEED_BYTES)},
            )
            self._seeds[number] = bytes(package.seed)
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
    """Raise RefusedError for an audience with somebody who is not in the compact."""
    compact = compacts.current()
    for member in sorted(members - node.alone):
        compact.member(member)


def keep_audience(members: Iterable[str]) -> Audience:
    """Return the row of an audience, written if it is new."""
    roster = sorted(set(members))
    return Audience.objects.get_or_create(id=audience_id(roster), defaults={"members": roster})[0]


def age() -> tuple[int, int]:
    """Return the epoch, and how many entries this node has taken: it only ever grows."""
    counter = Counter.objects.filter(id=1).first() or Counter()
    return counter.epoch, counter.position


@transaction.atomic
def begin_epoch(now: Instant) -> int:
    """Let all our own records go into new logs from now on; return the new epoch.

    Called after a restore: the backup may be older than what partners hold of our logs, and a log
    that is written twice from one place on is a double history. The epoch is taken from the clock,
    so that two restores of one backup differ; a clock that is wrong costs nothing but that.
    """
    counter = lock()
    counter.epoch = max(counter.epoch + 1, (now.milliseconds - _EPOCH_ZERO) // 1000)
    counter.save(update_fields=["epoch"])
    return counter.epoch


@transaction.atomic
def expire(now: Instant) -> int:
    """Delete the payloads whose time to be kept has ended; return how many.

    Header and proof stay. The seeds of their packages go too, or they would give the salts back.
    """
    lock()
    ended = Entry.objects.filter(retain__lte=now.milliseconds, payload__isnull=False)
    rows = list(ended.values_list("position", "object", "channel_id", "seq")[:EXPIRED_AT_ONCE])
    for origin, number in {(origin, seq // PACKAGE) for _, _, origin, seq in rows}:
        Package.objects.filter(channel_id=origin, number=number).update(seed=b"")
    Payload.objects.filter(entry_id__in=[position for position, *_ in rows]).delete()
    projector.redraw({name for _, name, *_ in rows})
    return len(rows)


@transaction.atomic
def take(
    node: Node,
    roster: Sequence[str],
    channel: ChannelValue,
    signed: tuple[Checkpoint, bytes],
    package: PackageFrame,
) -> int:
    """Take a package of somebody else's log as evidence; return how many entries were new.

    Nothing is drawn here: `projector.project_pending` goes on from the last place it reached.
    Raises MalformedError or VerificationError, and then nothing of the package is kept.
    """
    counter = lock()
    row = Channel.objects.filter(origin=channel.origin).first() or Channel(
        origin=channel.origin,
        author=author_of(channel.origin),
        lane=channel.lane,
        epoch=int(channel.origin.rpartition("/e")[2]),
    )
    log = read_range(row.size, bytes(row.frontier))
    checkpoint, note = signed
    log, new = accept_package(channel, log, checkpoint, package)
    if not new:
        return 0
    row.audience = keep_audience(roster)
    note = note if log.size == checkpoint.size else bytes(row.checkpoint)
    _advance(row, log, note)
    counter.position = _store(node, row, new, counter.position)
    counter.save()
    _follow(row.audience, [entry.header.lamport for entry in new if entry.header])
    return len(new)


def _follow(audience: Audience, seen: Iterable[int]) -> None:
    """Let what we write for an audience come after what was seen of it."""
    limit = audience.lamport + _LAMPORT_JUMP
    audience.lamport = max((x for x in seen if x <= limit), default=0, key=int)
    Audience.objects.filter(id=audience.id, lamport__lt=audience.lamport).update(
        lamport=audience.lamport
    )


def _advance(channel: Channel, log: CompactRange, note: bytes) -> None:
    """Keep the new head of a log."""
    channel.size, channel.frontier, channel.checkpoint = log.size, log.to_bytes(), note
    channel.save()


def _store(node: Node, channel: Channel, entries: Sequence[Accepted], position: int) -> int:
    """Put entries into the database behind `position`; return the last place given."""
    now = node.clock().moment()
    rows = [
        Entry(
            position=position + i,
            channel=channel,
            seq=entry.seq,
            leaf=entry.leaf,
            header=entry.data,
            kind=entry.header.kind if entry.header else "",
            object=entry.header.object if entry.header else "",
            lamport=entry.header.lamport if entry.header else 0,
            retain=_retain_of(entry.header),
            taken_at=now,
        )
        for i, entry in enumerate(entries, 1)
    ]
    Entry.objects.bulk_create(rows, batch_size=500)
    Payload.objects.bulk_create(
        [
            Payload(entry=row, salt=entry.salt, body=entry.body)
            for row, entry in zip(rows, entries, strict=True)
            if entry.body is not None
        ],
        batch_size=500,
    )
    _complete_packages(channel, entries[0].seq)
    return position + len(rows)


def _retain_of(header: Header | None) -> int | None:
    """Return when the payload of a record is to be deleted (ms UTC), if it is."""
    return header.retain.milliseconds if header and header.retain else None


def _complete_packages(channel: Channel, before: int) -> None:
    """Write the root of every package that has become whole since the log had `before` entries."""
    for number in range(before // PACKAGE, channel.size // PACKAGE):
        start = number * PACKAGE
        root = tree_hash(leaves(channel.origin, start, start + PACKAGE))
        Package.objects.update_or_create(channel=channel, number=number, defaults={"root": root})
