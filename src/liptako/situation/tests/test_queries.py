"""Reading the desk: what waits, for whom, in which order; a State never meets another's rows."""

from datetime import timedelta

import pytest
from django.utils import timezone

from liptako.core.clock import Instant, instant_of
from liptako.core.refs import audience_id
from liptako.situation import actions, importing, lists, queries
from liptako.situation.lists import Filter
from liptako.situation.models import Incident
from liptako.situation.records import (
    RELEASE,
    JournalEntry,
    Origin,
    Period,
    Place,
    Release,
    Standing,
    Status,
    Transform,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("compact")]
ALL = frozenset({"ML", "BF", "NE"})
ONE, TWO = "0000000000001", "0000000000002"
DAY = timedelta(days=1)


def summaries(rows):
    return [row.summary for row in rows]


def test_the_list_begins_with_what_happened_last(desk):
    for summary, begins in [("B", 2_000), ("C", 1_000), ("A", 3_000)]:
        desk.report(summary, period=Period(begins=begins))
    assert summaries(lists.incidents(desk.actor, Filter())) == ["A", "B", "C"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Filter(), {"Crue", "Feu", "Exercice"}),
        (Filter(text="crue"), {"Crue"}),
        (Filter(text="camions"), {"Feu"}),
        (Filter(text="Ansongo"), {"Exercice"}),
        (Filter(text="2026-0002"), {"Feu"}),
        (Filter(kind="flood"), {"Crue"}),
        (Filter(severity=3), {"Feu"}),
        (Filter(status="confirmed"), {"Crue"}),
        (Filter(standing="fictional"), {"Exercice"}),
        (Filter(author="ML"), {"Crue", "Feu", "Exercice"}),
        (Filter(author="BF"), set()),
        (Filter(since=Instant(2_000).moment()), {"Feu", "Exercice"}),
        (Filter(until=Instant(2_000).moment()), {"Crue"}),
        (Filter(kind="flood", severity=3), set()),
        (Filter(pile="release"), {"Crue", "Feu", "Exercice"}),
        (Filter(pile="outdated"), set()),
        (Filter(pile="verify"), {"Feu"}),
        (Filter(pile="news"), set()),
    ],
)
def test_each_field_of_the_filter_narrows_the_list(desk, wanted, found):
    desk.report("Crue", kind="flood", status=Status.CONFIRMED, period=Period(begins=1_000), text="")
    desk.report("Feu", severity=3, period=Period(begins=2_000), reference="ML-2026-0002")
    desk.report(
        "Exercice",
        standing=Standing.FICTIONAL,
        period=Period(begins=3_000),
        place=Place(words="Ansongo"),
        text="",
    )
    assert set(summaries(lists.incidents(desk.actor, wanted))) == found


def test_an_incident_is_found_by_its_state_and_its_object(desk, partner_of, incident_of):
    name = desk.report("Nôtre")
    partner_of("BF").write(name, incident_of(reference="BF-1", summary="Leur")).send()
    found = [queries.incident(desk.actor, author, name) for author in ("ML", "BF", "NE")]
    assert [row and row.summary for row in found] == ["Nôtre", "Leur", None]


def test_the_versions_of_an_incident_begin_with_the_most_exact(desk, incident_of):
    name = desk.report("Nôtre", place=Place(lat=0, lon=0, radius_m=500))
    desk.release(name)
    row = queries.incident(desk.actor, "ML", name)
    assert summaries(queries.other_versions(desk.actor, row)) == ["Pour eux"]
    assert [release.basis for release in queries.releases(desk.actor, row)] == ["Article 6"]


def test_states_and_standings_are_those_of_what_is_shown(desk, partner_of, incident_of):
    desk.release(desk.report("Nôtre"))
    desk.report("Exercice", standing=Standing.FICTIONAL)
    partner_of("BF").write(ONE, incident_of(reference="BF-1")).send()
    assert queries.authors(desk.actor) == ["BF", "ML"]
    assert queries.count_by_standing(desk.actor) == {"fictional": 1, "live": 2}


# What waits


