"""Pages about people: the list, a new account, one person, and everything that may change."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from liptako.ledger.models import Entry
from liptako.members import queries
from liptako.members.models import Person

pytestmark = pytest.mark.django_db
CHIEF = "node_administrator"
OTHERS = "watch_officer", "releasing_officer", "auditor", "delegate"


def text_of(answer):
    """Return the words of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def count_queries(client, address):
    with CaptureQueriesContext(
        connection,
    ) as queries_made:
        assert client.get(address).status_code == 200
    return len(queries_made)


def ledger_bytes():
    """Return all bytes of all records."""
    rows = Entry.objects.select_related("payload")
    return b"".join(bytes(row.header) + bytes(row.payload.body) for row in rows)


def test_the_list_shows_each_person_with_offices_and_the_state_of_the_account(
    acting, office, person
):
    office("permanence")
    person("awa", "permanence", name="Awa Traoré")
    Person.objects.filter(pk=person("moussa", name="Moussa").pk).update(is_active=False)
    Person.objects.filter(pk=person("new", name="Nana").pk).update(must_change_password=True)
    page = text_of(acting(CHIEF).get("/people/"))
    found = re.findall(
        r"(Awa Traoré|Moussa|Nana) (\w+) (Bureau \w+|—) (open|closed|has \w+ \w+)", page
    )
    assert found == [
        ("Awa Traoré", "awa", "Bureau permanence", "open"),
        ("Moussa", "moussa", "—", "closed"),
        ("Nana", "new", "—", "has not signed"),
    ]


def test_the_list_of_people_asks_as_often_for_four_as_for_one(acting, office, person):
    office("permanence")
    browser = acting(CHIEF)
    one = count_queries(browser, "/people/")
    for i in range(3):
        person(f"p{i}", "permanence", "bureau")
    assert count_queries(browser, "/people/") == one


@pytest.mark.parametrize("role", OTHERS)
@pytest.mark.parametrize("address", ["", "{code}/", "{code}/password/", "{code}/close/"])
def test_only_the_administration_sees_people(acting, person, role, address):
    awa = person("awa")
    answer = acting(role).get("/people/" + address.format(code=awa.code))
    assert answer.status_code == 403
    assert "Awa" not in answer.content.decode()


@pytest.mark.parametrize("what", ["password", "erase", "assign", "relieve", "open", "close"])
def test_without_the_right_nothing_of_a_person_changes(acting, office, person, what):
    office("permanence")
    awa = person("awa", "permanence")
    browser = acting("auditor")
    before = Person.objects.get(pk=awa.pk).__dict__ | {"_state": None}
    answer = browser.post(f"/people/{awa.code}/{what}/", {"office": "permanence"})
    assert answer.status_code == 403
    assert Person.objects.get(pk=awa.pk).__dict__ | {"_state": None} == before
    assert queries.holders(awa) == ["permanence"]


@pytest.mark.parametrize("address", ["", "password/", "erase/", "close/"])
def test_a_person_who_does_not_exist_is_not_found(acting, address):
    answer = acting(CHIEF).post(f"/people/0000000000000/{address}")
    assert answer.status_code == 404


def test_a_change_that_does_not_exist_is_not_found_and_changes_nothing(acting, person):
    awa = person("awa")
    assert acting(CHIEF).post(f"/people/{awa.code}/promote/").status_code == 404
    assert Person.objects.get(pk=awa.pk).is_active


@pytest.mark.parametrize("what", ["password", "erase", "assign", "relieve", "open", "close"])
def test_who_only_looks_at_the_address_of_a_change_is_led_to_the_person(acting, person, what):
    awa = person("awa")
    answer = acting(CHIEF).get(f"/people/{awa.code}/{what}/")
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/people/{awa.code}/")
    row = Person.objects.get(pk=awa.pk)
    assert (row.is_active, row.must_change_password) == (True, False)


def test_a_new_account_shows_its_password_once(acting, office):
    office("permanence")
    browser = acting(CHIEF)
    typed = {"name": "Awa Traoré", "username": "awa", "offices": ["permanence"]}
    page = browser.post("/people/", typed).content.decode()
    (password,) = re.findall(r'id="password">([^<]+)<', page)
    awa = Person.objects.get(username="awa")
    assert (awa.name, awa.check_password(password), queries.holders(awa)) == (
        "Awa Traoré",
        True,
        ["permanence"],
    )
    assert password not in browser.get(f"/people/{awa.code}/").content.decode()


def test_a_name_never_enters_the_ledger(acting):
    browser = acting(CHIEF)
    browser.post("/people/", {"name": "Awa Traoré", "username": "account-of-awa"})
    awa = Person.objects.get(username="account-of-awa")
    browser.post(f"/people/{awa.code}/erase/")
    written = ledger_bytes()
    assert awa.code.encode() in written
    names = [b"Awa", "Traoré".encode(), b"account-of-awa", b"Chef"]
    assert [name for name in names if name in written] == []


@pytest.mark.parametrize(
    "typed",
    [
        {"name": "", "username": "awa"},
        {"name": "Awa", "username": ""},
        {"name": "Awa", "username": "not an account"},
        {"name": "Awa", "username": "awa", "offices": ["nowhere"]},
        {"name": "x" * 121, "username": "awa"},
        {"name": "Awa", "username": "a" * 65},
    ],
)
def test_a_new_account_with_a_fault_is_shown_again_and_not_made(acting, typed):
    answer = acting(CHIEF).post("/people/", typed)
    assert (answer.status_code, Person.objects.count()) == (422, 1)
    assert 'class="errorlist"' in answer.content.decode()


