"""The versions of an incident in words: what was changed, when and by which office."""

from datetime import UTC

import msgspec
import pytest
from django.utils import translation

from liptako.core.records.envelope import Precedence
from liptako.situation import actions, handling
from liptako.situation.history import LONG, versions_of
from liptako.situation.records import Count, Harm, Place, Status

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("compact")]


def changed(node, name):
    """Return the changes of each version, the latest first."""
    return [
        [(str(label), before, after) for label, before, after in version.changes]
        for version in versions_of(node, name, UTC)
    ]


@pytest.fixture
def english():
    """Words in English."""
    with translation.override("en"):
        yield


@pytest.mark.usefixtures("english")
def test_each_version_says_what_it_changed(node, desk):
    name = desk.report("Crue", severity=2, harm=Harm(), handled_by="")
    desk.change(name, severity=3, status=Status.CONFIRMED, harm=Harm(injured=Count(best=3, low=2)))
    desk.change(name, summary="Crue à Gao", place=Place(lat=16_270_000, lon=-40_000, words="Gao"))
    incident = actions.own_incident(node, name)
    actions.update(node, desk.actor, name, incident, precedence=Precedence.FLASH)
    last, second, first, report = changed(node, name)
    assert last == [("Precedence", "Routine", "Flash")]
    assert ("Summary", "Crue", "Crue à Gao") in second
    assert [after for label, _before, after in second if label == "Where"] == [
        "16.2700° N 0.0400° W ±0 m"
    ]
    assert first == [
        ("Severity", "Moderate", "Serious"),
        ("Status", "Reported", "Confirmed"),
        ("Harm to civilians", "", "Injured 3 (2–)"),
    ]
    assert report == []


@pytest.mark.usefixtures("english")
def test_what_is_done_about_it_is_in_it_too(node, desk):
    name = desk.report("Crue", handled_by="")
    other = desk.report("Inondation", reference="ML-2026-0009")
    handling.still_holds(node, desk.actor, name, 24)
    handling.link(node, desk.actor, name, "ML-2026-0009")
    (link, holds, _first) = changed(node, name)
    assert link == [("The same event as", "", f"ML/{other}")]
    assert [label for label, _before, _after in holds] == ["To be looked at again"]


@pytest.mark.usefixtures("english")
def test_of_a_long_text_the_beginning_is_shown(node, desk):
    name = desk.report("Crue", text="")
    desk.change(name, text="a" * (LONG + 1))
    ((label, before, after),) = changed(node, name)[0]
    assert (label, before, after) == ("Text", "", "a" * LONG + " …")


def test_versions_that_were_erased_are_in_no_history(node, desk):
    name = desk.report("Crue")
    desk.change(name, severity=4)
    actions.erase(node, desk.actor, name, "Nom d’une personne")
    assert versions_of(node, name, UTC) == []


def test_the_page_shows_it_once_there_is_more_than_one(sign_in, node, desk):
    browser, name = sign_in("permanence"), desk.report("Crue", place=Place(words="Gao"))
    url = f"/incidents/ML/{name}/"
    assert "1 version" not in browser.get(url).content.decode()
    desk.change(name, severity=4, text="Trois quartiers")
    page = browser.get(url).content.decode()
    assert "2 versions" in page
    assert "<ins>Very serious</ins>" in page
    after = msgspec.structs.replace(actions.own_incident(node, name))
    actions.update(node, desk.actor, name, after)
    assert "said again, nothing changed" in browser.get(url).content.decode()
    desk.change(name, text="")
    assert "taken out" in browser.get(url).content.decode()
