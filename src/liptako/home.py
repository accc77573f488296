"""The home page: what waits for me. Stands above the modules and puts their cards together."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from liptako.federation import views as federation
from liptako.ledger import compacts
from liptako.ledger.node import this_node
from liptako.members import queries
from liptako.members.gate import AppRequest
from liptako.members.permissions import Right, may
from liptako.situation import cards as situation
from liptako.web.language import theme_of
from liptako.web.texts import named
from liptako.web.zones import zone_of

CARDS = (situation.cards, federation.cards)

NAVIGATION = (
    ("home", _("Home"), None),
    ("watch", _("Watch"), Right.SEE_JOURNAL),
    ("incidents", _("Incidents"), Right.SEE_INCIDENTS),
    ("map", _("Map"), Right.SEE_INCIDENTS),
    ("journal", _("Journal"), Right.SEE_JOURNAL),
    ("partners", _("Partners"), Right.SEE_PARTNERS),
    ("stick", _("Stick"), Right.EXCHANGE),
    ("published", _("Published data"), Right.IMPORT_INCIDENTS),
    ("people", _("People"), Right.MANAGE_PEOPLE),
    ("offices", _("Offices"), Right.MANAGE_PEOPLE),
    ("mandates", _("Mandates"), Right.SEE_MANDATES),
    ("audit", _("Audit"), Right.SEE_AUDIT),
)


def home(request: AppRequest) -> HttpResponse:
    """Show what waits for the person who looks, in the office that they act in."""
    actor = request.actor
    cards = [card for make in CARDS for card in make(request.node, actor)] if actor else []
    cards.sort(key=lambda card: not any(line.urgent for line in card.lines))
    return render(request, "web/home.html", {"cards": [card for card in cards if card.count]})


def shell(request: HttpRequest) -> dict[str, Any]:
    """Return what every page shows around its content."""
    node = this_node()
    actor = getattr(request, "actor", None)
    match = request.resolver_match
    return {
        "node_member": node.member,
        "theme": theme_of(request),
        "zone": zone_of(node),
        "actor": actor,
        "member_names": _member_names(),
        "office_titles": queries.titles(node.member),
        "rights": frozenset(right.value for right in actor.rights) if actor else frozenset(),
        "navigation": [
            (name, label, bool(match and match.url_name == name))
            for name, label, right in NAVIGATION
            if actor and (right is None or may(actor, right))
        ],
    }


def _member_names() -> dict[str, str]:
    """Return the names of the members in the language of the page."""
    return {member.id: named(member.names, member.id) for member in compacts.current().members}
