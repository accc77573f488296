"""Drawing incidents, releases and the journal: the same rows from the same records, everywhere."""

import time
from dataclasses import replace

import pytest
from django.forms.models import model_to_dict

from liptako.core.clock import Instant
from liptako.core.errors import RefusedError
from liptako.core.records.envelope import Precedence
from liptako.core.refs import audience_id
from liptako.ledger import helping, projector, quarantine, registry, store
from liptako.ledger.models import Payload
from liptako.ledger.records import Draft
from liptako.ledger.testing import check_order, check_rebuild
from liptako.situation import models, projection
from liptako.situation.records import (
    INCIDENT,
    JOURNAL,
    RECALLED,
    RELEASE,
    Count,
    Harm,
    JournalEntry,
    Level,
    Period,
    Place,
    Recalled,
    Release,
    Transform,
)

pytestmark = pytest.mark.django_db
ALL = frozenset({"ML", "BF", "NE"})
PAIR = frozenset({"ML", "BF"})
ALONE, EVERYONE = audience_id(["ML"]), audience_id(ALL)
ONE, TWO = "0000000000001", "0000000000002"


def draft(payload, name=ONE, kind=INCIDENT, **changes):
    return Draft(kind=kind, object=name, office="permanence", payload=payload, **changes)


def release(members=ALL, **changes):
    fields = {
        "audience": audience_id(members),
        "members": tuple(sorted(members)),
        "transform": Transform.CELL,
        "basis": "Article 6",
    }
    return Release(**(fields | changes))


def recalled(members=ALL, reason="Erreur de lieu"):
    return Recalled(audience=audience_id(members), reason=reason)


def entry(text="Ronde", **changes):
    return JournalEntry(**({"at": 1_790_000_000_000, "text": text} | changes))


def shown():
    """Return author and summary of what lists and maps show."""
    rows = models.Incident.objects.filter(shown=True).order_by("author", "object")
    return list(rows.values_list("author", "summary"))


def columns(row, *names):
    return {name: getattr(row, name) for name in names}


def test_a_report_is_drawn_with_everything_that_it_says(node, compact, incident_of):
    payload = incident_of(
        reference="ML-1",
        period=Period(begins=1_790_000_000_000, ends=1_790_000_060_000),
        harm=Harm(injured=Count(best=4, low=3)),
        affected=("civilians",),
        needs=("water",),
    )
    (record,) = store.append(
        node, [draft(payload, precedence=Precedence.FLASH, marking="RESTREINT")]
    )
    row = models.Incident.objects.get()
    moment = record.header.time.moment()
    assert model_to_dict(row) == {
        "key": f"ML/{ONE}/{ALONE}",
        "thread": f"ML/{ONE}/{ALONE}",
        "author": "ML",
        "object": ONE,
        "audience": ALONE,
        "reference": "ML-1",
        "kind": "attack",
        "summary": "Attaque d’un convoi",
        "text": "Deux camions immobilisés au gué.",
        "severity": 2,
        "status": "reported",
        "standing": "live",
        "begins": Instant(1_790_000_000_000).moment(),
        "ends": Instant(1_790_000_060_000).moment(),
        "period_precision": "minute",
        "lat": 15_046_000,
        "lon": -238_000,
        "radius_m": 0,
        "level": "point",
        "area": "",
        "words": "Nord de Tessit",
        "affected": ["civilians"],
        "harm": {"injured": {"best": 4, "low": 3}},
        "needs": ["water"],
        "reliability": "",
        "credibility": 0,
        "source": {"words": "Chef du village"},
        "source_id": "",
        "handled_by": "permanence",
        "valid_until": None,
        "same_as": "",
        "office": "permanence",
        "precedence": "flash",
        "marking": "RESTREINT",
        "reported_at": moment,
        "updated_at": moment,
        "versions": 1,
        "lamport": 1,
        "origin": record.origin,
        "seq": 0,
        "shown": True,
    }
    assert bytes(row.leaf) == record.leaf