def test_an_account_that_exists_is_refused_and_what_was_typed_is_kept(acting, person):
    person("awa")
    answer = acting(CHIEF).post("/people/", {"name": "Une autre Awa", "username": "AWA"})
    assert (answer.status_code, Person.objects.count()) == (422, 2)
    page = answer.content.decode()
    assert ("the account AWA exists already" in page, 'value="Une autre Awa"' in page) == (
        True,
        True,
    )


def test_the_page_of_a_person_offers_the_offices_that_they_do_not_hold(acting, office, person):
    for code in ("permanence", "audit", "closed"):
        office(code, closed=code == "closed")
    awa = person("awa", "permanence")
    page = acting(CHIEF).get(f"/people/{awa.code}/")
    offered = re.findall(r'<option value="(\w+)"', page.content.decode())
    assert (page.status_code, offered) == (200, ["audit", "bureau"])
    assert awa.code in text_of(page)


def test_a_person_with_every_office_is_offered_none(acting, office, person):
    browser = acting(CHIEF)
    awa = person("awa", "bureau")
    page = browser.get(f"/people/{awa.code}/").content.decode()
    assert ("/relieve/" in page, "/assign/" in page) == (True, False)


def test_an_office_is_given_and_ended_on_the_page(acting, office, person):
    office("permanence")
    awa, browser, seen = person("awa"), acting(CHIEF), []
    for what in ("assign", "relieve"):
        answer = browser.post(f"/people/{awa.code}/{what}/", {"office": "permanence"}, follow=True)
        assert answer.redirect_chain == [(f"/people/{awa.code}/", 302)]
        assert "Saved" in text_of(answer)
        seen.append(queries.holders(awa))
    assert seen == [["permanence"], []]


@pytest.mark.parametrize(
    ("what", "typed"), [("assign", {"office": "nowhere"}), ("assign", {}), ("relieve", {})]
)
def test_an_office_that_does_not_exist_is_refused(acting, person, what, typed):
    awa = person("awa")
    assert acting(CHIEF).post(f"/people/{awa.code}/{what}/", typed).status_code == 409


def test_an_account_is_closed_and_opened_on_the_page(acting, person):
    awa, browser, seen = person("awa"), acting(CHIEF), []
    for what in ("close", "open"):
        page = browser.post(f"/people/{awa.code}/{what}/", follow=True).content.decode()
        shown = "/open/" in page, "/close/" in page
        seen.append((Person.objects.get(pk=awa.pk).is_active, *shown))
    assert seen == [(False, True, False), (True, False, True)]


def test_a_new_password_is_shown_once_and_must_be_changed(acting, person):
    awa = person("awa")
    page = acting(CHIEF).post(f"/people/{awa.code}/password/").content.decode()
    (password,) = re.findall(r'id="password">([^<]+)<', page)
    row = Person.objects.get(pk=awa.pk)
    assert (row.check_password(password), row.must_change_password) == (True, True)


def test_a_reset_says_before_and_after_what_it_ends(acting, person):
    awa, browser = person("awa"), acting(CHIEF)
    before = text_of(browser.get(f"/people/{awa.code}/"))
    after = text_of(browser.post(f"/people/{awa.code}/password/"))
    assert "removes the authenticator app, the passkeys and the recovery codes" in before
    assert "passkeys and recovery codes no longer open this account" in after
    assert browser.get("/people/").status_code == 200  # only the other person was signed out


def test_a_new_account_says_nothing_of_an_old_password(acting):
    page = text_of(acting(CHIEF).post("/people/", {"name": "Awa Traoré", "username": "awa"}))
    assert "no longer open this account" not in page


def test_an_erased_person_is_gone_from_the_pages(acting, person):
    awa, browser = person("awa"), acting(CHIEF)
    answer = browser.post(f"/people/{awa.code}/erase/", follow=True)
    assert answer.redirect_chain == [("/people/", 302)]
    assert "Awa" not in answer.content.decode()
    assert browser.get(f"/people/{awa.code}/").status_code == 404


@pytest.mark.parametrize("what", ["erase", "close"])
def test_nobody_shuts_themselves_out(acting, what):
    browser = acting(CHIEF)
    chief = Person.objects.get()
    assert browser.post(f"/people/{chief.code}/{what}/").status_code == 409
    assert Person.objects.get().is_active
    assert f"/people/{chief.code}/{what}/" not in text_of(browser.get(f"/people/{chief.code}/"))


def test_the_last_administrator_does_not_give_up_the_office(acting):
    browser = acting(CHIEF)
    chief = Person.objects.get()
    answer = browser.post(f"/people/{chief.code}/relieve/", {"office": "bureau"})
    assert (answer.status_code, queries.holders(chief)) == (409, ["bureau"])
    assert "first give another person an open office" in text_of(answer)


def test_who_has_not_signed_in_comes_to_the_sign_in(client):
    answer = client.get("/people/")
    assert answer.headers["Location"] == "/account/sign-in/?next=/people/"
