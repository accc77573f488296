"""The cards of the home page: what waits for each office, how much of it, and where it leads."""

from datetime import timedelta

import msgspec
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.translation import override

from liptako.core.clock import instant_of
from liptako.core.records.envelope import Precedence
from liptako.situation import actions
from liptako.situation.cards import cards
from liptako.situation.models import Incident
from liptako.situation.records import Standing, Status, Transform
from liptako.web.cards import Card, Line

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("compact")]
ALL = frozenset({"ML", "BF", "NE"})
ONE, TWO = "0000000000001", "0000000000002"
WATCH = "Watch"
KEPT, OLDER = "Not released yet", "Released in an older version"
NEWS, UNVERIFIED = "New from partners", "To be verified"
UNHANDLED, REVIEW = "Handled by nobody", "To be looked at again"


@pytest.fixture
def report(node, actor, incident_of):
    """Return a desk that reports: `report("Crue", kind="flood")`."""

    def make(summary, precedence=Precedence.ROUTINE, **changes):
        payload = incident_of(summary=summary, **({"reference": "ML-2026-0001"} | changes))
        record = actions.report(node, actor("watch_officer"), payload, precedence=precedence)
        return record.header.object

    return make


@pytest.fixture
def release(node, actor):
    """Return a desk that releases an incident to all."""

    def make(name):
        order = actions.ReleaseOrder(
            members=ALL, transform=Transform.CELL, summary="Pour eux", basis="Article 6"
        )
        actions.release(node, actor("releasing_officer"), name, order)

    return make


@pytest.fixture
def cards_of(node, actor):
    """Return the cards of an office with these roles, by their titles, in English."""

    def make(*roles):
        with override("en"):
            return {card.title: card for card in cards(node, actor(*roles))}

    return make


def texts(card):
    return [line.text for line in card.lines]


def now(days=0):
    return instant_of(timezone.now() - timedelta(days=days)).milliseconds


@pytest.mark.parametrize(
    ("role", "titles"),
    [
        ("watch_officer", [WATCH, NEWS, UNVERIFIED, UNHANDLED, REVIEW]),
        ("releasing_officer", [WATCH, KEPT, OLDER, NEWS]),
        ("planner", [NEWS]),
        ("auditor", [WATCH, NEWS]),
        ("node_administrator", []),
        ("drafter", []),
    ],
)
def test_each_office_has_the_cards_of_its_rights(report, cards_of, role, titles):
    report("Nôtre")
    assert list(cards_of(role)) == titles


def test_a_card_is_a_line_for_each_incident(report, cards_of):
    name = report("Crue", kind="flood", precedence=Precedence.FLASH)
    card = Card(
        title=UNVERIFIED,
        url="/incidents/?pile=verify",
        count=1,
        lines=(
            Line(
                text="Crue",
                url=f"/incidents/ML/{name}/",
                note="ML-2026-0001 · Flood",
                at=Incident.objects.get().updated_at,
                urgent=True,
            ),
        ),
    )
    with override("en"):
        assert cards_of("watch_officer")[UNVERIFIED] == card


@pytest.mark.parametrize(
    ("precedence", "urgent"),
    [("routine", False), ("priority", False), ("immediate", True), ("flash", True)],
)
def test_only_what_is_urgent_is_marked(report, cards_of, precedence, urgent):
    report("Crue", precedence=Precedence(precedence))
    assert [line.urgent for line in cards_of("watch_officer")[UNVERIFIED].lines] == [urgent]


def test_what_is_not_live_says_so_in_its_line(report, cards_of):
    report("Exercice", standing=Standing.FICTIONAL)
    (line,) = cards_of("releasing_officer")[KEPT].lines
    assert line.note == "ML-2026-0001 · Armed attack · Fictional"


def test_a_card_shows_five_lines_and_counts_all(report, cards_of):
    for i in range(7):
        report(str(i))
    card = cards_of("watch_officer")[UNVERIFIED]
    assert (card.count, texts(card)) == (7, ["0", "1", "2", "3", "4"])


def test_what_was_released_no_longer_waits_for_a_release(report, release, cards_of):
    report("Gardé")
    release(report("Diffusé"))
    found = cards_of("releasing_officer")
    assert (texts(found[KEPT]), texts(found[OLDER])) == (["Gardé"], [])


def test_what_changed_after_its_release_waits_for_another_one(
    node, actor, report, release, cards_of
):
    name = report("Diffusé")
    release(name)
    changed = msgspec.structs.replace(actions.own_incident(node, name), severity=4)
    actions.update(node, actor("watch_officer"), name, changed)
    assert texts(cards_of("releasing_officer")[OLDER]) == ["Diffusé"]


def test_what_was_confirmed_need_not_be_verified(report, cards_of):
    report("À vérifier")
    report("Confirmé", status=Status.CONFIRMED)
    assert texts(cards_of("watch_officer")[UNVERIFIED]) == ["À vérifier"]


def test_news_are_three_days_old_at_most(report, partner_of, incident_of, cards_of):
    report("Nôtre")
    partner = partner_of("BF")
    partner.write(ONE, incident_of(reference="BF-1", summary="Hier"), time=now(days=1))
    partner.write(TWO, incident_of(reference="BF-2", summary="Avant"), time=now(days=4)).send()
    assert texts(cards_of("planner")[NEWS]) == ["Hier"]


def test_the_home_page_shows_the_cards_that_are_not_empty(report, sign_in):
    report("À vérifier")
    answer = sign_in("permanence").get("/")
    assert [card.title for card in answer.context["cards"]] == [UNVERIFIED]
    assert "À vérifier" in answer.content.decode()


def test_the_home_page_asks_as_often_for_three_as_for_one(report, sign_in):
    browser, counts = sign_in("diffusion"), []
    for summaries in (["A"], ["B", "C"]):
        for summary in summaries:
            report(summary)
        with CaptureQueriesContext(connection) as made:
            assert browser.get("/").context["cards"][0].count in {1, 3}
        counts.append(len(made))
    assert counts[0] == counts[1]
