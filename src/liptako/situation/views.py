"""Pages of the desk: incidents as a list, one by one and on the map; release; journal; import."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet
from django.forms import Form
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from liptako.core.errors import LiptakoError
from liptako.core.records.envelope import Precedence
from liptako.ledger.node import Node
from liptako.members.gate import OfficerRequest, officer
from liptako.members.permissions import Actor, Right, may, require
from liptako.situation import actions, queries, words
from liptako.situation.forms import IncidentForm, JournalForm, ReleaseForm, initial_of
from liptako.situation.jobs import TABLE, import_incidents, read_table
from liptako.situation.models import Incident
from liptako.situation.records import Incident as IncidentPayload
from liptako.situation.records import Transform
from liptako.situation.rules import position_of
from liptako.situation.search import JournalSearch, filter_form
from liptako.web.areas import region_at
from liptako.web.audiences import audience_choices, audience_words, members_of_choice
from liptako.web.basemap import reach
from liptako.web.cards import Card, Line
from liptako.web.paging import page_of
from liptako.web.texts import error_text
from liptako.web.zones import zone_of

_SHOWN_ON_CARD = 5
_NEWS = timedelta(days=3)


@officer(Right.SEE_INCIDENTS)
def incidents(request: OfficerRequest) -> HttpResponse:
    """List the incidents that fit the filter."""
    form = filter_form(request.GET, request.actor, zone_of(request.node))
    page = page_of(request, queries.incidents(request.actor, form.wanted()))
    context = {"form": form, "page": page, "rows": _with_words(page), "map": False}
    template = "situation/_list.html" if request.htmx else "situation/incidents.html"
    return render(request, template, context)


@officer(Right.SEE_INCIDENTS)
def incident_map(request: OfficerRequest) -> HttpResponse:
    """Show the incidents that fit the filter on the map, and as a table beside it."""
    form = filter_form(request.GET, request.actor, zone_of(request.node))
    page = page_of(request, queries.incidents(request.actor, form.wanted()), 100)
    context = {
        "form": form,
        "page": page,
        "rows": _with_words(page),
        "map": True,
        "standings": queries.count_by_standing(request.actor),
        "reach": reach(request.node.home),
    }
    return render(request, "situation/map.html", context)


def _with_words(rows: Iterable[Incident]) -> list[tuple[Incident, dict[str, Any]]]:
    """Return rows with the words for their codes."""
    return [(row, _words_of(row)) for row in rows]


def _words_of(row: Incident) -> dict[str, Any]:
    """Return the words for the codes of an incident."""
    return {
        "kind": words.kind_word(row.kind),
        "severity": words.SEVERITIES.get(row.severity, row.severity),
        "status": _word(words.STATUSES, row.status),
        "standing": _word(words.STANDINGS, row.standing),
        "level": _word(words.LEVELS, row.level),
        "precision": _word(words.PRECISIONS, row.period_precision),
        "reliability": words.RELIABILITIES.get(row.reliability, row.reliability),
        "credibility": words.CREDIBILITIES.get(row.credibility, row.credibility),
        "affected": [words.AFFECTED.get(code, code) for code in row.affected],
        "needs": [words.NEEDS.get(code, code) for code in row.needs],
        "harm": [(words.HARMS[name], row.harm[name]) for name in words.HARMS if name in row.harm],
    }


def _word(table: Mapping[str, Promise], code: str) -> Promise | str:
    """Return the word for a code; the code itself if a later version wrote it."""
    return table.get(code, code)


@officer(Right.SEE_INCIDENTS)
def incident(request: OfficerRequest, author: str, name: str) -> HttpResponse:
    """Show an incident with everything that is known of it here."""
    row = queries.incident(request.actor, author, name)
    if row is None:
        raise Http404
    releases = queries.releases(request.actor, row)
    context = {
        "row": row,
        "words": _words_of(row),
        "own": row.author == request.node.member,
        "versions": _with_words(queries.other_versions(request.actor, row)),
        "releases": [
            (item, audience_words(request.node.member, frozenset(item.members)))
            for item in releases
        ],
        "outdated": any(item.released_at < row.updated_at for item in releases),
        "entries": queries.journal_of(request.actor, name),
        "transforms": words.TRANSFORMS,
    }
    return render(request, "situation/incident.html", context)


@officer(Right.REPORT_INCIDENT)
def report(request: OfficerRequest) -> HttpResponse:
    """Report a new incident."""
    zone = zone_of(request.node)
    now = timezone.now().astimezone(zone).strftime("%Y-%m-%dT%H:%M")
    form = IncidentForm(request.POST or None, zone=zone, initial={"begins": now})
    if request.method == "POST" and form.is_valid():
        try:
            record = actions.report(
                request.node, request.actor, form.incident(), precedence=_precedence(form)
            )
        except LiptakoError as error:
            form.add_error(None, error_text(error))
        else:
            messages.success(request, _("Reported. It is seen by this State only, until released."))
            return redirect("incident", record.header.author, record.header.object)
    status = 422 if form.errors else 200
    return render(request, "situation/report.html", {"form": form}, status=status)


def _precedence(form: Form) -> Precedence:
    """Return the precedence that was chosen."""
    return Precedence(form.cleaned_data["precedence"])


@officer(Right.REPORT_INCIDENT)
def change(request: OfficerRequest, name: str) -> HttpResponse:
    """Change an own incident."""
    before = actions.own_incident(request.node, name)
    zone = zone_of(request.node)
    form = IncidentForm(request.POST or None, zone=zone, initial=initial_of(before, zone))
    if request.method == "POST" and form.is_valid():
        try:
            actions.update(
                request.node,
                request.actor,
                name,
                form.incident(before),
                precedence=_precedence(form),
            )
        except LiptakoError as error:
            form.add_error(None, error_text(error))
        else:
            messages.success(request, _("Changed. Partners see it once it is released again."))
            return redirect("incident", request.node.member, name)
    context = {"form": form, "before": before, "name": name}
    return render(request, "situation/report.html", context, status=422 if form.errors else 200)


@officer(Right.RELEASE_INCIDENT)
def release(request: OfficerRequest, name: str) -> HttpResponse:
    """Release an own incident; first show exactly what the audience would get."""
    node, before = request.node, actions.own_incident(request.node, name)
    form = ReleaseForm(
        request.POST or None,
        audiences=audience_choices(node.member, alone=False),
        initial={"summary": _coarse_summary(before)},
    )
    kind = words.kind_word(before.kind)
    context = {"form": form, "name": name, "before": before, "preview": None, "kind": kind}
    if request.method == "POST" and form.is_valid():
        try:
            order = _order(node, form, before)
            context |= _preview(node, name, order)
            if "release" in request.POST:
                seen = request.POST.get("seen", "")
                actions.release(node, request.actor, name, order, seen=seen)
                messages.success(request, _("Released. It leaves with the next exchange."))
                return redirect("incident", node.member, name)
        except LiptakoError as error:
            form.add_error(None, error_text(error))
    return render(request, "situation/release.html", context, status=422 if form.errors else 200)


def _preview(node: Node, name: str, order: actions.ReleaseOrder) -> dict[str, Any]:
    """Return what the page shows of a release before it goes out."""
    copy, members = actions.preview(node, name, order), order.members | node.alone
    return {
        "preview": copy,
        "seen": actions.fingerprint(copy, members),
        "audience": audience_words(node.member, members),
    }


def _coarse_summary(incident: IncidentPayload) -> str:
    """Return a summary that tells no place: the kind of incident."""
    return words.kind_word(incident.kind)


def _order(node: Node, form: ReleaseForm, before: IncidentPayload) -> actions.ReleaseOrder:
    """Return what the form orders."""
    data = form.cleaned_data
    transform = Transform(data["transform"])
    region = None
    if transform is Transform.REGION:
        region = region_at(node.home, position_of(before.place))
    return actions.ReleaseOrder(
        members=members_of_choice(node.member, data["audience"]),
        transform=transform,
        summary=data["summary"].strip(),
        basis=data["basis"].strip(),
        until=form.until(),
        precedence=_precedence(form),
        region=region,
    )


@officer(Right.SEE_JOURNAL)
def journal(request: OfficerRequest) -> HttpResponse:
    """Show the journal with a line to write the next entry."""
    text, about, corrects = JournalSearch(request.GET).wanted()
    form = JournalForm(request.POST or None, initial={"incident": about, "corrects": corrects})
    if request.method == "POST" and form.is_valid() and _is_written(request, form):
        return redirect("journal")
    page = page_of(request, queries.journal(request.actor, text))
    context = {
        "form": form,
        "page": page,
        "text": text,
        "about": about and queries.incident(request.actor, request.node.member, about),
        "corrected": corrects and queries.journal(request.actor).filter(object=corrects).first(),
        "corrections": queries.corrections(request.actor, [row.object for row in page]),
    }
    return render(request, "situation/journal.html", context, status=422 if form.errors else 200)


def _is_written(request: OfficerRequest, form: JournalForm) -> bool:
    """Write a line into the journal; say whether it is there. Raises NotAllowedError."""
    require(request.actor, Right.WRITE_JOURNAL)
    try:
        actions.write_journal(request.node, request.actor, form.entry(zone_of(request.node)))
    except LiptakoError as error:
        form.add_error(None, error_text(error))
        return False
    messages.success(request, _("Written into the journal."))
    return True


@officer(Right.IMPORT_INCIDENTS)
def published(request: OfficerRequest) -> HttpResponse:
    """Show how the import of published incidents goes; start one."""
    data = settings.LIPTAKO.data
    context = {
        "run": queries.last_import(),
        "table": data and (data / TABLE).is_file(),
        "audiences": audience_choices(request.node.member),
    }
    template = "situation/_import.html" if request.htmx else "situation/import.html"
    return render(request, template, context)


@require_POST
@officer(Right.IMPORT_INCIDENTS)
def start_import(request: OfficerRequest) -> HttpResponse:
    """Start an import; it goes on in the background."""
    data = settings.LIPTAKO.data
    if data is None:
        raise Http404
    path = data / TABLE
    members = members_of_choice(request.node.member, request.POST.get("audience", ""))
    run = actions.start_import(request.node, request.actor, len(read_table(path)))
    actor = request.actor
    import_incidents.enqueue(
        run.pk,
        str(path),
        {
            "member": actor.member,
            "person": actor.person,
            "office": actor.office,
            "roles": sorted(actor.roles),
        },
        [],
        sorted(members),
    )
    return redirect("published")


def cards(node: Node, actor: Actor) -> list[Card]:  # noqa: ARG001 (all modules alike)
    """Return what waits for an office at the desk."""
    found = []
    if may(actor, Right.RELEASE_INCIDENT):
        found.append(_card(_("To be released or kept"), queries.unreleased(actor)))
        found.append(_card(_("Released in an older version"), queries.changed_since_release(actor)))
    if may(actor, Right.SEE_INCIDENTS):
        news = queries.from_partners(actor, timezone.now() - _NEWS)
        found.append(_card(_("New from partners"), news))
    if may(actor, Right.REPORT_INCIDENT):
        found.append(_card(_("To be verified"), queries.unverified(actor)))
    return found


def _card(title: str, rows: QuerySet[Incident]) -> Card:
    """Return a card with the first incidents of a query."""
    return Card(
        title=title,
        url=reverse("incidents"),
        count=rows.count(),
        lines=tuple(_line(row) for row in rows[:_SHOWN_ON_CARD]),
    )


def _line(row: Incident) -> Line:
    """Return a line about an incident."""
    standing = "" if row.standing == "live" else f" · {_word(words.STANDINGS, row.standing)}"
    return Line(
        text=row.summary,
        url=reverse("incident", args=[row.author, row.object]),
        note=f"{row.reference} · {words.kind_word(row.kind)}{standing}",
        urgent=row.precedence in {Precedence.FLASH, Precedence.IMMEDIATE},
    )