def test_a_later_version_replaces_the_earlier_one(node, compact, incident_of):
    (first,) = store.append(node, [draft(incident_of(reference="ML-1"))])
    (last,) = store.append(node, [draft(incident_of(reference="ML-1", summary="Deux morts"))])
    row = models.Incident.objects.get()
    assert columns(row, "summary", "versions", "reported_at", "updated_at", "seq") == {
        "summary": "Deux morts",
        "versions": 2,
        "reported_at": first.header.time.moment(),
        "updated_at": last.header.time.moment(),
        "seq": 1,
    }


def test_a_partners_record_is_drawn_as_our_own_would_be(node, partner_of, incident_of):
    payload = incident_of(reference="X-1", harm=Harm(killed=Count(best=1)))
    store.append(node, [draft(payload, audience=ALL)])
    partner_of("BF").write(TWO, payload).send()
    named = ("key", "thread", "author", "object", "origin", "seq", "lamport")
    times = ("reported_at", "updated_at")
    own, theirs = (
        model_to_dict(row, exclude=(*named, *times))
        for row in models.Incident.objects.order_by("object")
    )
    assert own == theirs


def test_our_own_version_is_shown_before_what_partners_know(node, compact, incident_of):
    known, told = incident_of(reference="ML-1"), incident_of(reference="ML-1", summary="Tu")
    store.append(node, [draft(known), draft(told, audience=ALL)])
    assert shown() == [("ML", "Attaque d’un convoi")]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_a_partners_versions_the_most_exact_one_is_shown(partner_of, incident_of, order):
    coarse = Place(lat=15_041_666, lon=-208_334, radius_m=6_600, level=Level.CELL)
    near = Place(lat=15_041_000, lon=-208_000, radius_m=500, level=Level.RADIUS)
    logs = (
        partner_of("BF").write(ONE, incident_of(reference="B", place=coarse)),
        partner_of("BF", PAIR).write(ONE, incident_of(reference="B", place=near, summary="Près")),
    )
    for index in order:
        logs[index].send()
    assert shown() == [("BF", "Près")]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_versions_equally_exact_the_latest_one_is_shown(partner_of, incident_of, order):
    everyone = partner_of("BF").write(TWO, incident_of(reference="B2", summary="Autre"))
    logs = (
        everyone.write(ONE, incident_of(reference="B", summary="Tard")),
        partner_of("BF", PAIR).write(ONE, incident_of(reference="B", summary="Tôt")),
    )
    for index in order:
        logs[index].send()
    assert shown() == [("BF", "Tard"), ("BF", "Autre")]


def test_of_versions_that_are_drawn_at_once_by_a_helper_the_same_one_is_shown(
    partner_of, incident_of
):
    coarse = Place(lat=15_041_666, lon=-208_334, radius_m=6_600, level=Level.CELL)
    near = Place(lat=15_041_000, lon=-208_000, radius_m=500, level=Level.RADIUS)
    everyone = partner_of("BF").write(TWO, incident_of(reference="B2", summary="Autre"))
    everyone.write(ONE, incident_of(reference="B", place=coarse)).send()
    partner_of("BF", PAIR).write(ONE, incident_of(reference="B", place=near, summary="Près")).send()
    with helping.Helper() as helper:
        while not helper.is_ready():
            assert helper.is_alive()
            time.sleep(0.05)
        rebuilt = projector.rebuild(lambda _done, _total: None, helper)
        assert helper.folded == 1
    assert rebuilt.before == rebuilt.after
    assert sorted(shown()) == [("BF", "Autre"), ("BF", "Près")]
    assert models.Incident.objects.filter(shown=False).count() == 1