def test_unreleased_are_own_open_incidents_that_no_partner_knows(desk, partner_of, incident_of):
    desk.report("Vieux")
    desk.release(desk.report("Diffusé"))
    desk.report("Clos", status=Status.CLOSED)
    desk.report("Publié", standing=Standing.PUBLISHED)
    desk.report("Neuf")
    partner_of("BF").write(ONE, incident_of(reference="BF-1")).send()
    assert summaries(lists.unreleased(desk.actor)) == ["Vieux", "Neuf"]


@pytest.fixture
def with_our_objects(partner_of, incident_of):
    """Return a partner that writes about objects with the names of ours, releases included."""

    def write(*names):
        members = ("BF", "ML")
        note = Release(
            audience=audience_id(members), members=members, transform=Transform.AS_IS, basis="Leur"
        )
        partner = partner_of("BF")
        for name in names:
            partner.write(name, incident_of(reference="BF-1"))
            partner.write(name, note, kind=RELEASE)
        partner.send()

    return write


def test_a_partners_release_of_the_same_object_is_not_ours(desk, with_our_objects):
    name = desk.report("Nôtre")
    with_our_objects(name)
    desk.change(name, severity=4)
    assert summaries(lists.unreleased(desk.actor)) == ["Nôtre"]
    assert summaries(lists.changed_since_release(desk.actor)) == []


@pytest.mark.parametrize(
    ("steps", "outdated"),
    [
        ([], False),
        (["change"], False),
        (["release"], False),
        (["change", "release"], False),
        (["release", "change"], True),
        (["release", "change", "release"], False),
        (["release", "release to NE", "change", "release to NE"], True),
        (["release", "release to NE", "change", "release to NE", "release"], False),
    ],
)
def test_a_partner_knows_an_older_version_until_it_gets_the_change(desk, steps, outdated):
    name = desk.report("Nôtre")
    doings = {
        "change": lambda: desk.change(name, severity=4),
        "release": lambda: desk.release(name),
        "release to NE": lambda: desk.release(name, "NE"),
    }
    for step in steps:
        doings[step]()
    found = summaries(lists.changed_since_release(desk.actor))
    assert found == (["Nôtre"] if outdated else [])


def test_what_changed_first_waits_first(desk):
    names = [desk.report(summary) for summary in ("A", "B", "C")]
    for name in names:
        desk.release(name)
    for name in (names[2], names[0]):
        desk.change(name, severity=4)
    assert summaries(lists.changed_since_release(desk.actor)) == ["C", "A"]


@pytest.mark.parametrize("query", [lists.changed_since_release, lists.unreleased])
def test_what_waits_takes_one_query_however_many_releases_there_are(
    desk, query, django_assert_num_queries
):
    for summary in ("A", "B", "C"):
        name = desk.report(summary)
        desk.release(name)
        desk.change(name, severity=4)
    with django_assert_num_queries(1):
        list(query(desk.actor))


def test_news_from_partners_are_recent_and_not_published_data(desk, partner_of, incident_of):
    desk.report("Nôtre")
    now = instant_of(timezone.now())
    partner = partner_of("BF").write(ONE, incident_of(reference="1", summary="Hier"), time=0)
    fresh = incident_of(reference="2", summary="Frais")
    past = incident_of(reference="3", standing=Standing.PUBLISHED)
    partner.write(TWO, fresh, time=now.milliseconds)
    partner.write("0000000000003", past, time=now.milliseconds).send()
    assert summaries(lists.from_partners(desk.actor)) == ["Frais"]


def test_what_is_urgent_waits_first(desk):
    desk.report("Hier")
    name = desk.report("Urgent")
    Incident.objects.filter(object=name).update(precedence="flash")
    assert summaries(lists.unverified(desk.actor)) == ["Urgent", "Hier"]


def test_unverified_are_own_live_reports_without_a_verdict(desk, partner_of, incident_of):
    for status in Status:
        desk.report(status.value, status=status)
    desk.report("Exercice", standing=Standing.FICTIONAL)
    partner_of("BF").write(ONE, incident_of(reference="BF-1")).send()
    assert summaries(lists.unverified(desk.actor)) == ["reported", "verifying"]


# The journal


