"""Who handles an incident, when it is looked at again, and what leaves the live map until then."""

import pytest
from django.utils import timezone

from liptako.core.clock import instant_of
from liptako.core.errors import NotAllowedError, RefusedError
from liptako.core.records.envelope import Precedence
from liptako.core.refs import audience_id
from liptako.ledger.testing import check_rebuild
from liptako.members import actions as people
from liptako.members.offices import STANDARD
from liptako.situation import actions, handling, lists, queries
from liptako.situation.models import Incident
from liptako.situation.records import Place, Standing, Status, Transform

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("compact")]
HOUR, PAST = 3_600_000, 1_000
GAO = Place(lat=16_270_000, lon=-40_000, words="Gao")


@pytest.fixture
def offices(node):
    """Set up the usual offices of a State."""
    for office in STANDARD:
        people.set_office(node, None, office)


def summaries(rows):
    return [row.summary for row in rows]


def row():
    return Incident.objects.get(audience=audience_id(["ML"]))


# Who handles it


def test_an_office_takes_it_in_hand_and_hands_it_on(offices, node, desk):
    name = desk.report("Crue", handled_by="")
    assert summaries(lists.unhandled(desk.actor)) == ["Crue"]
    for office in ("permanence", "planification"):
        handling.hand_to(node, desk.actor, name, office)
        assert (row().handled_by, lists.unhandled(desk.actor).count()) == (office, 0)
    handling.hand_to(node, desk.actor, name, "")
    assert (row().handled_by, row().versions, lists.unhandled(desk.actor).count()) == ("", 4, 1)
    check_rebuild()


def test_partners_neither_hear_who_handles_it_nor_have_an_older_version_for_that(
    offices, node, desk
):
    name = desk.report("Crue", handled_by="")
    desk.release(name)
    handling.hand_to(node, desk.actor, name, "permanence")
    assert lists.changed_since_release(desk.actor).count() == 0
    desk.release(name)
    copies = Incident.objects.exclude(audience=audience_id(["ML"]))
    assert set(copies.values_list("handled_by", flat=True)) == {""}
    desk.change(name, severity=4)
    assert lists.changed_since_release(desk.actor).count() == 1
    handling.hand_to(node, desk.actor, name, "planification")
    assert lists.changed_since_release(desk.actor).count() == 1


def test_a_change_of_precedence_alone_is_a_change(offices, node, desk):
    name = desk.report("Crue", handled_by="")
    before = row().updated_at
    handling.hand_to(node, desk.actor, name, "permanence")
    assert row().updated_at == before
    incident = actions.own_incident(node, name)
    actions.update(node, desk.actor, name, incident, precedence=Precedence.FLASH)
    flash = row().updated_at
    assert flash > before
    handling.hand_to(node, desk.actor, name, "planification")
    assert (row().updated_at, row().precedence) == (flash, "flash")


@pytest.mark.parametrize(
    ("office", "reason"),
    [
        ("permanence", "this office handles it already"),
        ("inconnue", "expected an open office, got inconnue"),
    ],
)
def test_what_makes_no_sense_is_refused(offices, node, desk, office, reason):
    name = desk.report("Crue", handled_by="permanence")
    with pytest.raises(RefusedError, match=reason):
        handling.hand_to(node, desk.actor, name, office)
    assert row().versions == 1


@pytest.mark.parametrize("status", [Status.DENIED, Status.CLOSED])
def test_what_is_closed_is_handled_no_more(offices, node, desk, status):
    name = desk.report("Crue", status=status)
    for deed in (
        lambda: handling.hand_to(node, desk.actor, name, "permanence"),
        lambda: handling.still_holds(node, desk.actor, name, 24),
    ):
        with pytest.raises(RefusedError, match="it is closed"):
            deed()
    assert lists.unhandled(desk.actor).count() == 0


def test_who_may_not_report_does_not_hand_on(offices, node, desk, actor):
    name = desk.report("Crue", handled_by="")
    with pytest.raises(NotAllowedError):
        handling.hand_to(node, actor("releasing_officer"), name, "permanence")


def test_who_looked_at_an_older_version_is_told(offices, node, desk):
    name = desk.report("Crue", handled_by="")
    seen = str(row().lamport)
    desk.change(name, severity=4)
    with pytest.raises(RefusedError, match="somebody else changed it meanwhile"):
        handling.hand_to(node, desk.actor, name, "permanence", seen=seen)


# When it is looked at again


