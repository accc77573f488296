"""Reads the tables of the desk. Every list, count, map and feed begins at `visible`."""

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Concat
from django.utils import timezone

from liptako.core.wording import words_of
from liptako.ledger.records import Thread
from liptako.ledger.rows import keys_about, one_of
from liptako.members.permissions import Actor, Right, may
from liptako.situation.models import ImportRun, Incident, JournalEntry, Release


def visible(actor: Actor | None) -> QuerySet[Incident]:
    """Return the incidents that a person may see: the only door to the table."""
    if not may(actor, Right.SEE_INCIDENTS):
        return Incident.objects.none()
    return Incident.objects.filter(shown=True)


def incident(actor: Actor | None, author: str, name: str) -> Incident | None:
    """Return one incident of a State."""
    return visible(actor).filter(key__in=keys_about(author, [name])).first()


def named(actor: Actor | None, reference: str) -> Incident | None:
    """Return the incident with a reference such as ML-2026-7K3F, which begins with its author."""
    author, _dash, _rest = reference.partition("-")
    return visible(actor).filter(author=author, reference=reference).first()


def linked_to(actor: Actor | None, author: str, name: str) -> QuerySet[Incident]:
    """Return the incidents that tell the same event as this one, which is kept."""
    return visible(actor).filter(same_as=f"{author}/{name}").order_by("begins", "key")


def kept_for(actor: Actor | None, row: Incident) -> Incident | None:
    """Return the incident that is kept of those about the same event, if it is another one."""
    author, _slash, name = row.same_as.partition("/")
    return incident(actor, author, name) if name else None


def own_incident(member: str, name: str) -> Incident | None:
    """Return an own incident, for the desk's own deeds: who may do what they ask for themselves."""
    return Incident.objects.filter(key__in=keys_about(member, [name]), shown=True).first()


def other_versions(actor: Actor | None, row: Incident) -> Sequence[Incident]:
    """Return what else is held of an incident: for other audiences, exact or coarser."""
    if not may(actor, Right.SEE_INCIDENTS):
        return []
    held = Incident.objects.filter(key__in=keys_about(row.author, [row.object]))
    return list(held.exclude(key=row.key).order_by("radius_m", "key"))


def known(actor: Actor | None, keys: Collection[tuple[str, str]]) -> dict[str, Incident]:
    """Return incidents by author and object, as `ML/…`, as they stand now."""
    if not keys:
        return {}
    names = {author: [name for who, name in keys if who == author] for author, _ in keys}
    wanted = [keys_about(author, found) for author, found in names.items()]
    rows = [row for keys in wanted for row in visible(actor).filter(key__in=keys)]
    return {f"{row.author}/{row.object}": row for row in rows}


def releases(actor: Actor | None, row: Incident) -> Sequence[Release]:
    """Return to whom an own incident was released."""
    if not may(actor, Right.SEE_INCIDENTS):
        return []
    held = Release.objects.filter(author=row.author, object=row.object)
    return list(held.order_by("-released_at", "key"))


def _going_on(author: str) -> QuerySet[Release]:
    """Return the releases of a State that have not ended."""
    in_time = Q(until=None) | Q(until__gt=timezone.now())
    return Release.objects.filter(in_time, author=author, recalled_at=None)


def release_targets(author: str) -> list[str]:
    """Return the audiences to which a State has released something that has not ended."""
    return list(_going_on(author).order_by("target").values_list("target", flat=True).distinct())


def releases_to_grant(
    author: str, audience: str, since: datetime, held: Collection[str]
) -> QuerySet[Release]:
    """Return what was released to an audience since then, and not as late to any of `held`.

    Only what the audience still has: of what was deleted there is no copy to give.
    """
    later = _going_on(author).filter(
        object=OuterRef("object"), target__in=held, released_at__gte=OuterRef("released_at")
    )
    key = Concat(Value(f"{author}/"), OuterRef("object"), Value(f"/{audience}"))
    copies = Incident.objects.filter(key=key)
    found = _going_on(author).filter(
        Exists(copies), ~Exists(later), target=audience, released_at__gte=since
    )
    return found.order_by("released_at", "key")


