"""The desk's cards of the home page: what waits for an office here; the pages are in `views`."""

from datetime import datetime

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from liptako.core.records.envelope import Precedence
from liptako.ledger.node import Node
from liptako.members import queries as members
from liptako.members.models import Watch
from liptako.members.permissions import Actor, Right, may
from liptako.situation import lists, words
from liptako.situation.models import Incident
from liptako.web.cards import Card, Line
from liptako.web.texts import named

_SHOWN_ON_CARD = 5


def cards(node: Node, actor: Actor) -> list[Card]:
    """Return what waits for an office at the desk."""
    found = [_watch_card(node, actor)] if may(actor, Right.SEE_JOURNAL) else []
    if may(actor, Right.RELEASE_INCIDENT):
        found.append(_card(_("Not released yet"), "release", lists.unreleased(actor)))
        older = lists.changed_since_release(actor)
        found.append(_card(_("Released in an older version"), "outdated", older))
    if may(actor, Right.SEE_INCIDENTS):
        found.append(_card(_("New from partners"), "news", lists.from_partners(actor)))
    if may(actor, Right.REPORT_INCIDENT):
        found.append(_card(_("To be verified"), "verify", lists.unverified(actor)))
        found.append(_card(_("Handled by nobody"), "unhandled", lists.unhandled(actor)))
        found.append(_card(_("To be looked at again"), "review", lists.to_review(actor)))
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


def _watch_card(node: Node, actor: Actor) -> Card:
    """Return a card with what is to be done about watches: late, to be accepted, kept by nobody."""
    kept = list(members.watches_kept(node.member))
    titles, now = members.titles(node.member), timezone.now()
    lines = [
        line
        for watch in kept
        if (
            line := _watch_line(
                watch, named(titles.get(watch.office, {}), watch.office), actor, now
            )
        )
    ]
    own = members.last_watch(node.member, actor.office) if may(actor, Right.KEEP_WATCH) else None
    if own is not None and own.ended_at is not None:
        lines.append(Line(text=_("Nobody keeps the watch"), url=reverse("watch"), at=own.ended_at))
    return Card(title=_("Watch"), url=reverse("watch"), count=len(lines), lines=tuple(lines))


def _watch_line(watch: Watch, title: str, actor: Actor, now: datetime) -> Line | None:
    """Return a line about a watch, if anything is to be done about it."""
    url, late = reverse("watch"), watch.due < now
    mine = actor.office == watch.office and may(actor, Right.KEEP_WATCH)
    if watch.handed_at and mine and actor.person != watch.person:
        text = _("The watch is handed over: accept it")
        return Line(text=text, url=url, note=title, at=watch.handed_at, urgent=late)
    if late:
        return Line(text=_("Relief is overdue"), url=url, note=title, at=watch.due, urgent=True)
    return None
