"""Pages of the watch: who keeps it, hand it over or accept it, and the sheet of each one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from liptako.federation.recalls import recalls_about
from liptako.members import queries as members
from liptako.members import watches
from liptako.members.accounts import prove
from liptako.members.gate import OfficerRequest, officer
from liptako.members.models import Watch
from liptako.members.permissions import Right, may, require
from liptako.members.records import HandOver, OpenItem
from liptako.members.watches import ITEMS_LIMIT, Turn, seen_of
from liptako.situation import lists, queries
from liptako.situation.display import with_words
from liptako.situation.printing import was_open, watch_sheet
from liptako.situation.records import INCIDENT
from liptako.situation.watch_forms import (
    AcceptForm,
    BeginForm,
    EndForm,
    HandOverForm,
    TakeOverForm,
    next_relief,
)
from liptako.web.documents import as_answer, pdf
from liptako.web.paging import page_of
from liptako.web.partial import is_done
from liptako.web.zones import zone_of

_SHOWN = 20
"""Open items on the page; the sheet names all that go with a hand-over."""

Deed = Callable[[OfficerRequest, Any, str], object]


def _begin(request: OfficerRequest, form: BeginForm, _name: str) -> None:
    watches.begin(request.node, request.actor, form.due_at(zone_of(request.node)))


def _hand_over(request: OfficerRequest, form: HandOverForm, _name: str) -> None:
    proof = _proof(request, form)
    found = lists.still_open(request.actor)
    items = tuple(
        OpenItem(
            kind=INCIDENT,
            author=row.author,
            object=row.object,
            status=row.status,
            versions=row.versions,
        )
        for row in found[:ITEMS_LIMIT]
    )
    payload = HandOver(
        person=request.actor.person,
        proof=proof,
        text=form.cleaned_data["text"].strip(),
        items=items,
        more=found.count() - len(items),
    )
    watches.hand_over(request.node, request.actor, payload)


def _accept(request: OfficerRequest, form: AcceptForm, name: str) -> None:
    turn = replace(_turn(request, form), seen=request.POST.get("seen", ""))
    remarks = form.cleaned_data["remarks"]
    watches.accept(request.node, request.actor, name, turn, remarks)


def _take_over(request: OfficerRequest, form: TakeOverForm, name: str) -> None:
    turn, reason = _turn(request, form), form.cleaned_data["reason"]
    watches.take_over(request.node, request.actor, name, turn, reason)


def _end(request: OfficerRequest, form: EndForm, _name: str) -> None:
    watches.end(request.node, request.actor, form.cleaned_data["reason"])


def _proof(request: OfficerRequest, form: forms.Form) -> str:
    """Return how the person has signed. Raises NotAllowedError."""
    return prove(request, request.user, form.cleaned_data["password"])


def _turn(request: OfficerRequest, form: AcceptForm | TakeOverForm) -> Turn:
    """Return the turn that somebody takes and signs. Raises NotAllowedError."""
    return Turn(due=form.due_at(zone_of(request.node)), proof=_proof(request, form))


@dataclass(frozen=True, slots=True)
class _Step:
    """Something that may be done with a watch: its form, the deed, what is said afterwards."""

    form: type[forms.Form]
    deed: Deed
    said: Promise


_STEPS: Mapping[str, _Step] = {
    "begin": _Step(BeginForm, _begin, gettext_lazy("You keep the watch.")),
    "hand_over": _Step(
        HandOverForm, _hand_over, gettext_lazy("Handed over. You keep the watch until accepted.")
    ),
    "accept": _Step(AcceptForm, _accept, gettext_lazy("Accepted: you keep the watch.")),
    "take_over": _Step(TakeOverForm, _take_over, gettext_lazy("You keep the watch.")),
    "end": _Step(EndForm, _end, gettext_lazy("Ended. Nobody keeps the watch now.")),
}


@officer(Right.SEE_JOURNAL)
def watch(request: OfficerRequest) -> HttpResponse:
    """Show who keeps the watch, and do what may be done about it; the watches before below."""
    member, actor = request.node.member, request.actor
    last = members.last_watch(member, actor.office) if may(actor, Right.KEEP_WATCH) else None
    found = _forms(request, last)
    if request.method == "POST":
        require(actor, Right.KEEP_WATCH)
        name = request.POST.get("do", "")
        if name not in found:
            messages.error(request, _("The watch has changed meanwhile: look at it again."))
            return redirect("watch")
        if found[name].is_valid() and _is_done(request, name, found[name]):
            return redirect("watch")
    page = page_of(request, members.all_watches(member))
    context = {
        "last": last,
        "kept": last is not None and last.ended_at is None,
        "mine": last is not None and last.person == actor.person,
        "late": last is not None and last.due < timezone.now(),
        "forms": found,
        "page": page,
        "seen": seen_of(last) if last else "",
        "taken_over": members.taken_over(member, [row.object for row in page]),
        "names": members.names_of([row.person for row in [*page, *filter(None, [last])]]),
        "open": _open(request, last),
    }
    wrong = any(form.errors for form in found.values())
    return render(request, "situation/watch.html", context, status=422 if wrong else 200)


def _is_done(request: OfficerRequest, name: str, form: forms.Form) -> bool:
    """Do a step; say whether it was done."""
    step = _STEPS[name]
    if not is_done(form, lambda: step.deed(request, form, request.POST.get("watch", ""))):
        return False
    messages.success(request, str(step.said))
    return True


def _forms(request: OfficerRequest, last: Watch | None) -> dict[str, forms.Form]:
    """Return the forms of what the person who looks may do with the watch of their office."""
    if not may(request.actor, Right.KEEP_WATCH):
        return {}
    if last is None or last.ended_at is not None:
        names = ["begin"]
    elif last.person == request.actor.person:
        names = ["hand_over", "end"]
    else:
        names = ["accept", "take_over"] if last.handed_at else ["take_over"]
    asked = request.POST.get("do") if request.method == "POST" else None
    turn = members.turn_of(request.actor, timezone.now())
    initial = {"due": next_relief(zone_of(request.node), turn)}
    return {
        name: _STEPS[name].form(
            request.POST if name == asked else None, initial=initial, auto_id=f"{name}_%s"
        )
        for name in names
    }


def _open(request: OfficerRequest, last: Watch | None) -> dict[str, object]:
    """Return what is open now, and what has been written since the watch was handed over."""
    if last is None or last.ended_at is not None:
        return {}
    found = lists.still_open(request.actor)
    return {
        "items": with_words(found[:_SHOWN]),
        "count": found.count(),
        "since": queries.journal(request.actor).filter(written_at__gt=last.handed_at).count()
        if last.handed_at
        else 0,
    }


def _watch(request: OfficerRequest, name: str) -> Watch:
    """Return a watch of this State. Raises Http404."""
    row = members.watch(request.node.member, name)
    if row is None:
        raise Http404
    return row


@officer(Right.SEE_JOURNAL)
def sheet(request: OfficerRequest, name: str) -> HttpResponse:
    """Show the sheet of a watch, to be read, printed and signed."""
    row = _watch(request, name)
    relief = members.watch(request.node.member, row.relieved_by) if row.relieved_by else None
    people = [row.person, relief.person if relief else ""]
    context = {
        "row": row,
        "relief": relief,
        "names": members.names_of(people),
        "items": was_open(request.actor, row),
        "recall": recalls_about(request.node.member, [name]).get(name) if row.erased else None,
    }
    return render(request, "situation/watch_sheet.html", context)


@officer(Right.SEE_JOURNAL)
def sheet_pdf(request: OfficerRequest, name: str) -> HttpResponse:
    """Give the sheet of a watch as a document to print, sign and keep."""
    row = _watch(request, name)
    if row.erased:
        raise Http404
    now = timezone.now()
    content = watch_sheet(request.node, request.actor, row, now)
    data = pdf(("liptako.situation", "watch.typ"), content, now)
    return as_answer(data, f"{row.office}-{row.begins:%Y-%m-%d-%H%M}.pdf")