def test_of_versions_beside_a_poison_record_the_right_one_is_shown(partner_of, incident_of):
    """The threads are parted until the poison stands alone, in the midst of the others."""
    original = projection.MODULE
    near = Place(lat=1, lon=2, radius_m=500, level=Level.RADIUS)
    far = Place(lat=1, lon=2, radius_m=900, level=Level.RADIUS)
    pair = audience_id(PAIR)

    def fold(threads):
        if any(
            found and (thread.object, thread.audience) == (TWO, pair)
            for thread, found in threads.items()
        ):
            message = "poison"
            raise ValueError(message)
        return original.fold(threads)

    everyone = partner_of("BF").write(ONE, incident_of(reference="B", place=far, summary="Loin"))
    everyone.write(TWO, incident_of(reference="B2", place=far, summary="Autre")).send()
    two = partner_of("BF", PAIR).write(ONE, incident_of(reference="B", place=near, summary="Près"))
    two.write(TWO, incident_of(reference="B2", place=near, summary="Fautif"))
    registry.register(replace(original, fold=fold))
    try:
        two.send()
    finally:
        registry.register(original)
    assert sorted(shown()) == [("BF", "Autre"), ("BF", "Près")]
    assert models.Incident.objects.filter(shown=False).count() == 1


def test_a_thread_of_a_single_table_has_one_row_under_its_own_key(node, partner_of, incident_of):
    store.append(node, [draft(incident_of(reference="ML-1")), draft(entry(), TWO, JOURNAL)])
    partner_of("BF").write(ONE, incident_of(reference="B")).send()
    single = [table.model for table in projection.MODULE.tables if table.single]
    rows = [row for model in single for row in model.objects.all()]
    assert [row.key for row in rows] == [row.thread for row in rows]
    assert len(rows) == 3


def test_two_states_with_the_same_object_stay_apart(node, partner_of, incident_of):
    store.append(node, [draft(incident_of(reference="ML-1", summary="Nôtre"))])
    partner_of("BF").write(ONE, incident_of(reference="BF-1", summary="Leur")).send()
    partner_of("NE").write(ONE, incident_of(reference="NE-1", summary="Autre")).send()
    assert shown() == [("BF", "Leur"), ("ML", "Nôtre"), ("NE", "Autre")]


def test_each_audience_has_its_latest_release(node, compact, incident_of):
    (_, _, second, third) = store.append(
        node,
        [
            draft(incident_of(reference="ML-1")),
            draft(release(), kind=RELEASE),
            draft(release(basis="Ordre 7", until=1_790_086_400_000), kind=RELEASE),
            draft(release(PAIR, transform=Transform.AS_IS), kind=RELEASE),
        ],
    )
    common = {"object": ONE, "author": "ML", "thread": f"ML/{ONE}/{ALONE}", "audience": ALONE}
    rows = models.Release.objects.order_by("released_at")
    assert [model_to_dict(row) for row in rows] == [
        common
        | {
            "key": f"ML/{ONE}/{ALONE}/{EVERYONE}",
            "target": EVERYONE,
            "members": ["BF", "ML", "NE"],
            "transform": "cell",
            "basis": "Ordre 7",
            "until": Instant(1_790_086_400_000).moment(),
            "office": "permanence",
            "released_at": second.header.time.moment(),
            "versions": 2,
            "recalled_at": None,
            "reason": "",
        },
        common
        | {
            "key": f"ML/{ONE}/{ALONE}/{audience_id(PAIR)}",
            "target": audience_id(PAIR),
            "members": ["BF", "ML"],
            "transform": "as_is",
            "basis": "Article 6",
            "until": None,
            "office": "permanence",
            "released_at": third.header.time.moment(),
            "versions": 1,
            "recalled_at": None,
            "reason": "",
        },
    ]


