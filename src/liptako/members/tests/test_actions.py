"""What may be done about people, offices and mandates: by whom, and what it leaves behind."""

import itertools
import re

import pytest

from liptako.core.errors import NotAllowedError, RefusedError
from liptako.core.refs import audience_id
from liptako.ledger.models import Entry
from liptako.members import actions, queries
from liptako.members.models import AuditEvent, Mandate, Office, Person
from liptako.members.permissions import Actor
from liptako.members.records import Mandate as MandatePayload
from liptako.members.records import Office as OfficePayload
from liptako.members.records import Role

pytestmark = pytest.mark.django_db
CHIEF = Role.NODE_ADMINISTRATOR
ALL = frozenset({"ML", "BF", "NE"})
OFFICE = OfficePayload(code="quart", titles={"fr": "Quart"}, roles=("watch_officer",))
MANDATE = MandatePayload(office="delegue", subjects=("mesures",), begins=1_790_000_000_000)


@pytest.fixture
def chief(actor):
    """The administrator of the node."""
    return actor(CHIEF, office="administration")


def trail():
    """Return what the audit trail tells, the first first."""
    rows = AuditEvent.objects.order_by("at")
    return [(row.event, row.office, row.subject, row.detail) for row in rows]


def state():
    """Return everything that an action could have changed."""
    people = [(row.username, row.password, row.is_active) for row in Person.objects.all()]
    held = [queries.holders(row) for row in Person.objects.all()]
    return Entry.objects.count(), people, held


WITHOUT_RIGHT = {
    "set_office": lambda node, actor, _person: actions.set_office(node, actor, OFFICE),
    "add_office": lambda node, actor, _person: actions.add_office(node, actor, OFFICE),
    "add_person": lambda node, actor, _person: actions.add_person(
        node, actor, username="moussa", name="Moussa", offices=[]
    ),
    "reset_password": actions.reset_password,
    "close": lambda node, actor, person: actions.set_active(node, actor, person, active=False),
    "erase": actions.erase_person,
    "assign": lambda node, actor, person: actions.assign(node, actor, person, "delegue"),
    "relieve": lambda node, actor, person: actions.relieve(node, actor, person, "permanence"),
    "give_mandate": lambda node, actor, _person: actions.give_mandate(node, actor, MANDATE, ALL),
    "end_mandate": lambda node, actor, _person: actions.end_mandate(
        node, actor, Mandate.objects.get().object, "relève"
    ),
}


@pytest.fixture
def awa_on_watch(node, compact, chief, office, person):
    """A node with somebody in an office, and with a mandate."""
    office("permanence")
    office("delegue")
    actions.give_mandate(node, chief, MANDATE, ALL)
    return person("awa", "permanence")


@pytest.mark.parametrize("action", WITHOUT_RIGHT)
def test_without_the_right_nothing_is_done(node, actor, awa_on_watch, action):
    others = [role for role in Role if role != CHIEF]
    before = state()
    with pytest.raises(NotAllowedError):
        WITHOUT_RIGHT[action](node, actor(*others), awa_on_watch)
    assert state() == before


def test_an_event_tells_who_did_what_in_which_office(node, chief):
    record = actions.record_audit(node, "bundle.export", actor=chief, subject="BF", detail="usb")
    assert trail() == [("bundle.export", "administration", "BF", "usb")]
    assert record.header.audience == audience_id(["ML"])


def test_what_the_node_does_by_itself_is_done_in_the_office_of_the_system(node):
    actions.record_audit(node, "node.init")
    assert trail() == [("node.init", "system", "", "")]


def test_an_office_is_created_and_then_changed_under_the_same_object(node, chief):
    actions.set_office(node, chief, OFFICE)
    first = Office.objects.get()
    changed = OfficePayload(code="quart", titles={"fr": "Veille"}, roles=(), closed=True)
    actions.set_office(node, chief, changed)
    row = Office.objects.get()
    assert (row.object, row.titles, row.roles, row.closed) == (
        first.object,
        {"fr": "Veille"},
        [],
        True,
    )


def test_a_new_office_takes_nobody_elses_code(node, chief):
    actions.add_office(node, chief, OFFICE)
    other = OfficePayload(code="quart", titles={"fr": "Autre"}, roles=("auditor",))
    with pytest.raises(RefusedError, match="there is an office quart already"):
        actions.add_office(node, chief, other)
    assert Office.objects.get().titles == {"fr": "Quart"}


