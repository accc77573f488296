"""Pages about people, offices, mandates and the audit trail."""

from datetime import UTC, date, datetime, time
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from liptako.administration.forms import MandateForm, OfficeForm, PersonForm, ReasonForm
from liptako.core.clock import instant_of
from liptako.core.errors import MalformedError, RefusedError
from liptako.members import actions, queries, words
from liptako.members.gate import ACTING_OFFICE, AppRequest, OfficerRequest, officer
from liptako.members.models import Person
from liptako.members.permissions import Right
from liptako.members.records import Mandate, Office
from liptako.web.audiences import audience_choices, members_of_choice
from liptako.web.paging import page_of
from liptako.web.partial import render_form
from liptako.web.texts import error_text, named


def _office_choices(member: str) -> list[tuple[str, str]]:
    return [(row.code, named(row.titles, row.code)) for row in queries.offices(member)]


@officer(Right.MANAGE_PEOPLE)
def people(request: OfficerRequest) -> HttpResponse:
    """List everybody with an account; add one."""
    form = PersonForm(request.POST or None, offices=_office_choices(request.node.member))
    if request.method == "POST" and form.is_valid():
        try:
            person, password = actions.add_person(request.node, request.actor, **form.cleaned_data)
        except RefusedError as error:
            form.add_error("username", error_text(error))
        else:
            return _show_password(request, person, password)
    rows = [(person, queries.holders(person)) for person in queries.people()]
    context = {"rows": rows, "form": form}
    return render_form(request, "administration/people.html", context)


def _show_password(
    request: HttpRequest, person: Person, password: str, *, reset: bool = False
) -> HttpResponse:
    """Show a drawn password, once; after a reset also what it has put an end to."""
    context = {"person": person, "password": password, "reset": reset}
    return render(request, "administration/password.html", context)


def _person(code: str) -> Person:
    person = queries.person(code)
    if person is None:
        raise Http404
    return person


@officer(Right.MANAGE_PEOPLE)
def person(request: OfficerRequest, code: str) -> HttpResponse:
    """Show a person with the offices that they hold and could hold."""
    found = _person(code)
    held = queries.holders(found)
    free = [choice for choice in _office_choices(request.node.member) if choice[0] not in held]
    return render(
        request, "administration/person.html", {"person": found, "held": held, "free": free}
    )


@officer(Right.MANAGE_PEOPLE)
def person_password(request: OfficerRequest, code: str) -> HttpResponse:
    """Reset the sign-in of a person: end what opened the account, show a new password, once."""
    found = _person(code)
    if request.method != "POST":
        return redirect("person", code)
    password = actions.reset_password(request.node, request.actor, found)
    return _show_password(request, found, password, reset=True)


@officer(Right.MANAGE_PEOPLE)
def person_erase(request: OfficerRequest, code: str) -> HttpResponse:
    """Erase a person's account and name."""
    found = _person(code)
    if request.method != "POST":
        return redirect("person", code)
    actions.erase_person(request.node, request.actor, found)
    messages.success(request, _("The account and the name were erased."))
    return redirect("people")


@officer(Right.MANAGE_PEOPLE)
def person_do(request: OfficerRequest, code: str, what: str) -> HttpResponse:
    """Give or end an office, open or close the account."""
    found, node, actor = _person(code), request.node, request.actor
    if request.method != "POST":
        return redirect("person", code)
    if what in {"open", "close"}:
        actions.set_active(node, actor, found, active=what == "open")
    elif what in _OFFICE_CHANGES:
        _OFFICE_CHANGES[what](node, actor, found, request.POST.get("office", ""))
    else:
        raise Http404
    messages.success(request, _("Saved."))
    return redirect("person", code)


_OFFICE_CHANGES = {"assign": actions.assign, "relieve": actions.relieve}


