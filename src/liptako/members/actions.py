"""What may be done about people, offices and mandates; each leaves a record or an audit record."""

import re
from collections.abc import Sequence

from allauth.mfa.models import Authenticator
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import transaction

from liptako.core.errors import RefusedError
from liptako.core.refs import OBJECT_BYTES, object_id
from liptako.ledger.node import Node
from liptako.ledger.reader import roster_of
from liptako.ledger.records import Draft, Record
from liptako.ledger.store import append
from liptako.members import queries, records
from liptako.members.models import Assignment, Person
from liptako.members.permissions import Actor, Right, require

_WHO = (SESSION_KEY, "account_authentication_methods_user")
"""Where a session says who is signed in, and who gave a password but no second factor yet."""

SYSTEM = "system"
"""The office of what the node does by itself, before anybody has signed in."""


def record_audit(
    node: Node, event: str, *, actor: Actor | None = None, subject: str = "", detail: str = ""
) -> Record:
    """Write down that something happened."""
    return append(node, [audit_draft(node, event, actor=actor, subject=subject, detail=detail)])[0]


def audit_draft(
    node: Node, event: str, *, actor: Actor | None = None, subject: str = "", detail: str = ""
) -> Draft:
    """Return the line of the audit trail for what is written down together with it."""
    payload = records.Audit(
        event=event, person=actor.person if actor else "", subject=subject, detail=detail
    )
    return Draft(
        kind=records.AUDIT,
        object=object_id(node.random(OBJECT_BYTES)),
        office=actor.office if actor else SYSTEM,
        payload=payload,
    )


@transaction.atomic
def set_office(node: Node, actor: Actor | None, office: records.Office) -> None:
    """Create an office or change the one with the same code. No actor: the node itself, at init.

    Raises RefusedError for a change that leaves nobody to manage people.
    """
    if actor is not None:
        require(actor, Right.MANAGE_PEOPLE)
    existing = queries.office(node.member, office.code)
    name = existing.object if existing else object_id(node.random(OBJECT_BYTES))
    draft = Draft(
        kind=records.OFFICE,
        object=name,
        office=actor.office if actor else SYSTEM,
        payload=office,
    )
    if actor is None:
        append(node, [draft])
        return
    roles = ", ".join(sorted(office.roles))
    told = audit_draft(node, "office.set", actor=actor, subject=office.code, detail=roles)
    append(node, [draft, told])
    _require_administration(node, actor)


def _require_administration(node: Node, actor: Actor) -> None:
    """Raise RefusedError if what a person has just done leaves nobody to manage people.

    Asked after the change, which is then undone, and under the lock of the log: of two people who
    close each other's account at one moment, the second is refused. The node itself is not asked:
    whoever holds the machine may do anything, and puts right what went wrong.
    """
    if actor.person and not queries.is_administered(node.member):
        raise RefusedError(
            "nobody could manage people and offices any longer: first give another person an open "
            "office that may"
        )


def add_office(node: Node, actor: Actor, office: records.Office) -> None:
    """Create an office. Raises RefusedError if there is one with the same code, open or closed."""
    require(actor, Right.MANAGE_PEOPLE)
    if queries.office(node.member, office.code) is not None:
        raise RefusedError("there is an office %(office)s already", office=office.code)
    set_office(node, actor, office)


@transaction.atomic
def add_person(
    node: Node, actor: Actor | None, *, username: str, name: str, offices: Sequence[str]
) -> tuple[Person, str]:
    """Create an account with a password to be changed at once; return both.

    Raises RefusedError if the account exists, or an office is closed or does not (see `assign`).
    """
    if actor is not None:
        require(actor, Right.MANAGE_PEOPLE)
    if Person.objects.filter(username__iexact=username).exists():
        raise RefusedError("the account %(username)s exists already", username=username)
    person = Person(
        username=username,
        name=name,
        code=object_id(node.random(OBJECT_BYTES)),
        must_change_password=True,
    )
    password = _draw_password(node)
    person.set_password(password)
    person.save()
    record_audit(node, "person.add", actor=actor, subject=person.code)
    for office in offices:
        assign(node, actor, person, office)
    return person, password


@transaction.atomic
def reset_password(node: Node, actor: Actor | None, person: Person) -> str:
    """Give a person a new password to be changed at once, and return it.

    Whatever else opened the account no longer does: an authenticator, passkeys, recovery codes and
    open sessions may be in the hands of whoever made the reset necessary.
    """
    if actor is not None:
        require(actor, Right.MANAGE_PEOPLE)
    password = _draw_password(node)
    person.set_password(password)
    person.must_change_password = True
    person.save()
    _end_sessions(person)
    person.subscriptions.all().delete()
    record_audit(node, "person.password_reset", actor=actor, subject=person.code)
    held = Authenticator.objects.filter(user=person).order_by("pk")
    for kind in held.values_list("type", flat=True):
        record_audit(node, "authenticator.remove", actor=actor, subject=person.code, detail=kind)
    held.delete()
    return password


