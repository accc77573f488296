"""Taking a release back: with a reason, by who may release, and it is shown who has confirmed."""

import pytest

from liptako.core.errors import NotAllowedError, RefusedError
from liptako.core.records.shared import REASON_LIMIT, RECALL
from liptako.core.refs import audience_id
from liptako.ledger.models import Entry, Payload
from liptako.members.models import AuditEvent
from liptako.situation import actions, lists
from liptako.situation.models import Incident as Row
from liptako.situation.models import Release as ReleaseRow
from liptako.situation.records import Recalled, Release, Transform
from liptako.situation.rules import fold_incident

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("compact")]
ALL, PAIR = frozenset({"ML", "BF", "NE"}), frozenset({"ML", "BF"})
EVERYONE = audience_id(ALL)
SHOWN = Release(audience=EVERYONE, members=tuple(sorted(ALL)), transform=Transform.CELL, basis="A")
BACK = Recalled(audience=EVERYONE, reason="Erreur")


@pytest.fixture
def name(desk):
    """Report an incident and release it to all members."""
    found = desk.report("Attaque du gué de Tessit")
    desk.release(found)
    return found


def take_back(desk, name, reason="Erreur de lieu", audience=EVERYONE):
    return actions.recall(desk.node, desk.actor, name, audience, reason)


def released_bodies():
    entries = Payload.objects.filter(entry__channel__audience=EVERYONE)
    return [bytes(body) for body in entries.values_list("body", flat=True)]


# The rule


def test_a_recall_ends_a_release_and_a_new_release_ends_the_recall(incident_of):
    incident = incident_of(reference="ML-1")
    state, _ = fold_incident([incident, SHOWN, BACK])
    assert (set(state.releases), state.recalled) == ({EVERYONE}, {EVERYONE: BACK})
    state, verdicts = fold_incident([incident, SHOWN, BACK, SHOWN, BACK, SHOWN])
    assert (state.recalled, verdicts) == ({}, [None] * 6)


@pytest.mark.parametrize(
    ("payloads", "told"),
    [
        ([BACK], "it is not released to this audience"),
        ([SHOWN, BACK, BACK], "it is not released to this audience"),
        ([SHOWN, Recalled(audience=audience_id(PAIR), reason="x")], "it is not released"),
        ([SHOWN, Recalled(audience=EVERYONE, reason=" ")], "expected a reason"),
        ([SHOWN, Recalled(audience=EVERYONE, reason="x" * (REASON_LIMIT + 1))], "a reason"),
    ],
    ids=["never released", "twice", "another audience", "no reason", "too long"],
)
def test_a_recall_that_ends_nothing_is_rejected(incident_of, payloads, told):
    _, verdicts = fold_incident([incident_of(reference="ML-1"), *payloads])
    assert told in str(verdicts[-1])


# The action


def test_what_was_released_is_deleted_and_the_incident_stays(desk, name):
    assert len(released_bodies()) == 1
    take_back(desk, name)
    assert [b"reason" in body for body in released_bodies()] == [True]  # the recall alone
    assert list(Row.objects.values_list("summary", flat=True)) == ["Attaque du gué de Tessit"]
    row = ReleaseRow.objects.get()
    assert (row.has_ended, row.reason) == (True, "Erreur de lieu")


def test_the_recall_goes_ahead_of_what_is_not_urgent(desk, name):
    take_back(desk, name)
    assert Entry.objects.get(kind=RECALL).channel.lane == "urgent"


def test_who_took_it_back_is_in_the_audit_trail(desk, name):
    take_back(desk, name)
    assert AuditEvent.objects.get(event="incident.recall").detail == "BF, NE"


def test_an_incident_that_was_taken_back_waits_for_release_again(desk, name):
    assert lists.unreleased(desk.actor).count() == 0
    take_back(desk, name)
    assert lists.unreleased(desk.actor).count() == 1
    desk.release(name)
    assert (lists.unreleased(desk.actor).count(), len(released_bodies())) == (0, 2)
    assert ReleaseRow.objects.get().has_ended is False


def test_one_audience_is_taken_back_and_the_other_keeps_what_it_has(desk, name):
    desk.release(name, "ML", "BF")
    take_back(desk, name, audience=audience_id(PAIR))
    assert len(released_bodies()) == 1
    assert list(ReleaseRow.objects.filter(recalled_at=None).values_list("target", flat=True)) == [
        EVERYONE
    ]


@pytest.mark.parametrize(
    ("audience", "reason", "told"),
    [
        (audience_id(["ML"]), "Erreur", "only what this State has released"),
        (audience_id(PAIR), "Erreur", "only what this State has released"),
        (EVERYONE, " ", "expected a reason"),
    ],
    ids=["ourselves", "an unknown audience", "no reason"],
)
def test_a_recall_in_error_is_refused_and_nothing_is_lost(desk, name, audience, reason, told):
    with pytest.raises(RefusedError, match=told):
        take_back(desk, name, reason, audience)
    assert len(released_bodies()) == 1


def test_it_cannot_be_taken_back_twice(desk, name):
    take_back(desk, name)
    with pytest.raises(RefusedError, match="it is not released to this audience"):
        take_back(desk, name)


def test_who_may_not_release_takes_nothing_back(desk, name, actor):
    with pytest.raises(NotAllowedError):
        actions.recall(desk.node, actor("watch_officer"), name, EVERYONE, "Erreur")


# The pages


def test_the_page_says_what_will_happen_and_does_it_with_a_reason(sign_in, name):
    browser = sign_in("diffusion")
    url = f"/incidents/{name}/recall/{EVERYONE}"
    assert url in browser.get(f"/incidents/ML/{name}/").content.decode()
    page = browser.get(url)
    assert "What was released to All members is deleted here at once" in page.content.decode()
    assert [row.summary for row in page.context["told"]] == ["Pour eux"]
    refused = browser.post(url, {"reason": " "})
    assert (refused.status_code, len(released_bodies())) == (422, 1)
    done = browser.post(url, {"reason": "Erreur de lieu"}, follow=True)
    shown = done.content.decode()
    assert "Recalled. Who has confirmed it stands beside the release." in shown
    assert '<span class="tag">recalled</span>' in shown
    assert shown.count("has not confirmed that it is deleted") == 2
    assert url not in shown
    assert browser.get(url).status_code == 404


@pytest.mark.parametrize("office", ["permanence", "planification", "audit", "administration"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_office_without_the_right_takes_nothing_back(sign_in, name, office, method):
    answer = getattr(sign_in(office), method)(
        f"/incidents/{name}/recall/{EVERYONE}", {"reason": "Erreur"}
    )
    assert (answer.status_code, len(released_bodies())) == (403, 1)
