"""Kinds of record about offices, mandates and what people did. No name of a person is in any."""

import enum

import msgspec

OFFICE = "members.office/1"
MANDATE = "members.mandate/1"
MANDATE_END = "members.mandate_end/1"
AUDIT = "members.audit/1"


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
    """Something that a person did: other records name the office only.

    `person` is an opaque code that only this node can turn into a name; empty if unknown.
    """

    event: str
    person: str = ""
    subject: str = ""
    detail: str = ""


RECORDS: dict[str, type[msgspec.Struct]] = {
    OFFICE: Office,
    MANDATE: Mandate,
    MANDATE_END: MandateEnd,
    AUDIT: Audit,
}
