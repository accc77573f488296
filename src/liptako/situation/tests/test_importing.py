"""Importing published incidents: credited, never live or exact, and safe to begin again."""

import pytest
from django.conf import settings
from django.core.management import call_command
from django.utils import translation
from django_tasks_db.models import DBTaskResult
from msgspec import ValidationError

from liptako.core.clock import Instant
from liptako.core.errors import MalformedError, NotAllowedError
from liptako.ledger.testing import check_order, check_rebuild
from liptako.members.models import AuditEvent
from liptako.situation import importing, models
from liptako.situation.fiction import COUNT, fictional
from liptako.situation.importing import ImportOrder, import_published
from liptako.situation.imports import Published
from liptako.situation.jobs import TABLE, import_incidents, read_table
from liptako.situation.records import Count, Harm, Origin, Place, Standing
from liptako.web.texts import reason_text

pytestmark = pytest.mark.django_db
ALL = frozenset({"ML", "BF", "NE"})
DATA = settings.LIPTAKO.data or None
needs_data = pytest.mark.skipif(
    DATA is None or not (DATA / TABLE).is_file(), reason="needs the folder LIPTAKO_DATA"
)


@pytest.fixture
def administrator(actor, compact):
    return actor("node_administrator", office="administration")


@pytest.fixture
def releasing(actor, compact):
    """The administration of a State that lets it release too."""
    return actor("node_administrator", "releasing_officer", office="administration")


@pytest.fixture
def published(incident_of):
    """Return a maker of rows: `published(7, country="MLI")`."""

    def make(line, country="MLI", **changes):
        fields = {
            "reference": f"II-{line}",
            "standing": Standing.PUBLISHED,
            "source": Origin(credit="Insecurity Insight", id=f"II-{line}"),
        }
        return Published(line=line, country=country, incident=incident_of(**(fields | changes)))

    return make


@pytest.fixture
def take_in(node, releasing):
    """Return the import with what it told: `take_in(rows)` gives faults and progress."""

    def run(rows, order=None):
        told = []
        faults = import_published(
            node, releasing, rows, order or ImportOrder(), lambda *said: told.append(said)
        )
        return [str(fault) for fault in faults], told

    return run


def references(**wanted):
    rows = models.Incident.objects.filter(shown=True, **wanted).order_by("reference")
    return list(rows.values_list("reference", flat=True))


def test_rows_are_written_and_the_progress_told(take_in, published):
    faults, told = take_in([published(line) for line in range(250)])
    assert (faults, told) == ([], [(100, 100), (200, 200), (250, 250)])
    assert len(references()) == 250


def test_a_second_import_adds_nothing(take_in, published):
    rows = [published(line) for line in range(3)]
    take_in(rows)
    assert take_in(rows) == ([], [(3, 0)])
    assert set(models.Incident.objects.values_list("versions", flat=True)) == {1}


def test_an_import_that_was_interrupted_goes_on_where_it_stopped(take_in, published):
    def cut():
        yield from (published(line) for line in range(150))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take_in(cut())
    assert len(references()) == 100
    assert take_in([published(line) for line in range(150)]) == ([], [(100, 0), (150, 50)])


def test_a_row_that_stands_twice_in_a_table_is_taken_once(take_in, published):
    assert take_in([published(7), published(7)]) == ([], [(2, 1)])
    assert models.Incident.objects.get().versions == 1


def test_what_a_partner_has_released_already_is_passed_over(take_in, published, partner_of):
    partner_of("BF").write("0000000000001", published(7).incident).send()
    assert take_in([published(7), published(8)]) == ([], [(2, 1)])
    assert references() == ["II-7", "II-8"]


def test_only_the_countries_that_were_asked_for_are_taken(take_in, published):
    rows = [published(1, "MLI"), published(2, "NER"), published(3, "BFA")]
    order = ImportOrder(countries=frozenset({"MLI", "BFA"}))
    assert take_in(rows, order) == ([], [(3, 2)])
    assert references() == ["II-1", "II-3"]


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"reference": ""}, "incident: expected a reference"),
        ({"harm": Harm(killed=Count(best=-1))}, "harm: expected lowest ≤ best ≤ highest"),
        ({"harm": Harm(killed=Count(best=2**53))}, "record: expected integers within"),
        ({"text": "a\0b"}, "record: expected one JSON object"),
        ({"source": Origin(words="x" * 70_000)}, "payload: expected at most 65535 bytes"),
        ({"place": Place()}, "place: expected coordinates, an area, or words"),
        ({"standing": Standing.LIVE}, "an import brings published or fictional incidents, no live"),
    ],
)
def test_a_row_that_no_record_may_hold_is_named_and_stops_no_other(
    take_in, published, changes, fault
):
    (said,), told = take_in([published(2), published(3, **changes), published(4)])
    assert said.startswith(f"line 3: {fault}")
    assert (told, references()) == ([(3, 2)], ["II-2", "II-4"])


