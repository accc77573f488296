"""The rows that are drawn from records, what is rejected, and that a rebuild changes nothing."""

import pytest
from msgspec.structs import replace

from liptako.core.clock import Instant
from liptako.ledger import projector, store, testing
from liptako.ledger.records import Draft
from liptako.members import models, projection
from liptako.members.records import (
    AUDIT,
    DUTY,
    HAND_OVER,
    MANDATE,
    MANDATE_END,
    OFFICE,
    RECORDS,
    WATCH,
    WATCH_END,
    Audit,
    Duty,
    HandOver,
    Mandate,
    MandateEnd,
    Office,
    OpenItem,
    Watch,
    WatchEnd,
)

pytestmark = pytest.mark.django_db
ALL = frozenset({"ML", "BF", "NE"})
NAME = "0000000000001"
START = 1_790_000_000_000
PAYLOADS = {
    OFFICE: Office(code="permanence", titles={"fr": "Permanence"}, roles=("watch_officer",)),
    MANDATE: Mandate(office="delegue", subjects=("mesures",), begins=START),
    MANDATE_END: MandateEnd(reason="relève"),
    AUDIT: Audit(event="office.assign", person=NAME, subject="g", detail="permanence"),
    WATCH: Watch(person=NAME, due=START + 1000, proof="password", after=NAME, remarks="Vu"),
    HAND_OVER: HandOver(
        person=NAME,
        proof="password",
        text="Gué coupé",
        items=(OpenItem(kind="situation.incident/1", author="ML", object=NAME, status="reported"),),
    ),
    WATCH_END: WatchEnd(person=NAME, by=NAME),
    DUTY: Duty(person=NAME, begins=START, ends=START + 1000, note="Nuit"),
}


def draft(kind, payload=None, name=NAME, **changes):
    return Draft(
        kind=kind, object=name, office="admin", payload=payload or PAYLOADS[kind], **changes
    )


def draw(*records):
    """Draw records of one thread; return the places of those that are rejected, with the reason."""
    rejections = projector.draw_threads(projection.MODULE, {records[0].thread: records})
    return [(rejection.record.seq, str(rejection.reason)) for rejection in rejections]


def rows(model):
    """Return the rows of a table without the columns that every projected table has."""
    shared = ("key", "thread", "audience")
    return [
        {name: value for name, value in row.items() if name not in shared}
        for row in model.objects.order_by("key").values()
    ]


def test_the_module_reads_all_kinds_of_its_records():
    assert {kind.name: kind.payload for kind in projection.MODULE.kinds} == RECORDS


def test_an_office_is_drawn_as_its_last_record_says(node):
    later = Office(
        code="permanence", titles={"fr": "Quart", "en": "Watch"}, roles=("planner",), closed=True
    )
    store.append(node, [draft(OFFICE), draft(OFFICE, later)])
    assert rows(models.Office) == [
        {
            "author": "ML",
            "object": NAME,
            "code": "permanence",
            "titles": {"fr": "Quart", "en": "Watch"},
            "roles": ["planner"],
            "closed": True,
        }
    ]


def test_a_mandate_is_drawn_with_its_period(node):
    ends = START + 1000
    store.append(node, [draft(MANDATE, replace_ends(ends))])
    assert rows(models.Mandate) == [
        {
            "author": "ML",
            "object": NAME,
            "office": "delegue",
            "subjects": ["mesures"],
            "begins": Instant(START).moment(),
            "ends": Instant(ends).moment(),
            "ended_because": "",
        }
    ]


def replace_ends(ends):
    return Mandate(office="delegue", subjects=("mesures",), begins=START, ends=ends)


def test_a_mandate_that_was_ended_says_why(node):
    store.append(node, [draft(MANDATE), draft(MANDATE_END)])
    row = models.Mandate.objects.get()
    assert (row.ends, row.ended_because) == (None, "relève")


def test_a_watch_is_drawn_with_its_hand_over_and_its_end(node):
    begun, handed, ended = store.append(node, [draft(WATCH), draft(HAND_OVER), draft(WATCH_END)])
    assert rows(models.Watch) == [
        {
            "author": "ML",
            "object": NAME,
            "office": "admin",
            "person": NAME,
            "begins": begun.header.time.moment(),
            "due": Instant(START + 1000).moment(),
            "after": NAME,
            "remarks": "Vu",
            "reason": "",
            "proof": "password",
            "handed_at": handed.header.time.moment(),
            "handed_proof": "password",
            "text": "Gué coupé",
            "items": [
                {
                    "kind": "situation.incident/1",
                    "author": "ML",
                    "object": NAME,
                    "status": "reported",
                }
            ],
            "more": 0,
            "ended_at": ended.header.time.moment(),
            "relieved_by": NAME,
            "end_reason": "",
            "erased": False,
        }
    ]


def test_a_watch_that_was_not_handed_over_has_nothing_of_one(node):
    store.append(node, [draft(WATCH)])
    row = models.Watch.objects.get()
    assert (row.handed_at, row.text, row.items, row.ended_at) == (None, "", [], None)


def test_a_step_of_a_watch_that_breaks_a_rule_is_rejected_and_the_row_stays(node):
    begun, ended = store.append(node, [draft(WATCH), draft(WATCH_END)])
    assert draw(begun, ended, replace(ended, seq=2)) == [
        (2, "watch: there is none that is kept now")
    ]
    assert models.Watch.objects.get().relieved_by == NAME