def test_what_is_outdated_is_reminded_of_until_it_is_said_to_hold(node, desk):
    name = desk.report("Crue", valid_until=PAST)
    desk.report("Feu", valid_until=instant_of(timezone.now()).milliseconds + HOUR)
    desk.report("Convoi")
    assert summaries(lists.to_review(desk.actor)) == ["Crue"]
    assert set(summaries(lists.current(queries.visible(desk.actor)))) == {"Feu", "Convoi"}
    record = handling.still_holds(node, desk.actor, name, handling.LONGEST_HOURS)
    ends = record.header.time.milliseconds + handling.LONGEST_HOURS * HOUR
    assert abs(record.payload.valid_until - ends) < HOUR
    assert lists.to_review(desk.actor).count() == 0


@pytest.mark.parametrize("hours", [0, -1, handling.LONGEST_HOURS + 1])
def test_it_holds_for_a_year_at_most(node, desk, hours):
    name = desk.report("Crue", handled_by="")
    with pytest.raises(RefusedError, match=f"hours, got {hours}"):
        handling.still_holds(node, desk.actor, name, hours)


def test_only_own_live_incidents_that_go_on_are_to_be_looked_at(desk, partner_of, incident_of):
    desk.report("Clos", valid_until=PAST, status=Status.CLOSED)
    desk.report("Exercice", valid_until=PAST, standing=Standing.FICTIONAL)
    theirs = incident_of(reference="BF-1", summary="Leur", valid_until=PAST)
    partner_of("BF").write("0000000000001", theirs).send()
    assert lists.to_review(desk.actor).count() == 0
    assert set(summaries(lists.outdated(desk.actor))) == {"Clos", "Exercice", "Leur"}


def test_partners_hear_until_when_it_is_valid(node, desk):
    name = desk.report("Crue", valid_until=PAST, place=GAO)
    order = actions.ReleaseOrder(
        members=frozenset({"BF"}), transform=Transform.CELL, summary="Crue", basis="6"
    )
    assert actions.release(node, desk.actor, name, order).payload.valid_until == PAST


def test_a_time_that_no_calendar_has_is_refused(desk):
    with pytest.raises(RefusedError, match="expected the years 1970 to 9999"):
        desk.report("Crue", valid_until=-1)


# The pages


def post(browser, name, **data):
    found = Incident.objects.get(object=name)
    fields = {"seen": str(found.lamport)} | data
    return browser.post(f"/incidents/{name}/handle", fields, follow=True).content.decode()


def test_the_page_says_who_handles_it_and_lets_it_be_handed_on(sign_in, desk):
    name, browser = desk.report("Crue", handled_by=""), sign_in("permanence")
    page = browser.get(f"/incidents/ML/{name}/").content.decode()
    assert "nobody yet" in page
    assert "Written down who handles it." in post(browser, name, do="hand", office="permanence")
    page = browser.get(f"/incidents/ML/{name}/").content.decode()
    assert ("We handle it" in page, "nobody yet" in page) == (False, True)  # among the choices
    assert "Watch officer" in browser.get("/incidents/").content.decode()
    assert "handles it already" in post(browser, name, do="hand", office="permanence")


def test_the_page_lets_it_be_said_that_it_holds(sign_in, desk):
    name, browser = desk.report("Crue", valid_until=PAST, place=GAO), sign_in("permanence")
    page = browser.get(f"/incidents/ML/{name}/").content.decode()
    assert ("overdue" in page, "outdated" in page) == (True, True)
    assert "1 outdated incident is not on the map." in browser.get("/map/").content.decode()
    assert browser.get("/incidents.geojson").json()["features"] == []
    assert len(browser.get("/incidents.geojson?pile=past").json()["features"]) == 1
    assert "It holds." in post(browser, name, do="hold", hours="24")
    assert row().valid_until > timezone.now()
    assert len(browser.get("/incidents.geojson").json()["features"]) == 1
    assert "outdated incident" not in browser.get("/map/").content.decode()


def test_what_was_not_understood_changes_nothing(sign_in, desk):
    name, browser = desk.report("Crue", handled_by=""), sign_in("permanence")
    assert "was not understood" in post(browser, name, do="hold", hours="x")
    assert row().versions == 1
    assert browser.get(f"/incidents/{name}/handle").status_code == 405
    assert browser.post("/incidents/0000000000009/handle", {"seen": "1"}).status_code == 404


@pytest.mark.parametrize("office", ["diffusion", "planification", "audit", "administration"])
def test_others_only_read_who_handles_it(sign_in, desk, office):
    name, browser = desk.report("Crue", handled_by=""), sign_in(office)
    assert browser.post(f"/incidents/{name}/handle", {"seen": "1"}).status_code == 403
    if office != "administration":
        assert "We handle it" not in browser.get(f"/incidents/ML/{name}/").content.decode()