def test_an_office_against_the_rules_leaves_nothing(node, chief):
    wrong = OfficePayload(code="quart", titles={}, roles=())
    with pytest.raises(RefusedError, match="expected a title"):
        actions.set_office(node, chief, wrong)
    assert Entry.objects.count() == 0


def test_a_new_person_has_a_drawn_password_to_be_changed_and_offices(node, chief, office):
    office("permanence")
    made, password = actions.add_person(
        node, chief, username="awa", name="Awa Traoré", offices=["permanence"]
    )
    row = Person.objects.get()
    assert (row, row.username, row.name) == (made, "awa", "Awa Traoré")
    assert (row.must_change_password, row.check_password(password)) == (True, True)
    assert queries.holders(row) == ["permanence"]
    assert trail() == [
        ("person.add", "administration", row.code, ""),
        ("office.assign", "administration", row.code, "permanence"),
    ]


def test_a_drawn_password_is_four_groups_that_can_be_read_from_paper(node):
    drawn = {
        actions.add_person(node, None, username=f"p{i}", name="P", offices=[])[1] for i in range(3)
    }
    assert len(drawn) == 3
    assert all(re.fullmatch(r"([0-9a-hjkmnp-tv-z]{4}-){3}[0-9a-hjkmnp-tv-z]{4}", p) for p in drawn)


@pytest.mark.parametrize("username", ["awa", "AWA"])
def test_an_account_exists_once_however_it_is_spelt(node, chief, person, username):
    person("awa")
    with pytest.raises(RefusedError, match=f"the account {username} exists already"):
        actions.add_person(node, chief, username=username, name="Autre", offices=[])
    assert Person.objects.count() == 1


def test_a_person_for_an_office_that_does_not_exist_is_not_added_at_all(node, chief, office):
    office("permanence")
    with pytest.raises(RefusedError, match="there is no office nowhere"):
        actions.add_person(
            node, chief, username="awa", name="Awa", offices=["permanence", "nowhere"]
        )
    assert (Person.objects.count(), trail()) == (0, [])


def test_a_reset_password_replaces_the_old_one_and_must_be_changed(node, chief, person, password):
    awa = person("awa")
    drawn = actions.reset_password(node, chief, awa)
    row = Person.objects.get()
    assert [row.check_password(text) for text in (password, drawn)] == [False, True]
    assert row.must_change_password
    assert trail()[-1] == ("person.password_reset", "administration", awa.code, "")


def test_the_node_itself_may_reset_a_password(node, person):
    awa = person("awa")
    assert awa.check_password(actions.reset_password(node, None, awa))


def test_a_password_of_ones_own_need_not_be_changed(node, person):
    awa = person("awa")
    actions.reset_password(node, None, awa)
    actions.note_password_change(node, awa)
    assert not Person.objects.get().must_change_password
    assert trail()[-1] == ("person.password_change", "system", awa.code, "")


def test_an_account_is_closed_and_opened_again(node, chief, person):
    awa = person("awa")
    seen = []
    for active in (False, True):
        actions.set_active(node, chief, awa, active=active)
        seen.append(Person.objects.get().is_active)
    assert seen == [False, True]
    assert [event for event, *_ in trail()[-2:]] == ["person.deactivate", "person.activate"]


def test_nobody_erases_their_own_account(node, person):
    awa = person("awa")
    own = Actor(member="ML", person=awa.code, office="admin", roles=frozenset({CHIEF}))
    with pytest.raises(RefusedError, match="their own account"):
        actions.erase_person(node, own, awa)
    assert Person.objects.count() == 1


def test_nobody_closes_their_own_account(node, person):
    awa = person("awa")
    own = Actor(member="ML", person=awa.code, office="admin", roles=frozenset({CHIEF}))
    with pytest.raises(RefusedError, match="their own account"):
        actions.set_active(node, own, awa, active=False)
    assert Person.objects.get().is_active


def test_after_an_erasure_only_a_code_is_left(node, chief, office, person):
    office("permanence")
    awa = person("awa", "permanence")
    actions.erase_person(node, chief, awa)
    assert (Person.objects.count(), queries.names_of([awa.code])) == (0, {})
    assert trail()[-1] == ("person.erase", "administration", awa.code, "")