def told_to(author: str, audience: str, names: Collection[str]) -> dict[str, Incident]:
    """Return incidents of a State as an audience knows them, by their objects."""
    keys = one_of([Thread(author, name, audience).key for name in names])
    rows = Incident.objects.filter(key__in=keys)
    return {row.object: row for row in rows}


def authors(actor: Actor | None) -> list[str]:
    """Return whose incidents there are."""
    return list(visible(actor).order_by("author").values_list("author", flat=True).distinct())


def count_by_standing(actor: Actor | None) -> dict[str, int]:
    """Return how many incidents there are of each standing."""
    found = visible(actor).order_by().values("standing").annotate(n=Count("key"))
    return {row["standing"]: row["n"] for row in found}


def own_incidents(actor: Actor | None) -> QuerySet[Incident]:
    """Return the incidents of the actor's State."""
    return visible(actor).filter(author=actor.member if actor else "")


def releases_of_it() -> QuerySet[Release]:
    """Return the releases, not ended, of the incident that an outer query looks at."""
    in_time = Q(until=None) | Q(until__gt=timezone.now())
    going_on = Release.objects.filter(in_time, recalled_at=None)
    return going_on.filter(author=OuterRef("author"), object=OuterRef("object"))


def journal(actor: Actor | None, text: str = "") -> QuerySet[JournalEntry]:
    """Return the journal, the latest first; with a text the lines in which all its words stand."""
    if actor is None or not may(actor, Right.SEE_JOURNAL):
        return JournalEntry.objects.none()
    found = JournalEntry.objects.filter(author=actor.member)
    for word in words_of(text) or [text.strip()]:
        found = found.filter(folded__contains=word)
    return found.order_by("-at", "-written_at", "key")


def journal_entry(actor: Actor | None, name: str) -> JournalEntry | None:
    """Return one entry of the journal; nothing for an empty name."""
    return journal(actor).filter(object=name).first() if name else None


def journal_of(actor: Actor | None, name: str) -> QuerySet[JournalEntry]:
    """Return the journal entries about an incident, the first one first."""
    return journal(actor).filter(incident=name).order_by("at", "written_at", "key")


def corrections(actor: Actor | None, names: Sequence[str]) -> dict[str, JournalEntry]:
    """Return the latest correction of each of these entries."""
    found = journal(actor).filter(corrects__in=names).order_by("written_at", "key")
    return {entry.corrects: entry for entry in found}


def is_own_object(author: str, name: str) -> bool:
    """Say whether an incident or a line of the journal of a State has this name."""
    tables = (Incident, JournalEntry)
    keys = keys_about(author, [name])
    return any(table.objects.filter(key__in=keys).exists() for table in tables)


def object_of(author: str, text: str) -> str:
    """Return the object of a State's incident by its reference; any other text as it is."""
    found = Incident.objects.filter(author=author, reference=text)
    return found.values_list("object", flat=True).first() or text


def is_taken(author: str, reference: str) -> bool:
    """Say whether a reference of a State names an incident already."""
    return Incident.objects.filter(author=author, reference=reference).exists()


def references(actor: Actor | None, names: Sequence[str]) -> dict[str, str]:
    """Return the references of own incidents by their objects."""
    named = set(filter(None, names))
    rows = own_incidents(actor).filter(key__in=keys_about(actor.member if actor else "", named))
    return dict(rows.values_list("object", "reference"))


def marking_of(author: str, name: str, audience: str) -> str:
    """Return the marking of an incident as an audience knows it."""
    found = Incident.objects.filter(key=Thread(author, name, audience).key)
    return found.values_list("marking", flat=True).first() or ""


def held_sources(ids: Collection[str]) -> set[str]:
    """Return which of these published incidents are held already, by any author."""
    found = Incident.objects.filter(source_id__in=ids)
    return set(found.values_list("source_id", flat=True))


def last_import() -> ImportRun | None:
    """Return the latest import of published incidents."""
    return ImportRun.objects.order_by("-started_at", "-pk").first()


def import_run(number: int) -> ImportRun | None:
    """Return one import."""
    return ImportRun.objects.filter(pk=number).first()