# Reports of the same event


def reference(name):
    return Incident.objects.get(object=name, shown=True).reference


@pytest.fixture
def twins(desk):
    """Report one event twice."""
    return [
        desk.report(summary, reference=f"ML-2026-{number:04}", handled_by="", place=GAO)
        for number, summary in enumerate(("Crue", "Inondation"))
    ]


def test_of_two_reports_of_one_event_one_is_kept(node, desk, twins):
    kept, other = twins
    handling.link(node, desk.actor, other, reference(kept))
    assert Incident.objects.get(object=other).same_as == f"ML/{kept}"
    for found in (lists.unhandled, lists.unverified, lists.unreleased, lists.still_open):
        assert summaries(found(desk.actor)) == ["Crue"]
    assert summaries(lists.current(queries.visible(desk.actor))) == ["Crue"]
    assert summaries(queries.linked_to(desk.actor, "ML", kept)) == ["Inondation"]
    assert lists.incidents(desk.actor, lists.Filter()).count() == 2
    handling.link(node, desk.actor, other, "")
    assert lists.unhandled(desk.actor).count() == 2
    check_rebuild()


def test_one_of_a_partner_may_be_kept_for_as_long_as_it_is_here(
    node, desk, partner_of, incident_of
):
    name = desk.report("Notre crue", handled_by="")
    theirs = incident_of(reference="BF-2026-0001", summary="Leur crue", place=GAO)
    partner_of("BF").write("0000000000001", theirs).send()
    handling.link(node, desk.actor, name, "BF-2026-0001")
    assert summaries(lists.current(queries.visible(desk.actor))) == ["Leur crue"]
    assert lists.unhandled(desk.actor).count() == 0
    Incident.objects.filter(author="BF").delete()  # as a recall does
    assert summaries(lists.current(queries.visible(desk.actor))) == ["Notre crue"]
    assert lists.unhandled(desk.actor).count() == 1


def test_partners_are_told_nothing_of_it(node, desk, twins):
    kept, other = twins
    desk.release(other)
    handling.link(node, desk.actor, other, reference(kept))
    assert lists.changed_since_release(desk.actor).count() == 0
    desk.release(other)
    copies = Incident.objects.exclude(audience=audience_id(["ML"]))
    assert set(copies.values_list("same_as", flat=True)) == {""}


@pytest.mark.django_db(transaction=True)
def test_each_deed_brings_a_transaction_of_its_own(node, desk, offices, twins):
    kept, other = twins
    handling.hand_to(node, desk.actor, other, "permanence")
    handling.still_holds(node, desk.actor, other, 24)
    handling.link(node, desk.actor, other, reference(kept))
    assert Incident.objects.get(object=other).versions == 4


def test_links_do_not_go_round_nor_lead_further(node, desk, twins):
    kept, other = twins
    third = desk.report("Encore", reference="ML-2026-0009")
    handling.link(node, desk.actor, other, reference(kept))
    for name, wanted, reason in (
        (kept, reference(other), "of that one another is kept"),
        (third, reference(other), "of that one another is kept"),
        (kept, reference(third), "others are linked to this one"),
        (kept, reference(kept), "cannot be linked to itself"),
        (third, "ML-2026-XXXX", "there is none with the reference ML-2026-XXXX"),
        (third, "x", "there is none with the reference x"),
    ):
        with pytest.raises(RefusedError, match=reason):
            handling.link(node, desk.actor, name, wanted)


@pytest.mark.parametrize("wrong", ["x", "ML/", "/0000000000001", "ml/0000000000001", "ML/1"])
def test_a_link_that_names_nothing_is_refused(desk, wrong):
    with pytest.raises(RefusedError, match="expected"):
        desk.report("Crue", same_as=wrong)


def test_the_pages_of_both_name_the_other(sign_in, twins):
    kept, other = twins
    browser = sign_in("permanence")
    assert "Linked." in post(browser, other, do="link", reference=reference(kept))
    page = browser.get(f"/incidents/ML/{other}/").content.decode()
    assert ("The same event as" in page, f"/incidents/ML/{kept}/" in page) == (True, True)
    page = browser.get(f"/incidents/ML/{kept}/").content.decode()
    assert ("Also reported as" in page, f"/incidents/ML/{other}/" in page) == (True, True)
    assert "No longer linked." in post(browser, other, do="link")
    assert "Also reported as" not in browser.get(f"/incidents/ML/{kept}/").content.decode()
