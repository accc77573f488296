"""Pages of all incidents: the list, its filter and its pages; the map with the table beside it."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from liptako.situation.lists import Filter
from liptako.situation.records import (
    Period,
    Standing,
    Status,
)
from liptako.web.basemap import Reach

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("compact")]
ALL = frozenset({"ML", "BF", "NE"})
ONE, TWO = "0000000000001", "0000000000002"
WITHOUT_INCIDENTS = "redaction", "formation", "exercices", "administration"


def shown(answer):
    """Return what a page lists."""
    assert answer.status_code == 200
    return [row.summary for row, _ in answer.context["rows"]]


def count_queries(client, address):
    with CaptureQueriesContext(connection) as made:
        assert client.get(address).status_code == 200
    return len(made)


# The list and the map


@pytest.mark.parametrize("address", ["/incidents/", "/map/"])
def test_what_is_held_is_listed_with_the_latest_first(
    report, sign_in, partner_of, incident_of, address
):
    report("Ancien", period=Period(begins=1_000))
    report("Récent", period=Period(begins=3_000))
    leur = incident_of(reference="BF-1", summary="Leur", period=Period(begins=2_000))
    partner_of("BF").write(ONE, leur).send()
    assert shown(sign_in("permanence").get(address)) == ["Récent", "Leur", "Ancien"]


@pytest.mark.parametrize("address", ["/incidents/", "/map/"])
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("text=niger", ["Crue du Niger"]),
        ("kind=flood", ["Crue du Niger"]),
        ("severity=3", ["Feu"]),
        ("status=confirmed", ["Feu"]),
        ("standing=fictional", ["Crue du Niger"]),
        ("author=ML&since=1970-01-02", ["Feu"]),
        ("until=1970-01-01", ["Crue du Niger"]),
        ("kind=flood&severity=3", []),
        ("kind=war&since=hier&page=deux", ["Feu", "Crue du Niger"]),
    ],
)
def test_the_address_narrows_the_list(report, sign_in, address, query, found):
    report("Feu", severity=3, status=Status.CONFIRMED, period=Period(begins=86_400_000))
    flood = {"kind": "flood", "period": Period(begins=1_000), "standing": Standing.FICTIONAL}
    report("Crue du Niger", **flood)
    assert shown(sign_in("permanence").get(f"{address}?{query}")) == found


def test_the_incidents_of_one_state_are_found(report, sign_in, partner_of, incident_of):
    report("Nôtre")
    partner_of("BF").write(ONE, incident_of(reference="BF-1", summary="Leur")).send()
    browser = sign_in("permanence")
    found = [shown(browser.get(f"/incidents/?author={author}")) for author in ("ML", "BF")]
    assert found == [["Nôtre"], ["Leur"]]


def test_the_filter_is_shown_as_it_was_asked_for(sign_in):
    form = sign_in("permanence").get("/incidents/?text=gu%C3%A9&kind=flood").context["form"]
    assert (form.wanted(), form["text"].value()) == (Filter(text="gué", kind="flood"), "gué")


@pytest.mark.parametrize("address", ["/incidents/", "/map/"])
def test_a_page_without_incidents_says_so(sign_in, address):
    answer = sign_in("permanence").get(address)
    assert (shown(answer), "No incident fits." in answer.content.decode()) == ([], True)


@pytest.mark.parametrize(
    ("page", "listed"),
    [("1", range(51, 1, -1)), ("2", [1]), ("99", [1]), ("0", [1]), ("x", range(51, 1, -1))],
)
def test_fifty_incidents_stand_on_a_page(sign_in, partner_of, incident_of, page, listed):
    partner = partner_of("BF")
    for i in range(1, 52):
        payload = incident_of(reference=f"BF-{i}", summary=str(i), period=Period(begins=i))
        partner.write(f"{i:013}", payload)
    partner.send()
    answer = sign_in("permanence").get(f"/incidents/?kind=attack&page={page}")
    assert shown(answer) == [str(i) for i in listed]


def test_the_way_to_the_next_page_keeps_the_filter(sign_in, partner_of, incident_of):
    partner = partner_of("BF")
    for i in range(51):
        partner.write(f"{i:013}", incident_of(reference=f"BF-{i}"))
    partner.send()
    page = sign_in("permanence").get("/incidents/?kind=attack&text=convoi").content.decode()
    assert 'href="?kind=attack&amp;text=convoi&amp;page=2"' in page


def test_the_same_address_gives_the_list_alone_to_htmx(report, sign_in):
    report("Feu")
    report("Crue")
    answer = sign_in("permanence").get("/incidents/?text=feu", headers={"HX-Request": "true"})
    page = answer.content.decode()
    assert (shown(answer), "<html" in page, "Feu" in page) == (["Feu"], False, True)


def test_a_browser_is_told_that_htmx_gets_something_else_at_this_address(sign_in):
    browser = sign_in("permanence")
    for headers in ({}, {"HX-Request": "true"}):
        assert "hx-request" in browser.get("/incidents/", headers=headers).headers["Vary"].lower()


@pytest.mark.parametrize("address", ["/incidents/", "/map/"])
def test_the_list_asks_as_often_for_three_incidents_as_for_one(report, sign_in, address):
    browser = sign_in("permanence")
    report("A")
    one = count_queries(browser, address)
    for summary in ("B", "C"):
        report(summary)
    assert count_queries(browser, address) == one


def test_the_map_counts_what_it_shows_by_standing(report, sign_in):
    for standing in (Standing.LIVE, Standing.LIVE, Standing.PUBLISHED):
        report("Nôtre", standing=standing)
    answer = sign_in("permanence").get("/map/?standing=live")
    assert answer.context["standings"] == {"live": 2, "published": 1}
    assert "past published data" in answer.content.decode()


def test_the_map_draws_what_the_filter_lets_through(sign_in):
    answer = sign_in("permanence").get("/map/?kind=flood&page=2")
    assert 'data-features="/incidents.geojson?kind=flood"' in answer.content.decode()
    assert answer.context["reach"] == Reach()


def test_the_table_beside_the_map_is_cut_at_a_hundred(sign_in, partner_of, incident_of):
    partner = partner_of("BF")
    for i in range(101):
        partner.write(f"{i:013}", incident_of(reference=f"BF-{i}"))
    partner.send()
    answer = sign_in("permanence").get("/map/")
    assert (len(shown(answer)), answer.context["page"].paginator.count) == (100, 101)
    assert "the latest 100 are listed" in answer.content.decode()


# Who may see it


@pytest.mark.parametrize("office", WITHOUT_INCIDENTS)
@pytest.mark.parametrize("address", ["/incidents/", "/map/", "/incidents/ML/{name}/"])
def test_an_office_without_the_right_sees_no_incident(report, sign_in, office, address):
    name = report("Attaque à cacher")
    answer = sign_in(office).get(address.format(name=name))
    assert (answer.status_code, "cacher" in answer.content.decode()) == (403, False)


@pytest.mark.parametrize("address", ["/incidents/", "/map/", f"/incidents/ML/{ONE}/"])
def test_who_has_not_signed_in_comes_to_the_sign_in(client, address):
    assert client.get(address).headers["Location"] == f"/account/sign-in/?next={address}"