def test_a_journal_entry_is_drawn_with_what_it_is_about(node, compact):
    (record,) = store.append(node, [draft(entry(incident=TWO, corrects=ONE), kind=JOURNAL)])
    assert model_to_dict(models.JournalEntry.objects.get()) == {
        "key": f"ML/{ONE}/{ALONE}",
        "thread": f"ML/{ONE}/{ALONE}",
        "author": "ML",
        "object": ONE,
        "audience": ALONE,
        "at": Instant(1_790_000_000_000).moment(),
        "written_at": record.header.time.moment(),
        "erased": False,
        "text": "Ronde",
        "folded": "ronde",
        "office": "permanence",
        "incident": TWO,
        "corrects": ONE,
    }


def test_a_journal_entry_cannot_be_written_over(node, compact):
    store.append(node, [draft(entry(), kind=JOURNAL)])
    with pytest.raises(RefusedError, match="an entry is written once"):
        store.append(node, [draft(entry("Autre ronde"), kind=JOURNAL)])
    assert models.JournalEntry.objects.get().text == "Ronde"


def test_what_a_partner_writes_against_the_rules_is_set_aside_and_stops_nothing(
    partner_of, incident_of
):
    bad = incident_of(reference="BF-1", severity=9)
    author = partner_of("BF").write(ONE, bad).write(ONE, release(), kind=RELEASE)
    author.write(TWO, entry(), kind=JOURNAL).write(TWO, entry("Encore"), kind=JOURNAL)
    author.write("0000000000003", incident_of(reference="BF-2")).send()
    assert shown() == [("BF", "Attaque d’un convoi")]
    assert [str(row) for row in quarantine.rejected()] == [
        "journal: an entry is written once; correct it by another",
        "release: there is no incident that could be released",
        "incident: expected severity 1–4, reliability A–F, credibility 1–6, got 9  0",
    ]


def test_an_incident_whose_payload_was_erased_is_drawn_no_more(node, compact, incident_of):
    store.append(node, [draft(incident_of(reference="ML-1"))])
    Payload.objects.all().delete()
    projector.rebuild(lambda _done, _total: None)
    assert models.Incident.objects.count() == 0


def scene(kind, node, partner_of, incident_of):
    """Write records of a kind into several logs, ours and a partner's, good and bad."""
    known, told = incident_of(reference="ML-1"), incident_of(reference="ML-1", summary="Tu")
    drafts = {
        INCIDENT: [
            draft(known),
            draft(told, audience=ALL),
            draft(told, audience=PAIR, precedence=Precedence.FLASH),
        ],
        RELEASE: [
            draft(known),
            draft(release(), kind=RELEASE),
            draft(release(PAIR), kind=RELEASE, precedence=Precedence.FLASH),
        ],
        RECALLED: [
            draft(known),
            draft(release(), kind=RELEASE),
            draft(recalled(), kind=RECALLED),
            draft(release(PAIR), kind=RELEASE),
        ],
        JOURNAL: [
            draft(entry(), kind=JOURNAL),
            draft(entry("Alerte"), TWO, JOURNAL, precedence=Precedence.FLASH),
        ],
    }
    payloads = {
        INCIDENT: [told, incident_of(reference="BF-9")],
        RELEASE: [release(), release()],
        RECALLED: [recalled(), recalled()],
        JOURNAL: [entry(), entry("Encore")],
    }
    store.append(node, drafts[kind])
    author = partner_of("BF")
    for payload in payloads[kind]:
        author.write(ONE, payload, kind=kind)
    author.send()


@pytest.mark.parametrize("kind", [INCIDENT, RELEASE, RECALLED, JOURNAL])
def test_a_rebuild_changes_nothing(node, partner_of, incident_of, kind):
    scene(kind, node, partner_of, incident_of)
    before = shown()
    check_rebuild()
    assert shown() == before


@pytest.mark.parametrize("kind", [INCIDENT, RELEASE, RECALLED, JOURNAL])
def test_the_order_in_which_logs_arrive_changes_nothing(node, partner_of, incident_of, kind):
    scene(kind, node, partner_of, incident_of)
    assert check_order(node) > 1
