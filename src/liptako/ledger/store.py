"""The only writer of evidence: appends our own records, takes what others signed.

Every writer locks one row first, so that places in this node's order are given without gaps and a
reader that goes on from a place never misses one.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple

from django.db import transaction
from msgspec import structs

from liptako.core.clock import Instant
from liptako.core.errors import RefusedError, VerificationError
from liptako.core.log.checkpoint import Checkpoint
from liptako.core.log.frames import PackageFrame
from liptako.core.log.merkle import read_range
from liptako.core.log.verify import Accepted, Opened, accept_package
from liptako.core.log.verify import Channel as ChannelValue
from liptako.core.records.envelope import Lane, lane_of
from liptako.core.refs import LEAF_BYTES, author_of, epoch_of
from liptako.ledger import compacts, fence, projector, tally
from liptako.ledger.attachments import check_stored
from liptako.ledger.models import Audience, Channel, Counter, Entry
from liptako.ledger.node import Node
from liptako.ledger.pen import Pen, advance, keep_audience, reach, store_entries
from liptako.ledger.reader import StoredEntry
from liptako.ledger.recalls import destroy
from liptako.ledger.records import Draft, Record

_listeners: list[Callable[[frozenset[str]], None]] = []

EXPIRED_AT_ONCE = 500  # payloads that are deleted in one transaction
_LAMPORT_JUMP = 10**9  # a partner that counts further ahead is not followed: the count would end


def lock() -> Counter:
    """Return the one row that writers lock, locked until the transaction ends."""
    found = Counter.objects.select_for_update().filter(id=1)
    counter = found.first()
    if counter is None:
        Counter.objects.get_or_create(id=1)
        counter = found.get()
    return counter


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
    fence.pass_by(counter, node.clock())
    up_to_date = counter.projected == counter.position
    version = compacts.current().version
    pens: dict[tuple[frozenset[str], Lane], Pen] = {}
    clocks: dict[str, Audience] = {}
    records = []
    for draft in drafts:
        named = _check_refs(draft, node)
        check_stored(draft.attachments)
        key = (draft.audience | node.alone, lane_of(draft.precedence))
        pen = pens.get(key) or pens.setdefault(key, Pen(node, *key, counter.epoch))
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


@transaction.atomic
def begin_epoch(now: Instant) -> int:
    """Let all our own records go into new logs from now on; return the new epoch.

    Called after a restore: the backup may be older than what partners hold of our logs, and a log
    that is written twice from one place on is a double history.
    """
    counter = lock()
    fence.raise_epoch(counter, now)
    counter.save(update_fields=["epoch", "timeline"])
    return counter.epoch


def check_fence(now: Instant) -> None:
    """Begin new logs if the database may have been set back, before anything is signed on it."""
    if fence.is_passed(Counter.objects.filter(id=1).first() or Counter()):
        with transaction.atomic():
            counter = lock()
            fence.pass_by(counter, now)
            counter.save(update_fields=["epoch", "timeline"])


@transaction.atomic
def expire(now: Instant) -> int:
    """Delete the payloads whose time to be kept has ended; return how many.

    Header and proof stay. The seeds of their packages go too, or they would give the salts back.
    """
    lock()
    ended = Entry.objects.filter(retain__lte=now.milliseconds, payload__isnull=False)
    rows = list(ended[:EXPIRED_AT_ONCE])
    if rows:
        destroy(rows)
        projector.redraw({row.object for row in rows})
    return len(rows)


class Signed(NamedTuple):
    """A checkpoint with its note, and by which deeds (`compacts.trust`) it was opened, if told."""

    checkpoint: Checkpoint
    note: bytes
    trust: str = ""


def _check_signed(origin: str, signed: Signed) -> None:
    """Raise VerificationError if a key was taken back after a checkpoint was opened. In a lock."""
    if signed.trust and compacts.trust() != signed.trust:
        compacts.current().open_checkpoint(signed.note, origin)


@transaction.atomic
def take(
    node: Node,
    roster: Sequence[str],
    channel: ChannelValue,
    signed: Signed,
    package: PackageFrame | Opened,
) -> Sequence[StoredEntry]:
    """Take a package of somebody else's log as evidence; return the entries that were new.

    Nothing is drawn here: `projector.project_pending` goes on from the last place it reached.
    Raises MalformedError or VerificationError, and then nothing of the package is kept.
    """
    counter, row = lock(), _row_of(channel)
    log = read_range(row.size, bytes(row.frontier))
    _check_signed(channel.origin, signed)
    log, new = accept_package(channel, log, signed.checkpoint, package)
    if not new:
        return ()
    _keep_audience_of(row, roster)
    news = _not_held(row, new) if row.ahead else new
    row.ahead -= len(new) - len(news)
    _note_regained(node, row)
    is_whole = log.size == signed.checkpoint.size
    note = signed.note if is_whole else bytes(row.checkpoint)
    advance(row, log, note, proves_all=is_whole and not row.ahead)
    stored = _store(node, row, news, counter)
    reach(row, new)
    return stored


@transaction.atomic
def take_ahead(
    node: Node, roster: Sequence[str], channel: ChannelValue, signed: Signed, entry: Accepted
) -> int:
    """Take an entry whose place in somebody else's log is not reached yet; return 1 if it is new.

    It is evidence like any other, and drawn like any other: only heads and receipts, which speak of
    a whole run of entries, do not count it. Without its payload it has no use before its turn.
    Raises VerificationError if another entry is held in its place, or as `take` does.
    """
    counter, row = lock(), _row_of(channel)
    _check_signed(channel.origin, signed)
    if entry.body is None or not _not_held(row, [entry]):
        return 0
    _keep_audience_of(row, roster)
    row.ahead += 1
    _note_regained(node, row)
    row.save()
    if row.size == 0:
        tally.begin(row)
    _store(node, row, [entry], counter)
    return 1


def _note_regained(node: Node, row: Channel) -> None:
    """Note from where on a log of our own came back from partners: who signed that, none knows."""
    if row.author == node.member and row.regained is None:
        row.regained = row.size


def _row_of(channel: ChannelValue) -> Channel:
    """Return a log of somebody else, with nothing in it if it is new."""
    found = Channel.objects.select_related("audience").filter(origin=channel.origin)
    return found.first() or Channel(
        origin=channel.origin,
        author=author_of(channel.origin),
        lane=channel.lane,
        epoch=epoch_of(channel.origin),
    )


def _keep_audience_of(row: Channel, roster: Sequence[str]) -> None:
    """Keep the audience of a log that is new. It never changes: who hands in a log saw to that."""
    if not row.audience_id:
        row.audience = keep_audience(roster)


def _not_held(row: Channel, new: Sequence[Accepted]) -> Sequence[Accepted]:
    """Return which of these entries are not held. Raises VerificationError if another one is."""
    held = Entry.objects.filter(channel_id=row.origin, seq__gte=new[0].seq, seq__lte=new[-1].seq)
    leaves = {seq: bytes(leaf) for seq, leaf in held.values_list("seq", "leaf")}
    for entry in new:
        if leaves.get(entry.seq, entry.leaf) != entry.leaf:
            raise VerificationError(
                "%(origin)s: its author has signed another entry number %(seq)d before",
                origin=row.origin,
                seq=entry.seq,
            )
    return [entry for entry in new if entry.seq not in leaves]


def _unless_ended(entry: Accepted, now: Instant) -> Accepted:
    """Return an entry; as if its payload had not come along if the time of that is over."""
    ended = entry.header is not None and entry.header.has_ended(now)
    return structs.replace(entry, body=None, salt=b"") if ended else entry


def _store(
    node: Node, row: Channel, entries: Sequence[Accepted], counter: Counter
) -> Sequence[StoredEntry]:
    """Put entries of somebody else into the database, if there are any; return them.

    A payload whose time has ended on its way (a file that was carried for long) is not kept at all.
    """
    if not entries:
        return ()
    now = node.clock()
    kept = [_unless_ended(entry, now) for entry in entries]
    stored = store_entries(node, row, kept, counter.position)
    counter.position = stored[-1].position
    counter.save()
    _follow(row.audience, [entry.header.lamport for entry in entries if entry.header])
    return stored


def _follow(audience: Audience, seen: Iterable[int]) -> None:
    """Let what we write for an audience come after what was seen of it."""
    limit = audience.lamport + _LAMPORT_JUMP
    audience.lamport = max((x for x in seen if x <= limit), default=0, key=int)
    Audience.objects.filter(id=audience.id, lamport__lt=audience.lamport).update(
        lamport=audience.lamport
    )
