"""Reporting and changing an incident: what was typed is written or kept, and by whom it may be."""

import msgspec
import pytest
from django.utils import timezone

from liptako.core.records.envelope import Precedence
from liptako.core.refs import audience_id
from liptako.ledger.models import Entry
from liptako.ledger.reader import thread_records
from liptako.ledger.records import Thread
from liptako.situation import actions
from liptako.situation.models import Incident as Row
from liptako.situation.records import (
    Count,
    Harm,
    Incident,
    Level,
    Origin,
    Period,
    Place,
    Standing,
    Status,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("compact")]
ONE = "0000000000001"
OTHERS = "diffusion", "planification", "audit", "administration", "redaction"
TYPED = {
    "kind": "flood",
    "summary": " Crue du Niger ",
    "begins": "2026-09-21T11:26",
    "precision": "minute",
    "where": "Quartier du port",
    "lat": "16,27 N",
    "lon": "0°03'W",
    "radius_km": "2",
    "severity": "3",
    "status": "confirmed",
    "reliability": "B",
    "credibility": "2",
    "source": "Maire de Gao",
    "affected": ["water"],
    "needs": ["shelter", "food"],
    "displaced_best": "120",
    "displaced_high": "200",
    "text": "L’eau monte.",
    "precedence": "immediate",
}
WRITTEN = Incident(
    reference="ML-2026-0001",
    kind="flood",
    summary="Crue du Niger",
    period=Period(begins=1_789_989_960_000),
    place=Place(
        lat=16_270_000, lon=-50_000, radius_m=2_000, level=Level.RADIUS, words="Quartier du port"
    ),
    text="L’eau monte.",
    severity=3,
    status=Status.CONFIRMED,
    standing=Standing.LIVE,
    affected=("water",),
    needs=("shelter", "food"),
    harm=Harm(displaced=Count(best=120, high=200)),
    reliability="B",
    credibility=2,
    source=Origin(words="Maire de Gao"),
)
FAULTS = [
    ({"summary": ""}, "summary"),
    ({"summary": "x" * 161}, "summary"),
    ({"kind": "war"}, "kind"),
    ({"begins": "hier"}, "begins"),
    ({"lat": "91"}, "lat"),
    ({"lon": "ici"}, "lon"),
    ({"precedence": "later"}, "precedence"),
    ({"displaced_best": ""}, "displaced_best"),
    ({"displaced_best": "300"}, "displaced_best"),
    ({"ends": "2026-09-20T11:26"}, "ends"),
    ({"lat": ""}, "lat"),
    ({"lat": "", "lon": "", "where": ""}, "where"),
    ({"text": "a\0b"}, "text"),
]


@pytest.fixture
def reported(node, actor, incident_of):
    """Report an incident and return its name."""
    return actions.report(node, actor("watch_officer"), incident_of()).header.object


def last_of(name):
    """Return the last record about an incident."""
    return thread_records(Thread("ML", name, audience_id(["ML"])))[-1]


def test_the_page_begins_with_now_on_the_clocks_of_the_member(sign_in):
    before = timezone.now()
    form = sign_in("permanence").get("/incidents/report/").context["form"]
    now = form["begins"].value()
    assert f"{before:%Y-%m-%dT%H:%M}" <= now <= f"{timezone.now():%Y-%m-%dT%H:%M}"
    assert (str(form.zone), form.is_bound) == ("Africa/Bamako", False)


def test_what_was_typed_is_written_for_this_state_only(sign_in):
    answer = sign_in("permanence").post("/incidents/report/", TYPED, follow=True)
    row = Row.objects.get()
    record = last_of(row.object)
    written = msgspec.structs.replace(WRITTEN, reference=row.reference)
    assert (record.payload, record.header.precedence, record.header.office) == (
        written, Precedence.IMMEDIATE, "permanence"
    )  # fmt: skip
    assert answer.redirect_chain == [(f"/incidents/ML/{row.object}/", 302)]
    assert "seen by this State only" in answer.content.decode()


@pytest.mark.parametrize(("changes", "field"), FAULTS)
def test_a_report_with_a_fault_is_not_written_and_what_was_typed_is_kept(sign_in, changes, field):
    browser, before = sign_in("permanence"), Entry.objects.count()
    answer = browser.post("/incidents/report/", TYPED | changes)
    form, page = answer.context["form"], answer.content.decode()
    assert (answer.status_code, list(form.errors), Entry.objects.count()) == (422, [field], before)
    assert "Maire de Gao" in page
    kept = {name: form[name].value() for name in TYPED}
    assert kept == {name: (TYPED | changes)[name] for name in TYPED}