@officer(Right.MANAGE_PEOPLE)
def offices(request: OfficerRequest, code: str = "") -> HttpResponse:
    """List the offices; add or change one."""
    row = queries.office(request.node.member, code) if code else None
    if code and row is None:
        raise Http404
    form = OfficeForm(request.POST or None, office=row, languages=settings.LANGUAGES)
    if request.method == "POST" and form.is_valid():
        save = actions.set_office if row else actions.add_office
        try:
            save(request.node, request.actor, _office_of(form))
        except RefusedError as error:
            form.add_error(None if row else "code", error_text(error))
        else:
            messages.success(request, _("Saved."))
            return redirect("offices")
    rows = queries.all_offices(request.node.member)
    context = {"rows": rows, "form": form, "office": row, "roles": words.ROLES}
    return render_form(request, "administration/offices.html", context)


def _office_of(form: OfficeForm) -> Office:
    """Return what the form holds."""
    data = form.cleaned_data
    return Office(
        code=data["code"],
        titles=form.titles(),
        roles=tuple(data["roles"]),
        closed=data["closed"],
    )


@officer(Right.SEE_MANDATES)
def mandates(request: OfficerRequest) -> HttpResponse:
    """List the mandates; give one."""
    form = MandateForm(
        request.POST or None,
        offices=_office_choices(request.node.member),
        audiences=audience_choices(request.node.member),
        today=datetime.now(tz=UTC).date(),
    )
    if request.method == "POST" and form.is_valid():
        try:
            _give_mandate(request, form.cleaned_data)
        except (RefusedError, MalformedError) as error:
            form.add_error(None, error_text(error))
        else:
            messages.success(request, _("The mandate was given."))
            return redirect("mandates")
    context = {"page": page_of(request, queries.mandates()), "form": form, "now": datetime.now(UTC)}
    return render_form(request, "administration/mandates.html", context)


def _give_mandate(request: OfficerRequest, data: dict[str, Any]) -> None:
    """Give the mandate that was typed. Raises LiptakoError."""
    mandate = Mandate(
        office=data["office"],
        subjects=data["subjects"],
        begins=_moment(data["begins"], time.min),
        ends=data["ends"] and _moment(data["ends"], time.max),
    )
    audience = members_of_choice(request.node.member, data["audience"])
    actions.give_mandate(request.node, request.actor, mandate, audience)


def _moment(day: date, at: time) -> int:
    """Return a time of a day in UTC, in milliseconds: a mandate holds on its last day too."""
    return instant_of(datetime.combine(day, at, UTC)).milliseconds


@officer(Right.GIVE_MANDATE)
def mandate_end(request: OfficerRequest, name: str) -> HttpResponse:
    """End a mandate with a reason."""
    row = queries.mandate(request.node.member, name)
    if row is None:
        raise Http404
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        actions.end_mandate(request.node, request.actor, name, form.cleaned_data["reason"])
        messages.success(request, _("The mandate was ended."))
        return redirect("mandates")
    context = {"mandate": row, "form": form}
    return render_form(request, "administration/mandate_end.html", context)


@officer(Right.SEE_AUDIT)
def audit(request: OfficerRequest) -> HttpResponse:
    """Show the audit trail, of all events or of one."""
    member = request.node.member
    events = queries.audit_events(member)
    wanted = request.GET.get("event", "")
    event = wanted if wanted in events else ""
    page = page_of(request, queries.audit(member, event), 100)
    codes = [code for row in page for code in (row.person, row.subject) if code]
    context = {
        "page": page,
        "event": event,
        "events": [(name, words.event_word(name)) for name in events],
        "rows": [(row, words.event_word(row.event)) for row in page],
        "names": queries.names_of(codes),
    }
    return render(request, "administration/audit.html", context)


def act_as(request: AppRequest) -> HttpResponse:
    """Act in another of one's offices from now on; who only looks at the address is led home."""
    wanted = request.POST.get("office")
    if wanted in {actor.office for actor in request.offices}:
        request.session[ACTING_OFFICE] = wanted
    return redirect("home")
