"""Draws incidents, releases and the journal from their records."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from liptako.core.clock import Instant
from liptako.core.refs import audience_id
from liptako.core.wording import folded
from liptako.ledger.records import Record, Rejection, Thread
from liptako.ledger.registry import Folded, Kind, Module, Row, Rows, Table, Threads
from liptako.ledger.rows import columns_of, one_of
from liptako.situation import models, records, rules

_OF_INCIDENT = {records.INCIDENT, records.RELEASE, records.RECALLED}


def fold(threads: Threads) -> Folded:
    """Return the rows of these threads, and what breaks a rule."""
    rejections: list[Rejection] = []
    incidents: list[Row] = []
    releases: list[Row] = []
    entries: list[Row] = []
    for thread, found in threads.items():
        about = [r for r in found if r.payload is not None and r.header.kind in _OF_INCIDENT]
        if about:
            state, verdicts = rules.fold_incident([record.payload for record in about])
            good = about
            if any(verdicts):
                rejections += _rejections(about, verdicts)
                good = [r for r, fault in zip(about, verdicts, strict=True) if fault is None]
            if state.incident is not None:
                incidents.append(_incident_row(thread, state.incident, good))
            releases += _release_rows(thread, state, good)
        if len(about) < len(found):
            entries += _journal_rows(thread, found, rejections)
    rows: Rows = {
        models.Incident: incidents,
        models.Release: releases,
        models.JournalEntry: entries,
    }
    return Folded(rows, rejections)


def _rejections(found: Sequence[Record], verdicts: Sequence[rules.Verdict]) -> Iterator[Rejection]:
    """Give every record that a fold rejected."""
    for record, fault in zip(found, verdicts, strict=True):
        if fault is not None:
            yield Rejection(record, fault)


def _incident_row(
    thread: Thread, incident: records.Incident, good: Sequence[Record]
) -> dict[str, Any]:
    """Return the row of an incident from its state and its records, first to last."""
    own = [record for record in good if record.header.kind == records.INCIDENT]
    last = own[-1]
    updated = _last_change(own).header.time.moment()
    return {
        **columns_of(thread),
        **_facts(incident),
        **_where(incident.place),
        "office": last.header.office,
        "precedence": last.header.precedence.value,
        "marking": last.header.marking,
        "reported_at": own[0].header.time.moment() if own[1:] else updated,
        "updated_at": updated,
        "versions": len(own),
        "lamport": last.header.lamport,
        "origin": last.origin,
        "seq": last.seq,
        "leaf": last.leaf,
        "shown": True,
    }


def _last_change(own: Sequence[Record]) -> Record:
    """Return the version that last changed what partners would get, not only who handles it."""
    for before, after in zip(reversed(own[:-1]), reversed(own), strict=False):
        if _said(before) != _said(after):
            return after
    return own[0]


def _said(version: Record) -> tuple[object, object]:
    """Return what a version says that partners would get, and how urgently."""
    said = msgspec.structs.replace(version.payload, handled_by="", same_as="")
    return said, version.header.precedence


def as_row(incident: records.Incident) -> models.Incident:
    """Return an incident as pages show it, such as one that is still to be released; not stored."""
    facts = _facts(incident) | {
        "harm": msgspec.to_builtins(incident.harm),
        "source": msgspec.to_builtins(incident.source),
    }
    return models.Incident(**facts, **_where(incident.place))


def _facts(incident: records.Incident) -> dict[str, Any]:
    """Return the columns of what happened."""
    period = incident.period
    return {
        "reference": incident.reference,
        "kind": incident.kind,
        "summary": incident.summary,
        "text": incident.text,
        "severity": incident.severity,
        "status": incident.status.value,
        "standing": incident.standing.value,
        "begins": Instant(period.begins).moment(),
        "ends": _moment(period.ends),
        "period_precision": period.precision.value,
        "affected": list(incident.affected),
        "harm": incident.harm,
        "needs": list(incident.needs),
        "reliability": incident.reliability,
        "credibility": incident.credibility,
        "source": incident.source,
        "source_id": incident.source.id,
        "handled_by": incident.handled_by,
        "valid_until": _moment(incident.valid_until),
        "same_as": incident.same_as[:26],
    }


def _moment(milliseconds: int | None) -> datetime | None:
    """Return a moment, if there is one."""
    return None if milliseconds is None else Instant(milliseconds).moment()


def _where(place: records.Place) -> dict[str, Any]:
    """Return the columns of where it happened."""
    return {
        "lat": place.lat,
        "lon": place.lon,
        "radius_m": place.radius_m,
        "level": place.level.value,
        "area": place.area,
        "words": place.words,
    }


def _release_rows(
    thread: Thread, state: rules.IncidentState, good: Sequence[Record]
) -> Iterator[models.Release]:
    """Give a row for each audience that an incident was released to."""
    for target, release in state.releases.items():
        about = [record for record in good if getattr(record.payload, "audience", "") == target]
        mine = [record for record in about if record.header.kind == records.RELEASE]
        last, recalled = mine[-1], state.recalled.get(target)
        yield models.Release(
            **columns_of(thread, target),
            target=target,
            members=list(release.members),
            transform=release.transform.value,
            basis=release.basis,
            until=_moment(release.until),
            office=last.header.office,
            released_at=last.header.time.moment(),
            versions=len(mine),
            recalled_at=about[-1].header.time.moment() if recalled else None,
            reason=recalled.reason if recalled else "",
        )


def _journal_rows(
    thread: Thread, found: Sequence[Record], rejections: list[Rejection]
) -> Iterator[models.JournalEntry]:
    """Give the row of a journal entry; it is written once, and stays when it was erased."""
    earlier: records.JournalEntry | None = None
    is_drawn = False
    for record in found:
        if record.header.kind != records.JOURNAL:
            continue
        entry: records.JournalEntry | None = record.payload
        if entry is not None:
            fault = rules.journal_fault(earlier, entry)
            if fault is not None:
                rejections.append(Rejection(record, fault))
                continue
            earlier = entry
        if not is_drawn:
            yield _journal_row(thread, record, entry)
        is_drawn = True


def _journal_row(
    thread: Thread, record: Record, entry: records.JournalEntry | None
) -> models.JournalEntry:
    """Return the row of a journal entry, or of one that was erased."""
    written_at = record.header.time.moment()
    return models.JournalEntry(
        **columns_of(thread),
        at=Instant(entry.at).moment() if entry else written_at,
        written_at=written_at,
        text=entry.text if entry else "",
        folded=folded(entry.text) if entry else "",
        office=record.header.office,
        incident=entry.incident if entry else "",
        corrects=entry.corrects if entry else "",
        erased=entry is None,
    )


class _Version(NamedTuple):
    """What decides which version of an incident is shown."""

    key: str
    author: str
    object: str
    audience: str
    radius_m: int
    lamport: int


def choose_shown(threads: Collection[Thread]) -> None:
    """Mark of each incident the one version that lists and maps show; its threads are all here.

    The author's own; else the most exact one; else the latest one. Each was drawn as shown.
    """
    versions = defaultdict(list)
    held = models.Incident.objects.filter(key__in=one_of([thread.key for thread in threads]))
    for found in held.values_list(*_Version._fields):
        version = _Version(*found)
        versions[version.author, version.object].append(version)
    best = {max(some, key=_rank).key for some in versions.values()}
    others = [
        version.key for some in versions.values() for version in some if version.key not in best
    ]
    models.Incident.objects.filter(key__in=one_of(others)).update(shown=False)


def _rank(row: _Version) -> tuple[bool, int, int, str]:
    """Return how well a version serves, the best one highest; never the same for two."""
    return (row.audience == audience_id([row.author]), -row.radius_m, row.lamport, row.key)


MODULE = Module(
    name="situation",
    kinds=tuple(Kind(name=name, payload=payload) for name, payload in records.RECORDS.items()),
    tables=(
        Table(model=models.Incident, local=frozenset({"shown"}), single=True),
        Table(model=models.Release),
        Table(model=models.JournalEntry, single=True),
    ),
    fold=fold,
    settle=choose_shown,
)
