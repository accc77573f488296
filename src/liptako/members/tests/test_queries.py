"""What is read of people, offices, mandates and the audit trail."""

import msgspec
import pytest
from msgspec.structs import replace

from liptako.ledger import store
from liptako.ledger.records import Draft
from liptako.members import actions, models, offices, projection, queries, words
from liptako.members.permissions import Actor
from liptako.members.records import MANDATE, Audit, Mandate, Role

pytestmark = pytest.mark.django_db


def codes(rows):
    return [row.code for row in rows]


def test_open_offices_come_by_their_codes(node, office):
    for code in ("quart", "audit", "delegue"):
        office(code, closed=code == "delegue")
    assert codes(queries.offices("ML")) == ["audit", "quart"]


def test_closed_offices_come_last_in_the_list_of_all(office):
    for code in ("quart", "audit", "delegue"):
        office(code, closed=code == "audit")
    assert codes(queries.all_offices("ML")) == ["delegue", "quart", "audit"]


def test_an_office_is_found_in_its_own_state_only(office):
    office("quart")
    assert queries.office("ML", "quart").titles == {"fr": "Bureau quart"}
    assert (queries.office("BF", "quart"), queries.office("ML", "other")) == (None, None)
    assert list(queries.offices("BF")) == list(queries.all_offices("BF")) == []


def test_titles_of_closed_offices_are_known_too(office):
    office("quart", titles={"fr": "Quart"})
    office("audit", titles={"fr": "Contrôle", "en": "Audit"}, closed=True)
    assert queries.titles("ML") == {
        "quart": {"fr": "Quart"},
        "audit": {"fr": "Contrôle", "en": "Audit"},
    }


def test_a_person_acts_in_each_open_office_that_they_hold_now(node, actor, office, person):
    for code in ("quart", "audit", "ended", "closed", "other"):
        office(code, "auditor", "planner")
    awa = person("awa", "quart", "audit", "ended", "closed")
    actions.relieve(node, actor(Role.NODE_ADMINISTRATOR), awa, "ended")
    office("closed", closed=True)
    roles = frozenset({"auditor", "planner"})
    assert queries.actors_of(awa, "ML") == [
        Actor(member="ML", person=awa.code, office=code, roles=roles) for code in ("audit", "quart")
    ]


def test_people_come_by_their_names_with_the_offices_that_they_hold(
    office, person, django_assert_num_queries
):
    office("quart")
    office("audit")
    person("zara", "quart", "audit", name="Zara")
    person("awa", name="Awa")
    with django_assert_num_queries(2):
        rows = [(str(row), queries.holders(row)) for row in queries.people()]
    assert rows == [("Awa", []), ("Zara", ["audit", "quart"])]


def test_an_assignment_is_called_by_its_office(office, person):
    office("quart")
    person("awa", "quart")
    assert str(models.Assignment.objects.get()) == "quart"


def test_a_person_is_found_by_the_code(person):
    awa = person("awa")
    assert (queries.person(awa.code), queries.person("0000000000000")) == (awa, None)


def test_names_are_found_by_codes_and_those_of_strangers_are_missing(person):
    awa = person("awa")
    person("moussa", name="Moussa")
    assert queries.names_of([awa.code, awa.code, "0000000000000"]) == {awa.code: "Awa Traoré"}


def test_the_latest_mandate_comes_first(node):
    for begins in (10, 30, 20):
        payload = Mandate(office="delegue", subjects=("a",), begins=begins)
        name = f"{begins:013}"
        store.append(node, [Draft(kind=MANDATE, object=name, office="admin", payload=payload)])
    assert [int(row.object) for row in queries.mandates()] == [30, 20, 10]
    assert queries.mandate("ML", f"{30:013}").begins.microsecond == 30_000
    assert (queries.mandate("BF", f"{30:013}"), queries.mandate("ML", "none")) == (None, None)


def test_the_audit_trail_is_read_the_latest_first_and_by_event(node):
    for event in ("sign_in", "sign_out", "sign_in"):
        actions.record_audit(node, event)
    assert [row.event for row in queries.audit("ML")] == ["sign_in", "sign_out", "sign_in"]
    times = [row.at for row in queries.audit("ML")]
    assert times == sorted(times, reverse=True)
    assert [row.event for row in queries.audit("ML", "sign_out")] == ["sign_out"]


def test_what_a_partner_says_happened_is_not_in_our_trail(node):
    ours = actions.record_audit(node, "sign_in")
    header = msgspec.structs.replace(ours.header, author="BF")
    theirs = replace(ours, header=header, payload=Audit(event="forged"))
    projection.project({theirs.thread: [theirs]})
    assert set(models.AuditEvent.objects.values_list("author", "event")) == {
        ("ML", "sign_in"),
        ("BF", "forged"),
    }
    assert [row.event for row in queries.audit("ML")] == queries.audit_events("ML") == ["sign_in"]
    assert list(queries.audit("ML", "forged")) == []


def test_only_events_that_happened_are_on_offer(node):
    for event in ("sign_out", "sign_in", "sign_out"):
        actions.record_audit(node, event)
    assert queries.audit_events("ML") == ["sign_in", "sign_out"]


def test_a_new_node_begins_with_an_office_for_every_role(node):
    for office in offices.STANDARD:
        actions.set_office(node, None, office)
    held = {role for office in queries.offices("ML") for role in office.roles}
    assert held == {role.value for role in Role}


def test_every_role_has_words(node):
    assert words.ROLES.keys() == set(Role)


def test_an_event_of_a_later_version_is_called_by_its_name():
    assert [words.event_word(event) for event in ("sign_in", "later.thing")] == [
        str(words.EVENTS["sign_in"]),
        "later.thing",
    ]
