"""Page of the roster, and the feed by which calendars read it."""

from datetime import timedelta

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe
from icalendar import Calendar, Event

from liptako.ledger.node import this_node
from liptako.members import queries as members
from liptako.members import roster as planning
from liptako.members.gate import OfficerRequest, officer
from liptako.members.models import Subscription
from liptako.members.permissions import Right
from liptako.situation.watch_forms import DutyForm
from liptako.web.paging import page_of
from liptako.web.partial import is_done, render_form
from liptako.web.texts import named
from liptako.web.zones import zone_of

_PAST = timedelta(days=60)  # that a calendar still reads
_SHOWN_PAST = timedelta(days=1)


@officer(Right.KEEP_WATCH)
def roster(request: OfficerRequest) -> HttpResponse:
    """Show who is to keep the watch of the office, plan turns, cancel one."""
    node, actor, zone = request.node, request.actor, zone_of(request.node)
    people = [(person.code, person.name) for person in members.colleagues(actor.office)]
    asked = request.POST if "plan" in request.POST else None
    form = DutyForm(asked, people=people, zone=zone)
    if request.method == "POST" and (_is_cancelled(request) or _is_planned(request, form)):
        return redirect("roster")
    rows = members.duties(node.member, actor.office, timezone.now() - _SHOWN_PAST)
    page = page_of(request, rows)
    context = {
        "form": form,
        "page": page,
        "now": timezone.now(),
        "names": members.names_of([row.person for row in page]),
        "subscription": members.subscription_of(actor),
        "address": request.session.pop("roster_address", ""),
    }
    return render_form(request, "situation/roster.html", context)


def _is_planned(request: OfficerRequest, form: DutyForm) -> bool:
    """Put the turns of a form into the roster; say whether they are in."""
    if not form.is_bound or not form.is_valid():
        return False
    if not is_done(form, lambda: planning.plan(request.node, request.actor, form.turns())):
        return False
    count = len(form.turns())
    text = ngettext("%(n)d turn is planned.", "%(n)d turns are planned.", count)
    messages.success(request, text % {"n": count})
    return True


def _is_cancelled(request: OfficerRequest) -> bool:
    """Cancel a turn, make or end an address for a calendar; say whether that was asked for."""
    name = request.POST.get("cancel", "")
    if name:
        planning.cancel(request.node, request.actor, name)
        messages.success(request, _("The turn is cancelled."))
    elif "subscribe" in request.POST:
        secret = planning.subscribe(request.node, request.actor)
        path = reverse("roster_feed", args=[secret])
        request.session["roster_address"] = request.build_absolute_uri(path)
    elif "unsubscribe" in request.POST:
        planning.unsubscribe(request.node, request.actor)
        messages.success(request, _("The address is ended: no calendar reads the roster by it."))
    return bool(name) or bool({"subscribe", "unsubscribe"} & request.POST.keys())


@login_not_required
@require_safe
def feed(_request: HttpRequest, secret: str) -> HttpResponse:
    """Give the roster of an office to a calendar that knows a secret (RFC 5545). No names in it."""
    found = members.subscription(this_node().member, planning.digest_of(secret))
    if found is None:
        raise Http404
    answer = HttpResponse(_calendar(found), content_type="text/calendar; charset=utf-8")
    answer["Cache-Control"] = "private, no-store"
    answer["Content-Disposition"] = 'inline; filename="quart.ics"'
    return answer


def _calendar(found: Subscription) -> bytes:
    """Return the turns of an office as a calendar; those of its reader are marked."""
    node = this_node()
    titles = members.titles(node.member).get(found.office, {})
    title, now = named(titles, found.office), timezone.now()
    calendar = Calendar()
    calendar.add("prodid", "-//Liptako//roster//FR")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", title)
    for row in members.duties(node.member, found.office, now - _PAST):
        mine = row.person == found.person.code
        event = Event()
        event.add("uid", f"{row.object}@{node.member.lower()}.liptako")
        event.add("dtstamp", now)
        event.add("dtstart", row.begins)
        event.add("dtend", row.ends)
        event.add("summary", f"{title} – {_('your watch')}" if mine else title)
        if row.note:
            event.add("description", row.note)
        calendar.add_component(event)
    data: bytes = calendar.to_ical()
    return data
