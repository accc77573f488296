"""Kinds of record about offices, mandates, watches and what people did: no name is in any.

`person` is always an opaque code that only this node can turn into a name, until it is erased.
"""

import enum

import msgspec

OFFICE = "members.office/1"
MANDATE = "members.mandate/1"
MANDATE_END = "members.mandate_end/1"
AUDIT = "members.audit/1"
WATCH = "members.watch/1"
HAND_OVER = "members.watch_hand_over/1"
WATCH_END = "members.watch_end/1"
DUTY = "members.duty/1"


class Role(enum.StrEnum):
    """What an office does; the rights of each are in `permissions`."""

    WATCH_OFFICER = "watch_officer"
    RELEASING_OFFICER = "releasing_officer"
    PLANNER = "planner"
    LOGISTICIAN = "logistician"
    DELEGATE = "delegate"
    DRAFTER = "drafter"
    TRAINING_OFFICER = "training_officer"
    EXERCISE_DIRECTOR = "exercise_director"
    EXERCISE_CONTROLLER = "exercise_controller"
    NODE_ADMINISTRATOR = "node_administrator"
    AUDITOR = "auditor"


class Office(msgspec.Struct, frozen=True, kw_only=True):
    """An office as it stands from this record on: code, titles by language, roles, closed or not.

    A later record about the same object replaces an earlier one; the code never changes.
    """

    code: str
    titles: dict[str, str]
    roles: tuple[str, ...]
    closed: bool = False


class Mandate(msgspec.Struct, frozen=True, kw_only=True):
    """The State lets an office speak for it: on which subjects, from when to when (ms UTC)."""

    office: str
    subjects: tuple[str, ...]
    begins: int
    ends: int | None = None


class MandateEnd(msgspec.Struct, frozen=True, kw_only=True):
    """The State ends a mandate; what was signed earlier in its log stays valid."""

    reason: str


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a person did: most other records name the office only.

    `person` is empty if it is not known who.
    """

    event: str
    person: str = ""
    subject: str = ""
    detail: str = ""


class Watch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A person keeps the watch of an office from now on, until about `due` (ms UTC).

    `after` is the watch that it relieves, whose hand-over the record names and the person accepts;
    `remarks` are what they say to it. Without a hand-over there is a `reason`. `proof` is how the
    person has shown who they are when signing: `password`; empty where there was nothing to sign.
    """

    person: str
    due: int
    proof: str = ""
    after: str = ""
    remarks: str = ""
    reason: str = ""


class OpenItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that is open when a watch is handed over, as it stood then.

    A record of a State by its kind and object, with its status and how many versions it had. What
    it says is not copied: it may have to be erased one day.
    """

    kind: str
    author: str
    object: str
    status: str = ""
    versions: int = 0


class HandOver(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who keeps a watch hands it over: what the next one must know, and all that is open.

    A later one replaces it, until one is accepted. `more` counts what is open and not listed.
    """

    person: str
    proof: str
    text: str
    items: tuple[OpenItem, ...] = ()
    more: int = 0


class WatchEnd(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A watch has ended: relieved by the watch `by`, or without relief, for a reason."""

    person: str
    by: str = ""
    reason: str = ""


class Duty(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A turn of the roster: who is to keep the watch of an office, from when to when (ms UTC).

    The last record about a turn counts; `cancelled` says that there is none any longer.
    """

    person: str
    begins: int
    ends: int
    note: str = ""
    cancelled: bool = False


RECORDS: dict[str, type[msgspec.Struct]] = {
    OFFICE: Office,
    MANDATE: Mandate,
    MANDATE_END: MandateEnd,
    AUDIT: Audit,
    WATCH: Watch,
    HAND_OVER: HandOver,
    WATCH_END: WatchEnd,
    DUTY: Duty,
}
