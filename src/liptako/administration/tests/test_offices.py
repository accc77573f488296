"""Pages about offices: the list, a new one, a change, closing."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from liptako.ledger.models import Entry
from liptako.members.models import Office

pytestmark = pytest.mark.django_db
CHIEF = "node_administrator"
TYPED = {"code": "quart", "title_fr": "Quart", "title_en": "Watch", "roles": ["watch_officer"]}


def stored(code):
    row = Office.objects.get(code=code)
    return row.titles, row.roles, row.closed


def count_queries(client, address):
    with CaptureQueriesContext(connection) as queries_made:
        assert client.get(address).status_code == 200
    return len(queries_made)


def test_the_list_shows_titles_codes_and_roles_closed_ones_last(acting, office):
    office("zulu", "auditor")
    office("alpha", "planner", closed=True)
    page = acting(CHIEF).get("/offices/").content.decode()
    rows = re.findall(
        r"<code>(\w+)</code></td><td[^>]*>(?:<span class=\"tag\">([^<]+)</span>)", page
    )
    assert rows == [
        ("bureau", "Node administrator"),
        ("zulu", "Auditor"),
        ("alpha", "Planner"),
    ]


def test_the_list_of_offices_asks_as_often_for_four_as_for_one(acting, office):
    browser = acting(CHIEF)
    one = count_queries(browser, "/offices/")
    for code in ("aa", "bb", "cc"):
        office(code, "auditor", "planner")
    assert count_queries(browser, "/offices/") == one


@pytest.mark.parametrize("role", ["watch_officer", "auditor"])
def test_only_the_administration_sees_and_changes_offices(acting, office, role):
    office("quart")
    browser = acting(role)
    before = Entry.objects.count()
    seen = [
        browser.get("/offices/"),
        browser.get("/offices/quart/"),
        browser.post("/offices/", TYPED),
    ]
    assert [answer.status_code for answer in seen] == [403, 403, 403]
    assert Entry.objects.count() == before


def test_an_office_that_does_not_exist_is_not_found(acting):
    assert acting(CHIEF).get("/offices/nowhere/").status_code == 404


def test_a_new_office_is_written(acting):
    answer = acting(CHIEF).post("/offices/", TYPED, follow=True)
    assert answer.redirect_chain == [("/offices/", 302)]
    assert stored("quart") == ({"fr": "Quart", "en": "Watch"}, ["watch_officer"], False)


def test_a_title_in_one_language_is_enough(acting):
    acting(CHIEF).post("/offices/", {"code": "quart", "title_fr": "Quart"})
    assert stored("quart") == ({"fr": "Quart"}, [], False)


@pytest.mark.parametrize(
    "changes",
    [{"code": "Q"}, {"code": ""}, {"title_fr": " "}, {"roles": ["king"]}, {"title_en": "x" * 121}],
)
def test_a_new_office_with_a_fault_is_shown_again_and_not_written(acting, changes):
    answer = acting(CHIEF).post("/offices/", TYPED | changes)
    assert (answer.status_code, Office.objects.count()) == (422, 1)
    assert 'class="errorlist"' in answer.content.decode()


def test_a_new_office_never_changes_the_one_with_the_same_code(acting, office):
    office("quart", "auditor", closed=True)
    answer = acting(CHIEF).post("/offices/", TYPED)
    assert answer.status_code == 422
    assert "there is an office quart already" in answer.content.decode()
    assert 'value="Watch"' in answer.content.decode()
    assert stored("quart") == ({"fr": "Bureau quart"}, ["auditor"], True)


def test_the_page_of_an_office_begins_with_what_it_is(acting, office):
    office("quart", "auditor", titles={"en": "Watch"}, closed=True)
    page = acting(CHIEF).get("/offices/quart/").content.decode()
    assert re.findall(r'name="(\w+)" value="([^"]*)"[^>]*(?:checked|maxlength|disabled)', page) == [
        ("code", "quart"),
        ("title_en", "Watch"),
        ("roles", "auditor"),
    ]
    assert re.search(r'name="closed"[^>]*checked', page)


def test_an_office_is_changed_and_keeps_its_code(acting, office):
    office("quart", "auditor")
    answer = acting(CHIEF).post("/offices/quart/", TYPED | {"code": "other", "closed": "on"})
    assert answer.status_code == 302
    assert stored("quart") == ({"fr": "Quart", "en": "Watch"}, ["watch_officer"], True)
    assert sorted(Office.objects.values_list("code", flat=True)) == ["bureau", "quart"]


def test_a_change_keeps_the_titles_in_languages_that_the_form_does_not_ask(acting, office):
    office("quart", titles={"bm": "Kɔlɔsili", "en": "Watch", "fr": "Quart"})
    acting(CHIEF).post("/offices/quart/", {"title_fr": "Veille", "title_en": ""})
    assert stored("quart")[0] == {"fr": "Veille", "bm": "Kɔlɔsili"}


def test_the_form_asks_for_titles_in_the_languages_of_the_pages_the_first_is_required(
    acting, settings
):
    settings.LANGUAGES = [("fr", "French"), ("en", "English"), ("de", "German")]
    browser = acting(CHIEF)
    page = browser.get("/offices/").content.decode()
    asked = re.findall(r'for="id_(title_\w+)">([^<]+)<', page)
    assert asked == [
        ("title_fr", "Title (French):"),
        ("title_en", "Title (English):"),
        ("title_de", "Title (German):"),
    ]
    answer = browser.post("/offices/", {"code": "quart"})
    assert list(answer.context["form"].errors) == ["title_fr"]
    browser.post("/offices/", {"code": "quart", "title_fr": "Quart", "title_de": "Wache"})
    assert stored("quart")[0] == {"fr": "Quart", "de": "Wache"}


@pytest.mark.parametrize(
    "changes", [{"roles": ["node_administrator"], "closed": "on"}, {"roles": ["auditor"]}]
)
def test_the_office_of_the_last_administrator_cannot_be_shut(acting, changes):
    browser = acting(CHIEF)
    before = stored("bureau")
    answer = browser.post("/offices/bureau/", {"title_fr": "Bureau"} | changes)
    assert (answer.status_code, stored("bureau")) == (422, before)
    assert "nobody could manage people and offices any longer" in answer.content.decode()
    assert answer.context["form"].non_field_errors()
    assert browser.get("/offices/").status_code == 200


def test_a_fault_in_the_roles_leads_to_their_group(acting):
    page = acting(CHIEF).post("/offices/", TYPED | {"roles": ["king"]}).content.decode()
    assert '<a href="#id_roles">Roles</a>' in page
    assert page.count('id="id_roles"') == 1


def test_titles_are_shown_in_the_language_of_the_person(acting, office, settings):
    office("quart", titles={"fr": "Quart", "en": "Watch"})
    browser = acting(CHIEF)
    seen = []
    for language in ("fr", "en"):
        browser.cookies[settings.LANGUAGE_COOKIE_NAME] = language
        page = browser.get("/people/").content.decode()
        seen.append([title for title in ("Quart", "Watch") if title in page])
    assert seen == [["Quart"], ["Watch"]]


def test_an_office_with_an_empty_title_is_called_by_another_one(acting, office):
    office("quart", titles={"en": "", "fr": "Quart"})
    assert "Quart" in acting(CHIEF).get("/people/").content.decode()
