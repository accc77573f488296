"""Signing in and out through the real pages: password, second factor, and what is kept of it."""

import base64
import hashlib
import hmac
import struct
import time

import pytest
from django.apps import apps
from django.contrib.sessions.models import Session
from django.urls import NoReverseMatch, reverse

from liptako.members import actions
from liptako.members.models import AuditEvent, Person

pytestmark = pytest.mark.django_db
SIGN_IN = "/account/sign-in/"
OWN = "un cheval correct, une agrafe"


@pytest.fixture(autouse=True)
def _no_race_with_the_clock(settings):
    """Take a code of the last half minute too: a test may run across its end."""
    settings.MFA_TOTP_TOLERANCE = 1


def sign_in(client, login, password, **more):
    return client.post(SIGN_IN, {"login": login, "password": password, **more})


def begin_second_factor(client, password):
    """Confirm the password, as allauth wants, and open the page; return the secret shown there."""
    page = client.get("/account/factors/totp/activate/").headers["Location"]
    answer = client.post(page, {"password": password})
    assert answer.headers["Location"] == "/account/factors/totp/activate/"
    client.get("/account/factors/totp/activate/")
    return client.session["mfa.totp.secret"]


def code_of(secret):
    """Return the code that an authenticator shows now (RFC 6238)."""
    counter = struct.pack(">Q", int(time.time()) // 30)
    digest = hmac.digest(base64.b32decode(secret), counter, hashlib.sha1)
    start = digest[-1] & 15
    number = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFFFFFF
    return f"{number % 10**6:06}"


def events():
    """Return what the audit trail tells of sign-ins: event, about whom, detail."""
    rows = AuditEvent.objects.order_by("at").exclude(event__startswith="person")
    return [(row.event, row.subject, row.detail) for row in rows]


def everything_kept():
    """Return all that the database holds as one text, sessions and ledger included."""
    managers = [model._default_manager for model in apps.get_models()]
    rows = [row for manager in managers for row in manager.values_list()]
    sessions = [session.get_decoded() for session in Session.objects.all()]
    plain = [bytes(v) if isinstance(v, memoryview) else v for row in rows for v in row]
    text = [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in plain]
    return "\n".join([*text, str(sessions)])


def test_the_right_password_opens_the_home_page(client, person, password):
    awa = person("awa")
    answer = sign_in(client, "awa", password)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert client.session["_auth_user_id"] == str(awa.pk)
    assert events() == [("sign_in", awa.code, "")]


def test_the_name_of_an_account_is_found_however_it_is_spelt(client, person, password):
    person("awa")
    assert sign_in(client, "AWA", password).status_code == 302


def test_after_the_sign_in_a_person_comes_to_the_page_that_they_wanted(client, person, password):
    person("awa")
    asked = client.get("/mandates/")
    assert asked.headers["Location"] == "/account/sign-in/?next=/mandates/"
    assert sign_in(client, "awa", password, next="/mandates/").headers["Location"] == "/mandates/"


def test_after_the_sign_in_nobody_is_led_to_another_host(client, person, password):
    person("awa")
    answer = sign_in(client, "awa", password, next="https://evil.example/")
    assert answer.headers["Location"] == "/"


@pytest.mark.parametrize("login", ["awa", "AWA"])
def test_a_wrong_password_is_noted_about_the_account(client, person, login):
    awa = person("awa")
    answer = sign_in(client, login, "not the password")
    assert (answer.status_code, "_auth_user_id" in client.session) == (200, False)
    assert events() == [("sign_in.failed", awa.code, "")]


def test_what_was_typed_for_an_account_that_does_not_exist_is_kept_nowhere(client, person, caplog):
    person("awa")
    sign_in(client, "hunter2-typed-here", "another-secret")
    assert events() == [("sign_in.failed", "", "")]
    kept = everything_kept() + caplog.text
    assert "sign_in.failed" in kept
    assert [text for text in ("hunter2", "another-secret") if text in kept] == []


def test_too_many_wrong_passwords_shut_even_the_right_one_out(client, person, password):
    person("awa")
    for _ in range(5):
        sign_in(client, "awa", "wrong")
    assert sign_in(client, "awa", password).status_code == 200
    assert "_auth_user_id" not in client.session


@pytest.fixture
def closed_awa(node, person, actor):
    """Somebody whose account was closed."""
    awa = person("awa")
    actions.set_active(node, actor("node_administrator"), awa, active=False)
    return awa


@pytest.fixture
def in_english(client, settings):
    """Show pages in the language of the sources, so that no test depends on a catalogue."""
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"


def test_a_closed_account_is_told_so_and_not_let_in(client, in_english, closed_awa, password):
    answer = sign_in(client, "awa", password)
    assert (answer.status_code, "_auth_user_id" in client.session) == (403, False)
    assert "this account is closed" in answer.content.decode()
    assert password not in answer.content.decode()
    assert events() == [("sign_in.failed", closed_awa.code, "")]


def test_closing_an_account_ends_its_sessions(client, node, person, password, actor):
    awa = person("awa")
    sign_in(client, "awa", password)
    actions.set_active(node, actor("node_administrator"), awa, active=False)
    assert client.get("/").headers["Location"] == "/account/sign-in/?next=/"


def test_a_new_password_from_the_administrator_ends_the_sessions(client, node, person, password):
    awa = person("awa")
    sign_in(client, "awa", password)
    actions.reset_password(node, None, awa)
    assert client.get("/").headers["Location"] == "/account/sign-in/?next=/"


def test_signing_out_ends_the_session_and_is_noted(client, person, password):
    awa = person("awa")
    sign_in(client, "awa", password)
    assert client.post("/account/sign-out/").headers["Location"] == SIGN_IN
    assert "_auth_user_id" not in client.session
    assert events() == [("sign_in", awa.code, ""), ("sign_out", awa.code, "")]


def test_whoever_only_looks_at_the_address_stays_signed_in(client, person, password):
    person("awa")
    sign_in(client, "awa", password)
    assert client.get("/account/sign-out/").status_code == 200
    assert client.get("/").status_code == 200


@pytest.mark.parametrize("name", ["account_signup", "account_reset_password", "account_email"])
def test_nobody_signs_up_or_resets_a_password_by_mail(name):
    with pytest.raises(NoReverseMatch):
        reverse(name)


def test_a_drawn_password_is_changed_before_anything_else(client, node, person):
    awa = person("awa")
    drawn = actions.reset_password(node, None, awa)
    sign_in(client, "awa", drawn)
    assert client.get("/").headers["Location"] == "/account/password/"
    typed = {"oldpassword": drawn, "password1": OWN, "password2": OWN}
    assert client.post("/account/password/", typed).headers["Location"] == "/"
    assert client.get("/").status_code == 200
    row = Person.objects.get()
    assert (row.must_change_password, row.check_password(OWN)) == (False, True)
    assert AuditEvent.objects.filter(event="person.password_change", subject=awa.code).exists()


@pytest.mark.parametrize("weak", ["short", "qwerty123456", "awa-traoré-2026"])
def test_a_weak_password_changes_nothing(client, node, person, weak):
    drawn = actions.reset_password(node, None, person("awa-traoré-2026"))
    sign_in(client, "awa-traoré-2026", drawn)
    typed = {"oldpassword": drawn, "password1": weak, "password2": weak}
    assert client.post("/account/password/", typed).status_code == 200
    row = Person.objects.get()
    assert (row.must_change_password, row.check_password(drawn)) == (True, True)


def test_a_new_password_is_not_the_old_one(client, in_english, node, person):
    drawn = actions.reset_password(node, None, person("awa"))
    sign_in(client, "awa", drawn)
    typed = {"oldpassword": drawn, "password1": drawn, "password2": drawn}
    answer = client.post("/account/password/", typed)
    assert "This is the old password: choose another one." in answer.content.decode()
    row = Person.objects.get()
    assert (row.must_change_password, row.check_password(drawn)) == (True, True)
    assert not AuditEvent.objects.filter(event="person.password_change").exists()


@pytest.fixture
def enrolled(client, person, password, django_capture_on_commit_callbacks):
    """A person signed in on `client` with a second factor; returns them and their secret."""
    awa = person("awa")
    sign_in(client, "awa", password)
    secret = begin_second_factor(client, password)
    with django_capture_on_commit_callbacks(execute=True):
        client.post("/account/factors/totp/activate/", {"code": code_of(secret)})
    return awa, secret


def test_a_second_factor_is_added_with_its_code(client, enrolled):
    awa, _ = enrolled
    added = {("authenticator.add", awa.code, kind) for kind in ("totp", "recovery_codes")}
    assert added == set(events()) - {("sign_in", awa.code, "")}


def test_a_wrong_code_adds_no_second_factor(client, person, password):
    awa = person("awa")
    sign_in(client, "awa", password)
    begin_second_factor(client, password)
    answer = client.post("/account/factors/totp/activate/", {"code": "000000x"})
    assert (answer.status_code, events()) == (200, [("sign_in", awa.code, "")])


def test_with_a_second_factor_the_password_alone_does_not_let_in(client, enrolled, password):
    client.post("/account/sign-out/")
    answer = sign_in(client, "awa", password)
    assert answer.headers["Location"] == "/account/factors/authenticate/"
    assert client.get("/").headers["Location"] == "/account/sign-in/?next=/"


def test_a_code_of_the_second_factor_lets_in(client, enrolled, password):
    awa, secret = enrolled
    client.post("/account/sign-out/")
    sign_in(client, "awa", password)
    assert client.get("/account/factors/authenticate/").status_code == 200
    answer = client.post("/account/factors/authenticate/", {"code": code_of(secret)})
    assert answer.headers["Location"] == "/"
    assert client.get("/").status_code == 200
    assert events()[-1] == ("sign_in", awa.code, "")


def test_a_wrong_code_does_not_let_in_and_is_noted(client, enrolled, password):
    awa, _ = enrolled
    client.post("/account/sign-out/")
    sign_in(client, "awa", password)
    answer = client.post("/account/factors/authenticate/", {"code": "1234567"})
    assert (answer.status_code, client.get("/").status_code) == (200, 302)
    assert events()[-1] == ("sign_in.failed", awa.code, "totp")
    assert "1234567" not in everything_kept()


def test_a_second_factor_is_removed_and_that_is_noted(client, enrolled, password):
    awa, _ = enrolled
    client.post("/account/factors/totp/deactivate/")
    assert events()[-1][:2] == ("authenticator.remove", awa.code)
    client.post("/account/sign-out/")
    assert sign_in(client, "awa", password).headers["Location"] == "/"


def test_new_recovery_codes_are_noted(client, enrolled, django_capture_on_commit_callbacks):
    awa, _ = enrolled
    before = len(events())
    with django_capture_on_commit_callbacks(execute=True):
        client.post("/account/factors/recovery-codes/generate/")
    assert events()[before:] == [("authenticator.add", awa.code, "recovery_codes")]


def test_after_an_erasure_the_database_holds_neither_name_nor_account(
    client, node, person, password, actor
):
    awa = person("account-of-awa")
    sign_in(client, "account-of-awa", password)
    assert [text in everything_kept() for text in ("account-of-awa", "Awa Traoré")] == [True, True]
    actions.erase_person(node, actor("node_administrator"), awa)
    assert [text in everything_kept() for text in ("account-of-awa", "Awa Traoré")] == [
        False,
        False,
    ]
    assert awa.code in everything_kept()


def test_an_erasure_signs_nobody_else_out(client, node, person, password, actor):
    awa = person("awa")
    person("moussa", name="Moussa")
    sign_in(client, "moussa", password)
    actions.erase_person(node, actor("node_administrator"), awa)
    assert client.get("/").status_code == 200
