"""What is done about an incident from its page: hand it on, say that it holds, link it."""

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from liptako.core.errors import LiptakoError
from liptako.ledger.node import Node
from liptako.members.gate import OfficerRequest, officer
from liptako.members.permissions import Actor, Right
from liptako.situation import handling, queries
from liptako.situation.handling_forms import HandlingForm
from liptako.web.texts import error_text


@require_POST
@officer(Right.REPORT_INCIDENT)
def handle(request: OfficerRequest, name: str) -> HttpResponse:
    """Do what a form of the page of an incident asks for, and show the page again."""
    node, actor = request.node, request.actor
    if queries.own_incident(node.member, name) is None:
        raise Http404
    form = HandlingForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("This was not understood: nothing was changed."))
        return redirect("incident", node.member, name)
    data = form.cleaned_data
    try:
        messages.success(request, _DEEDS[data["do"]](node, actor, name, data))
    except LiptakoError as error:
        messages.error(request, error_text(error))
    return redirect("incident", node.member, name)


def _hand(node: Node, actor: Actor, name: str, data: dict[str, Any]) -> str:
    handling.hand_to(node, actor, name, data["office"], seen=data["seen"])
    return _("Written down who handles it.")


def _hold(node: Node, actor: Actor, name: str, data: dict[str, Any]) -> str:
    handling.still_holds(node, actor, name, data["hours"] or 0, seen=data["seen"])
    return _("It holds. You are reminded when it is to be looked at.")


def _link(node: Node, actor: Actor, name: str, data: dict[str, Any]) -> str:
    handling.link(node, actor, name, data["reference"], seen=data["seen"])
    return _("Linked.") if data["reference"] else _("No longer linked.")


_DEEDS: Mapping[str, Callable[[Node, Actor, str, dict[str, Any]], str]] = {
    "hand": _hand,
    "hold": _hold,
    "link": _link,
}
