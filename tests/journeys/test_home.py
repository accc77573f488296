"""The home page and what stands around every page: navigation, cards, offices, addresses."""

import io
import re
from collections import Counter

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse
from django.utils import translation
from django.utils.module_loading import import_string

from liptako import home
from liptako.members import actions
from liptako.members.offices import STANDARD
from liptako.members.records import Mandate, Office, Role
from liptako.situation import actions as desk
from liptako.situation.records import Incident, Origin, Period, Place

pytestmark = pytest.mark.django_db
READER = {"incidents", "map", "partners", "mandates"}
NAVIGATION = {
    Role.WATCH_OFFICER: READER | {"watch", "journal", "stick"},
    Role.RELEASING_OFFICER: READER | {"watch", "journal"},
    Role.PLANNER: READER,
    Role.LOGISTICIAN: READER,
    Role.DELEGATE: READER,
    Role.DRAFTER: {"partners", "mandates"},
    Role.TRAINING_OFFICER: {"partners"},
    Role.EXERCISE_DIRECTOR: {"partners"},
    Role.EXERCISE_CONTROLLER: {"partners"},
    Role.NODE_ADMINISTRATOR: {"partners", "stick", "published", "people", "offices", "mandates"},
    Role.AUDITOR: READER | {"watch", "journal", "audit"},
}
SUMMARY = "Crue à Labbezanga"
OPEN = {
    "account_login",  # the sign-in itself
    "account_logout",  # leads there too
    "preferences",
    "sources",
    "receive",  # partners' nodes, known by their signatures
    "deeds",  # for partners' nodes: sealed, so that nobody else can read the answer
    "mfa_authenticate",  # the second step of the sign-in
    "mfa_login_webauthn",
    "roster_feed",  # for calendars, which know a secret; another one is not found
}


@pytest.fixture(autouse=True)
def plain_pages(settings):
    """Serve static files by their own names."""
    settings.STATIC_ROOT.mkdir(exist_ok=True)
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


@pytest.fixture
def sign_in(client, node, compact, settings):
    """Return a maker of a browser in which somebody with these offices signed in, in English."""
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"

    def make(*offices):
        for office in STANDARD:
            actions.set_office(node, None, office)
        person, _ = actions.add_person(
            node, None, username="awa", name="Awa Traoré", offices=offices
        )
        person.must_change_password = False
        person.save()
        client.force_login(person)
        return client

    return make


@pytest.fixture
def act(sign_in, node):
    """Return a maker of a browser in which somebody acts in an office with one role."""

    def make(role):
        titles = {"fr": f"Bureau {role}"}
        actions.set_office(node, None, Office(code="bureau", titles=titles, roles=(role,)))
        return sign_in("bureau")

    return make


@pytest.fixture
def report(node, compact, actor):
    """Return a desk that reports an incident: `report("Crue")`."""

    def make(summary=SUMMARY):
        incident = Incident(
            reference="",
            kind="flood",
            summary=summary,
            period=Period(begins=1_789_990_000_000),
            place=Place(lat=14_957_000, lon=700_000, words="Labbezanga"),
            text="Le gué est coupé.",
            source=Origin(words="Chef du village"),
            handled_by="permanence",
        )
        return desk.report(node, actor("watch_officer"), incident)

    return make


def titles_of(page):
    """Return the cards that a page shows, and how much waits in each."""
    return {str(card.title): card.count for card in page.context["cards"]}


@pytest.mark.parametrize("role", Role)
def test_each_role_is_led_to_the_pages_that_are_open_to_it_and_to_no_other(act, role):
    browser = act(role)
    shown = {name for name, _, _ in browser.get("/").context["navigation"]}
    assert shown == NAVIGATION[role] | {"home"}
    everywhere = [name for name, _, _ in home.NAVIGATION]
    opened = {name for name in everywhere if browser.get(reverse(name)).status_code == 200}
    assert opened == shown


def test_the_page_that_one_is_on_is_marked_in_the_navigation(act):
    page = act(Role.AUDITOR).get("/audit/")
    assert [name for name, _, here in page.context["navigation"] if here] == ["audit"]
    assert page.content.decode().count('aria-current="page"') == 1


def test_the_navigation_is_in_the_language_of_the_person(act, settings):
    browser = act(Role.AUDITOR)
    browser.cookies[settings.LANGUAGE_COOKIE_NAME] = "fr"
    page = browser.get("/").content.decode()
    with translation.override("fr"):
        labels = [str(label) for name, label, _ in home.NAVIGATION if name in {"home", "audit"}]
    assert [label for label in labels if f">{label}</a>" not in page] == []


