"""The watch of an office: one person keeps it, and nobody else writes."""

import pytest

from liptako.core.errors import NotAllowedError, RefusedError
from liptako.ledger.models import Entry
from liptako.ledger.testing import check_order, check_rebuild
from liptako.members import queries, watches
from liptako.members.models import AuditEvent, Watch
from liptako.members.permissions import Right, may
from liptako.members.records import HandOver, OpenItem
from liptako.members.rules import DUTY_LIMIT
from liptako.members.watches import Turn

pytestmark = pytest.mark.django_db
EIGHT_HOURS = 8 * 3_600_000


@pytest.fixture
def awa(office, person):
    """Return somebody who acts in the office `permanence`."""
    office("permanence", "watch_officer")
    return person("awa", "permanence")


@pytest.fixture
def issa(awa, person):
    """Return another one."""
    return person("issa", "permanence", name="Issa Maïga")


def act(who, office="permanence"):
    """Return a person in an office, as a page would now."""
    return next(actor for actor in queries.actors_of(who, "ML") if actor.office == office)


def turn(node, proof="password", length=EIGHT_HOURS):
    """Return a turn of eight hours from now on, of who has read the last hand-over."""
    last = queries.last_watch("ML", "permanence")
    due = node.clock().milliseconds + length
    return Turn(due=due, proof=proof, seen=watches.seen_of(last) if last else "")


def begin(node, who):
    """Let a person begin the watch; return its name."""
    return watches.begin(node, act(who), turn(node).due).header.object


def hand_over(node, who, *items, text="RAS"):
    """Let a person hand the watch over."""
    said = HandOver(person=who.code, proof="password", text=text, items=items)
    return watches.hand_over(node, act(who), said)


def item(number=3):
    """Return something that is open."""
    return OpenItem(kind="situation.incident/1", author="ML", object=f"{number:013}")


def pens(*people):
    """Return for each person whether they may write."""
    return [may(act(who), Right.WRITE_JOURNAL) for who in people]


def kept():
    """Return who keeps the watch, as it is drawn."""
    return list(Watch.objects.filter(ended_at=None).values_list("person", flat=True))


def test_an_office_that_never_kept_a_watch_writes_as_ever(awa, issa):
    assert pens(awa, issa) == [True, True]


def test_who_begins_the_watch_writes_and_nobody_else(node, awa, issa):
    begin(node, awa)
    assert (pens(awa, issa), kept()) == ([True, False], [awa.code])
    with pytest.raises(RefusedError, match="somebody keeps it"):
        begin(node, issa)


def test_the_watch_of_one_office_is_nothing_to_another(node, awa, office, person):
    office("nord", "watch_officer")
    other = person("ali", "nord")
    begin(node, awa)
    assert may(act(other, "nord"), Right.WRITE_JOURNAL)


def test_who_is_on_no_watch_keeps_what_other_roles_give(node, awa, issa, office):
    office("permanence", "watch_officer", "releasing_officer")
    begin(node, awa)
    assert may(act(issa), Right.RELEASE_INCIDENT)
    assert not may(act(issa), Right.REPORT_INCIDENT)


def test_a_watch_is_handed_over_and_accepted(node, awa, issa):
    name = begin(node, awa)
    handed = hand_over(node, awa, item(), text="Gué coupé")
    assert pens(awa, issa) == [True, False]
    accepted = watches.accept(node, act(issa), name, turn(node), " Vu ")
    assert pens(awa, issa) == [False, True]
    last, first = queries.watches("ML", "permanence")
    assert (first.text, first.handed_proof, first.items[0]["object"], first.relieved_by) == (
        "Gué coupé", "password", f"{3:013}", last.object
    )  # fmt: skip
    assert (last.after, last.remarks, last.proof, last.reason) == (name, "Vu", "password", "")
    (ref,) = accepted.header.refs
    assert (ref.origin, ref.seq) == (handed.origin, handed.seq)
    assert handed.leaf.startswith(ref.leaf)
    check_rebuild()
    check_order(node)


def test_the_last_hand_over_counts(node, awa, issa):
    name = begin(node, awa)
    hand_over(node, awa, text="Premier")
    second = hand_over(node, awa, text="Second")
    accepted = watches.accept(node, act(issa), name, turn(node), "")
    assert accepted.header.refs[0].seq == second.seq


def test_nobody_accepts_what_was_not_handed_over_or_their_own(node, awa, issa):
    name, before = begin(node, awa), Entry.objects.count()
    with pytest.raises(RefusedError, match="not handed over yet"):
        watches.accept(node, act(issa), name, turn(node), "")
    with pytest.raises(RefusedError, match="another officer"):
        watches.accept(node, act(awa), name, turn(node), "")
    with pytest.raises(RefusedError, match="changed meanwhile"):
        watches.accept(node, act(issa), "0000000000009", turn(node), "")
    assert Entry.objects.count() == before