def test_a_fault_that_the_rules_find_is_said_in_their_words(sign_in):
    typed = TYPED | {"begins": "1066-10-14T09:00", "ends": ""}
    page = sign_in("permanence").post("/incidents/report/", typed).content.decode()
    assert "time: expected" in page


# Changing


def test_the_page_of_a_change_shows_what_is_there(sign_in, reported):
    answer = sign_in("permanence").get(f"/incidents/{reported}/change")
    form = answer.context["form"]
    shown = {name: form[name].value() for name in ("kind", "summary", "begins", "lat", "source")}
    assert shown == {
        "kind": "attack",
        "summary": "Attaque d’un convoi",
        "begins": "2026-09-21T11:26",
        "lat": "15.046000",
        "source": "Chef du village",
    }
    assert answer.context["before"].reference in answer.content.decode()


def test_a_change_is_a_new_version_of_the_same_incident(node, sign_in, reported):
    before = actions.own_incident(node, reported)
    answer = sign_in("permanence").post(f"/incidents/{reported}/change", TYPED, follow=True)
    assert answer.redirect_chain == [(f"/incidents/ML/{reported}/", 302)]
    assert "once it is released again" in answer.content.decode()
    assert actions.own_incident(node, reported) == msgspec.structs.replace(
        WRITTEN, reference=before.reference, handled_by=before.handled_by
    )
    assert last_of(reported).header.precedence is Precedence.IMMEDIATE
    assert list(Row.objects.values_list("versions", flat=True)) == [2]


@pytest.mark.parametrize(("changes", "field"), FAULTS)
def test_a_change_with_a_fault_changes_nothing(node, sign_in, reported, changes, field):
    before = actions.own_incident(node, reported)
    answer = sign_in("permanence").post(f"/incidents/{reported}/change", TYPED | changes)
    form = answer.context["form"]
    assert (answer.status_code, list(form.errors)) == (422, [field])
    assert form["source"].value() == "Maire de Gao"
    assert actions.own_incident(node, reported) == before


def test_what_somebody_else_changed_meanwhile_is_replaced_only_by_who_was_told(
    node, actor, sign_in, reported
):
    browser, url = sign_in("permanence"), f"/incidents/{reported}/change"
    seen = browser.get(url).context["seen"]
    other = msgspec.structs.replace(actions.own_incident(node, reported), summary="Entre-temps")
    actions.update(node, actor("watch_officer"), reported, other)
    answer = browser.post(url, TYPED | {"seen": seen})
    kept = actions.own_incident(node, reported).summary
    again = browser.post(url, TYPED | {"seen": answer.context["seen"]})
    assert (answer.status_code, kept, again.status_code) == (422, "Entre-temps", 302)
    assert actions.own_incident(node, reported).summary == "Crue du Niger"


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_partners_incident_is_refused(sign_in, partner_of, incident_of, method):
    partner_of("BF").write(ONE, incident_of(reference="BF-1", summary="Leur")).send()
    answer = getattr(sign_in("permanence"), method)(f"/incidents/{ONE}/change", TYPED)
    assert (answer.status_code, Row.objects.get().summary) == (409, "Leur")
    assert "only the State that reported it" in answer.content.decode()


def test_an_incident_that_is_not_here_cannot_be_changed(sign_in):
    assert sign_in("permanence").post(f"/incidents/{ONE}/change", TYPED).status_code == 409


# Who may


@pytest.mark.parametrize("office", OTHERS)
@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("address", ["/incidents/report/", "/incidents/{name}/change"])
def test_an_office_without_the_right_neither_reports_nor_changes(
    sign_in, reported, office, method, address
):
    browser, before = sign_in(office), Entry.objects.count()
    answer = getattr(browser, method)(address.format(name=reported), TYPED)
    assert (answer.status_code, Entry.objects.count()) == (403, before)


def test_a_form_without_the_token_of_the_session_writes_nothing(sign_in):
    browser, before = sign_in("permanence"), Entry.objects.count()
    browser.handler.enforce_csrf_checks = True
    answer = browser.post("/incidents/report/", TYPED)
    assert (answer.status_code, Entry.objects.count()) == (403, before)