def test_an_office_is_held_once_and_the_second_time_leaves_no_trace(node, chief, office, person):
    office("permanence")
    awa = person("awa", "permanence")
    before = trail()
    actions.assign(node, chief, awa, "permanence")
    assert (queries.holders(awa), trail()) == (["permanence"], before)


@pytest.mark.parametrize("code", ["closed", "nowhere"])
def test_an_office_that_is_not_open_is_given_to_nobody(node, chief, office, person, code):
    office("closed", closed=True)
    awa = person("awa")
    with pytest.raises(RefusedError, match=f"there is no office {code}"):
        actions.assign(node, chief, awa, code)
    assert queries.holders(awa) == []


def test_who_is_relieved_of_an_office_may_get_it_again(node, chief, office, person):
    office("permanence")
    awa = person("awa", "permanence")
    actions.relieve(node, chief, awa, "permanence")
    assert queries.holders(awa) == []
    actions.assign(node, chief, awa, "permanence")
    assert queries.holders(awa) == ["permanence"]
    assert [event for event, *_ in trail()[-2:]] == ["office.relieve", "office.assign"]


def test_nobody_is_relieved_of_an_office_that_they_do_not_hold(node, chief, office, person):
    office("permanence")
    awa = person("awa", "permanence")
    actions.relieve(node, chief, awa, "permanence")
    before = trail()
    with pytest.raises(RefusedError, match="permanence: this person does not hold it"):
        actions.relieve(node, chief, awa, "permanence")
    assert trail() == before


def test_a_mandate_is_told_to_its_audience(node, compact, chief, office):
    office("delegue")
    record = actions.give_mandate(node, chief, MANDATE, ALL)
    row = Mandate.objects.get()
    assert (row.author, row.office, row.subjects, row.audience) == (
        "ML",
        "delegue",
        ["mesures"],
        audience_id(ALL),
    )
    assert (record.header.office, record.payload) == ("administration", MANDATE)


@pytest.mark.parametrize("closed", [True, None])
def test_only_an_open_office_gets_a_mandate(node, compact, chief, office, closed):
    if closed is not None:
        office("delegue", closed=closed)
    before = Entry.objects.count()
    with pytest.raises(RefusedError, match="there is no office delegue"):
        actions.give_mandate(node, chief, MANDATE, ALL)
    assert Entry.objects.count() == before


def test_the_end_of_a_mandate_goes_to_whom_it_was_told(node, compact, chief, office):
    office("delegue")
    given = actions.give_mandate(node, chief, MANDATE, frozenset({"ML", "BF"}))
    ended = actions.end_mandate(node, chief, given.header.object, "relève")
    assert ended.thread == given.thread
    assert Mandate.objects.get().ended_because == "relève"


def test_a_mandate_that_does_not_exist_cannot_end(node, chief):
    with pytest.raises(RefusedError, match="there is no such mandate"):
        actions.end_mandate(node, chief, "0000000000009", "relève")


def test_a_mandate_ends_once(node, compact, chief, office):
    office("delegue")
    name = actions.give_mandate(node, chief, MANDATE, ALL).header.object
    actions.end_mandate(node, chief, name, "relève")
    with pytest.raises(RefusedError, match="none in force"):
        actions.end_mandate(node, chief, name, "encore")
    assert Mandate.objects.get().ended_because == "relève"


def test_no_name_and_no_account_enters_any_record(node, compact, chief, office):
    office("permanence")
    made, drawn = actions.add_person(
        node, chief, username="account-of-awa", name="Awa Traoré", offices=["permanence"]
    )
    drawn = [drawn, actions.reset_password(node, chief, made)]
    actions.set_active(node, chief, made, active=False)
    actions.relieve(node, chief, made, "permanence")
    actions.erase_person(node, chief, made)
    rows = Entry.objects.select_related("payload")
    written = b"".join(itertools.chain(*((row.header, row.payload.body) for row in rows)))
    assert made.code.encode() in written
    secrets = ["account-of-awa", "Awa", "Traor", *drawn]
    assert [text for text in secrets if text.encode() in written] == []
