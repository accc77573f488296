"""Files of incidents: each is a record of its own, so that one can be destroyed without the rest.

What an incident holds is asked of the log itself: a file that is gone is shown too.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import QuerySet

from liptako.core.clock import Instant
from liptako.core.errors import LiptakoError, RefusedError
from liptako.core.media import SUFFIXES, type_of, without_traces
from liptako.core.records.attachments import Attachment
from liptako.core.records.envelope import Precedence
from liptako.core.records.shared import reason_fault
from liptako.core.refs import audience_id
from liptako.federation.recalls import taking_back
from liptako.ledger import files
from liptako.ledger.attachments import FileState, files_of
from liptako.ledger.file_models import Attached as AttachedRow
from liptako.ledger.models import Entry
from liptako.ledger.node import Node
from liptako.ledger.reader import thread_records
from liptako.ledger.records import Draft, Record, Thread
from liptako.ledger.store import append, lock
from liptako.members.actions import audit_draft
from liptako.members.permissions import Actor, Right, require
from liptako.situation import queries
from liptako.situation.records import ATTACHMENT, Attached


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentFile:
    """A file of an incident as a page shows it, and for which audience it was given."""

    state: FileState
    audience: str
    caption: str
    at: datetime

    @property
    def digest(self) -> str:
        """The hash by which it is named."""
        return self.state.file.hash.hex()

    @property
    def key(self) -> tuple[str, str]:
        """For which audience, and its hash: what a partner asks for it by."""
        return self.audience, self.digest


class Given(NamedTuple):
    """A file that an audience was given of an incident: its hash in hexadecimal, and bytes."""

    object: str
    digest: str
    size: int


def files_in(thread: Thread) -> list[IncidentFile]:
    """Return the files of an incident for one audience, in the order in which they were added."""
    found = files_of(thread, ATTACHMENT)
    if not found:
        return []
    records = {(record.origin, record.seq): record for record in thread_records(thread)}
    return [_file(state, thread, records) for state in found]


def _file(state: FileState, thread: Thread, records: dict[tuple[str, int], Record]) -> IncidentFile:
    """Return a file with the words of its record, if these are still there."""
    entry = state.entry
    record = records.get((entry.channel_id, entry.seq))
    return IncidentFile(
        state=state,
        audience=thread.audience,
        caption=record.payload.caption if record else "",
        at=record.header.time.moment() if record else entry.taken_at,
    )


def audiences_with_files(author: str, name: str) -> frozenset[str]:
    """Return the ids of the audiences that were given files of an incident."""
    return frozenset(_entries(author, name).values_list("channel__audience", flat=True))


def given_to(author: str, audience: str, names: QuerySet[Any] | Sequence[str]) -> list[Given]:
    """Return the files here that an audience was given of a State's incidents, each once."""
    held = AttachedRow.objects.filter(
        audience=audience,
        held=True,
        entry__kind=ATTACHMENT,
        entry__channel__author=author,
        entry__object__in=names,
    )
    found = held.order_by("entry__position", "number")
    rows = found.values_list("entry__object", "digest", "size")
    return list(dict.fromkeys(Given(*row) for row in rows))


def _entries(author: str, name: str) -> QuerySet[Entry]:
    """Return the entries that add files to an incident, for whatever audience."""
    return Entry.objects.filter(kind=ATTACHMENT, object=name, channel__author=author)


def files_held(author: str, name: str) -> list[IncidentFile]:
    """Return each file of an incident once: its author's own, else the one that is most here."""
    best: dict[str, IncidentFile] = {}
    ids = audiences_with_files(author, name)
    for audience in sorted(ids, key=lambda item: item != audience_id([author])):
        for file in files_in(Thread(author, name, audience)):
            held = best.get(file.digest)
            if held is None or file.state.held > held.state.held:
                best[file.digest] = file
    return list(best.values())


def check_file(data: bytes) -> tuple[bytes, str]:
    """Return a file as it would be kept, and its type. Raises RefusedError or MalformedError."""
    kind = type_of(data)
    if kind is None:
        raise RefusedError("attachment: expected a photo (JPEG, PNG) or a PDF")
    return without_traces(data, kind), kind


def attach(
    node: Node, actor: Actor, name: str, brought: Sequence[tuple[bytes, str]], caption: str
) -> list[Record]:
    """Add files, as `check_file` gave them, to an own incident; seen by this State only.

    The names that they had are not kept: a header stays for ever. Raises RefusedError.
    """
    require(actor, Right.REPORT_INCIDENT)
    row = queries.own_incident(node.member, name)
    if row is None:
        raise RefusedError("incident: only the State that reported it can change or release it")
    number = len(files_in(Thread(node.member, name, audience_id(node.alone))))
    kept = [
        files.keep(node, data, type_=kind, name=f"{row.reference}-{number + i}.{SUFFIXES[kind]}")
        for i, (data, kind) in enumerate(brought, 1)
    ]
    drafts = [_draft(actor, name, file, caption) for file in kept]
    return list(append(node, drafts)) if drafts else []


