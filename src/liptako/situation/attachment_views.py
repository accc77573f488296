"""Pages of the files of incidents: adding some, opening one, destroying one."""

from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from liptako.core.media import SUFFIXES
from liptako.ledger import files
from liptako.members.gate import OfficerRequest, officer
from liptako.members.permissions import Right
from liptako.situation import attaching, queries
from liptako.situation.attachment_forms import DestroyForm, FilesForm
from liptako.web.partial import is_done, render_form

_HARMLESS = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-store",
}
"""A file comes from somebody else: it is saved, never shown inside a page, nor left in a cache."""


@officer(Right.SEE_INCIDENTS)
def open_file(request: OfficerRequest, author: str, name: str, digest: str) -> FileResponse:
    """Give a file of an incident that the officer may see, to be saved."""
    if queries.incident(request.actor, author, name) is None:
        raise Http404
    held = [file for file in attaching.files_held(author, name) if file.digest == digest]
    if not held or not held[0].state.is_whole:
        raise Http404
    file = held[0].state.file
    kind = file.type if file.type in SUFFIXES else "application/octet-stream"
    return FileResponse(
        files.open_file(request.node, digest),
        as_attachment=True,
        filename=file.name,
        content_type=kind,
        headers=_HARMLESS,
    )


@officer(Right.REPORT_INCIDENT)
def attach(request: OfficerRequest, name: str) -> HttpResponse:
    """Add files to an own incident."""
    node = request.node
    row = queries.own_incident(node.member, name)
    if row is None:
        raise Http404
    form = FilesForm(
        request.POST or None, request.FILES or None, limit=node.file_limit, required=True
    )
    if request.method == "POST" and form.is_valid():
        files_given = (form.cleaned_data["brought"], form.cleaned_data["caption"])
        if is_done(form, lambda: attaching.attach(node, request.actor, name, *files_given)):
            messages.success(request, _("Added. Seen by this State only, until released."))
            return redirect("incident", node.member, name)
    return render_form(request, "situation/attach.html", {"form": form, "row": row})


@officer(Right.SEE_INCIDENTS)
def destroy(request: OfficerRequest, name: str, digest: str) -> HttpResponse:
    """Destroy a file of an own incident, wherever it is; first say what will happen."""
    node = request.node
    row = queries.own_incident(node.member, name)
    held = attaching.files_held(node.member, name)
    found = [file for file in held if file.digest == digest and not file.state.gone]
    if row is None or not found:
        raise Http404
    form = DestroyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        if is_done(form, lambda: attaching.destroy(node, request.actor, name, digest, reason)):
            messages.success(request, _("Destroyed here. Partners who had it are told to."))
            return redirect("incident", node.member, name)
    context = {"form": form, "row": row, "file": found[0]}
    return render_form(request, "situation/destroy.html", context)