@pytest.fixture
def write(node, desk):
    """Return a writer of journal entries that gives the name of the entry."""

    def write(text, at=1_000, **changes):
        entry = JournalEntry(at=at, text=text, **changes)
        return actions.write_journal(node, desk.actor, entry).header.object

    return write


def texts(rows):
    return [row.text for row in rows]


def test_the_journal_begins_with_what_happened_last(desk, write):
    for text, at in [("B", 2_000), ("C", 1_000), ("A", 3_000), ("A bis", 3_000)]:
        write(text, at)
    assert texts(queries.journal(desk.actor)) == ["A bis", "A", "B", "C"]
    assert texts(queries.journal(desk.actor, "BIS")) == ["A bis"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("segou", True),
        ("SÉGOU", True),
        ("blesses, ségou", True),
        ("ségou gao", False),
        ("?", False),
        (" ", True),
    ],
)
def test_the_journal_is_searched_by_words_in_any_order_without_accents(desk, write, asked, found):
    write("Trois blessés à Ségou", 1_000)
    assert bool(texts(queries.journal(desk.actor, asked))) == found


def test_the_entries_about_an_incident_begin_with_the_first(desk, write):
    for text, at in [("Suite", 2_000), ("Début", 1_000)]:
        write(text, at, incident=ONE)
    write("Autre chose", incident=TWO)
    assert texts(queries.journal_of(desk.actor, ONE)) == ["Début", "Suite"]


def test_the_latest_correction_of_an_entry_counts(desk, write):
    name, other = write("Six"), write("Juste")
    for text in ("Sept", "Huit"):
        write(text, corrects=name)
    found = queries.corrections(desk.actor, [name, other])
    assert {key: entry.text for key, entry in found.items()} == {name: "Huit"}


def test_a_partners_journal_is_not_ours(desk, partner_of):
    partner_of("BF").write(ONE, JournalEntry(at=0, text="Leur"), kind="situation.journal/1").send()
    assert texts(queries.journal(desk.actor)) == []


# Nobody else


@pytest.mark.parametrize("roles", [None, ("drafter",), ("node_administrator",), ("later_role",)])
def test_who_may_not_see_incidents_gets_nothing_from_any_query(desk, write, actor, roles):
    name = desk.report("Nôtre")
    desk.release(name)
    write("Ronde", incident=name)
    row, who = queries.incident(desk.actor, "ML", name), roles and actor(*roles)
    assert [
        list(lists.incidents(who, Filter())),
        queries.incident(who, "ML", name),
        queries.other_versions(who, row),
        queries.releases(who, row),
        queries.authors(who),
        queries.count_by_standing(who),
        list(lists.unreleased(who)),
        list(lists.changed_since_release(who)),
        list(lists.from_partners(who)),
        list(lists.unverified(who)),
        list(queries.journal(who)),
        list(queries.journal_of(who, name)),
        queries.corrections(who, [name]),
        queries.references(who, [name]),
        queries.journal_entry(who, name),
    ] == [[], None, [], [], [], {}, [], [], [], [], [], [], {}, {}, None]


def test_who_may_see_incidents_need_not_see_the_journal(desk, write, actor):
    write("Ronde")
    assert list(queries.journal(actor("planner"))) == []


# Imports


def test_the_last_import_is_the_one_that_began_last(node, actor):
    assert queries.last_import() is None
    runs = [importing.start_import(node, actor("node_administrator"), n) for n in (1, 2)]
    assert queries.last_import() == runs[1]
    assert queries.import_run(runs[0].pk) == runs[0]


def test_a_published_incident_is_held_whoever_wrote_it(desk, partner_of, incident_of):
    desk.report("Nôtre", source=Origin(id="II-1"))
    partner_of("BF").write(ONE, incident_of(reference="B", source=Origin(id="II-2"))).send()
    assert queries.held_sources(["II-1", "II-2", "II-3"]) == {"II-1", "II-2"}


def test_the_marking_of_an_incident_is_that_of_its_last_version(node, desk, incident_of):
    record = actions.report(node, desk.actor, incident_of(), marking="RESTREINT")
    header = record.header
    assert queries.marking_of("ML", header.object, header.audience) == "RESTREINT"
    assert queries.marking_of("BF", header.object, header.audience) == ""
