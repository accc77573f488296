"""The page of one incident: own ones with releases and journal, those of partners as they came."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.translation import override

from liptako.situation.records import (
    Count,
    Harm,
    Origin,
    Place,
    Status,
    Transform,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("compact")]
ALL = frozenset({"ML", "BF", "NE"})
ONE, TWO = "0000000000001", "0000000000002"


@pytest.fixture
def desk(desk):
    """Return the desk, which releases coarse places here."""
    desk.transform = Transform.CELL
    return desk


def count_queries(client, address):
    with CaptureQueriesContext(connection) as made:
        assert client.get(address).status_code == 200
    return len(made)


def test_an_own_incident_is_shown_with_all_that_belongs_to_it(desk, sign_in):
    name = desk.report("Nôtre")
    desk.release(name)
    desk.note("Vérifié au gué", name)
    desk.note("Autre chose", ONE)
    context = sign_in("permanence").get(f"/incidents/ML/{name}/").context
    assert (context["row"].summary, context["own"], context["outdated"]) == ("Nôtre", True, False)
    assert [entry.text for entry in context["entries"]] == ["Vérifié au gué"]
    assert [other.summary for other, _ in context["versions"]] == ["Pour eux"]
    ((item, to, deleted),) = context["releases"]
    assert (item.basis, to, deleted) == ("Article 6", "All members", [])


def test_codes_are_shown_in_words_and_those_of_a_later_version_as_they_are(desk, sign_in):
    name = desk.report(
        "Nôtre",
        kind="sandstorm",
        severity=4,
        status=Status.CONFIRMED,
        affected=("water", "camels"),
        needs=("medical", "fodder"),
        harm=Harm(killed=Count(best=2, high=5)),
        reliability="B",
        credibility=3,
    )
    words = sign_in("permanence").get(f"/incidents/ML/{name}/").context["words"]
    with override("en"):
        assert words == {
            "kind": "sandstorm",
            "severity": "Very serious",
            "status": "Confirmed",
            "standing": "Reported by a desk",
            "precedence": "Routine",
            "level": "exact",
            "precision": "to the minute",
            "reliability": "B – usually reliable",
            "credibility": "3 – possibly true",
            "affected": ["Water supply", "camels"],
            "needs": ["Medical care", "fodder"],
            "harm": [("Killed", {"best": 2, "high": 5})],
        }


@pytest.mark.parametrize(
    ("steps", "outdated"),
    [
        ([], False),
        (["release"], False),
        (["change", "release"], False),
        (["release", "change"], True),
        (["release", "change", "release"], False),
    ],
)
def test_an_incident_that_partners_know_in_an_older_version_says_so(desk, sign_in, steps, outdated):
    name = desk.report("Nôtre")
    doings = {
        "change": lambda: desk.change(name, severity=4),
        "release": lambda: desk.release(name),
    }
    for step in steps:
        doings[step]()
    answer = sign_in("permanence").get(f"/incidents/ML/{name}/")
    said = "partners know an older version" in answer.content.decode()
    assert (answer.context["outdated"], said) == (outdated, outdated)


def test_the_end_of_a_release_is_shown(desk, sign_in):
    name = desk.report("Nôtre")
    desk.release(name, until=1_800_000_000_000)
    page = sign_in("permanence").get(f"/incidents/ML/{name}/").content.decode()
    assert datetime(2027, 1, 15, 8, tzinfo=UTC).isoformat() in page


def test_a_partners_incident_can_be_neither_changed_nor_released_here(
    sign_in, partner_of, incident_of
):
    partner_of("BF").write(ONE, incident_of(reference="BF-1", summary="Leur", text="")).send()
    answer = sign_in("permanence").get(f"/incidents/BF/{ONE}/")
    page = answer.content.decode()
    assert (answer.context["row"].summary, answer.context["own"]) == ("Leur", False)
    assert [word in page for word in ("/change", "/release", "Burkina Faso")] == [
        False, False, True
    ]  # fmt: skip


def test_other_versions_that_a_partner_released_to_us_stand_beside_the_most_exact_one(
    sign_in, partner_of, incident_of
):
    exact = incident_of(reference="BF-1", summary="Exact")
    coarse = incident_of(
        reference="BF-1", summary="Vague", place=Place(lat=0, lon=0, radius_m=9_000)
    )
    partner_of("BF", frozenset({"ML", "BF"})).write(ONE, exact).send()
    partner_of("BF").write(ONE, coarse).send()
    context = sign_in("permanence").get(f"/incidents/BF/{ONE}/").context
    versions = [other.summary for other, _ in context["versions"]]
    assert (context["row"].summary, versions) == ("Exact", ["Vague"])


def test_an_incident_asks_as_often_with_three_of_everything_as_with_one(desk, sign_in):
    browser, name = sign_in("permanence"), desk.report("Nôtre", source=Origin(words="Chef"))
    desk.release(name)
    desk.note("Un", name)
    one = count_queries(browser, f"/incidents/ML/{name}/")
    for member in ("BF", "NE"):
        desk.release(name, member)
        desk.note(member, name)
    assert count_queries(browser, f"/incidents/ML/{name}/") == one


@pytest.mark.parametrize("address", [f"ML/{ONE}", f"BF/{TWO}", f"TG/{ONE}", f"ML/{'x' * 99}"])
def test_an_incident_that_is_not_here_is_not_found(sign_in, partner_of, incident_of, address):
    partner_of("BF").write(ONE, incident_of(reference="BF-1")).send()
    browser = sign_in("permanence")
    found = [browser.get(f"/incidents/{place}/").status_code for place in (f"BF/{ONE}", address)]
    assert found == [200, 404]


@pytest.mark.parametrize("office", ["permanence", "diffusion", "planification", "audit"])
def test_only_who_may_see_the_journal_sees_it_beside_an_incident(desk, sign_in, office):
    name = desk.report("Nôtre")
    desk.note("Chef joint par radio", name)
    page = sign_in(office).get(f"/incidents/ML/{name}/").content.decode()
    assert ("par radio" in page) == (office != "planification")
