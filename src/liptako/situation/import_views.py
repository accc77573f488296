"""Page of the import of published incidents: how it goes, and its start."""

import msgspec
from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from liptako.members.gate import OfficerRequest, officer
from liptako.members.permissions import Right, may
from liptako.situation import importing, queries
from liptako.situation.jobs import TABLE, import_incidents, read_table
from liptako.web.audiences import audience_choices, members_of_choice
from liptako.web.partial import render_part


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
    run = importing.start_import(request.node, request.actor, len(read_table(path)), members)
    actor = msgspec.to_builtins(request.actor)
    import_incidents.enqueue(run.pk, str(path), actor, [], sorted(members))
    return redirect("published")