def test_who_has_not_signed_in_is_shown_no_way_further(client, compact):
    context = client.get(reverse("account_login")).context
    found = (context["navigation"], context["actor"], context["rights"])
    assert found == ([], None, frozenset())


def test_who_holds_no_office_is_told_so_and_sees_nothing(sign_in, report):
    report()
    page = sign_in().get("/")
    assert (page.context["navigation"], page.context["cards"]) == ([], [])
    text = page.content.decode()
    assert ("You hold no office yet" in text, SUMMARY in text) == (True, False)


def test_where_nothing_waits_the_page_says_so(sign_in):
    page = sign_in("permanence").get("/")
    assert titles_of(page) == {}
    assert "Nothing waits for you." in page.content.decode()


@pytest.mark.parametrize(
    ("office", "cards"),
    [
        ("permanence", {"To be verified": 2}),
        ("diffusion", {"Not released yet": 2}),
        ("planification", {}),
        ("administration", {}),
        ("audit", {}),
    ],
)
def test_each_office_is_shown_what_waits_for_it(sign_in, report, office, cards):
    report()
    report()
    page = sign_in(office).get("/")
    assert (titles_of(page), SUMMARY in page.content.decode()) == (cards, bool(cards))


def test_a_card_counts_all_and_shows_five_of_them(sign_in, report):
    for number in range(7):
        report(f"Crue {number}")
    page = sign_in("diffusion").get("/")
    (card,) = page.context["cards"]
    assert (card.count, len(card.lines)) == (7, 5)
    text = page.content.decode()
    assert Counter(f"Crue {number}" in text for number in range(7)) == {True: 5, False: 2}


def test_the_home_page_shows_what_waits_for_the_office_that_one_acts_in(sign_in, report):
    report()
    browser = sign_in("permanence", "diffusion", "administration")
    seen = []
    for office in ("permanence", "diffusion", "administration", "permanence"):
        page = browser.post(reverse("act_as"), {"office": office}, follow=True)
        seen.append((page.context["actor"].office, list(titles_of(page))))
    assert seen == [
        ("permanence", ["To be verified"]),
        ("diffusion", ["Not released yet"]),
        ("administration", []),
        ("permanence", ["To be verified"]),
    ]


def test_the_offices_to_switch_to_are_those_that_one_holds(sign_in):
    page = sign_in("permanence", "diffusion").get("/").content.decode()
    offered = [office.code for office in STANDARD if f'<option value="{office.code}"' in page]
    assert sorted(offered) == ["diffusion", "permanence"]


@pytest.mark.parametrize(
    ("office", "cards"), [("permanence", {"Exchange with partners": 1}), ("planification", {})]
)
def test_what_a_partner_has_not_got_yet_waits_for_who_exchanges(
    sign_in, node, actor, office, cards
):
    browser = sign_in(office)
    mandate = Mandate(office="delegue", subjects=("Eau",), begins=1_790_000_000_000, ends=None)
    told = frozenset({"ML", "BF"})
    actions.give_mandate(node, actor("node_administrator"), mandate, told)
    assert titles_of(browser.get("/")) == cards


def addresses(patterns=None, above=""):
    """Give each address of the program with its name; every parameter is filled in."""
    for entry in patterns or get_resolver().url_patterns:
        path = above + str(entry.pattern)
        if isinstance(entry, URLPattern):
            words = dict.fromkeys(re.findall(r"<(?:\w+:)?(\w+)>", path), "1")
            yield entry.name, reverse(entry.name, kwargs=words)
        else:
            yield from addresses(entry.url_patterns, path)


@pytest.mark.parametrize("method", ["get", "post"])
def test_every_address_but_a_few_asks_first_who_one_is(db, node, method):
    found = {}
    for name, path in addresses():
        answer = getattr(Client(raise_request_exception=False), method)(path)
        led = answer.headers.get("Location", "").startswith(reverse("account_login") + "?next=")
        found[name] = (answer.status_code, led) == (302, True)
    assert len(found) > 30
    assert {name for name, asks in found.items() if not asks} == OPEN


@pytest.mark.django_db(transaction=True)  # a request begins with a connection of its own
def test_the_program_answers_a_web_server(compact):
    said = []
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": reverse("account_login"),
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "wsgi.input": io.BytesIO(),
        "wsgi.url_scheme": "http",
    }
    application = import_string("liptako.wsgi.application")
    answer = application(environ, lambda status, headers: said.append((status, dict(headers))))
    ((status, headers),) = said
    assert (status, headers["Content-Language"]) == ("200 OK", "fr")
    assert b'<html lang="fr">' in b"".join(answer)
