"""Pages of the compact: who is in it, with which keys, who has signed; taking in a newer one."""

from collections.abc import Sequence
from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from liptako.core.clock import Instant
from liptako.core.compact.document import Document, Root, Signatory
from liptako.core.compact.dossier import Dossier, write_dossier
from liptako.core.compact.members import compact_phrase
from liptako.core.compact.versions import Version, tallies
from liptako.core.errors import LiptakoError
from liptako.federation import deeds
from liptako.federation.own_keys import own_keys
from liptako.ledger import compacts
from liptako.members.gate import OfficerRequest, officer
from liptako.members.permissions import Right
from liptako.web.partial import render_form
from liptako.web.texts import error_text

_TEXT_LIMIT = deeds.DEEDS_LIMIT


class DossierForm(forms.Form):
    """A newer compact or new keys, as a file; and the groups that were compared aloud."""

    file = forms.FileField(label=gettext_lazy("File with the compact"), required=False)
    dossier = forms.CharField(required=False, widget=forms.HiddenInput, max_length=_TEXT_LIMIT)
    phrase = forms.CharField(
        label=gettext_lazy("The groups that the partners read to you"),
        required=False,
        max_length=100,
    )

    def data_given(self) -> bytes:
        """Return what was handed in, now or on the page before."""
        file = self.cleaned_data.get("file")
        if file is not None:
            return bytes(file.read(_TEXT_LIMIT + 1))
        return str(self.cleaned_data.get("dossier", "")).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A member as the page shows it: how it stands, its root keys, and its node's keys."""

    member: Signatory
    serial: int
    until: Instant
    is_late: bool

    @property
    def root(self) -> Root:
        """How many of how many root keys speak for it."""
        return self.member.root


@officer(Right.SEE_PARTNERS)
def compact(request: OfficerRequest) -> HttpResponse:
    """Show the compact in force; take in a newer one, the first one after a look at it."""
    held = compacts.dossier()
    is_posted = request.method == "POST"
    form = DossierForm(request.POST if is_posted else None, request.FILES if is_posted else None)
    offer = None
    if is_posted and form.is_valid():
        try:
            data = form.data_given()
            offer = deeds.offer(data)
            if "adopt" in request.POST:
                deeds.adopt(request.node, request.actor, data, form.cleaned_data["phrase"])
                messages.success(request, _("The compact was taken in."))
                return redirect("compact")
            form = DossierForm(initial={"dossier": data.decode()})
        except LiptakoError as error:
            form.add_error(None, error_text(error))
        except UnicodeDecodeError:
            form.add_error(None, _("This is no compact."))
    now = request.node.clock()
    context = {"form": form, "offer": offer, **_shown(held, now)}
    context["own"] = own_keys(request.node, now)
    return render_form(request, "federation/compact.html", context)


@officer(Right.SEE_PARTNERS)
def dossier(request: OfficerRequest) -> HttpResponse:  # noqa: ARG001 (a view's)
    """Give all that members rely on as a file: for a member that joins, or an auditor."""
    headers = {"Content-Disposition": 'attachment; filename="liptako-compact.json"'}
    data = write_dossier(compacts.dossier())
    return HttpResponse(data, content_type="application/json", headers=headers)


def _shown(held: Dossier, now: Instant) -> dict[str, object]:
    """Return what the page shows of the deeds that are held."""
    if not held.versions:
        return {"document": None}
    last = held.versions[-1]
    return {
        "document": last.document,
        "phrase": compact_phrase(last.envelope.payload),
        "rows": [_row(held, member, now) for member in last.document.members],
        "versions": list(reversed(_signed(held.versions))),
        "rivals": compacts.rivals(),
    }


def _row(held: Dossier, member: Signatory, now: Instant) -> Row:
    """Return a member with the keys of its newest delegation."""
    newest = held.line(member.id)[-1].delegation
    return Row(
        member=member, serial=newest.serial, until=newest.until, is_late=newest.until <= now
    )  # fmt: skip


def _signed(versions: Sequence[Version]) -> list[tuple[Document, list[str]]]:
    """Return each version with the members who have signed it."""
    found = []
    for number, version in enumerate(versions):
        before = versions[number - 1] if number else None
        signers = frozenset().union(*(tally.signed for tally in tallies(version, before)))
        found.append((version.document, sorted(signers)))
    return found
