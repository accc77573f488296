"""Page of the grant: what a new member would get of earlier releases, shown before it goes."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, time

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import ngettext

from liptako.core.errors import LiptakoError
from liptako.ledger import compacts
from liptako.ledger.node import Node
from liptako.members.gate import OfficerRequest, officer
from liptako.members.permissions import Right
from liptako.situation import backfill as granting
from liptako.situation import queries, words
from liptako.situation.attaching import given_to
from liptako.situation.models import Incident, Release
from liptako.situation.release_forms import BackfillForm
from liptako.web.audiences import audience_namer
from liptako.web.paging import PAGE_SIZE
from liptako.web.partial import render_form
from liptako.web.texts import error_text, named
from liptako.web.zones import zone_of


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A line of the preview: what of which incident would go, with how many files and bytes."""

    release: Release
    incident: Incident | None
    what: Promise | None
    files: int
    size: int


@officer(Right.RELEASE_INCIDENT)
def backfill(request: OfficerRequest) -> HttpResponse:
    """Grant a member earlier releases; first show how many and which."""
    node = request.node
    form = _form(request)
    context: dict[str, object] = {"form": form, "rows": None}
    if request.method == "POST" and form.is_valid():
        grant = _grant(node, form)
        try:
            granting.check_grant(node, grant)
            if "grant" in request.POST:
                seen = request.POST.get("seen", "")
                count = granting.give(node, request.actor, grant, seen=seen)
                return _given(request, grant.member, count)
            context |= _shown(node, grant, request.POST.get("page", ""))
        except LiptakoError as error:
            form.add_error(None, error_text(error))
    return render_form(request, "situation/backfill.html", context)


def _form(request: OfficerRequest) -> BackfillForm:
    """Return the form with the members and audiences that there are."""
    node, compact = request.node, compacts.current()
    name_of, rosters = audience_namer(node.member), granting.audiences_to_grant(node)
    members = [
        (member.id, named(member.names, member.id))
        for member in compact.others(node.member)
        if member.is_active
    ]
    audiences = [
        (target, f"{name_of(roster)} ({', '.join(sorted(roster))})")
        for target, roster in rosters.items()
    ]
    return BackfillForm(request.POST or None, members=members, audiences=audiences, rosters=rosters)


def _grant(node: Node, form: BackfillForm) -> granting.Grant:
    """Return what the form orders; the day begins by the clock on the wall."""
    data = form.cleaned_data
    since = datetime.combine(data["since"], time.min, zone_of(node))
    return granting.Grant(
        member=data["member"], audience=data["audience"], since=since, basis=data["basis"].strip()
    )


def _shown(node: Node, grant: granting.Grant, number: str) -> dict[str, object]:
    """Return what the page shows of a grant before it is given: all of it, page by page."""
    found = granting.left_of(node, grant)
    page = Paginator(found, PAGE_SIZE).get_page(number)
    names = [row.object for row in page]
    incidents = queries.told_to(node.member, grant.audience, names)
    files: defaultdict[str, list[int]] = defaultdict(list)
    for file in given_to(node.member, grant.audience, names):
        files[file.object].append(file.size)
    return {
        "rows": [
            _Row(
                release=row,
                incident=incidents.get(row.object),
                what=words.TRANSFORMS.get(row.transform),
                files=len(files[row.object]),
                size=sum(files[row.object]),
            )
            for row in page
        ],
        "page": page,
        "member_code": grant.member,
        "seen": granting.fingerprint(node, found, grant),
    }


def _given(request: OfficerRequest, member: str, count: int) -> HttpResponse:
    """Say how much was granted, and to whom.

    The browser goes to the top of the page, where this stands, not to where the preview was.
    """
    text = ngettext(
        "%(n)d incident was granted to %(name)s. It leaves with the next exchange.",
        "%(n)d incidents were granted to %(name)s. They leave with the next exchange.",
        count,
    )
    name = named(compacts.current().member(member).names, member)
    messages.success(request, text % {"n": count, "name": name})
    return redirect(f"{reverse('backfill')}#main")
