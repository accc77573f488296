"""Who is asking: the acting office, people without one, and the password that must change."""

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import reverse

from liptako.core.errors import NotAllowedError
from liptako.members import actions
from liptako.members.gate import ACTING_OFFICE, ActorMiddleware, acting, officer
from liptako.members.models import Person
from liptako.members.permissions import Actor, Right

pytestmark = pytest.mark.django_db


def asked(user, path="/", **session):
    """Return a request as the middleware leaves it, and the answer."""
    request = RequestFactory().get(path)
    request.user, request.session = user, session
    answer = ActorMiddleware(lambda _request: HttpResponse("the page"))(request)
    return request, answer


class Nobody:
    """Somebody who has not signed in."""


def test_who_has_not_signed_in_is_nobody():
    request, answer = asked(Nobody())
    assert (request.actor, request.offices, request.node.member) == (None, (), "ML")
    assert answer.content == b"the page"


def test_who_holds_no_office_is_nobody(office, person):
    office("permanence", "watch_officer")
    request, answer = asked(person("awa"))
    assert (request.actor, request.offices, answer.status_code) == (None, (), 200)


def test_a_person_acts_in_the_first_office_until_they_choose(office, person):
    office("audit", "auditor")
    office("permanence", "watch_officer")
    awa = person("awa", "permanence", "audit")
    offices = tuple(
        Actor(member="ML", person=awa.code, office=code, roles=frozenset({role}))
        for code, role in (("audit", "auditor"), ("permanence", "watch_officer"))
    )
    request, _ = asked(awa)
    assert (request.offices, request.actor) == (offices, offices[0])
    request, _ = asked(awa, **{ACTING_OFFICE: "permanence"})
    assert request.actor == offices[1]


def test_an_office_that_was_lost_is_acted_in_no_longer(actor):
    audit = actor("auditor", office="audit")
    assert acting((audit,), "permanence") == audit
    assert acting((), "permanence") is None


def test_the_office_is_switched_on_the_page_and_kept(client, office, person):
    office("audit", "auditor")
    office("permanence", "watch_officer")
    client.force_login(person("awa", "audit", "permanence"))
    assert client.get(reverse("audit")).status_code == 200
    answer = client.post(reverse("act_as"), {"office": "permanence"})
    assert (answer.status_code, answer.headers["Location"]) == (302, reverse("home"))
    assert client.get(reverse("audit")).status_code == 403
    assert client.get(reverse("journal")).status_code == 200


def test_nobody_acts_in_an_office_that_they_do_not_hold(client, office, person):
    office("audit", "auditor")
    office("permanence", "watch_officer")
    client.force_login(person("awa", "permanence"))
    client.post(reverse("act_as"), {"office": "audit"})
    assert ACTING_OFFICE not in client.session
    assert client.get(reverse("audit")).status_code == 403


def test_who_looks_at_the_address_of_the_switch_is_led_home(client, person):
    client.force_login(person("awa"))
    answer = client.get(reverse("act_as"))
    assert (answer.status_code, answer.headers["Location"]) == (302, reverse("home"))


@pytest.mark.parametrize("name", ["home", "audit", "mfa_index", "sources", "people"])
def test_who_has_a_drawn_password_is_sent_to_change_it(client, node, office, person, name):
    office("audit", "auditor", "node_administrator")
    awa = person("awa", "audit")
    actions.reset_password(node, None, awa)
    client.force_login(awa)
    answer = client.get(reverse(name))
    assert (answer.status_code, answer.headers["Location"]) == (
        302,
        reverse("account_change_password"),
    )


@pytest.mark.parametrize("name", ["account_change_password", "account_logout"])
def test_who_has_a_drawn_password_may_change_it_and_sign_out(client, node, person, name):
    awa = person("awa")
    actions.reset_password(node, None, awa)
    client.force_login(awa)
    assert client.get(reverse(name)).status_code == 200


def test_who_has_a_drawn_password_may_choose_a_language_and_gets_the_styles(client, node, person):
    awa = person("awa")
    actions.reset_password(node, None, awa)
    client.force_login(awa)
    answer = client.post(reverse("preferences"), {"language": "en", "next": "/account/password/"})
    assert answer.headers["Location"] == "/account/password/"
    _, answer = asked(Person.objects.get(), "/static/web/liptako.css")
    assert answer.content == b"the page"


@officer(Right.SEE_AUDIT)
def page(request, number):
    """Answer only who may see the audit trail."""
    return HttpResponse(f"{request.actor.office} {number}")


def test_a_view_is_open_to_offices_with_the_right(actor):
    request = RequestFactory().get("/")
    request.actor = actor("auditor", office="audit")
    assert page(request, number=7).content == b"audit 7"


def test_a_view_is_closed_to_offices_without_the_right_and_to_nobody(actor):
    for who in (actor("watch_officer"), None):
        request = RequestFactory().get("/")
        request.actor = who
        with pytest.raises(NotAllowedError, match="may not do this"):
            page(request, number=7)
