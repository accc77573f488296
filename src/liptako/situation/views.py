"""Pages of incidents: the list, the map, one incident, reporting and changing one."""

from collections.abc import Sequence

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from liptako.core.errors import LiptakoError
from liptako.federation.attachments import asked_by, held_by
from liptako.federation.recalls import Taken, recalls_about, taken, threads_about
from liptako.ledger.reader import roster_of
from liptako.ledger.records import Thread
from liptako.members import queries as members
from liptako.members.gate import OfficerRequest, officer
from liptako.members.permissions import Right
from liptako.situation import actions, attaching, lists, queries, words
from liptako.situation.attachment_forms import FilesForm
from liptako.situation.display import with_words, words_of
from liptako.situation.forms import IncidentForm, initial_of
from liptako.situation.handling_forms import HOLDS
from liptako.situation.history import Version, versions_of
from liptako.situation.models import Incident, Release
from liptako.situation.records import INCIDENT
from liptako.situation.records import Incident as IncidentPayload
from liptako.situation.scanning import personal_in
from liptako.situation.search import filter_form
from liptako.web.audiences import audience_namer
from liptako.web.basemap import reach
from liptako.web.fields import precedence_of
from liptako.web.paging import page_of
from liptako.web.partial import render_form, render_part
from liptako.web.texts import error_text, named
from liptako.web.zones import zone_of

_LINKED = 50
"""Incidents about the same event that a page names."""

Given = tuple[attaching.IncidentFile, list[tuple[str, int]], list[str]]
"""A file that an audience was given, and which members have so many bytes of it only."""


@officer(Right.SEE_INCIDENTS)
def incidents(request: OfficerRequest) -> HttpResponse:
    """List the incidents that fit the filter."""
    form = filter_form(request.GET, request.actor, zone_of(request.node))
    page = page_of(request, lists.incidents(request.actor, form.wanted()))
    context = {"form": form, "page": page, "rows": with_words(page), "map": False}
    return render_part(request, "situation/incidents.html", "situation/_list.html", context)


@officer(Right.SEE_INCIDENTS)
def incident_map(request: OfficerRequest) -> HttpResponse:
    """Show the incidents that fit the filter on the map, and as a table beside it."""
    form = filter_form(request.GET, request.actor, zone_of(request.node))
    page = page_of(request, lists.on_map(request.actor, wanted := form.wanted()), 100)
    context = {
        "form": form,
        "page": page,
        "rows": with_words(page),
        "map": True,
        "standings": queries.count_by_standing(request.actor),
        "outdated": 0 if wanted.pile else lists.outdated(request.actor).count(),
        "reach": reach(request.node.home),
    }
    return render(request, "situation/map.html", context)


@officer(Right.SEE_INCIDENTS)
def incident(request: OfficerRequest, author: str, name: str) -> HttpResponse:
    """Show an incident with everything that is known of it here."""
    row = queries.incident(request.actor, author, name)
    if row is None:
        return _gone(request, author, name)
    releases = queries.releases(request.actor, row)
    name_of = audience_namer(request.node.member)
    context = {
        "row": row,
        "words": words_of(row),
        "own": row.author == request.node.member,
        "versions": with_words(queries.other_versions(request.actor, row)),
        "releases": [
            (item, name_of(frozenset(item.members)), _deleted(item) if item.has_ended else [])
            for item in releases
        ],
        "outdated": any(
            item.released_at < row.updated_at for item in releases if not item.has_ended
        ),
        "files": attaching.files_held(author, name),
        "given": _given(row, releases),
        "file_limit": request.node.file_limit,
        "entries": queries.journal_of(request.actor, name),
        "history": _history(request, row),
        "offices": [(row.code, named(row.titles, row.code)) for row in members.offices(author)],
        "kept": queries.kept_for(request.actor, row),
        "linked": queries.linked_to(request.actor, author, name)[:_LINKED],
        "goes_on": row.status not in {"denied", "closed"},
        "holds": HOLDS,
        "transforms": words.TRANSFORMS,
    }
    return render(request, "situation/incident.html", context)


