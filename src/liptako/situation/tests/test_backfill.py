"""A new member is granted what was released before: once each, as the others hold it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from liptako.core.errors import NotAllowedError, RefusedError
from liptako.core.refs import audience_id
from liptako.ledger import projector, recalls
from liptako.ledger.models import Entry
from liptako.ledger.testing import check_rebuild
from liptako.members.models import AuditEvent
from liptako.situation import actions
from liptako.situation.backfill import BATCH, Grant, give, left_of
from liptako.situation.models import Incident, Release
from liptako.situation.records import Transform
from liptako.web.paging import PAGE_SIZE

OLD, NEW = audience_id(["ML", "BF"]), audience_id(["ML", "NE"])
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
ORDER = {"member": "NE", "audience": OLD, "since": "2020-01-01", "basis": "Adhésion"}
GRANT = Grant(member="NE", audience=OLD, since=LONG_AGO, basis="Adhésion")


@pytest.fixture
def names(desk, compact):
    """Release two incidents to BF, one coarse; keep a third."""
    found = [desk.report("Un"), desk.report("Deux"), desk.report("Trois")]
    desk.release(found[0], "BF")
    desk.transform = Transform.CELL
    desk.release(found[1], "BF")
    return found


def granted():
    """Return what NE holds, by summary and level."""
    rows = Incident.objects.filter(audience=NEW)
    return sorted(rows.values_list("reference", "summary", "level", "text"))


@pytest.mark.django_db
def test_what_the_others_hold_is_released_as_they_hold_it(desk, names, node):
    assert give(node, desk.actor, GRANT) == 2
    old = Incident.objects.filter(audience=OLD)
    assert granted() == sorted(old.values_list("reference", "summary", "level", "text"))
    basis = Release.objects.filter(target=NEW).values_list("basis", flat=True)
    assert list(basis) == ["Adhésion"] * 2
    check_rebuild()


@pytest.mark.django_db
def test_a_second_run_releases_nothing_twice_and_goes_on_with_what_is_new(desk, names, node):
    give(node, desk.actor, GRANT)
    before = Entry.objects.count()
    assert (give(node, desk.actor, GRANT), Entry.objects.count()) == (0, before)
    desk.release(names[2], "BF")
    assert (give(node, desk.actor, GRANT), len(granted())) == (1, 3)


@pytest.mark.django_db
def test_an_interrupted_run_is_finished_by_the_next_one(desk, names, node):
    for number in range(BATCH):
        desk.release(desk.report(f"Encore {number}"), "BF")

    def stop(_done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        give(node, desk.actor, GRANT, stop)
    assert len(granted()) == BATCH
    assert (give(node, desk.actor, GRANT), len(granted())) == (2, BATCH + 2)


@pytest.mark.django_db
def test_what_the_audience_no_longer_has_is_passed_over(desk, names, node):
    copies = Entry.objects.filter(channel__audience=OLD, object=names[0])
    recalls.destroy(list(copies))
    projector.redraw({names[0]})
    assert (give(node, desk.actor, GRANT), left_of(node, GRANT).count()) == (1, 0)


def fields():
    return {"member": GRANT.member, "audience": OLD, "since": LONG_AGO, "basis": GRANT.basis}


@pytest.mark.django_db
def test_only_since_the_day_and_only_what_has_not_ended(desk, names, node):
    last = Release.objects.latest("released_at").released_at
    late = Grant(**(fields() | {"since": last}))
    assert left_of(node, late).count() == 1
    actions.recall(node, desk.actor, names[1], OLD, "Erreur")
    assert (left_of(node, late).count(), left_of(node, GRANT).count()) == (0, 1)


@pytest.mark.django_db
def test_what_the_member_got_by_itself_since_is_not_released_again(desk, names, node):
    desk.release(names[0])  # to all members
    assert [row.object for row in left_of(node, GRANT)] == [names[1]]


@pytest.mark.django_db
def test_the_end_of_a_release_holds_for_the_copy_too(desk, names, node):
    until = int((timezone.now() + timedelta(days=400)).timestamp() * 1000)
    desk.release(names[2], "BF", until=until)
    give(node, desk.actor, GRANT)
    ends = {row.until for row in Release.objects.filter(object=names[2])}
    assert (len(ends), Entry.objects.filter(object=names[2], retain=until).count()) == (1, 2)


@pytest.mark.django_db
def test_the_audit_trail_says_to_whom_and_how_many(desk, names, node):
    give(node, desk.actor, GRANT)
    event = AuditEvent.objects.get(event="incidents.backfill")
    assert (event.subject, event.detail, event.office) == ("NE", "2", "permanence")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "changes",
    [
        {"member": "TG"},
        {"member": "ML"},
        {"member": "BF"},
        {"audience": audience_id(["BF", "NE"])},
        {"basis": "  "},
    ],
    ids=["a stranger", "ourselves", "who has it", "not ours", "no basis"],
)
def test_a_grant_that_makes_no_sense_is_refused(desk, names, node, changes):
    before = Entry.objects.count()
    with pytest.raises(RefusedError):
        give(node, desk.actor, Grant(**(fields() | changes)))
    assert Entry.objects.count() == before


@pytest.mark.django_db
def test_who_may_not_release_grants_nothing(actor, names, node):
    with pytest.raises(NotAllowedError):
        give(node, actor("watch_officer"), GRANT)
    assert granted() == []


def test_the_new_member_gets_them_and_the_others_nothing_more(fleet, actor, incident_of):
    officer = actor("watch_officer", "releasing_officer")
    with fleet.at("ML") as node:
        name = actions.report(node, officer, incident_of(summary="Un")).header.object
        order = actions.ReleaseOrder(
            members=frozenset({"BF"}), transform=Transform.AS_IS, summary="Un", basis="6"
        )
        actions.release(node, officer, name, order)
    fleet.settle()
    with fleet.at("BF"):
        before = Entry.objects.filter(channel__author="ML").count()
    with fleet.at("ML") as node:
        give(node, officer, GRANT)
    fleet.settle()
    with fleet.at("NE"):
        assert Incident.objects.filter(author="ML").count() == 1
    with fleet.at("BF"):
        assert Entry.objects.filter(channel__author="ML").count() == before


# The page


@pytest.mark.django_db
def test_the_page_shows_how_many_and_which_and_then_grants_them(sign_in, names):
    browser = sign_in("diffusion")
    assert "/backfill/" in browser.get("/incidents/").content.decode()
    order = ORDER
    page = browser.post("/backfill/", order)
    shown = page.content.decode()
    assert ("Niger would get 2 incidents" in shown, shown.count("Pour eux")) == (True, 2)
    assert granted() == []
    stale = browser.post("/backfill/", order | {"grant": "1", "seen": "x"})
    assert (stale.status_code, granted()) == (422, [])
    seen = page.context["seen"]
    done = browser.post("/backfill/", order | {"grant": "1", "seen": seen}, follow=True)
    assert "2 incidents were granted to Niger." in done.content.decode()
    assert len(granted()) == 2
    again = browser.post("/backfill/", order).content.decode()
    assert "Nothing: it has all of this already" in again


@pytest.mark.django_db
def test_the_page_says_what_is_wrong_with_a_grant(sign_in, names):
    browser = sign_in("diffusion")
    order = {"member": "BF", "audience": OLD, "since": "2020-01-01", "basis": "x"}
    answer = browser.post("/backfill/", order)
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["audience"])
    assert browser.post("/backfill/", {"preview": "1"}).status_code == 422


@pytest.mark.django_db
def test_all_that_would_leave_can_be_looked_at_page_by_page(sign_in, desk):
    for number in range(PAGE_SIZE + 1):
        desk.release(desk.report(f"Incident {number}"), "BF")
    browser, order = sign_in("diffusion"), ORDER | {"page": "2"}
    last = browser.post("/backfill/", order)
    assert (len(last.context["rows"]), "page 2 of 2" in last.content.decode()) == (1, True)
    first = browser.post("/backfill/", ORDER)
    assert len(first.context["rows"]) == PAGE_SIZE
    browser.post("/backfill/", order | {"grant": "1", "seen": first.context["seen"]})
    assert len(granted()) == PAGE_SIZE + 1


@pytest.mark.django_db
@pytest.mark.parametrize("office", ["permanence", "planification", "audit", "administration"])
def test_an_office_without_the_right_has_no_such_page(sign_in, names, office):
    browser = sign_in(office)
    assert [browser.get("/backfill/").status_code, browser.post("/backfill/").status_code] == [
        403, 403
    ]  # fmt: skip
