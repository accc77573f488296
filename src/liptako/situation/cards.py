"""The desk's cards of the home page: what waits for an office here; the pages are in `views`."""

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from liptako.core.records.envelope import Precedence
from liptako.ledger.node import Node
from liptako.members.permissions import Actor, Right, may
from liptako.situation import queries, words
from liptako.situation.models import Incident
from liptako.web.cards import Card, Line

_SHOWN_ON_CARD = 5


def cards(_node: Node, actor: Actor) -> list[Card]:
    """Return what waits for an office at the desk."""
    found = []
    if may(actor, Right.RELEASE_INCIDENT):
        found.append(_card(_("Not released yet"), "release", queries.unreleased(actor)))
        older = queries.changed_since_release(actor)
        found.append(_card(_("Released in an older version"), "outdated", older))
    if may(actor, Right.SEE_INCIDENTS):
        found.append(_card(_("New from partners"), "news", queries.from_partners(actor)))
    if may(actor, Right.REPORT_INCIDENT):
        found.append(_card(_("To be verified"), "verify", queries.unverified(actor)))
    return found


def _card(title: str, pile: str, rows: QuerySet[Incident]) -> Card:
    """Return a card with the first incidents of a query; it leads to the list of all of them."""
    return Card(
        title=title,
        url=f"{reverse('incidents')}?pile={pile}",
        count=rows.count(),
        lines=tuple(_line(row) for row in rows[:_SHOWN_ON_CARD]),
    )


def _line(row: Incident) -> Line:
    """Return a line about an incident."""
    word = words.STANDINGS.get(row.standing, row.standing)
    standing = "" if row.standing == "live" else f" · {word}"
    return Line(
        text=row.summary,
        url=reverse("incident", args=[row.author, row.object]),
        note=f"{row.reference} · {words.kind_word(row.kind)}{standing}",
        at=row.updated_at,
        urgent=row.precedence in {Precedence.FLASH, Precedence.IMMEDIATE},
    )
