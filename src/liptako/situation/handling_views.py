"""What is done about an incident from its page: take it in hand, hand it on, say that it holds."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from liptako.core.errors import LiptakoError
from liptako.members.gate import OfficerRequest, officer
from liptako.members.permissions import Right
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
        if data["hours"]:
            handling.still_holds(node, actor, name, data["hours"], seen=data["seen"])
            messages.success(request, _("It holds. You are reminded when it is to be looked at."))
        else:
            handling.hand_to(node, actor, name, data["office"], seen=data["seen"])
            messages.success(request, _("Written down who handles it."))
    except LiptakoError as error:
        messages.error(request, error_text(error))
    return redirect("incident", node.member, name)
