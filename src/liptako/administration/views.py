"""Pages about people, offices, mandates and the audit trail."""

from datetime import UTC, date, datetime, time

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from liptako.administration.forms import MandateForm, OfficeForm, PersonForm, ReasonForm, title_of
from liptako.members import actions, queries, words
from liptako.members.gate import ACTING_OFFICE, AppRequest, OfficerRequest, officer
from liptako.members.models import Person
from liptako.members.permissions import Right
from liptako.members.records import Mandate, Office
from liptako.web.audiences import audience_choices, members_of_choice
from liptako.web.paging import page_of


def _office_choices(member: str) -> list[tuple[str, str]]:
    language = get_language() or ""
    return [(row.code, title_of(row, language)) for row in queries.offices(member)]


@officer(Right.MANAGE_PEOPLE)
def people(request: OfficerRequest) -> HttpResponse:
    """List everybody with an account; add one."""
    form = PersonForm(request.POST or None, offices=_office_choices(request.node.member))
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        person, password = actions.add_person(
            request.node,
            request.actor,
            username=data["username"],
            name=data["name"],
            offices=data["offices"],
        )
        return _show_password(request, person, password)
    rows = [(person, queries.holders(person)) for person in queries.people()]
    return render(request, "administration/people.html", {"rows": rows, "form": form})


def _show_password(request: HttpRequest, person: Person, password: str) -> HttpResponse:
    """Show a drawn password, once."""
    return render(request, "administration/password.html", {"person": person, "password": password})


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


@require_POST
@officer(Right.MANAGE_PEOPLE)
def person_do(request: OfficerRequest, code: str, what: str) -> HttpResponse:
    """Change something about a person."""
    found, node, actor = _person(code), request.node, request.actor
    office = request.POST.get("office", "")
    if what == "password":
        return _show_password(request, found, actions.reset_password(node, actor, found))
    if what == "assign":
        actions.assign(node, actor, found, office)
    elif what == "relieve":
        actions.relieve(node, actor, found, office)
    elif what == "erase":
        actions.erase_person(node, actor, found)
        messages.success(request, _("The account and the name were erased."))
        return redirect("people")
    else:
        actions.set_active(node, actor, found, active=what == "open")
    messages.success(request, _("Saved."))
    return redirect("person", code)


@officer(Right.MANAGE_PEOPLE)
def offices(request: OfficerRequest, code: str = "") -> HttpResponse:
    """List the offices; add or change one."""
    row = queries.office(request.node.member, code) if code else None
    if code and row is None:
        raise Http404
    initial = row and {
        "code": row.code,
        "title_fr": row.titles.get("fr", ""),
        "title_en": row.titles.get("en", ""),
        "roles": row.roles,
        "closed": row.closed,
    }
    form = OfficeForm(request.POST or None, initial=initial or None)
    if request.method == "POST" and form.is_valid():
        _save_office(request, form)
        return redirect("offices")
    rows = queries.all_offices(request.node.member)
    context = {"rows": rows, "form": form, "office": row, "roles": words.ROLES}
    return render(request, "administration/offices.html", context)


def _save_office(request: OfficerRequest, form: OfficeForm) -> None:
    """Write what the form holds."""
    data = form.cleaned_data
    titles = {"fr": data["title_fr"], "en": data["title_en"]}
    office = Office(
        code=data["code"],
        titles={language: title for language, title in titles.items() if title},
        roles=tuple(data["roles"]),
        closed=data["closed"],
    )
    actions.set_office(request.node, request.actor, office)
    messages.success(request, _("Saved."))


@officer(Right.SEE_MANDATES)
def mandates(request: OfficerRequest) -> HttpResponse:
    """List the mandates; give one."""
    form = MandateForm(
        request.POST or None,
        offices=_office_choices(request.node.member),
        audiences=audience_choices(request.node.member),
        initial={"begins": datetime.now(tz=UTC).date()},
    )
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        mandate = Mandate(
            office=data["office"],
            subjects=data["subjects"],
            begins=_start(data["begins"]),
            ends=data["ends"] and _start(data["ends"]),
        )
        audience = members_of_choice(request.node.member, data["audience"])
        actions.give_mandate(request.node, request.actor, mandate, audience)
        messages.success(request, _("The mandate was given."))
        return redirect("mandates")
    context = {"page": page_of(request, queries.mandates()), "form": form, "now": datetime.now(UTC)}
    return render(request, "administration/mandates.html", context)


def _start(day: date) -> int:
    """Return the first millisecond of a day in UTC."""
    return int(datetime.combine(day, time(), UTC).timestamp() * 1000)


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
    return render(request, "administration/mandate_end.html", {"mandate": row, "form": form})


@officer(Right.SEE_AUDIT)
def audit(request: OfficerRequest) -> HttpResponse:
    """Show the audit trail, of all events or of one."""
    event = request.GET.get("event", "")
    page = page_of(request, queries.audit(event), 100)
    codes = [code for row in page for code in (row.person, row.subject) if code]
    context = {
        "page": page,
        "event": event,
        "events": [(name, words.event_word(name)) for name in queries.audit_events()],
        "rows": [(row, words.event_word(row.event)) for row in page],
        "names": queries.names_of(codes),
    }
    return render(request, "administration/audit.html", context)


@require_POST
def act_as(request: AppRequest) -> HttpResponse:
    """Act in another of one's offices from now on."""
    wanted = request.POST.get("office", "")
    if wanted in {actor.office for actor in request.offices}:
        request.session[ACTING_OFFICE] = wanted
    return redirect("home")
