"""Incidents as GeoJSON: exactly what the pages show, for whom the pages show it, no more."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from liptako.situation import actions, api
from liptako.situation.models import Incident
from liptako.situation.records import Level, Period, Place, Standing, Transform

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("compact")]
URL = "/incidents.geojson"
ALL = frozenset({"ML", "BF", "NE"})
ONE = "0000000000001"


def summaries(answer):
    return [feature["properties"]["summary"] for feature in answer.json()["features"]]


def test_an_incident_is_a_point_with_what_a_map_needs(sign_in, partner_of, incident_of):
    place = Place(lat=15_046_000, lon=-238_000, radius_m=2_000, level=Level.RADIUS, words="Tessit")
    payload = incident_of(reference="BF-7", kind="flood", severity=3, place=place)
    partner_of("BF").write(ONE, payload).send()
    answer = sign_in("permanence").get(URL)
    assert answer.headers["Content-Type"] == "application/geo+json"
    assert answer.json() == {
        "type": "FeatureCollection",
        "truncated": False,
        "features": [
            {
                "type": "Feature",
                "id": f"BF/{ONE}",
                "geometry": {"type": "Point", "coordinates": [-0.238, 15.046]},
                "properties": {
                    "reference": "BF-7",
                    "author": "BF",
                    "summary": "Attaque d’un convoi",
                    "kind": "flood",
                    "kindName": "Flood",
                    "severity": 3,
                    "status": "reported",
                    "standing": "live",
                    "begins": "2026-09-21T11:26:40Z",
                    "radius": 2_000,
                    "level": "radius",
                },
            }
        ],
    }


def test_without_incidents_there_are_no_features(sign_in):
    expected = {"type": "FeatureCollection", "features": [], "truncated": False}
    assert sign_in("permanence").get(URL).json() == expected


def test_the_latest_comes_first_and_what_has_no_place_does_not_come(report, sign_in):
    report("Ancien", period=Period(begins=1_000))
    report("Récent", period=Period(begins=2_000))
    report("Sans lieu", place=Place(words="Gao"))
    assert summaries(sign_in("permanence").get(URL)) == ["Récent", "Ancien"]


def test_a_place_on_the_equator_and_the_meridian_is_a_place(report, sign_in):
    report("Île", place=Place(lat=0, lon=0))
    (feature,) = sign_in("permanence").get(URL).json()["features"]
    assert feature["geometry"]["coordinates"] == [0, 0]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("kind=flood", ["Crue"]),
        ("text=cru", ["Crue"]),
        ("standing=fictional", ["Feu"]),
        ("author=ML&severity=3", ["Feu"]),
        ("severity=4", []),
        ("kind=war&page=2", ["Crue", "Feu"]),
    ],
)
def test_the_address_narrows_it_as_it_narrows_the_list(report, sign_in, query, found):
    report("Feu", severity=3, standing=Standing.FICTIONAL, period=Period(begins=1_000))
    report("Crue", kind="flood", period=Period(begins=2_000))
    browser = sign_in("permanence")
    listed = browser.get(f"/incidents/?{query}").context["page"]
    assert summaries(browser.get(f"{URL}?{query}")) == [row.summary for row in listed] == found


def test_of_several_versions_one_comes(node, actor, report, sign_in):
    order = actions.ReleaseOrder(
        members=ALL, transform=Transform.CELL, summary="Pour eux", basis="Article 6"
    )
    actions.release(node, actor("releasing_officer"), report("Nôtre"), order)
    assert (Incident.objects.count(), summaries(sign_in("permanence").get(URL))) == (2, ["Nôtre"])


@pytest.mark.slow
def test_an_answer_that_leaves_incidents_out_says_so(report, sign_in):
    name = report("Nôtre")
    fields = Incident.objects.filter(object=name).values().get()
    rows = [Incident(**(fields | {"key": str(i)})) for i in range(api.LIMIT)]
    browser, found = sign_in("permanence"), []
    for more in (rows[1:], rows[:1]):
        Incident.objects.bulk_create(more, batch_size=1_000)
        answer = browser.get(URL).json()
        found.append((len(answer["features"]), answer["truncated"]))
    assert found == [(api.LIMIT, False), (api.LIMIT, True)]


def test_it_asks_as_often_for_three_incidents_as_for_one(report, sign_in):
    browser, counts = sign_in("permanence"), []
    for names in (["A"], ["B", "C"]):
        for name in names:
            report(name)
        with CaptureQueriesContext(connection) as made:
            assert browser.get(URL).status_code == 200
        counts.append(len(made))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("office", ["administration", "redaction", "formation", "exercices"])
def test_an_office_without_the_right_gets_no_incident(report, sign_in, office):
    report("Attaque à cacher")
    answer = sign_in(office).get(URL)
    assert (answer.status_code, "cacher" in answer.content.decode()) == (403, False)


@pytest.mark.parametrize("office", ["permanence", "diffusion", "planification", "audit"])
def test_an_office_with_the_right_gets_them(report, sign_in, office):
    report("Attaque")
    assert summaries(sign_in(office).get(URL)) == ["Attaque"]


def test_who_has_not_signed_in_gets_no_incident(report, client):
    report("Attaque à cacher")
    assert client.get(URL).headers["Location"] == f"/account/sign-in/?next={URL}"