@transaction.atomic
def note_password_change(node: Node, person: Person) -> None:
    """Note that a person has chosen a password of their own."""
    person.must_change_password = False
    person.save(update_fields=["must_change_password"])
    record_audit(node, "person.password_change", subject=person.code)


@transaction.atomic
def set_active(node: Node, actor: Actor, person: Person, *, active: bool) -> None:
    """Let a person sign in, or no longer. Nobody can shut themselves out, or everybody."""
    require(actor, Right.MANAGE_PEOPLE)
    if person.code == actor.person and not active:
        raise RefusedError("nobody closes their own account")
    person.is_active = active
    person.save(update_fields=["is_active"])
    event = "person.activate" if active else "person.deactivate"
    record_audit(node, event, actor=actor, subject=person.code)
    _require_administration(node, actor)


@transaction.atomic
def erase_person(node: Node, actor: Actor, person: Person) -> None:
    """Delete a person's name and account; records keep a code that nobody can resolve.

    Raises RefusedError if it leaves nobody to manage people.
    """
    require(actor, Right.MANAGE_PEOPLE)
    if person.code == actor.person:
        raise RefusedError("nobody erases their own account")
    code = person.code
    _end_sessions(person)
    person.delete()
    record_audit(node, "person.erase", actor=actor, subject=code)
    _require_administration(node, actor)


def _end_sessions(person: Person) -> None:
    """Delete the sessions of a person, and those that hold the name of the account as a word.

    One too many only signs somebody out; one too few would keep what was to be erased.
    """
    name = re.compile(rf"(?<!\w){re.escape(person.username)}(?!\w)", re.IGNORECASE)
    for session in Session.objects.iterator():
        held = session.get_decoded()
        if str(person.pk) in {held.get(key) for key in _WHO} or name.search(str(held)):
            session.delete()


@transaction.atomic
def assign(node: Node, actor: Actor | None, person: Person, office: str) -> None:
    """Give a person an office. Raises RefusedError if it is closed or does not exist.

    That holds for the node itself too: who repairs an administration that nobody holds opens its
    office with `set_office` without an actor first.
    """
    if actor is not None:
        require(actor, Right.MANAGE_PEOPLE)
    _require_open(node, office)
    _, is_new = Assignment.objects.get_or_create(
        person=person, office=office, until=None, defaults={"since": node.clock().moment()}
    )
    if is_new:
        record_audit(node, "office.assign", actor=actor, subject=person.code, detail=office)


def _require_open(node: Node, office: str) -> None:
    """Raise RefusedError if there is no such office, or nobody acts in it any longer."""
    row = queries.office(node.member, office)
    if row is None or row.closed:
        raise RefusedError("there is no office %(office)s", office=office)


@transaction.atomic
def relieve(node: Node, actor: Actor, person: Person, office: str) -> None:
    """End a person's time in an office.

    Raises RefusedError if they do not hold it, or if it leaves nobody to manage people.
    """
    require(actor, Right.MANAGE_PEOPLE)
    ended = person.assignments.filter(office=office, until=None).update(until=node.clock().moment())
    if not ended:
        raise RefusedError("%(office)s: this person does not hold it", office=office)
    person.subscriptions.filter(office=office).delete()
    record_audit(node, "office.relieve", actor=actor, subject=person.code, detail=office)
    _require_administration(node, actor)


def give_mandate(
    node: Node, actor: Actor, mandate: records.Mandate, audience: frozenset[str]
) -> Record:
    """Let an office speak for the State, and tell the audience."""
    require(actor, Right.GIVE_MANDATE)
    _require_open(node, mandate.office)
    draft = Draft(
        kind=records.MANDATE,
        object=object_id(node.random(OBJECT_BYTES)),
        office=actor.office,
        payload=mandate,
        audience=audience,
    )
    told = audit_draft(node, "mandate.give", actor=actor, subject=mandate.office)
    return append(node, [draft, told])[0]


def end_mandate(node: Node, actor: Actor, name: str, reason: str) -> Record:
    """End a mandate, and tell the audience that was told of it."""
    require(actor, Right.GIVE_MANDATE)
    row = queries.mandate(node.member, name)
    if row is None:
        raise RefusedError("there is no such mandate")
    draft = Draft(
        kind=records.MANDATE_END,
        object=name,
        office=actor.office,
        payload=records.MandateEnd(reason=reason),
        audience=roster_of(row.audience),
    )
    told = audit_draft(node, "mandate.end", actor=actor, subject=row.office, detail=reason)
    return append(node, [draft, told])[0]


def _draw_password(node: Node) -> str:
    """Return a password of 79 random bits that can be read from paper."""
    text = object_id(node.random(8)) + object_id(node.random(8))[-3:]
    return "-".join(text[i : i + 4] for i in range(0, 16, 4))
