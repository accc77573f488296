"""The one answer to "may X do or see Y?". Every page, feed, count and action asks here.

An actor acts in one office at a time and has the rights of that office's roles. Nothing else gives
a right: the administrator of a node does not read incidents, and who reports does not release.
"""

import enum
from collections.abc import Iterable
from dataclasses import dataclass

from liptako.core.errors import NotAllowedError
from liptako.members.records import Role


class Right(enum.StrEnum):
    """Something that an office may do or see."""

    KEEP_WATCH = "keep_watch"
    SEE_JOURNAL = "see_journal"
    WRITE_JOURNAL = "write_journal"
    SEE_INCIDENTS = "see_incidents"
    REPORT_INCIDENT = "report_incident"
    RELEASE_INCIDENT = "release_incident"
    ERASE_RECORDS = "erase_records"
    IMPORT_INCIDENTS = "import_incidents"
    SEE_PARTNERS = "see_partners"
    EXCHANGE = "exchange"
    MANAGE_PEOPLE = "manage_people"
    GIVE_MANDATE = "give_mandate"
    SEE_MANDATES = "see_mandates"
    SEE_AUDIT = "see_audit"
    MANAGE_COMPACT = "manage_compact"


_READERS = {Right.SEE_INCIDENTS, Right.SEE_PARTNERS, Right.SEE_MANDATES}

_PEN = {Right.WRITE_JOURNAL, Right.REPORT_INCIDENT}
"""What only who keeps the watch of an office may do, once that office keeps one."""

RIGHTS: dict[Role, frozenset[Right]] = {
    Role.WATCH_OFFICER: frozenset(
        {*_READERS, *_PEN, Right.KEEP_WATCH, Right.SEE_JOURNAL, Right.EXCHANGE}
    ),
    Role.RELEASING_OFFICER: frozenset(
        {*_READERS, Right.SEE_JOURNAL, Right.RELEASE_INCIDENT, Right.ERASE_RECORDS}
    ),
    Role.PLANNER: frozenset(_READERS),
    Role.LOGISTICIAN: frozenset(_READERS),
    Role.DELEGATE: frozenset(_READERS),
    Role.DRAFTER: frozenset({Right.SEE_MANDATES, Right.SEE_PARTNERS}),
    Role.TRAINING_OFFICER: frozenset({Right.SEE_PARTNERS}),
    Role.EXERCISE_DIRECTOR: frozenset({Right.SEE_PARTNERS}),
    Role.EXERCISE_CONTROLLER: frozenset({Right.SEE_PARTNERS}),
    Role.NODE_ADMINISTRATOR: frozenset(
        {
            Right.SEE_PARTNERS,
            Right.EXCHANGE,
            Right.MANAGE_PEOPLE,
            Right.GIVE_MANDATE,
            Right.SEE_MANDATES,
            Right.IMPORT_INCIDENTS,
            Right.MANAGE_COMPACT,
        }
    ),
    Role.AUDITOR: frozenset({*_READERS, Right.SEE_JOURNAL, Right.SEE_AUDIT}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A person in the office that they act in now. `person` is the opaque code of the person.

    Not `on_watch` is who acts in an office whose watch somebody else keeps, or nobody any longer.
    """

    member: str
    person: str
    office: str
    roles: frozenset[str]
    on_watch: bool = True

    @property
    def rights(self) -> frozenset[Right]:
        """What the office's roles give together, as far as the watch allows it."""
        found = rights_of(self.roles)
        return found if self.on_watch else found - _PEN


def rights_of(roles: Iterable[str]) -> frozenset[Right]:
    """Return what roles give together; a role of a later version gives nothing."""
    known = [RIGHTS[Role(role)] for role in roles if role in set(Role)]
    return frozenset().union(*known)


def may(actor: Actor | None, right: Right) -> bool:
    """Say whether the actor has the right; nobody has none."""
    return actor is not None and right in actor.rights


def require(actor: Actor | None, right: Right) -> Actor:
    """Return the actor. Raises NotAllowedError without the right."""
    if actor is not None and right in _PEN & (rights_of(actor.roles) - actor.rights):
        raise NotAllowedError(
            "you do not keep the watch: accept it first, and the desk is yours", right=right.value
        )
    if actor is None or right not in actor.rights:
        raise NotAllowedError(
            "your office may not do this; the node administrator can tell which one may",
            right=right.value,
        )
    return actor


def may_see(actor: Actor | None, right: Right, audience: Iterable[str]) -> bool:
    """Say whether the actor may see something that is for an audience of members."""
    return actor is not None and right in actor.rights and actor.member in set(audience)
