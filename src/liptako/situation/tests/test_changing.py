"""Changing an incident: it begins as it was, and nobody overwrites what they have not seen."""

import re

import pytest

from liptako.core.errors import RefusedError
from liptako.core.records.envelope import Precedence
from liptako.situation import actions, models

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("compact")]
CHANGED = "somebody else changed it meanwhile"


@pytest.fixture
def watch(actor):
    return actor("watch_officer")


@pytest.fixture
def name(node, watch, incident_of):
    """The name of an incident that was reported as immediate."""
    record = actions.report(node, watch, incident_of(), precedence=Precedence.IMMEDIATE)
    return record.header.object


@pytest.fixture
def save(node, watch, name, incident_of):
    """Return a desk that saves another summary: `save("Crue", seen="7")`."""

    def run(summary, **how):
        known = actions.own_incident(node, name)
        after = incident_of(reference=known.reference, summary=summary)
        return actions.update(node, watch, name, after, **how)

    return run


def seen_by(node, name):
    """Return what an officer who looks now has seen."""
    return str(actions.own_version(node, name)[1].lamport)


def summary():
    return models.Incident.objects.get().summary


def test_a_change_of_what_was_seen_is_saved(node, name, save):
    save("Crue", seen=seen_by(node, name))
    save("Crue et pont coupé", seen=seen_by(node, name))
    assert summary() == "Crue et pont coupé"


def test_a_change_of_what_somebody_else_has_changed_meanwhile_is_refused(node, name, save):
    seen = seen_by(node, name)
    save("Crue", seen=seen)
    with pytest.raises(RefusedError, match=CHANGED):
        save("Feu", seen=seen)
    assert summary() == "Crue"


def test_a_release_meanwhile_does_not_stand_in_the_way_of_a_change(node, name, save, actor):
    seen = seen_by(node, name)
    order = actions.ReleaseOrder(
        members=frozenset({"BF"}),
        transform=actions.Transform.CELL,
        summary="Pour eux",
        basis="Article 6",
    )
    actions.release(node, actor("releasing_officer"), name, order)
    save("Crue", seen=seen)
    assert set(models.Incident.objects.values_list("summary", flat=True)) == {"Crue", "Pour eux"}


def typed_on(page, **changes):
    """Return what a browser sends for a page, with these fields typed over."""
    html, fields = page.content.decode(), {}
    for tag in re.findall(r"<input [^>]+>", html):
        kind, field, value = (
            (re.findall(rf' {part}="([^"]*)"', tag) or [""])[0]
            for part in ("type", "name", "value")
        )
        if field and field != "csrfmiddlewaretoken" and (kind != "checkbox" or " checked" in tag):
            fields[field] = value
    for field, inner in re.findall(r'<select name="(\w+)".*?>(.*?)</select>', html, re.DOTALL):
        fields[field] = (re.findall(r'<option value="([^"]*)" selected', inner) or [""])[0]
    return fields | {"text": ""} | changes


def test_the_page_begins_with_the_precedence_as_it_was(sign_in, name):
    page = sign_in("permanence").get(f"/incidents/{name}/change")
    assert typed_on(page)["precedence"] == "immediate"


def test_the_second_of_two_officers_is_told_and_loses_nothing(sign_in, name):
    browser, address = sign_in("permanence"), f"/incidents/{name}/change"
    first, second = browser.get(address), browser.get(address)
    assert browser.post(address, typed_on(first, summary="Crue")).status_code == 302
    answer = browser.post(address, typed_on(second, summary="Feu"))
    page = answer.content.decode()
    assert (answer.status_code, summary()) == (422, "Crue")
    assert [word in page for word in (CHANGED, 'value="Feu"', f"/incidents/ML/{name}/")] == [
        True, True, True
    ]  # fmt: skip


def test_who_was_told_of_the_other_change_may_save_again(sign_in, name):
    browser, address = sign_in("permanence"), f"/incidents/{name}/change"
    first, second = browser.get(address), browser.get(address)
    browser.post(address, typed_on(first, summary="Crue"))
    told = browser.post(address, typed_on(second, summary="Feu"))
    assert browser.post(address, typed_on(told)).status_code == 302
    assert summary() == "Feu"


def test_a_form_that_is_wrong_does_not_hide_the_change_of_somebody_else(sign_in, name):
    browser, address = sign_in("permanence"), f"/incidents/{name}/change"
    first, second = browser.get(address), browser.get(address)
    browser.post(address, typed_on(first, summary="Crue"))
    wrong = browser.post(address, typed_on(second, summary=""))
    answer = browser.post(address, typed_on(wrong, summary="Feu"))
    assert (answer.status_code, summary()) == (422, "Crue")
    assert CHANGED in answer.content.decode()
