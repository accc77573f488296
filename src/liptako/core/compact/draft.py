"""Drafts of versions: the first one from cards, the next one from the one before and some changes.

Works on the fields as they came, so that what this program does not know yet survives. A draft is
read once more before it is handed out, so that nobody is asked to sign what cannot be valid.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast

from liptako.core.compact.document import COMPACT_TYPE, DOCUMENT_LIMIT, Names, State
from liptako.core.compact.dossier import Card
from liptako.core.compact.envelope import Envelope, to_base64
from liptako.core.compact.versions import Version, read_version
from liptako.core.errors import RefusedError
from liptako.core.records.fields import Json, decode_fields, encode_fields

Fields = dict[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a version has that the one before it had not.

    `cards` are new members, or known ones with other names or root keys. `states` with the sizes at
    which the logs of a member are frozen. `approve` as in a document: "all" or a number.
    """

    cards: tuple[Card, ...] = ()
    states: Mapping[str, tuple[State, Mapping[str, int]]] = field(default_factory=dict)
    audiences: tuple[tuple[Names, frozenset[str]], ...] = ()
    approve: int | str | None = None


def first_draft(
    names: Names, cards: Iterable[Card], everyone: Names, approve: int | str = "all"
) -> Version:
    """Return a first version of these members with one audience: all of them.

    Raises MalformedError for a member twice or a rule that cannot be.
    """
    members: list[Json] = [
        *sorted((card.fields for card in cards), key=lambda item: str(item["id"]))
    ]
    roster: list[Json] = [cast(Fields, member)["id"] for member in members]
    return _version(
        {
            "v": 1,
            "version": 1,
            "names": dict(names),
            "rules": {"approve": approve},
            "members": members,
            "audiences": [{"names": dict(everyone), "members": roster}],
        }
    )


def next_draft(before: Version, changes: Changes) -> Version:
    """Return the version after one. Raises RefusedError for a stranger, and MalformedError."""
    fields = decode_fields(before.envelope.payload, limit=DOCUMENT_LIMIT)
    fields["version"] = before.document.version + 1
    fields["previous"] = to_base64(before.envelope.digest)
    members = cast("list[Fields]", fields["members"])
    for card in changes.cards:
        _put(members, card)
    for member, (state, frozen) in changes.states.items():
        _stand(members, member, state, frozen)
    audiences = cast("list[Json]", fields["audiences"])
    for names, roster in changes.audiences:
        audiences.append({"names": dict(names), "members": [*sorted(roster)]})
    if changes.approve is not None:
        cast(Fields, fields["rules"])["approve"] = changes.approve
    return _version(fields)


def _put(members: list[Fields], card: Card) -> None:
    """Add a member, or change what its card says of it; how it stands is left as it is."""
    known = next((member for member in members if member["id"] == card.member.id), None)
    if known is None:
        members.append(dict(card.fields))
        members.sort(key=lambda member: str(member["id"]))
    else:
        known.update(card.fields)


def _stand(members: list[Fields], wanted: str, state: State, frozen: Mapping[str, int]) -> None:
    """Change how a member stands. Raises RefusedError for a stranger."""
    member = next((item for item in members if item["id"] == wanted), None)
    if member is None:
        raise RefusedError("%(member)s is not a member of the compact", member=wanted)
    for name in ("state", "frozen"):
        member.pop(name, None)
    if state is not State.ACTIVE:
        member |= {"state": state.value, "frozen": dict(sorted(frozen.items()))}


def _version(fields: Fields) -> Version:
    """Return a draft without signatures. Raises MalformedError."""
    return read_version(Envelope(type=COMPACT_TYPE, payload=encode_fields(fields)))
