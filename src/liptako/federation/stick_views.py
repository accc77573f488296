"""Page of the stick: files for partners to carry away, and files of theirs that were brought."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from liptako.federation import files, standing, volumes
from liptako.federation.forms import ExportForm, ImportForm
from liptako.federation.pipe import CONTENT_TYPE
from liptako.ledger import compacts
from liptako.ledger.node import Node
from liptako.members.actions import record_audit
from liptako.members.gate import OfficerRequest, officer
from liptako.members.permissions import Actor, Right
from liptako.web.texts import named

_FOLDER = "stick"
_KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Upload:
    """A file that a browser sent."""

    file: "UploadedFile[bytes]"

    @property
    def name(self) -> str:
        """What it was called on the stick."""
        return str(self.file.name)

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Give it from its beginning."""
        self.file.seek(0)
        yield cast("BinaryIO", self.file.file)


@officer(Right.EXCHANGE)
def stick(request: OfficerRequest) -> HttpResponse:
    """Show what waits for each partner, the files that are ready, and where to read others."""
    wanted = request.GET.get("for", "")
    ticked = [member for member in _partners(request.node) if wanted in {"", member}]
    return _page(request, {"ticked": ticked})


@require_POST
@officer(Right.EXCHANGE)
def write(request: OfficerRequest) -> HttpResponse:
    """Write files for the partners that are ticked."""
    form = ExportForm(request.POST, _partners(request.node))
    if not form.is_valid():
        return _page(request, {"export": form, "ticked": request.POST.getlist("partners")})
    members = form.cleaned_data["partners"]
    written = _write(request.node, request.actor, members, form.limit())
    where = _("They stand below: save each of them on the stick.")
    messages.success(request, f"{_held(written)} {where}")
    return redirect("stick")


def _held(written: Sequence[volumes.Volume]) -> str:
    """Say what is in the files that were written."""
    count = sum(volume.count for volume in written)
    text = ngettext("%(n)d record is in the files.", "%(n)d records are in the files.", count)
    parcels = sum(volume.parcels for volume in written)
    if not parcels:
        return text % {"n": count}
    more = ngettext("%(n)d sealed parcel too.", "%(n)d sealed parcels too.", parcels)
    return f"{text % {'n': count}} {more % {'n': parcels}}"


def _write(
    node: Node, actor: Actor, members: Sequence[str], limit: int | None
) -> list[volumes.Volume]:
    """Write the files for some partners, each with its line in the audit trail."""
    folder = node.home / _FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    for path in _old(node, folder):
        path.unlink(missing_ok=True)
    written = []
    for member in members:
        found = volumes.write_volumes(node, member, folder, limit)
        count = str(sum(volume.count for volume in found))
        record_audit(node, "bundle.export", actor=actor, subject=member, detail=count)
        written += found
    return written


def _old(node: Node, folder: Path) -> Iterator[Path]:
    """Give the files that nobody needs any longer."""
    limit = (node.clock().moment() - _KEPT).timestamp()
    for path in folder.glob(f"*{volumes.SUFFIX}"):
        if path.stat().st_mtime < limit:
            yield path


@officer(Right.EXCHANGE)
def file(request: OfficerRequest, name: str) -> FileResponse:
    """Give a file that was written, to be saved on a stick."""
    found = volumes.read_name(name)
    path = request.node.home / _FOLDER / name
    if found is None or found.text() != name or not path.is_file():
        raise Http404
    return FileResponse(
        path.open("rb"), as_attachment=True, filename=name, content_type=CONTENT_TYPE
    )


@require_POST
@officer(Right.EXCHANGE)
def read(request: OfficerRequest) -> HttpResponse:
    """Take in files from a stick, and say of each what became of it."""
    ticked = _partners(request.node)
    form = ImportForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, {"import": form, "ticked": ticked})
    uploads = [_Upload(file) for file in form.cleaned_data["bundles"]]
    results = files.read_files(request.node, uploads, actor=request.actor)
    senders = sorted({result.sender for result in results} - {""})
    states = [standing.state_of(request.node, member) for member in senders]
    return _page(request, {"results": results, "senders": states, "ticked": ticked})


def _partners(node: Node) -> list[str]:
    """Return the partners with whom anything may be exchanged."""
    return sorted(compacts.current().active - {node.member})


def _page(request: OfficerRequest, more: dict[str, Any]) -> HttpResponse:
    """Return the page with what has just been done."""
    node = request.node
    members = _partners(node)
    forms = {"export": ExportForm(None, members), "import": ImportForm()} | more
    rows = [(member, volumes.load_for(node, member)) for member in members]
    ready = _ready(node, members)
    names = {member.id: named(member.names) for member in compacts.current().members}
    context = {
        "rows": rows,
        "ready": ready,
        "takers": [names[member] for member in sorted({name.recipient for name, _size in ready})],
        "form": next((form for form in forms.values() if getattr(form, "errors", None)), None),
    } | forms
    return render(request, "federation/stick.html", context, status=422 if context["form"] else 200)


def _ready(node: Node, members: Sequence[str]) -> list[tuple[volumes.Name, int]]:
    """Return the files that are ready to be saved, with their sizes."""
    folder = node.home / _FOLDER
    old = set(_old(node, folder))
    return [
        (name, path.stat().st_size)
        for member in members
        for path in volumes.files_for(node, member, folder)
        if path not in old and (name := volumes.read_name(path.name))
    ]
