"""The bytes of payloads: golden vectors, and I1 for whatever a desk may write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liptako.core.errors import MalformedError
from liptako.ledger import registry
from liptako.ledger.testing import check_bytes
from liptako.situation.records import (
    ATTACHMENT,
    INCIDENT,
    JOURNAL,
    RECALLED,
    RECORDS,
    RELEASE,
    Attached,
    Count,
    Harm,
    Incident,
    JournalEntry,
    Level,
    Origin,
    Period,
    PeriodPrecision,
    Place,
    Recalled,
    Release,
    Standing,
    Status,
    Transform,
)

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
numbers = st.integers(-(2**53) + 1, 2**53 - 1)
maybe = st.none() | numbers
counts = st.none() | st.builds(Count, best=numbers, low=maybe, high=maybe)
harms = st.builds(
    Harm, killed=counts, injured=counts, abducted=counts, detained=counts, displaced=counts
)
periods = st.builds(Period, begins=numbers, ends=maybe, precision=st.sampled_from(PeriodPrecision))
places = st.builds(
    Place,
    lat=maybe,
    lon=maybe,
    radius_m=numbers,
    level=st.sampled_from(Level),
    area=texts,
    words=texts,
)
origins = st.builds(Origin, words=texts, credit=texts, licence=texts, id=texts)
codes = st.lists(texts, max_size=3).map(tuple)
incidents = st.builds(
    Incident,
    reference=texts,
    kind=texts,
    summary=texts,
    period=periods,
    place=places,
    text=texts,
    severity=numbers,
    status=st.sampled_from(Status),
    standing=st.sampled_from(Standing),
    affected=codes,
    harm=harms,
    needs=codes,
    reliability=texts,
    credibility=numbers,
    source=origins,
    handled_by=texts,
)
entries = st.builds(JournalEntry, at=numbers, text=texts, incident=texts, corrects=texts)
releases = st.builds(
    Release,
    audience=texts,
    members=codes,
    transform=st.sampled_from(Transform),
    basis=texts,
    until=maybe,
)

GOLDEN = {
    JOURNAL: (
        JournalEntry(at=1_790_000_000_000, text="Liaison rétablie", incident="0000000000001"),
        '{"at":1790000000000,"text":"Liaison rétablie","incident":"0000000000001"}'.encode(),
    ),
    INCIDENT: (
        Incident(
            reference="ML-2026-0001",
            kind="attack",
            summary="Attaque d’un convoi",
            period=Period(begins=1_790_000_000_000, precision=PeriodPrecision.HOUR),
            place=Place(
                lat=15_046_000,
                lon=-238_000,
                radius_m=500,
                level=Level.RADIUS,
                words="Nord de Tessit",
            ),
            severity=3,
            status=Status.VERIFYING,
            affected=("civilians", "aid"),
            harm=Harm(killed=Count(best=0), injured=Count(best=4, low=3, high=6)),
            needs=("medical",),
            reliability="B",
            credibility=2,
            source=Origin(words="Chef du village"),
        ),
        (
            '{"reference":"ML-2026-0001","kind":"attack","summary":"Attaque d’un convoi",'
            '"period":{"begins":1790000000000,"precision":"hour"},'
            '"place":{"lat":15046000,"lon":-238000,"radius_m":500,"level":"radius",'
            '"words":"Nord de Tessit"},"severity":3,"status":"verifying",'
            '"affected":["civilians","aid"],"harm":{"killed":{"best":0},'
            '"injured":{"best":4,"low":3,"high":6}},"needs":["medical"],"reliability":"B",'
            '"credibility":2,"source":{"words":"Chef du village"}}'
        ).encode(),
    ),
    RELEASE: (
        Release(
            audience="abcdefghijklmnop",
            members=("BF", "ML"),
            transform=Transform.CELL,
            basis="Article 6",
            until=1_790_086_400_000,
        ),
        (
            b'{"audience":"abcdefghijklmnop","members":["BF","ML"],"transform":"cell",'
            b'"basis":"Article 6","until":1790086400000}'
        ),
    ),
    RECALLED: (
        Recalled(audience="abcdefghijklmnop", reason="Erreur de lieu"),
        b'{"audience":"abcdefghijklmnop","reason":"Erreur de lieu"}',
    ),
    ATTACHMENT: (
        Attached(caption="Le pont, côté nord"),
        '{"caption":"Le pont, côté nord"}'.encode(),
    ),
}


@pytest.mark.parametrize("kind", sorted(RECORDS))
def test_a_payload_has_the_bytes_of_its_golden_vector(kind):
    payload, golden = GOLDEN[kind]
    assert check_bytes(kind, payload) == golden


def test_every_kind_is_registered_with_its_type():
    registered = {kind.name: kind.payload for kind in registry.kinds()}
    assert {name: registered[name] for name in RECORDS} == RECORDS


@given(incidents)
def test_any_incident_keeps_its_bytes(incident):
    check_bytes(INCIDENT, incident)


@given(entries)
def test_any_journal_entry_keeps_its_bytes(entry):
    check_bytes(JOURNAL, entry)


@given(releases)
def test_any_release_keeps_its_bytes(release):
    check_bytes(RELEASE, release)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (INCIDENT, b'{"reference":"ML-1","kind":"fire"}'),
        (JOURNAL, b'{"at":"now","text":"x"}'),
        (RELEASE, b'{"audience":"a","members":[],"transform":"sharper","basis":"x"}'),
    ],
)
def test_bytes_of_another_type_are_malformed(kind, data):
    with pytest.raises(MalformedError, match=kind):
        registry.decode_payload(kind, data)
