"""Reads people, offices, mandates, watches, the roster and the audit trail."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db.models import QuerySet

from liptako.members.models import (
    Assignment,
    AuditEvent,
    Duty,
    Mandate,
    Office,
    Person,
    Subscription,
    Watch,
)
from liptako.members.permissions import Actor, Right, rights_of


def offices(member: str) -> QuerySet[Office]:
    """Return this State's offices that are not closed, by their codes."""
    return Office.objects.filter(author=member, closed=False).order_by("code")


def office(member: str, code: str) -> Office | None:
    """Return one of this State's offices."""
    return Office.objects.filter(author=member, code=code).first()


def office_is_open(member: str, code: str) -> bool:
    """Say whether this State has an office with this code that is not closed."""
    return offices(member).filter(code=code).exists()


def all_offices(member: str) -> QuerySet[Office]:
    """Return this State's offices, open ones first."""
    return Office.objects.filter(author=member).order_by("closed", "code")


def titles(member: str) -> dict[str, dict[str, str]]:
    """Return the titles of this State's offices by code, closed ones included."""
    return dict(Office.objects.filter(author=member).values_list("code", "titles"))


def actors_of(person: Person, member: str) -> Sequence[Actor]:
    """Return in which offices a person may act, by the codes of the offices."""
    codes = person.assignments.filter(until=None).values_list("office", flat=True)
    held = offices(member).filter(code__in=codes)
    return [
        Actor(
            member=member,
            person=person.code,
            office=row.code,
            roles=frozenset(row.roles),
            on_watch=_has_the_pen(row, person),
        )
        for row in held
    ]


def _has_the_pen(office: Office, person: Person) -> bool:
    """Say whether a person may write for an office: its watch is theirs, or it never kept one."""
    if Right.KEEP_WATCH not in rights_of(office.roles):
        return True
    last = last_watch(office.author, office.code)
    return last is None or (last.ended_at is None and last.person == person.code)


def all_watches(member: str) -> QuerySet[Watch]:
    """Return the watches of all offices of this State, the latest first."""
    return Watch.objects.filter(author=member).order_by("-begins", "-key")


def watches(member: str, office: str) -> QuerySet[Watch]:
    """Return the watches of an office of this State, the latest first."""
    return all_watches(member).filter(office=office)


def last_watch(member: str, office: str) -> Watch | None:
    """Return the watch of an office that is kept now, else its last one; nothing if it never had.

    The one that is kept is not told by its time: the clock may have been ahead when another began.
    """
    found = watches(member, office)
    return found.filter(ended_at=None).first() or found.first()


def watch(member: str, name: str) -> Watch | None:
    """Return a watch of this State by its object."""
    return Watch.objects.filter(author=member, object=name).first()


def is_own_object(member: str, name: str) -> bool:
    """Say whether a watch or a turn of a State's roster has this name."""
    return any(table.objects.filter(author=member, object=name).exists() for table in (Watch, Duty))


def duties(member: str, office: str, since: datetime) -> QuerySet[Duty]:
    """Return the turns of an office's roster that end after a moment, the earliest first."""
    found = Duty.objects.filter(author=member, office=office, cancelled=False, ends__gt=since)
    return found.order_by("begins", "key")


def turn_of(actor: Actor, at: datetime) -> datetime | None:
    """Return until when it is a person's turn by the roster, if it is now or within the hour."""
    soon = at + timedelta(hours=1)
    mine = duties(actor.member, actor.office, at).filter(person=actor.person, begins__lte=soon)
    return mine.values_list("ends", flat=True).first()


def duty(member: str, name: str) -> Duty | None:
    """Return a turn of this State's roster that was not cancelled, by its object."""
    return Duty.objects.filter(author=member, object=name, cancelled=False).first()


def colleagues(office: str) -> QuerySet[Person]:
    """Return who holds an office now and may sign in, by name."""
    held = Assignment.objects.filter(office=office, until=None, person__is_active=True)
    return Person.objects.filter(pk__in=held.values("person")).order_by("name", "code")


def subscription(member: str, digest: str) -> Subscription | None:
    """Return the subscription of a secret with this hash, if its person still holds the office."""
    found = Subscription.objects.select_related("person").filter(digest=digest).first()
    if found is None or found.office not in _keeping(member):
        return None
    return found if colleagues(found.office).filter(pk=found.person_id).exists() else None


def subscription_of(actor: Actor) -> Subscription | None:
    """Return a person's subscription to the roster of the office in which they act."""
    return Subscription.objects.filter(person__code=actor.person, office=actor.office).first()


def watches_kept(member: str) -> QuerySet[Watch]:
    """Return the watches that are kept now, of this State's open offices that keep one."""
    found = Watch.objects.filter(author=member, ended_at=None, office__in=_keeping(member))
    return found.order_by("office", "begins")


def _keeping(member: str) -> list[str]:
    """Return the codes of this State's open offices that keep a watch."""
    return [row.code for row in offices(member) if Right.KEEP_WATCH in rights_of(row.roles)]


def taken_over(member: str, names: Collection[str]) -> set[str]:
    """Return which of some watches were taken over without being accepted."""
    found = Watch.objects.filter(author=member, after__in=list(names)).exclude(reason="")
    return set(found.values_list("after", flat=True))


def is_administered(member: str) -> bool:
    """Say whether somebody who may sign in holds an open office that manages people."""
    codes = [row.code for row in offices(member) if Right.MANAGE_PEOPLE in rights_of(row.roles)]
    held = Assignment.objects.filter(office__in=codes, until=None, person__is_active=True)
    return held.exists()


def people() -> QuerySet[Person]:
    """Return everybody with an account, with the offices they hold."""
    return Person.objects.prefetch_related("assignments").order_by("name")


def person(code: str) -> Person | None:
    """Return a person by the opaque code."""
    return Person.objects.filter(code=code).first()


def holders(person: Person) -> list[str]:
    """Return the codes of the offices that a person holds now."""
    held: QuerySet[Assignment] = person.assignments.all()
    return sorted(item.office for item in held if item.until is None)


def mandates() -> QuerySet[Mandate]:
    """Return all mandates that this node knows, the latest first."""
    return Mandate.objects.order_by("-begins", "key")


def mandate(author: str, name: str) -> Mandate | None:
    """Return a mandate of a State by its object."""
    return Mandate.objects.filter(author=author, object=name).first()


def audit(member: str, event: str = "") -> QuerySet[AuditEvent]:
    """Return this State's own audit trail, the latest first, of one event if it is named.

    What another State says happened, in a record that it released to us, is not in our trail.
    """
    found = AuditEvent.objects.filter(author=member).order_by("-at", "key")
    return found.filter(event=event) if event else found


def audit_events(member: str) -> list[str]:
    """Return the names of the events that have happened in this State."""
    found = AuditEvent.objects.filter(author=member).order_by("event")
    return list(found.values_list("event", flat=True).distinct())


def names_of(codes: Sequence[str]) -> dict[str, str]:
    """Return the names of people by their opaque codes; erased ones are missing."""
    return dict(Person.objects.filter(code__in=set(codes)).values_list("code", "name"))
