"""A reset by the administrator: whatever opened the account before no longer does."""

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.sessions.models import Session
from django.test import Client

from liptako.members import actions
from liptako.members.models import AuditEvent

pytestmark = pytest.mark.django_db
SIGN_IN = "/account/sign-in/"
KINDS = ("totp", "webauthn", "recovery_codes")


@pytest.fixture
def chief(actor):
    """The administrator of the node."""
    return actor("node_administrator", office="administration")


@pytest.fixture
def signed_in(password):
    """Return a maker of browsers in which somebody has given a password."""

    def make(login):
        browser = Client()
        browser.post(SIGN_IN, {"login": login, "password": password})
        return browser

    return make


def enrol(person):
    """Give a person one means of each kind to sign in besides the password."""
    for kind in KINDS:
        Authenticator.objects.create(user=person, type=kind, data={"secret": "x"})


def trail_since(moment):
    """Return event, office, person and detail of what was noted after so many events."""
    rows = AuditEvent.objects.order_by("at")[moment:]
    return [(row.event, row.office, row.subject, row.detail) for row in rows]


def test_a_reset_takes_away_every_other_means_to_sign_in(node, chief, person):
    awa, moussa = person("awa"), person("moussa", name="Moussa")
    enrol(awa)
    enrol(moussa)
    actions.reset_password(node, chief, awa)
    assert not Authenticator.objects.filter(user=awa).exists()
    assert Authenticator.objects.filter(user=moussa).count() == 3


def test_each_means_that_is_taken_away_is_noted(node, chief, person):
    awa = person("awa")
    enrol(awa)
    before = AuditEvent.objects.count()
    actions.reset_password(node, chief, awa)
    assert trail_since(before) == [
        ("person.password_reset", "administration", awa.code, ""),
        *(("authenticator.remove", "administration", awa.code, kind) for kind in KINDS),
    ]


def test_a_reset_ends_the_sessions_of_this_person_only(node, chief, person, signed_in):
    awa = person("awa")
    person("moussa", name="Moussa")
    browsers = [signed_in("awa"), signed_in("awa"), signed_in("moussa")]
    actions.reset_password(node, chief, awa)
    assert Session.objects.count() == 1
    assert [browser.get("/").status_code for browser in browsers] == [302, 302, 200]


def test_a_sign_in_that_waits_for_the_second_factor_ends_too(node, chief, person, signed_in):
    awa = person("awa")
    enrol(awa)
    signed_in("AWA")
    assert Session.objects.count() == 1
    actions.reset_password(node, chief, awa)
    assert Session.objects.count() == 0


def test_a_session_that_only_has_part_of_the_name_in_it_goes_on(node, chief, person, signed_in):
    person("awatif", name="Awatif")
    browser = signed_in("awatif")
    actions.reset_password(node, chief, person("awa"))
    assert browser.get("/").status_code == 200


def test_after_a_reset_the_drawn_password_alone_lets_in(node, chief, person):
    awa = person("awa")
    enrol(awa)
    drawn = actions.reset_password(node, chief, awa)
    answer = Client().post(SIGN_IN, {"login": "awa", "password": drawn})
    assert answer.headers["Location"] == "/"
