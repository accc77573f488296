"""The audiences on offer: this State alone, those that the compact names, each partner."""

from collections.abc import Callable

from liptako.core.compact.members import Compact
from liptako.core.errors import RefusedError
from liptako.core.refs import audience_id
from liptako.ledger import compacts
from liptako.web.texts import named


def audience_choices(member: str, *, alone: bool = True) -> list[tuple[str, str]]:
    """Return id and words of every audience on offer; this State alone comes first."""
    compact = compacts.current()
    return [
        (audience_id(roster), words)
        for roster, words in _on_offer(compact, member).items()
        if alone or roster != frozenset({member})
    ]


def members_of_choice(member: str, choice: str) -> frozenset[str]:
    """Return the members of a chosen audience. Raises RefusedError for one not on offer."""
    for roster in _on_offer(compacts.current(), member):
        if audience_id(roster) == choice:
            return roster
    raise RefusedError("this audience is not on offer: %(choice)s", choice=choice)


def _on_offer(compact: Compact, member: str) -> dict[frozenset[str], str]:
    """Return the audiences of which all take part, with their words."""
    offers = _offers(compact, member)
    return {
        roster: words for roster, words in offers.items() if roster <= compact.active | {member}
    }


def _offers(compact: Compact, member: str) -> dict[frozenset[str], str]:
    """Return the audiences that this State has words for."""
    names = {other.id: named(other.names, other.id) for other in compact.members}
    offers = {frozenset({member}): names.get(member, member)}
    for audience in compact.audiences:
        if member in audience.members:
            offers[audience.members] = named(audience.names)
    for other in compact.others(member):
        offers.setdefault(frozenset({member, other.id}), names[other.id])
    return offers


def audience_namer(member: str) -> Callable[[frozenset[str]], str]:
    """Return a function that gives the words for any audience, on offer or not."""
    compact = compacts.current()
    offers = _offers(compact, member)
    names = {other.id: named(other.names, other.id) for other in compact.members}

    def name_of(members: frozenset[str]) -> str:
        return offers.get(members) or ", ".join(names.get(item, item) for item in sorted(members))

    return name_of


def audience_words(member: str, members: frozenset[str]) -> str:
    """Return the words for one audience."""
    return audience_namer(member)(members)
