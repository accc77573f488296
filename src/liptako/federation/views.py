"""Pages about partners, and the door for partners' nodes."""

import logging
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from liptako.core.compact.members import compact_phrase
from liptako.core.errors import LiptakoError
from liptako.federation import exchange, jobs, outbox, parcels, peers, recalls, standing
from liptako.federation.deeds import deeds_for
from liptako.federation.forms import LinkForm
from liptako.federation.pipe import CONTENT_TYPE
from liptako.ledger import compacts, histories, quarantine
from liptako.ledger.node import Node, this_node
from liptako.ledger.receipts import sizes
from liptako.members.gate import OfficerRequest, officer
from liptako.members.permissions import Actor, Right, may
from liptako.web.cards import Card, Line
from liptako.web.faults import status_of
from liptako.web.paging import page_of
from liptako.web.partial import render_form, render_part
from liptako.web.texts import named

logger = logging.getLogger(__name__)


@officer(Right.SEE_PARTNERS)
def partners(request: OfficerRequest) -> HttpResponse:
    """Show how it stands with every partner."""
    compact = compacts.current()
    states = standing.states(request.node)
    tests = outbox.last_trials(request.node, [state.peer.member for state in states], sizes())
    context = {
        "states": [(state, tests.get(state.peer.member)) for state in states],
        "forks": histories.all_forks(),
        "deleted": standing.deleted(request.node),
        "parcels": parcels.all_parcels(),
        "compact": compact,
        "phrase": compact_phrase(compacts.document()) if compact.version else "",
        "waiting": quarantine.waiting().count(),
        "rejected": quarantine.rejected().count(),
        "recalled": recalls.all_recalls().count(),
    }
    return render_part(request, "federation/partners.html", "federation/_partners.html", context)


@require_POST
@officer(Right.EXCHANGE)
def exchange_now(request: OfficerRequest, member: str) -> HttpResponse:
    """Ask for an exchange with a partner now."""
    partner = peers.partner(request.node, member)
    if not partner.url:
        messages.error(request, _("This partner has no address: exchange by file, or give one."))
        return redirect("partners")
    jobs.ask_for_exchange(frozenset({partner.member}))
    messages.success(request, _("The exchange was asked for."))
    return redirect("partners")


@officer(Right.EXCHANGE)
def address(request: OfficerRequest, member: str) -> HttpResponse:
    """Change where a partner's node is, and how much of the line may be taken."""
    row = peers.partner(request.node, member)
    kept = peers.Limits(
        cap_kbit=row.cap_kbit, bulk_from=row.bulk_from, bulk_until=row.bulk_until
    )  # fmt: skip
    shown = asdict(kept) | {"url": row.url, "cap_kbit": row.cap_kbit or None}
    form = LinkForm(request.POST or None, initial=shown)
    if request.method == "POST" and form.is_valid():
        if form.cleaned_data["url"] != row.url:
            peers.change_address(request.node, request.actor, member, form.cleaned_data["url"])
        if form.limits() != kept:
            peers.change_limits(request.node, request.actor, member, form.limits())
        messages.success(request, _("Saved."))
        return redirect("partners")
    context = {"form": form, "member_code": member}
    return render_form(request, "federation/address.html", context)


@require_POST
@officer(Right.EXCHANGE)
def send_test(request: OfficerRequest, member: str) -> HttpResponse:
    """Send a test message to a partner."""
    outbox.send_test(request.node, request.actor, member)
    messages.success(request, _("The test message was written. Its receipt will show here."))
    return redirect("partners")


@officer(Right.SEE_PARTNERS)
def waiting_for(request: OfficerRequest, member: str) -> HttpResponse:
    """List our records for a partner for which its receipt is not here."""
    state = standing.state_of(request.node, peers.partner(request.node, member).member)
    page = page_of(request, outbox.unacknowledged(request.node, member))
    return render(request, "federation/outbox.html", {"state": state, "page": page})


