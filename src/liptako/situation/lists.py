"""Lists of incidents, by a filter or by what waits for an office; all begin at `visible`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Concat
from django.utils import timezone

from liptako.core.records.envelope import Precedence
from liptako.ledger.models import Audience
from liptako.members.permissions import Actor
from liptako.situation.models import Incident
from liptako.situation.queries import own_incidents, releases_of_it, visible

NEWS = timedelta(days=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What a person looks for; empty fields ask for nothing."""

    text: str = ""
    kind: str = ""
    pile: str = ""
    status: str = ""
    standing: str = ""
    author: str = ""
    severity: int | None = None
    since: datetime | None = None
    until: datetime | None = None


def incidents(actor: Actor | None, wanted: Filter) -> QuerySet[Incident]:
    """Return the incidents that fit a filter, the latest first."""
    found = _PILES.get(wanted.pile, visible)(actor)
    if wanted.text:
        found = found.filter(
            Q(summary__icontains=wanted.text)
            | Q(text__icontains=wanted.text)
            | Q(words__icontains=wanted.text)
            | Q(reference__icontains=wanted.text)
        )
    exact = {
        "kind": wanted.kind,
        "status": wanted.status,
        "standing": wanted.standing,
        "author": wanted.author,
        "severity__gte": wanted.severity,
        "begins__gte": wanted.since,
        "begins__lt": wanted.until,
    }
    found = found.filter(**{name: value for name, value in exact.items() if value})
    return found.order_by("-begins", "key")


def still_open(actor: Actor | None) -> QuerySet[Incident]:
    """Return what the next watch has to go on with: own ones first, the most severe first.

    Own incidents that are neither denied nor closed, and such news of partners; nothing that others
    have published.
    """
    own, news = own_incidents(actor), from_partners(actor)
    found = _single(own | news).exclude(status__in=["denied", "closed"])
    found = found.exclude(standing="published")
    mine = Case(When(author=actor.member if actor else "", then=0), default=1)
    return found.order_by(mine, "-severity", "-updated_at", "key")


def unreleased(actor: Actor | None) -> QuerySet[Incident]:
    """Return own open incidents that were released to nobody, the oldest first."""
    found = _single(own_incidents(actor)).exclude(standing="published").exclude(status="closed")
    return _pressing(found.filter(~Exists(releases_of_it())), "reported_at")


def changed_since_release(actor: Actor | None) -> QuerySet[Incident]:
    """Return own incidents that a partner knows in an older version, the oldest change first."""
    older = releases_of_it().filter(released_at__lt=OuterRef("updated_at"))
    return _pressing(own_incidents(actor).filter(Exists(older)), "updated_at")


def from_partners(actor: Actor | None) -> QuerySet[Incident]:
    """Return what partners have released in the last days and was not published before."""
    found = visible(actor).exclude(author=actor.member if actor else "")
    recent = found.filter(updated_at__gte=timezone.now() - NEWS)
    return _pressing(recent.exclude(standing="published"), "-updated_at")


def unverified(actor: Actor | None) -> QuerySet[Incident]:
    """Return own live incidents that nobody has confirmed or denied, the oldest first."""
    open_ones = _single(own_incidents(actor)).filter(standing="live")
    return _pressing(open_ones.filter(status__in=["reported", "verifying"]), "reported_at")


def unhandled(actor: Actor | None) -> QuerySet[Incident]:
    """Return own live incidents that go on and that nobody handles, the oldest first."""
    return _pressing(_going(actor).filter(handled_by=""), "reported_at")


def to_review(actor: Actor | None) -> QuerySet[Incident]:
    """Return own live incidents that go on and are due to be looked at again, the oldest first."""
    return _pressing(_going(actor).filter(valid_until__lte=timezone.now()), "valid_until")


def outdated(actor: Actor | None) -> QuerySet[Incident]:
    """Return what is on no live map any longer, until somebody has looked at it again."""
    return visible(actor).filter(valid_until__lte=timezone.now())


def on_map(actor: Actor | None, wanted: Filter) -> QuerySet[Incident]:
    """Return the incidents that fit a filter and are on the map: what waits, all of it."""
    found = incidents(actor, wanted)
    return found if wanted.pile else current(found)


def current(rows: QuerySet[Incident]) -> QuerySet[Incident]:
    """Return those of some incidents that a live map shows: each event once, none outdated."""
    return _single(rows).exclude(valid_until__lte=timezone.now())


def _single(rows: QuerySet[Incident]) -> QuerySet[Incident]:
    """Return some incidents without those of which another one is kept, as long as it is here."""
    keys = Audience.objects.annotate(
        name=Concat(OuterRef(OuterRef("same_as")), Value("/"), F("id"))
    )
    kept = Incident.objects.filter(shown=True, key__in=keys.values("name"))
    return rows.filter(Q(same_as="") | ~Exists(kept))


def _going(actor: Actor | None) -> QuerySet[Incident]:
    """Return own live incidents that are neither denied nor closed."""
    live = _single(own_incidents(actor)).filter(standing="live")
    return live.exclude(status__in=["denied", "closed"])


def _pressing(found: QuerySet[Incident], order: str) -> QuerySet[Incident]:
    """Return what is most urgent first, then in this order."""
    ranks = [When(precedence=item.value, then=rank) for rank, item in enumerate(Precedence)]
    return found.order_by(Case(*ranks, default=len(ranks)), order, "key")


_PILES: dict[str, Callable[[Actor | None], QuerySet[Incident]]] = {
    "release": unreleased,
    "outdated": changed_since_release,
    "news": from_partners,
    "verify": unverified,
    "unhandled": unhandled,
    "review": to_review,
    "past": outdated,
}
"""What waits for an office: the cards of the home page lead to these lists."""