def _gone(request: OfficerRequest, author: str, name: str) -> HttpResponse:
    """Say of an incident that was erased or recalled when, by whom, and why."""
    recall = recalls_about(author, {name}).get(name)
    threads = threads_about(author, name, INCIDENT)
    if recall is None or not threads:
        raise Http404
    name_of, own = audience_namer(request.node.member), author == request.node.member
    rosters = {thread: roster_of(thread.audience) for thread in threads}
    held = [
        (name_of(members), taken(thread))
        for thread, members in rosters.items()
        if own and members > {author}
    ]
    context = {"recall": recall, "own": own, "held": held}
    return render(request, "situation/gone.html", context)


def _history(request: OfficerRequest, row: Incident) -> Sequence[Version]:
    """Return the versions of an own incident that was changed."""
    if row.author != request.node.member or row.versions < 2:  # noqa: PLR2004 (a first version)
        return ()
    return versions_of(request.node, row.object, zone_of(request.node))


def _deleted(release: Release) -> list[Taken]:
    """Return how far the end of a release has got at each member who had it."""
    return taken(Thread(release.author, release.object, release.target))


def _given(row: Incident, releases: Sequence[Release]) -> dict[str, list[Given]]:
    """Return for each audience the files that it was given, who lacks bytes of it, who holds it."""
    found, given = {}, attaching.audiences_with_files(row.author, row.object)
    for release in releases:
        if release.target not in given:
            continue
        thread = Thread(row.author, row.object, release.target)
        asked = {who: asked_by(who) for who in release.members if who != row.author}
        found[release.target] = [
            (
                file,
                [(who, files[file.key]) for who, files in asked.items() if file.key in files],
                held_by(file.state.entry.channel_id, file.state.entry.seq),
            )
            for file in attaching.files_in(thread)
            if not file.state.gone
        ]
    return found


@officer(Right.REPORT_INCIDENT)
def report(request: OfficerRequest) -> HttpResponse:
    """Report a new incident."""
    zone = zone_of(request.node)
    now = timezone.now().astimezone(zone).strftime("%Y-%m-%dT%H:%M")
    form = IncidentForm(request.POST or None, zone=zone, initial={"begins": now})
    brought = FilesForm(
        request.POST or None, request.FILES or None, limit=request.node.file_limit
    )  # fmt: skip
    good = request.method == "POST" and all([form.is_valid(), brought.is_valid()])
    if good and form.is_past():
        try:
            record = actions.report(
                request.node, request.actor, form.incident(), precedence=precedence_of(form)
            )
        except LiptakoError as error:
            form.add_error(None, error_text(error))
        else:
            messages.success(request, _("Reported. It is seen by this State only, until released."))
            _warn(request, form.incident())
            _attach(request, record.header.object, brought)
            return redirect("incident", record.header.author, record.header.object)
    context = {"form": form, "files": brought}
    return render_form(request, "situation/report.html", context, brought)


def _warn(request: OfficerRequest, incident: IncidentPayload) -> None:
    """Say what of an incident that was just written may tell who somebody is."""
    found = [item.text for item in personal_in(request.node.home, incident)]
    if found:
        text = _(
            "This may tell who somebody is: %(found)s. Change the incident if it names a person."
        )
        messages.warning(request, text % {"found": ", ".join(found)}, extra_tags="warn")


def _attach(request: OfficerRequest, name: str, brought: FilesForm) -> None:
    """Add the files that came with a report; that one fails undoes no report."""
    data = brought.cleaned_data
    try:
        attaching.attach(request.node, request.actor, name, data["brought"], data["caption"])
    except LiptakoError as error:
        text = _("The files were not added: %(why)s. Add them again on this page.")
        messages.error(request, text % {"why": error_text(error)})


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
                precedence=precedence_of(form),
                seen=seen,
            )
        except LiptakoError as error:
            form.add_error(None, error_text(error))
            seen = str(latest.lamport)  # once told of a later version, a person may replace it
        else:
            messages.success(request, _("Changed. Partners see it once it is released again."))
            _warn(request, form.incident(before))
            return redirect("incident", request.node.member, name)
    context = {"form": form, "before": before, "name": name, "seen": seen}
    return render_form(request, "situation/report.html", context)
