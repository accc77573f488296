"""Pages of the desk: incidents as a list, one by one and on the map; release; journal; import."""

from collections.abc import Iterable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from django.conf import settings
from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from liptako.core.clock import Instant, instant_of
from liptako.core.errors import LiptakoError
from liptako.core.records.envelope import Precedence
from liptako.ledger.node import Node
from liptako.members.gate import OfficerRequest, officer
from liptako.members.permissions import Right, may, require
from liptako.situation import actions, queries, words
from liptako.situation.forms import IncidentForm, JournalForm, ReleaseForm, initial_of
from liptako.situation.jobs import TABLE, import_incidents, read_table
from liptako.situation.models import Incident, JournalEntry
from liptako.situation.projection import as_row
from liptako.situation.records import Incident as IncidentPayload
from liptako.situation.records import Transform
from liptako.situation.rules import position_of
from liptako.situation.search import JournalSearch, filter_form
from liptako.web.areas import region_at
from liptako.web.audiences import (
    audience_choices,
    audience_namer,
    audience_words,
    members_of_choice,
)
from liptako.web.basemap import reach
from liptako.web.fields import PRECEDENCES, wall_text
from liptako.web.paging import page_of
from liptako.web.partial import render_part
from liptako.web.texts import error_text
from liptako.web.zones import zone_of


@officer(Right.SEE_INCIDENTS)
def incidents(request: OfficerRequest) -> HttpResponse:
    """List the incidents that fit the filter."""
    form = filter_form(request.GET, request.actor, zone_of(request.node))
    page = page_of(request, queries.incidents(request.actor, form.wanted()))
    context = {"form": form, "page": page, "rows": _with_words(page), "map": False}
    return render_part(request, "situation/incidents.html", "situation/_list.html", context)


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
        "precedence": PRECEDENCES.get(Precedence(row.precedence)) if row.precedence else "",
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
    name_of = audience_namer(request.node.member)
    context = {
        "row": row,
        "words": _words_of(row),
        "own": row.author == request.node.member,
        "versions": _with_words(queries.other_versions(request.actor, row)),
        "releases": [(item, name_of(frozenset(item.members))) for item in releases],
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
    if request.method == "POST" and form.is_valid() and form.is_past():
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
    before, latest = actions.own_version(request.node, name)
    zone = zone_of(request.node)
    initial = initial_of(before, zone) | {"precedence": latest.precedence.value}
    form = IncidentForm(request.POST or None, zone=zone, initial=initial)
    seen = request.POST.get("seen", str(latest.lamport))
    if request.method == "POST" and form.is_valid():
        try:
            actions.update(
                request.node,
                request.actor,
                name,
                form.incident(before),
                precedence=_precedence(form),
                seen=seen,
            )
        except LiptakoError as error:
            form.add_error(None, error_text(error))
            seen = str(latest.lamport)  # once told of a later version, a person may replace it
        else:
            messages.success(request, _("Changed. Partners see it once it is released again."))
            return redirect("incident", request.node.member, name)
    context = {"form": form, "before": before, "name": name, "seen": seen}
    return render(request, "situation/report.html", context, status=422 if form.errors else 200)


@officer(Right.RELEASE_INCIDENT)
def release(request: OfficerRequest, name: str) -> HttpResponse:
    """Release an own incident; first show exactly what the audience would get."""
    node = request.node
    before, latest = actions.own_version(node, name)
    form = ReleaseForm(
        request.POST or None,
        audiences=audience_choices(node.member, alone=False),
        initial={"precedence": latest.precedence.value} | _last_release(request, name, before),
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
        "row": (row := as_row(copy)),
        "words": _words_of(row),
        "precedence": PRECEDENCES[order.precedence],
        "until": None if order.until is None else Instant(order.until).moment(),
        "seen": actions.fingerprint(copy, members),
        "audience": audience_words(node.member, members),
    }


def _last_release(request: OfficerRequest, name: str, before: IncidentPayload) -> dict[str, str]:
    """Return what was released last and how; at first a summary that tells no place: the kind."""
    row = queries.incident(request.actor, request.node.member, name)
    last = next(iter(queries.releases(request.actor, row)), None) if row else None
    if row is None or last is None:
        return {"summary": words.kind_word(before.kind)}
    told = queries.other_versions(request.actor, row)
    return {
        "audience": last.target,
        "transform": last.transform,
        "basis": last.basis,
        "summary": next(item.summary for item in told if item.audience == last.target),
    }


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
    corrected = queries.journal_entry(request.actor, corrects)
    form = JournalForm(
        request.POST or None,
        initial={"incident": about} | _corrected(corrected, zone_of(request.node)),
    )
    if request.method == "POST":
        require(request.actor, Right.WRITE_JOURNAL)
        if form.is_valid() and _is_written(request, form):
            return redirect("journal")
    page = page_of(request, queries.journal(request.actor, text))
    context = {
        "form": form,
        "page": page,
        "text": text,
        "about": about and queries.incident(request.actor, request.node.member, about),
        "corrected": corrected,
        "corrections": queries.corrections(request.actor, [row.object for row in page]),
        "references": queries.references(request.actor, [row.incident for row in page]),
    }
    return render(request, "situation/journal.html", context, status=422 if form.errors else 200)


def _corrected(row: JournalEntry | None, zone: ZoneInfo) -> dict[str, str | None]:
    """Return what the form shows of the entry that is to be corrected."""
    if row is None:
        return {}
    at = wall_text(instant_of(row.at).milliseconds, zone)
    return {"corrects": row.object, "incident": row.incident, "text": row.text, "at": at}


def _is_written(request: OfficerRequest, form: JournalForm) -> bool:
    """Write a line into the journal; say whether it is there."""
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
        "audiences": _import_audiences(request),
    }
    return render_part(request, "situation/import.html", "situation/_import.html", context)


def _import_audiences(request: OfficerRequest) -> list[tuple[str, str]]:
    """Return for whom the actor may import: others than ourselves need the right to release."""
    choices = audience_choices(request.node.member)  # this State alone comes first
    return choices if may(request.actor, Right.RELEASE_INCIDENT) else choices[:1]


@require_POST
@officer(Right.IMPORT_INCIDENTS)
def start_import(request: OfficerRequest) -> HttpResponse:
    """Start an import; it goes on in the background."""
    data = settings.LIPTAKO.data
    if data is None:
        raise Http404
    path = data / TABLE
    members = members_of_choice(request.node.member, request.POST.get("audience", ""))
    run = actions.start_import(request.node, request.actor, len(read_table(path)), members)
    actor = msgspec.to_builtins(request.actor)
    import_incidents.enqueue(run.pk, str(path), actor, [], sorted(members))
    return redirect("published")
