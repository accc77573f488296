"""Somebody can always manage people: whoever would end that is refused, the node itself is not."""

import pytest

from liptako.core.errors import RefusedError
from liptako.members import actions, queries
from liptako.members.models import AuditEvent, Office, Person
from liptako.members.permissions import Actor
from liptako.members.records import Office as OfficePayload
from liptako.members.records import Role

pytestmark = pytest.mark.django_db
CHIEF = Role.NODE_ADMINISTRATOR
CODE = "administration"
LAST = "nobody could manage people and offices any longer"


def changed(**changes):
    """Return the office of the administration with changes."""
    return OfficePayload(**({"code": CODE, "titles": {"fr": "Adm"}, "roles": (CHIEF,)} | changes))


def acting_as(person):
    """Return a person in the office of the administration."""
    return Actor(member="ML", person=person.code, office=CODE, roles=frozenset({CHIEF}))


@pytest.fixture
def zoe(node, office, person):
    """The only one who may manage people; the watch is held by another person."""
    office(CODE, CHIEF)
    office("permanence", Role.WATCH_OFFICER)
    person("awa", "permanence")
    return person("zoe", CODE, name="Zoé")


@pytest.fixture
def moussa(zoe, person):
    """Another one who may."""
    return person("moussa", CODE, name="Moussa")


def state():
    """Return everything that a change could have left."""
    offices = [(row.code, row.roles, row.closed) for row in Office.objects.order_by("code")]
    people = [(row.code, row.is_active, queries.holders(row)) for row in queries.people()]
    return offices, people, AuditEvent.objects.count()


ENDS = {
    "close the office": lambda node, actor, _: actions.set_office(
        node, actor, changed(closed=True)
    ),
    "drop its role": lambda node, actor, _: actions.set_office(
        node, actor, changed(roles=("auditor",))
    ),
    "relieve the holder": lambda node, actor, zoe: actions.relieve(node, actor, zoe, CODE),
}


@pytest.mark.parametrize("end", ENDS)
def test_the_last_one_who_manages_people_cannot_end_that(node, zoe, end):
    before = state()
    with pytest.raises(RefusedError, match=LAST):
        ENDS[end](node, acting_as(zoe), zoe)
    assert state() == before


OTHERS = {
    "close the account": lambda node, actor, person: actions.set_active(
        node, actor, person, active=False
    ),
    "erase the account": actions.erase_person,
    "relieve the holder": lambda node, actor, person: actions.relieve(node, actor, person, CODE),
}


@pytest.mark.parametrize("end", OTHERS)
def test_of_two_who_shut_each_other_out_the_second_is_refused(node, zoe, moussa, end):
    actors = acting_as(zoe), acting_as(moussa)  # both pages were open before
    OTHERS[end](node, actors[0], moussa)
    before = state()
    with pytest.raises(RefusedError, match=LAST):
        OTHERS[end](node, actors[1], zoe)
    assert state() == before


@pytest.mark.parametrize("end", OTHERS)
def test_one_of_two_who_manage_people_may_go(node, zoe, moussa, end):
    OTHERS[end](node, acting_as(zoe), moussa)
    assert queries.is_administered("ML")


def test_the_office_may_be_closed_once_another_one_manages_people(node, zoe, office):
    office("direction", CHIEF, Role.AUDITOR)
    actions.assign(node, acting_as(zoe), zoe, "direction")
    actions.set_office(node, acting_as(zoe), changed(closed=True))
    assert Office.objects.get(code=CODE).closed


@pytest.mark.parametrize(("closed", "roles"), [(True, (CHIEF,)), (False, ("auditor",))])
def test_an_office_that_is_closed_or_without_the_right_does_not_count(node, zoe, closed, roles):
    actions.set_office(node, None, changed(closed=closed, roles=roles))
    assert not queries.is_administered("ML")


def test_a_closed_account_does_not_count(node, zoe):
    Person.objects.filter(pk=zoe.pk).update(is_active=False)
    assert not queries.is_administered("ML")


def test_a_watch_officer_may_still_be_relieved(node, zoe):
    awa = Person.objects.get(username="awa")
    actions.relieve(node, acting_as(zoe), awa, "permanence")
    assert queries.holders(awa) == []


@pytest.mark.parametrize("end", ENDS)
def test_whoever_holds_the_machine_may_end_it(node, actor, zoe, end):
    ENDS[end](node, actor(CHIEF, office=CODE), zoe)
    assert not queries.is_administered("ML")


def test_the_node_itself_puts_right_what_was_closed(node, zoe):
    actions.set_office(node, None, changed(closed=True))
    with pytest.raises(RefusedError, match="there is no office administration"):
        actions.assign(node, None, zoe, CODE)
    actions.set_office(node, None, changed())
    assert queries.is_administered("ML")