def test_a_row_that_could_not_be_read_is_passed_on(take_in, published):
    rows = [MalformedError("line 2: no"), published(3)]
    assert take_in(rows) == (["line 2: no"], [(2, 1)])


def test_published_incidents_are_released_as_they_are_to_those_named(take_in, published):
    take_in([published(7)], ImportOrder(members=ALL))
    release = models.Release.objects.get()
    versions = models.Incident.objects.values_list("summary", "lat", "source__credit")
    assert list(versions) == [("Attaque d’un convoi", 15_046_000, "Insecurity Insight")] * 2
    assert (release.members, release.transform, release.basis) == (
        ["BF", "ML", "NE"], "as_is", "Insecurity Insight"
    )  # fmt: skip


def test_an_import_for_ourselves_alone_is_released_to_nobody(take_in, published):
    take_in([published(7)], ImportOrder(members=frozenset({"ML"})))
    assert (models.Incident.objects.count(), models.Release.objects.count()) == (1, 0)


@pytest.mark.parametrize("members", [ALL, frozenset({"BF"})])
def test_who_may_not_release_imports_for_nobody_else(node, administrator, published, members):
    order, rows = ImportOrder(members=members), [published(7)]
    with pytest.raises(NotAllowedError, match="may not do this"):
        import_published(node, administrator, rows, order, lambda _done, _added: None)
    with pytest.raises(NotAllowedError, match="may not do this"):
        importing.start_import(node, administrator, 1, members)
    assert (models.Incident.objects.count(), models.ImportRun.objects.count()) == (0, 0)


@pytest.mark.parametrize("members", [frozenset(), frozenset({"ML"})])
def test_who_may_not_release_imports_for_this_state(node, administrator, published, members):
    order = ImportOrder(members=members)
    import_published(node, administrator, [published(7)], order, lambda _done, _added: None)
    assert importing.start_import(node, administrator, 1, members).total == 1
    assert references() == ["II-7"]


@pytest.mark.parametrize(("members", "whom"), [(ALL, "BF ML NE"), (frozenset(), "ML")])
def test_the_audit_trail_tells_for_whom_and_how_much_was_imported(
    take_in, published, members, whom
):
    take_in([published(7), published(7), published(8)], ImportOrder(members=members))
    row = AuditEvent.objects.get(event="incidents.import")
    assert (row.office, row.subject, row.detail) == ("administration", whom, "2/3")


def test_an_import_can_be_drawn_again_in_any_order(node, take_in, published):
    take_in([published(7)], ImportOrder(members=ALL))
    check_rebuild()
    assert check_order(node) > 1


def test_fictional_incidents_are_marked_in_every_record(node, take_in):
    rows = list(fictional("ML", seed=1, now=Instant(1_790_000_000_000)))
    assert take_in(rows, ImportOrder(members=ALL)) == ([], [(COUNT, COUNT)])
    marks = models.Incident.objects.values_list("standing", flat=True)
    assert list(marks) == ["fictional"] * 2 * COUNT


# The public data


@needs_data
def test_all_published_incidents_are_taken_without_a_fault(take_in):
    rows = read_table(DATA / TABLE)
    faults, told = take_in(rows)
    assert (len(rows), faults, told[-1]) == (827, [], (827, 827))
    found = models.Incident.objects.filter(
        standing="published", status="closed", source__credit="Insecurity Insight (CC BY)"
    )
    assert found.exclude(level="point").exclude(radius_m=0).count() == 827


@needs_data
def test_the_incidents_of_three_states_are_those_that_their_countries_had(take_in):
    order = ImportOrder(countries=frozenset({"MLI", "BFA", "NER"}))
    _, told = take_in(read_table(DATA / TABLE), order)
    assert told[-1] == (827, 301 + 281 + 91)


@needs_data
def test_the_sample_of_ucdp_is_taken_without_a_fault(take_in):
    rows = read_table(DATA / "incidents" / "ucdp_ged_23.1_sample_sahel.csv")
    faults, told = take_in(rows)
    assert (len(rows), faults, told[-1]) == (20, [], (20, 20))
    assert set(references()) == {row.incident.reference for row in rows}
    assert sum(models.Incident.objects.values_list("harm__killed__best", flat=True)) == 210


# The job

HEAD = (
    "event_id,date,category,iso3,admin1,lat,lon,geo_precision,description,weapon,killed,injured,"
    "kidnapped,arrested,source_file\n"
)
GOOD = "II-1,2024-05-06,education,MLI,Gao,16.25,-0.05,(2) 25 km,Une école,Arson,0,,,,e.json\n"
BAD = "II-2,2024-05-06,war,MLI,Gao,16.25,-0.05,(2) 25 km,Une école,Arson,0,,,,e.json\n"


