"""Fictional incidents: marked as such, within the rules, the same for the same seed."""

import msgspec
import pytest

from liptako.core.clock import Instant
from liptako.core.geo import Position
from liptako.core.records.envelope import Precedence
from liptako.members.permissions import Right
from liptako.situation.fiction import COUNT, fictional, officer, scripted
from liptako.situation.records import Level, Standing
from liptako.situation.rules import incident_fault

NOW = Instant(1_790_000_000_000)


@pytest.mark.parametrize("member", ["ML", "BF", "NE", "TG"])
def test_every_fictional_incident_is_marked_and_within_the_rules(member):
    found = [row.incident for row in fictional(member, seed=1, now=NOW)]
    assert len(found) == COUNT
    assert [incident_fault(None, incident) for incident in found] == [None] * COUNT
    assert {incident.standing for incident in found} == {Standing.FICTIONAL}
    assert all("fictif" in incident.summary for incident in found)


def test_only_a_fictional_place_without_a_radius_is_exact():
    places = [row.incident.place for row in fictional("ML", seed=1, now=NOW)]
    assert all((place.level is Level.POINT) == (place.radius_m == 0) for place in places)


def test_the_same_seed_gives_the_same_incidents():
    one, same, other = (list(fictional("ML", seed=seed, now=NOW)) for seed in (1, 1, 2))
    assert one == same != other


def test_the_scripted_incident_is_fictional_urgent_and_within_the_rules():
    incident, precedence = scripted(Position(lat=15_046_000, lon=-238_000), NOW)
    assert (incident.standing, precedence) == (Standing.FICTIONAL, Precedence.FLASH)
    numbered = msgspec.structs.replace(incident, reference="ML-2026-0001")
    assert incident_fault(None, numbered) is None


@pytest.mark.parametrize(
    ("office", "right"),
    [("permanence", Right.REPORT_INCIDENT), ("diffusion", Right.RELEASE_INCIDENT)],
)
def test_an_officer_of_the_demonstration_has_the_right_of_the_office(office, right):
    assert right in officer("ML", office).rights
