"""Page of the release: what an audience would get, shown exactly, before it goes."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from liptako.core.clock import Instant
from liptako.core.errors import LiptakoError
from liptako.core.refs import audience_id
from liptako.ledger.node import Node
from liptako.ledger.records import Thread
from liptako.members import queries as members
from liptako.members.gate import OfficerRequest, officer
from liptako.members.permissions import Right
from liptako.situation import actions, attaching, queries, words
from liptako.situation.display import personal_words, words_of
from liptako.situation.projection import as_row
from liptako.situation.records import Incident as IncidentPayload
from liptako.situation.records import Transform
from liptako.situation.release_forms import EraseForm, RecallForm, ReleaseForm
from liptako.situation.rules import position_of
from liptako.web.areas import region_at
from liptako.web.audiences import audience_choices, audience_words, members_of_choice
from liptako.web.fields import PRECEDENCES, precedence_of
from liptako.web.partial import is_done, render_form
from liptako.web.texts import error_text


@officer(Right.RELEASE_INCIDENT)
def release(request: OfficerRequest, name: str) -> HttpResponse:
    """Release an own incident; first show exactly what the audience would get."""
    node = request.node
    before, latest = actions.own_version(node, name)
    form = ReleaseForm(
        request.POST or None,
        audiences=audience_choices(node.member, alone=False),
        files=_files(node, name),
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
    return render_form(request, "situation/release.html", context)


def _files(node: Node, name: str) -> list[tuple[str, str]]:
    """Return the files that may go along, with the words that tell them apart."""
    own = attaching.files_in(Thread(node.member, name, audience_id(node.alone)))
    return [
        (file.digest, " – ".join(filter(None, (file.state.file.name, file.caption))))
        for file in own
        if file.state.is_whole
    ]


def _preview(node: Node, name: str, order: actions.ReleaseOrder) -> dict[str, Any]:
    """Return what the page shows of a release before it goes out."""
    copy, members = actions.preview(node, name, order), order.members | node.alone
    return {
        "preview": copy,
        "row": (row := as_row(copy)),
        "words": words_of(row),
        "precedence": PRECEDENCES[order.precedence],
        "until": None if order.until is None else Instant(order.until).moment(),
        "files": attaching.to_release(node, name, actions.files_ordered(node, order)),
        "with_words": order.transform is Transform.AS_IS,
        "seen": actions.fingerprint(copy, order),
        "personal": personal_words(actions.personal_of(node, name, copy, order)),
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
        "summary": next(
            (item.summary for item in told if item.audience == last.target),
            words.kind_word(before.kind),  # what was released has expired
        ),
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
        precedence=precedence_of(form),
        region=region,
        files=frozenset(data.get("attached", ())),
        looked="looked" in form.data,
    )


@officer(Right.RELEASE_INCIDENT)
def recall(request: OfficerRequest, name: str, audience: str) -> HttpResponse:
    """Take back what was released to an audience; first say what will happen."""
    node = request.node
    row = queries.incident(request.actor, node.member, name)
    held = queries.releases(request.actor, row) if row else ()
    going_on = [item for item in held if item.target == audience and not item.has_ended]
    if row is None or not going_on:
        raise Http404
    form = RecallForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        if is_done(form, lambda: actions.recall(node, request.actor, name, audience, reason)):
            text = _("Recalled. Who has confirmed it stands beside the release.")
            messages.success(request, text)
            return redirect("incident", node.member, name)
    told = queries.other_versions(request.actor, row)
    context = {
        "form": form,
        "row": row,
        "release": going_on[0],
        "audience": audience_words(node.member, frozenset(going_on[0].members)),
        "told": [item for item in told if item.audience == audience],
    }
    return render_form(request, "situation/recall.html", context)


@officer(Right.ERASE_RECORDS)
def erase(request: OfficerRequest, name: str) -> HttpResponse:
    """Erase an own incident, a line of the journal or a watch; first say what will happen."""
    member = request.node.member
    row = queries.incident(request.actor, member, name)
    entry = queries.journal_entry(request.actor, name)
    watch = members.watch(member, name)
    if row is None and all(item is None or item.erased for item in (entry, watch)):
        raise Http404
    form = EraseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        if is_done(form, lambda: actions.erase(request.node, request.actor, name, reason)):
            messages.success(request, _("Erased. The proof that it existed stays."))
            if row is not None:
                return redirect("incident", member, name)
            return redirect("watch_sheet", name) if watch else redirect("journal")
    released = queries.releases(request.actor, row) if row else ()
    held = [audience_words(member, frozenset(item.members)) for item in released]
    context = {"form": form, "row": row, "entry": entry, "watch": watch, "held": held}
    return render_form(request, "situation/erase.html", context)