def test_nobody_accepts_a_hand_over_that_they_have_not_read(node, awa, issa):
    name = begin(node, awa)
    hand_over(node, awa, text="Premier")
    read = turn(node)
    hand_over(node, awa, text="Second")
    with pytest.raises(RefusedError, match="changed meanwhile"):
        watches.accept(node, act(issa), name, read, "")
    assert kept() == [awa.code]


def test_a_watch_that_was_begun_by_a_clock_ahead_shuts_nobody_out(node, awa, issa):
    node.clock.milliseconds += 30 * 24 * 3_600_000
    name = begin(node, awa)
    hand_over(node, awa)
    node.clock.milliseconds -= 30 * 24 * 3_600_000
    watches.accept(node, act(issa), name, turn(node), "")
    assert (pens(awa, issa), kept()) == ([False, True], [issa.code])
    watches.end(node, act(issa), "Fin")
    begin(node, awa)
    assert pens(awa, issa) == [True, False]


def test_a_watch_of_a_closed_office_is_late_for_nobody(node, awa, office):
    begin(node, awa)
    assert queries.watches_kept("ML").count() == 1
    office("permanence", "watch_officer", closed=True)
    assert queries.watches_kept("ML").count() == 0


def test_of_two_who_accept_at_once_the_second_is_refused(node, awa, issa, person):
    third = person("ali", "permanence")
    name = begin(node, awa)
    hand_over(node, awa)
    watches.accept(node, act(issa), name, turn(node), "")
    with pytest.raises(RefusedError, match="changed meanwhile"):
        watches.accept(node, act(third), name, turn(node), "")
    assert kept() == [issa.code]


def test_nobody_hands_over_in_the_name_of_another(node, awa, issa):
    begin(node, awa)
    with pytest.raises(RefusedError, match="only who keeps it"):
        watches.hand_over(node, act(awa), HandOver(person=issa.code, proof="password", text="RAS"))


def test_only_who_keeps_the_watch_hands_it_over_or_ends_it(node, awa, issa):
    begin(node, awa)
    with pytest.raises(RefusedError, match="you do not keep it"):
        hand_over(node, issa)
    with pytest.raises(RefusedError, match="you do not keep it"):
        watches.end(node, act(issa), "Fin")
    with pytest.raises(RefusedError, match="if nothing, say so"):
        hand_over(node, awa, text=" ")


def test_who_finds_nobody_takes_the_watch_over_for_a_reason(node, awa, issa):
    name = begin(node, awa)
    with pytest.raises(RefusedError, match="expected a reason"):
        watches.take_over(node, act(issa), name, turn(node), " ")
    assert kept() == [awa.code]
    record = watches.take_over(node, act(issa), name, turn(node), " Awa est évacuée ")
    row = queries.last_watch("ML", "permanence")
    assert (row.reason, row.after, record.header.refs, kept()) == (
        "Awa est évacuée", name, (), [issa.code]
    )  # fmt: skip


def test_a_watch_ends_without_relief_and_nobody_writes_until_one_begins(node, awa, issa):
    begin(node, awa)
    with pytest.raises(RefusedError, match="expected a reason"):
        watches.end(node, act(awa), "  ")
    watches.end(node, act(awa), " Nuit, personne ")
    assert pens(awa, issa) == [False, False]
    assert Watch.objects.get().end_reason == "Nuit, personne"
    begin(node, issa)
    assert pens(awa, issa) == [False, True]


@pytest.mark.parametrize("length", [0, -1, DUTY_LIMIT + 60_000])
def test_a_watch_is_due_within_a_week(node, awa, length):
    with pytest.raises(RefusedError, match="within seven days"):
        watches.begin(node, act(awa), node.clock().milliseconds + length)


def test_an_office_that_keeps_no_watch_has_none(node, office, person):
    office("bureau", "planner")
    planner = act(person("ali", "bureau"), "bureau")
    with pytest.raises(NotAllowedError):
        watches.begin(node, planner, turn(node).due)
    assert Watch.objects.count() == 0


def test_what_is_done_with_a_watch_stands_in_the_audit_trail(node, awa, issa):
    name = begin(node, awa)
    hand_over(node, awa)
    second = watches.accept(node, act(issa), name, turn(node), "").header.object
    third = watches.take_over(node, act(awa), second, turn(node), "Issa est parti").header.object
    watches.end(node, act(awa), "Fin")
    found = AuditEvent.objects.filter(event__startswith="watch.").order_by("at", "key")
    assert list(found.values_list("event", "person", "subject", "detail")) == [
        ("watch.begin", awa.code, name, ""),
        ("watch.hand_over", awa.code, name, ""),
        ("watch.accept", issa.code, name, ""),
        ("watch.take_over", awa.code, second, ""),
        ("watch.end", awa.code, third, ""),
    ]
