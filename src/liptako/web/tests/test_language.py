"""Language and theme: in sight on every page, kept in a cookie, and never a way to another host."""

import re

import pytest
from django.test import Client
from django.utils import translation

from liptako.web.language import THEME_COOKIE

pytestmark = pytest.mark.django_db
SIGN_IN = "/account/sign-in/"
SWITCH = "/preferences/"


def pressed(answer):
    """Return the buttons of both switches on a page and whether they are pressed."""
    found = re.findall(
        r'name="(language|theme)" value="(\w+)"[^>]*aria-pressed="(\w+)"', answer.content.decode()
    )
    return {(name, value): state == "true" for name, value, state in found}


def buttons(language, theme):
    languages = {("language", code): code == language for code in ("fr", "en")}
    return languages | {("theme", code): code == theme for code in ("auto", "light", "dark")}


def shown(answer):
    """Return the language and the theme that a page is shown in."""
    (tag,) = re.findall(r"<html[^>]*>", answer.content.decode())
    attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
    return attributes.get("lang"), attributes.get("data-theme")


@pytest.mark.parametrize("wish", ["en", "en-GB,en;q=0.9", "de", "fr;q=0.1, en"])
def test_french_comes_first_whatever_the_browser_wishes(client, wish):
    answer = client.get(SIGN_IN, headers={"accept-language": wish})
    assert (shown(answer), answer.headers["Content-Language"]) == (("fr", None), "fr")


@pytest.mark.parametrize("address", [SIGN_IN, "/sources/", "/nowhere/"])
def test_both_switches_are_in_sight_before_anybody_signed_in(client, address):
    assert pressed(client.get(address)) == buttons("fr", "auto")


def test_both_switches_are_in_sight_after_the_sign_in(client, awa):
    assert pressed(client.get("/")) == buttons("fr", "auto")


def test_the_choices_stay_until_other_ones_are_made(client):
    client.post(SWITCH, {"language": "en"})
    client.post(SWITCH, {"theme": "dark"})
    page = client.get(SIGN_IN)
    assert (shown(page), pressed(page)) == (("en", "dark"), buttons("en", "dark"))
    client.post(SWITCH, {"language": "fr"})
    client.post(SWITCH, {"theme": "auto"})
    assert shown(client.get(SIGN_IN)) == ("fr", None)


@pytest.mark.parametrize("secure", [False, True])
def test_a_choice_is_kept_for_a_year_and_out_of_the_reach_of_scripts(client, settings, secure):
    answer = client.post(SWITCH, {"language": "en", "theme": "dark"}, secure=secure)
    kept = {
        name: (cookie.value, cookie["max-age"], cookie["samesite"], cookie["httponly"])
        for name, cookie in answer.cookies.items()
    }
    year = 365 * 24 * 3600
    assert kept == {
        settings.LANGUAGE_COOKIE_NAME: ("en", year, "Lax", True),
        THEME_COOKIE: ("dark", year, "Lax", True),
    }
    assert {bool(cookie["secure"]) for cookie in answer.cookies.values()} == {secure}


@pytest.mark.parametrize("typed", [{}, {"language": "de", "theme": "pink"}, {"language": "EN"}])
def test_a_choice_that_is_not_on_offer_is_not_kept(client, typed):
    answer = client.post(SWITCH, typed)
    assert (answer.status_code, dict(answer.cookies)) == (302, {})


@pytest.mark.parametrize("value", ["de", "", "fr-CA", "<b>", "x" * 3000])
def test_a_cookie_that_nobody_offered_changes_nothing(client, settings, value):
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = value
    client.cookies[THEME_COOKIE] = value
    assert shown(client.get(SIGN_IN)) == ("fr", None)


def test_the_node_may_have_another_language_of_its_own(client, settings):
    settings.LANGUAGE_CODE = "en"
    assert shown(client.get(SIGN_IN)) == ("en", None)


def test_one_answer_leaves_no_language_to_the_next_one(client):
    with translation.override("fr"):
        client.post(SWITCH, {"language": "en"})
        client.get(SIGN_IN)
        assert (translation.get_language(), shown(Client().get(SIGN_IN))) == ("fr", ("fr", None))


@pytest.mark.parametrize("page", ["/sources/", "/incidents/?text=Gao&page=2", "/map/#Mopti"])
def test_who_chose_comes_back_to_the_page(client, page):
    answer = client.post(SWITCH, {"language": "en", "next": page})
    assert (answer.status_code, answer.headers["Location"]) == (302, page)


def test_the_page_that_one_comes_back_to_keeps_what_was_searched(client, awa):
    page = client.get("/audit/?event=sign_in&page=1").content.decode()
    fields = re.findall(r'name="next" value="([^"]*)"', page)
    assert set(fields) == {"/audit/?event=sign_in&amp;page=1"}


@pytest.mark.parametrize(
    "address",
    [
        "https://elsewhere.example/",
        "//elsewhere.example/",
        "///elsewhere.example/",
        "/\\elsewhere.example/",
        "http:elsewhere.example",
        "http://testserver@elsewhere.example/",
        "javascript:alert(1)",
        "data:text/html,x",
        " //elsewhere.example/",
        "",
    ],
)
def test_nobody_is_led_to_another_host(client, address):
    answer = client.post(SWITCH, {"theme": "dark", "next": address})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")


@pytest.mark.parametrize("address", ["nowhere", "café", "situation:nothing"])
def test_an_address_that_is_none_is_no_fault_of_the_program(client, address):
    client.raise_request_exception = False
    answer = client.post(SWITCH, {"theme": "dark", "next": address})
    assert (answer.status_code, answer.cookies[THEME_COOKIE].value) == (302, "dark")


def test_a_link_changes_nothing(client):
    answer = client.get(SWITCH + "?language=en&theme=dark")
    assert (answer.status_code, dict(answer.cookies)) == (405, {})


def test_another_site_changes_nothing():
    visitor = Client(enforce_csrf_checks=True)
    answer = visitor.post(SWITCH, {"language": "en", "theme": "dark"})
    assert (answer.status_code, THEME_COOKIE in answer.cookies) == (403, False)