def test_a_turn_is_drawn_as_its_last_good_record_says(node):
    later = Duty(person="0000000000002", begins=START, ends=START + 2000, cancelled=True)
    first, second = store.append(node, [draft(DUTY), draft(DUTY, later)])
    wrong = replace(second, seq=2, payload=Duty(person=NAME, begins=START, ends=START))
    assert draw(first, second, wrong) == [
        (2, "roster: expected an end after the beginning, within seven days")
    ]
    assert rows(models.Duty) == [
        {
            "author": "ML",
            "object": NAME,
            "office": "admin",
            "person": "0000000000002",
            "begins": Instant(START).moment(),
            "ends": Instant(START + 2000).moment(),
            "note": "",
            "cancelled": True,
        }
    ]


def test_an_event_is_drawn_with_the_time_and_the_office_of_its_record(node):
    (record,) = store.append(node, [draft(AUDIT)])
    assert rows(models.AuditEvent) == [
        {
            "author": "ML",
            "object": NAME,
            "at": record.header.time.moment(),
            "event": "office.assign",
            "office": "admin",
            "person": NAME,
            "subject": "g",
            "detail": "permanence",
        }
    ]


def test_what_a_partner_wrote_too_long_is_cut_to_its_column(node):
    (record,) = store.append(node, [draft(AUDIT)])
    long = Audit(event="e" * 99, person="p" * 99, subject="s" * 999, detail="d" * 999)
    assert draw(replace(record, payload=long)) == []
    row = models.AuditEvent.objects.get()
    assert (row.event, row.person, row.subject, row.detail) == (
        "e" * 64,
        "p" * 13,
        "s" * 200,
        "d" * 999,
    )


@pytest.mark.parametrize(
    ("kinds", "model"),
    [
        ([OFFICE], models.Office),
        ([MANDATE, MANDATE_END], models.Mandate),
        ([AUDIT], models.AuditEvent),
        ([DUTY], models.Duty),
    ],
)
def test_rows_go_when_the_payloads_were_erased(node, kinds, model):
    records = store.append(node, [draft(kind) for kind in kinds])
    assert model.objects.count() == 1
    assert draw(*(replace(record, payload=None) for record in records)) == []
    assert model.objects.count() == 0


@pytest.mark.parametrize("kinds", [[WATCH], [WATCH, HAND_OVER, WATCH_END]])
def test_of_a_watch_that_was_erased_office_and_times_stay(node, kinds):
    records = store.append(node, [draft(kind) for kind in kinds])
    times = [record.header.time.moment() for record in records]
    assert draw(*(replace(record, payload=None) for record in records)) == []
    row = models.Watch.objects.get()
    assert (row.erased, row.office, row.begins, row.ended_at) == (
        True, "admin", times[0], times[-1]
    )  # fmt: skip
    assert row.handed_at == (times[1] if len(times) > 1 else None)
    assert (row.person, row.text, row.remarks, row.reason, row.end_reason) == ("",) * 5


def test_a_hand_over_without_its_watch_is_no_watch(node):
    record = replace(store.append(node, [draft(WATCH)])[0], payload=None)
    stray = replace(record, header=replace(record.header, kind=HAND_OVER))
    assert draw(stray) == []
    assert not models.Watch.objects.exists()


def test_a_mandate_whose_end_was_erased_is_in_force_again(node):
    given, ended = store.append(node, [draft(MANDATE), draft(MANDATE_END)])
    draw(given, replace(ended, payload=None))
    assert models.Mandate.objects.get().ended_because == ""


def test_an_event_is_written_once(node):
    (record,) = store.append(node, [draft(AUDIT)])
    other = replace(record, seq=1, payload=Audit(event="forged"))
    assert draw(record, other) == [(1, "audit: an event is written once and never changed")]
    assert models.AuditEvent.objects.get().event == "office.assign"


def test_a_record_of_an_office_that_breaks_a_rule_is_rejected_and_the_row_stays(node):
    (record,) = store.append(node, [draft(OFFICE)])
    wrong = Office(code="other", titles={"fr": "x"}, roles=())
    assert draw(record, replace(record, seq=1, payload=wrong)) == [
        (1, "office: its code permanence cannot be changed")
    ]
    assert models.Office.objects.get().code == "permanence"


def test_a_record_of_a_mandate_that_breaks_a_rule_is_rejected_and_the_row_stays(node):
    given, ended = store.append(node, [draft(MANDATE), draft(MANDATE_END)])
    assert draw(given, ended, replace(ended, seq=2)) == [
        (2, "mandate: there is none in force that could end")
    ]
    assert models.Mandate.objects.get().ended_because == "relève"


def test_the_same_object_for_two_audiences_is_two_rows(node, compact):
    store.append(node, [draft(OFFICE), draft(OFFICE, audience=ALL)])
    assert models.Office.objects.count() == 2


@pytest.fixture
def full(node, compact):
    """Write every kind, for the State alone, for one partner and for all."""
    for place, audience in enumerate((frozenset(), frozenset({"BF"}), ALL)):
        store.append(
            node,
            [
                draft(OFFICE, name=f"000000000000{place}", audience=audience),
                draft(MANDATE, name=f"000000000001{place}", audience=audience),
                draft(MANDATE_END, name=f"000000000001{place}", audience=audience),
                draft(AUDIT, name=f"000000000002{place}", audience=audience),
                draft(WATCH, name=f"000000000003{place}", audience=audience),
                draft(HAND_OVER, name=f"000000000003{place}", audience=audience),
                draft(WATCH_END, name=f"000000000003{place}", audience=audience),
                draft(DUTY, name=f"000000000004{place}", audience=audience),
            ],
        )
    return node


def test_a_rebuild_changes_nothing(full):
    assert testing.check_rebuild()
    counts = [table.model.objects.count() for table in projection.MODULE.tables]
    assert counts == [3, 3, 3, 3, 3]


def test_the_order_in_which_logs_arrive_changes_nothing(full):
    assert testing.check_order(full) == testing.MOST_ORDERS
