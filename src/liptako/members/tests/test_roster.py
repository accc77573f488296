"""The roster of an office: turns that do not overlap, of people who hold it."""

from datetime import timedelta

import pytest

from liptako.core.clock import Instant
from liptako.core.errors import NotAllowedError, RefusedError
from liptako.ledger.models import Entry
from liptako.ledger.testing import check_order, check_rebuild
from liptako.members import actions, queries, roster
from liptako.members.models import Duty, Subscription
from liptako.members.records import Duty as Turn
from liptako.members.roster import TURNS_LIMIT

pytestmark = pytest.mark.django_db
START, HOUR = 1_790_000_000_000, 3_600_000
LONG_AGO = Instant(0).moment()


@pytest.fixture
def awa(office, person):
    """Return somebody who acts in the office `permanence`."""
    office("permanence", "watch_officer")
    return person("awa", "permanence")


def act(who, office="permanence"):
    """Return a person in an office, as a page would now."""
    return next(actor for actor in queries.actors_of(who, "ML") if actor.office == office)


def turn(who, begins=0, length=8, **changes):
    """Return a turn that begins so many hours after the start, and lasts so many."""
    at = START + begins * HOUR
    return Turn(person=who.code, begins=at, ends=at + length * HOUR, **changes)


def planned(office="permanence", since=LONG_AGO):
    """Return the turns of the roster: after how many hours each begins, how long it lasts."""
    return [
        (
            round((row.begins.timestamp() * 1000 - START) / HOUR),
            round((row.ends - row.begins).total_seconds() / 3600),
            row.note,
        )
        for row in queries.duties("ML", office, since)
    ]


def test_turns_are_planned_in_order(node, awa):
    roster.plan(node, act(awa), [turn(awa, 24, note="Nuit"), turn(awa, 0, 12)])
    assert planned() == [(0, 12, ""), (24, 8, "Nuit")]
    check_rebuild()
    check_order(node)


def test_one_turn_may_begin_when_another_ends(node, awa):
    roster.plan(node, act(awa), [turn(awa, 0), turn(awa, 8)])
    roster.plan(node, act(awa), [turn(awa, 16)])
    assert [begins for begins, _, _ in planned()] == [0, 8, 16]


@pytest.mark.parametrize(("begins", "length"), [(4, 8), (-4, 8), (1, 2), (-2, 24), (0, 8)])
def test_a_turn_that_overlaps_with_one_is_refused(node, awa, begins, length):
    roster.plan(node, act(awa), [turn(awa)])
    before = Entry.objects.count()
    with pytest.raises(RefusedError, match="from 2026-09-21 14:13 to 2026-09-21 22:13 UTC"):
        roster.plan(node, act(awa), [turn(awa, begins, length)])
    assert Entry.objects.count() == before


def test_turns_that_overlap_with_each_other_are_refused_whole(node, awa):
    with pytest.raises(RefusedError, match="repeat them less often"):
        roster.plan(node, act(awa), [turn(awa, 0), turn(awa, 100), turn(awa, 7)])
    assert planned() == []


def test_the_roster_of_another_office_is_nothing_to_it(node, awa, office, person):
    office("nord", "watch_officer")
    ali = person("ali", "nord")
    roster.plan(node, act(awa), [turn(awa)])
    roster.plan(node, act(ali, "nord"), [turn(ali)])
    assert (len(planned()), len(planned("nord"))) == (1, 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"length": 0}, "expected an end after the beginning"),
        ({"length": -1}, "expected an end after the beginning"),
        ({"length": 24 * 7 + 1}, "within seven days"),
    ],
)
def test_a_turn_that_makes_no_sense_is_refused(node, awa, changes, message):
    with pytest.raises(RefusedError, match=message):
        roster.plan(node, act(awa), [turn(awa, **changes)])


def test_only_who_holds_the_office_has_a_turn(node, awa, person):
    with pytest.raises(RefusedError, match="somebody who holds this office"):
        roster.plan(node, act(awa), [turn(person("ali"))])


@pytest.mark.parametrize("count", [0, TURNS_LIMIT + 1])
def test_so_many_turns_are_planned_at_a_time(node, awa, count):
    with pytest.raises(RefusedError, match=f"got {count}"):
        roster.plan(node, act(awa), [turn(awa, number * 8) for number in range(count)])


def test_a_turn_is_cancelled_once_and_its_time_is_free(node, awa):
    (record,) = roster.plan(node, act(awa), [turn(awa)])
    roster.cancel(node, act(awa), record.header.object)
    assert (planned(), Duty.objects.count()) == ([], 1)
    with pytest.raises(RefusedError, match="no such turn any longer"):
        roster.cancel(node, act(awa), record.header.object)
    roster.plan(node, act(awa), [turn(awa, 2)])
    assert len(planned()) == 1


def test_nobody_cancels_a_turn_of_another_office(node, awa, office, person):
    office("nord", "watch_officer")
    (record,) = roster.plan(node, act(awa), [turn(awa)])
    with pytest.raises(RefusedError):
        roster.cancel(node, act(person("ali", "nord"), "nord"), record.header.object)
    assert len(planned()) == 1


def test_an_office_without_a_watch_has_no_roster(node, office, person):
    office("bureau", "planner")
    planner = act(person("ali", "bureau"), "bureau")
    for deed in (
        lambda: roster.plan(node, planner, []),
        lambda: roster.cancel(node, planner, "0000000000001"),
        lambda: roster.subscribe(node, planner),
    ):
        with pytest.raises(NotAllowedError):
            deed()


def test_the_roster_tells_until_when_it_is_somebodys_turn(node, awa, person):
    issa = person("issa", "permanence")
    roster.plan(node, act(awa), [turn(awa, 0), turn(issa, 8)])
    now = Instant(START).moment()
    ends = [Instant(START + hours * HOUR).moment() for hours in (8, 16)]
    assert queries.turn_of(act(awa), now) == ends[0]
    assert queries.turn_of(act(issa), now) is None
    assert queries.turn_of(act(issa), now + timedelta(hours=7, minutes=30)) == ends[1]
    assert queries.turn_of(act(awa), now + timedelta(hours=8)) is None


def test_a_new_secret_ends_the_one_before(node, awa):
    first, second = roster.subscribe(node, act(awa)), roster.subscribe(node, act(awa))
    held = [queries.subscription("ML", roster.digest_of(secret)) for secret in (first, second)]
    assert [found and found.person for found in held] == [None, awa]
    assert second not in str(list(Subscription.objects.values()))


@pytest.mark.parametrize("end", ["relieve", "close", "reset", "erase", "office"])
def test_a_secret_ends_with_the_office_the_account_or_the_password(node, awa, person, office, end):
    secret = roster.digest_of(roster.subscribe(node, act(awa)))
    office("administration", "node_administrator")
    chief = act(person("zoe", "administration"), "administration")
    assert queries.subscription("ML", secret) is not None
    if end == "relieve":
        actions.relieve(node, chief, awa, "permanence")
        actions.assign(node, chief, awa, "permanence")
    elif end == "close":
        actions.set_active(node, chief, awa, active=False)
    elif end == "reset":
        actions.reset_password(node, chief, awa)
    elif end == "erase":
        actions.erase_person(node, chief, awa)
    else:
        office("permanence", "planner")
    assert queries.subscription("ML", secret) is None
