"""What documents show: the sheet of a watch, in the words and the time of who prints it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
from django.utils.functional import Promise
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from liptako.ledger import compacts
from liptako.ledger.node import Node
from liptako.members import queries as members
from liptako.members.models import Watch
from liptako.members.permissions import Actor
from liptako.members.records import OpenItem
from liptako.situation import queries, words
from liptako.situation.models import Incident
from liptako.web.texts import named
from liptako.web.zones import wall_time, zone_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """Something that was open at a hand-over: as it was then, and as it stands now."""

    then: str | Promise
    now: str | Promise
    row: Incident | None


def was_open(actor: Actor, watch: Watch) -> list[Thing]:
    """Return what was open when a watch was handed over, and how it stands now."""
    items = msgspec.convert(watch.items, list[OpenItem])
    held = queries.known(actor, {(item.author, item.object) for item in items})
    found = []
    for item in items:
        row = held.get(f"{item.author}/{item.object}")
        now = row.status if row else ""
        found.append(
            Thing(
                then=words.STATUSES.get(item.status, item.status),
                now=words.STATUSES.get(now, now),
                row=row,
            )
        )
    return found


def watch_sheet(node: Node, actor: Actor, watch: Watch, now: datetime) -> dict[str, object]:
    """Return what the document `watch.typ` shows of a watch."""
    relief = members.watch(node.member, watch.relieved_by) if watch.relieved_by else None
    names = members.names_of([watch.person, relief.person if relief else ""])
    zone, compact = zone_of(node), compacts.current()
    titles = members.titles(node.member).get(watch.office, {})
    state = named(compact.member(node.member).names, node.member)
    return {
        "language": get_language() or "fr",
        "title": _("Watch – %(office)s") % {"office": named(titles, watch.office)},
        "facts": _facts(watch, state, names, zone),
        "text": watch.text if watch.handed_at else None,
        "words": {
            "must_know": _("What the next officer must know"),
            "open": _("Open at the hand-over"),
            "nothing": _("Nothing was open."),
            "signatures": _("Signatures"),
        },
        "columns": [_("Reference"), _("Summary"), _("Then"), _("Now")],
        "items": [_cells(thing) for thing in was_open(actor, watch)],
        "more": _more(watch.more),
        "signatures": _signatures(watch, relief, names, zone),
        "hands": [
            _("Handed over by: name, date, signature"),
            _("Accepted by: name, date, signature"),
        ],
        "footer": f"Liptako · {state} · {wall_time(now, zone)}",
    }


def _facts(
    watch: Watch, state: str, names: dict[str, str], zone: ZoneInfo
) -> list[tuple[str, str]]:
    """Return who kept the watch and when."""
    rows = [
        (_("State"), state),
        (_("Kept by"), names.get(watch.person, _("erased"))),
        (_("From"), wall_time(watch.begins, zone)),
        (_("Until"), wall_time(watch.ended_at, zone) if watch.ended_at else _("kept now")),
        (_("Relief due"), wall_time(watch.due, zone)),
    ]
    said = (
        (_("Taken over without a hand-over"), watch.reason),
        (_("Remarks when accepting"), watch.remarks),
        (_("Ended without relief"), watch.end_reason),
    )
    return [*rows, *((word, text) for word, text in said if text)]


def _cells(thing: Thing) -> Sequence[str]:
    """Return the cells of something that was open."""
    if thing.row is None:
        gone = _("Not here any longer: recalled or erased")
        return ["", gone, str(thing.then), ""]
    return [thing.row.reference, thing.row.summary, str(thing.then), str(thing.now)]


def _more(count: int) -> str:
    """Return how much more was open."""
    text = ngettext("and %(shown)s more", "and %(shown)s more", count)
    return text % {"shown": count} if count else ""


def _signatures(
    watch: Watch, relief: Watch | None, names: dict[str, str], zone: ZoneInfo
) -> list[tuple[str, str]]:
    """Return who has signed the hand-over and who has accepted it."""
    if watch.handed_at is None:
        return []
    by = _("signed with the password")
    handed = f"{names.get(watch.person, _('erased'))}, {wall_time(watch.handed_at, zone)} ({by})"
    if relief is None:
        accepted = _("not yet")
    elif relief.reason:
        accepted = _("not accepted: taken over without it")
    else:
        name = names.get(relief.person, _("erased"))
        accepted = f"{name}, {wall_time(relief.begins, zone)} ({by})"
    return [(_("Handed over"), handed), (_("Accepted"), accepted)]