@officer(Right.SEE_PARTNERS)
def proof(request: OfficerRequest, origin: str) -> HttpResponse:  # noqa: ARG001 (a view's)
    """Give the proof of a double history as a file that anybody can check."""
    found = [fork for fork in histories.all_forks() if fork.channel_id == origin]
    if not found:
        raise Http404
    name = f"liptako-proof-{origin.replace('/', '-')}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(bytes(found[0].proof), content_type="application/json", headers=headers)


@officer(Right.SEE_PARTNERS)
def set_aside(request: OfficerRequest, what: str) -> HttpResponse:
    """List the records that wait for another one, or that break a rule, with the reason."""
    rows: dict[str, Any] = {"waiting": quarantine.waiting, "rejected": quarantine.rejected}
    if what not in rows:
        raise Http404
    context = {"what": what, "page": page_of(request, rows[what]())}
    return render(request, "federation/set_aside.html", context)


@officer(Right.SEE_PARTNERS)
def recalled(request: OfficerRequest) -> HttpResponse:
    """List what members have taken back, and why."""
    context = {"page": page_of(request, recalls.all_recalls())}
    return render(request, "federation/recalled.html", context)


@login_not_required
@csrf_exempt
@require_POST
def receive(request: HttpRequest) -> HttpResponse:
    """Answer a partner's node. Who it is, its signature tells; what it may have, the audience."""
    try:
        body = exchange.answer(this_node(), request.body)
    except LiptakoError as error:
        logger.warning("exchange refused: %s", error)
        return HttpResponse(str(error), status=status_of(error), content_type="text/plain")
    return HttpResponse(body, content_type=CONTENT_TYPE)


@login_not_required
@require_GET
def deeds(request: HttpRequest, member: str) -> HttpResponse:  # noqa: ARG001 (a view's)
    """Give a member's node the deeds alone, sealed: it no longer knows our key of TLS."""
    try:
        body = deeds_for(member)
    except LiptakoError as error:
        return HttpResponse(str(error), status=status_of(error), content_type="text/plain")
    return HttpResponse(body, content_type=CONTENT_TYPE)


def cards(node: Node, actor: Actor) -> list[Card]:
    """Return what waits for an office about partners: alarms, what is not stored, set aside."""
    if not may(actor, Right.EXCHANGE):
        return []
    lines = (*_alarms(node), *_stuck(node))
    title, url = _("Exchange with partners"), reverse("partners")
    return [Card(title=title, url=url, count=len(lines), lines=lines)]


def _alarms(node: Node) -> Iterator[Line]:
    """Give a line for each log with two histories, and for each member that took a key back."""
    names = {member.id: member.names for member in compacts.current().members}
    for fork in histories.all_forks():
        if fork.void:
            continue
        author = fork.channel.author
        text = _("%(name)s has signed two histories: keep everything, tell your auditor")
        name = named(names.get(author, {}), author)
        yield Line(text=text % {"name": name}, url=reverse("partners"), urgent=True)
    for gone in standing.deleted(node):
        text = _("%(name)s: %(n)d records deleted, their key was taken back")
        told = {"name": named(names.get(gone.author, {}), gone.author), "n": gone.entries}
        yield Line(text=text % told, url=reverse("partners"), urgent=True)


def _stuck(node: Node) -> Iterator[Line]:
    """Give a line for each partner whose receipts are wanting, and one for what breaks a rule."""
    for state in standing.states(node):
        if state.waiting:
            text = _("%(name)s: %(n)d records without its receipt")
            named_so = {"name": named(state.names, state.peer.member), "n": state.waiting}
            yield Line(text=text % named_so, url=reverse("partners"))
    rejected = quarantine.rejected().count()
    if rejected:
        url = reverse("set_aside", args=["rejected"])
        yield Line(text=_("%(n)d records break a rule") % {"n": rejected}, url=url)