@pytest.fixture
def table(tmp_path):
    """Return the path of a table with one good and one faulty row, as a spreadsheet saves it."""
    path = tmp_path / "table.csv"
    path.write_text(HEAD + GOOD + BAD, encoding="utf-8-sig")
    return path


def test_a_table_is_read_with_or_without_the_mark_of_a_spreadsheet(table):
    before = read_table(table)
    table.write_text(HEAD + GOOD + BAD, encoding="utf-8")
    assert [str(row) for row in read_table(table)] == [str(row) for row in before]
    assert isinstance(before[0], Published)


@pytest.mark.parametrize("data", [None, b"\xff\xfe"])
def test_a_table_that_cannot_be_read_is_refused(tmp_path, data):
    path = tmp_path / "table.csv"
    if data:
        path.write_bytes(data)
    with pytest.raises(MalformedError, match="cannot be read"):
        read_table(path)


def job(run, path, actor, members=()):
    """Do the work of a run in this process."""
    who = {
        "member": actor.member,
        "person": actor.person,
        "office": actor.office,
        "roles": sorted(actor.roles),
    }
    import_incidents.call(run.pk, str(path), who, [], list(members))
    run.refresh_from_db()
    return run


def told(run, language="en"):
    """Return what a run says went wrong."""
    with translation.override(language):
        return [reason_text(fault["template"], fault["params"]) for fault in run.faults]


def test_a_run_says_in_the_language_of_the_reader_what_was_wrong(node, administrator, table):
    run = job(importing.start_import(node, administrator, 2), table, administrator)
    (line,) = told(run, "fr")
    assert line.startswith("ligne 3 : attendu l’un de ")


def test_a_run_tells_how_far_it_came_and_which_rows_are_faulty(node, administrator, table):
    run = job(importing.start_import(node, administrator, 2), table, administrator)
    assert (run.total, run.done, run.added, str(run)) == (2, 2, 1, "2/2")
    assert told(run)[0].startswith("line 3: expected one of health_care")
    assert run.ended_at is not None
    assert AuditEvent.objects.get(event="incidents.import").detail == "1/2"


def test_a_run_names_twenty_faulty_rows_at_most(node, administrator, table):
    table.write_text(HEAD + BAD * 30)
    run = job(importing.start_import(node, administrator, 30), table, administrator)
    assert [line.partition(":")[0] for line in told(run)] == [
        f"line {number}" for number in range(2, 22)
    ]


def test_a_job_that_runs_twice_does_nothing_the_second_time(node, releasing, table):
    run = job(importing.start_import(node, releasing, 2), table, releasing, ALL)
    ended, rows = run.ended_at, models.Incident.objects.count()
    run = job(run, table, releasing, ALL)
    assert (run.ended_at, run.added, models.Incident.objects.count()) == (ended, 1, rows)


def test_a_job_whose_run_is_gone_does_nothing(node, administrator, table):
    run = importing.start_import(node, administrator, 2)
    import_incidents.call(run.pk + 1, str(table), {}, [], [])
    assert models.Incident.objects.count() == 0


def test_a_run_that_fails_says_why_and_ends(node, administrator, table, actor):
    run = job(importing.start_import(node, administrator, 2), table, actor("planner"))
    assert told(run) == [
        "your office may not do this; the node administrator can tell which one may"
    ]
    assert run.ended_at is not None


@pytest.mark.parametrize("who", [{}, {"member": "ML", "person": 7}])
def test_a_run_that_ends_by_a_fault_of_the_program_says_so(node, administrator, table, who):
    run = importing.start_import(node, administrator, 2)
    with pytest.raises(ValidationError):
        import_incidents.call(run.pk, str(table), who, [], [])
    run.refresh_from_db()
    assert told(run) == ["a fault of the program ended the import: it is in the node's log"]
    assert run.ended_at is not None


@pytest.mark.django_db(transaction=True)
def test_a_worker_does_what_was_asked_on_the_page(node, administrator, table):
    run = importing.start_import(node, administrator, 2)
    who = {
        "member": "ML",
        "person": "",
        "office": "administration",
        "roles": ["node_administrator", "releasing_officer"],
    }
    import_incidents.enqueue(run.pk, str(table), who, [], ["BF", "ML", "NE"])
    call_command("db_worker", batch=True, interval=0, startup_delay=False, verbosity=0)
    run.refresh_from_db()
    assert (DBTaskResult.objects.get().status, run.added) == ("SUCCESSFUL", 1)
    assert models.Release.objects.get().members == ["BF", "ML", "NE"]