def _draft(actor: Actor, name: str, file: Attachment, caption: str) -> Draft:
    """Return the draft that adds a file to an incident, for ourselves."""
    return Draft(
        kind=ATTACHMENT,
        object=name,
        office=actor.office,
        payload=Attached(caption=caption.strip()),
        attachments=(file,),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOrder:
    """Which files of an own incident go to whom, for how long; with their words or without."""

    digests: frozenset[str]
    members: frozenset[str]
    until: int | None
    precedence: Precedence
    words: bool


def to_release(node: Node, name: str, order: FileOrder) -> list[IncidentFile]:
    """Return the files that a release would bring: those ordered that the audience lacks.

    Raises RefusedError for one that is not here (any longer).
    """
    own = files_in(Thread(node.member, name, audience_id(node.alone)))
    whole = {file.digest: file for file in own if file.state.is_whole}
    if order.digests - whole.keys():
        raise RefusedError("release: a file that was chosen is not here any longer")
    there = files_in(Thread(node.member, name, audience_id(order.members)))
    kept = {file.digest for file in there if _lasts(file, order.until)}
    return [whole[digest] for digest in whole if digest in order.digests - kept]


def _lasts(file: IncidentFile, until: int | None) -> bool:
    """Say whether an audience has a file as long as it is to have it."""
    retain = file.state.entry.retain
    return not file.state.gone and (retain is None or (until is not None and until <= retain))


def release_drafts(node: Node, actor: Actor, name: str, order: FileOrder) -> list[Draft]:
    """Return the drafts that give files of an own incident to an audience."""
    return [
        Draft(
            kind=ATTACHMENT,
            object=name,
            office=actor.office,
            payload=Attached(caption=file.caption if order.words else ""),
            audience=order.members,
            precedence=order.precedence,
            retain=None if order.until is None else Instant(order.until),
            attachments=(file.state.file,),
        )
        for file in to_release(node, name, order)
    ]


def copied(actor: Actor, thread: Thread, members: frozenset[str]) -> list[Draft]:
    """Return the drafts that give others the files of an incident as one audience has them.

    Not what they have already, nor what is not here any longer.
    """
    there = files_in(thread._replace(audience=audience_id(members)))
    held = {file.digest for file in there if not file.state.gone}
    files = {file.digest: file for file in files_in(thread) if file.state.is_whole}
    return [
        Draft(
            kind=ATTACHMENT,
            object=thread.object,
            office=actor.office,
            payload=Attached(caption=file.caption),
            audience=members,
            retain=_end_of(file),
            attachments=(file.state.file,),
        )
        for digest, file in files.items()
        if digest not in held
    ]


def _end_of(file: IncidentFile) -> Instant | None:
    """Return until when an audience has a file; nothing if for good."""
    retain = file.state.entry.retain
    return None if retain is None else Instant(retain)


@transaction.atomic
def destroy(node: Node, actor: Actor, name: str, digest: str, reason: str) -> None:
    """Delete a file of an own incident, here and at all who were given it.

    Whoever reports may do so until it was released. Raises NotAllowedError, or RefusedError
    without a reason or such a file.
    """
    require(actor, Right.SEE_INCIDENTS)
    lock()
    entries = _naming(node, name, digest)
    alone = {audience_id(node.alone)} >= entries.keys()
    require(actor, Right.REPORT_INCIDENT if alone else Right.RELEASE_INCIDENT)
    fault: LiptakoError | None = reason_fault(reason)
    if not entries:
        fault = RefusedError("attachment: there is no such file")
    if fault is not None:
        raise fault
    drafts = [
        draft
        for audience, found in entries.items()
        for draft in taking_back(actor, Thread(node.member, name, audience), found, reason)
    ]
    subject = queries.references(actor, [name]).get(name, name)
    append(node, [*drafts, audit_draft(node, "incident.file", actor=actor, subject=subject)])
    sweep_later(node)


def _naming(node: Node, name: str, digest: str) -> dict[str, list[Entry]]:
    """Return for each audience our records that give it a file of an incident."""
    held = _entries(node.member, name)
    found: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in held.filter(attached__digest=digest).select_related("channel").distinct():
        found[entry.channel.audience_id].append(entry)
    return found


def sweep_later(node: Node) -> None:
    """Delete the bytes that no record names any longer, once what ends them was committed."""
    transaction.on_commit(partial(files.sweep, node), robust=True)
