"""Who may do what: the table of roles as a whole, and the questions asked of it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liptako.core.errors import NotAllowedError
from liptako.members.permissions import RIGHTS, Actor, Right, may, may_see, require
from liptako.members.records import Role

TABLE = {
    "watch_officer": "exchange keep_watch report_incident see_incidents see_journal see_mandates "
    "see_partners write_journal",
    "releasing_officer": "erase_records release_incident see_incidents see_journal see_mandates "
    "see_partners",
    "planner": "see_incidents see_mandates see_partners",
    "logistician": "see_incidents see_mandates see_partners",
    "delegate": "see_incidents see_mandates see_partners",
    "drafter": "see_mandates see_partners",
    "training_officer": "see_partners",
    "exercise_director": "see_partners",
    "exercise_controller": "see_partners",
    "node_administrator": "exchange give_mandate import_incidents manage_compact manage_people "
    "see_mandates see_partners",
    "auditor": "see_audit see_incidents see_journal see_mandates see_partners",
}

roles = st.frozensets(st.sampled_from([*Role, "role_of_a_later_version"]))


def test_every_role_has_exactly_the_rights_of_the_table(actor):
    assert {role.value: " ".join(sorted(actor(role).rights)) for role in Role} == TABLE


def test_every_right_is_held_by_some_role():
    assert frozenset().union(*RIGHTS.values()) == frozenset(Right)


def test_the_administrator_of_a_node_sees_neither_incidents_nor_journal_nor_audit(actor):
    wanted = [Right.SEE_INCIDENTS, Right.SEE_JOURNAL, Right.SEE_AUDIT, Right.MANAGE_PEOPLE]
    administrator = actor(Role.NODE_ADMINISTRATOR)
    assert [may(administrator, right) for right in wanted] == [False, False, False, True]


def test_no_role_both_reports_and_releases():
    both = {Right.REPORT_INCIDENT, Right.RELEASE_INCIDENT}
    assert [role for role in Role if both <= RIGHTS[role]] == []


def test_who_administers_does_not_read_the_audit_trail():
    both = {Right.MANAGE_PEOPLE, Right.SEE_AUDIT}
    assert [role for role in Role if both <= RIGHTS[role]] == []


def test_a_role_of_a_later_version_gives_no_right(actor):
    assert actor("star_gazer").rights == frozenset()


@given(roles, roles)
def test_roles_together_give_the_rights_of_each_and_no_others(one, other):
    def rights(held):
        return Actor(member="ML", person="", office="permanence", roles=held).rights

    assert rights(one | other) == rights(one) | rights(other)


@pytest.mark.parametrize("right", Right)
def test_nobody_has_no_right(right):
    assert not may(None, right)
    with pytest.raises(NotAllowedError):
        require(None, right)


def test_who_has_the_right_is_handed_back(actor):
    watch = actor(Role.WATCH_OFFICER)
    assert require(watch, Right.REPORT_INCIDENT) is watch


def test_a_missing_right_is_named(actor):
    with pytest.raises(NotAllowedError, match="your office may not do this") as told:
        require(actor(Role.WATCH_OFFICER), Right.RELEASE_INCIDENT)
    assert told.value.params == {"right": "release_incident"}


@pytest.mark.parametrize(
    ("role", "audience", "seen"),
    [
        ("watch_officer", ["ML", "BF"], True),
        ("watch_officer", ["BF", "NE"], False),
        ("watch_officer", [], False),
        ("node_administrator", ["ML", "BF"], False),
    ],
)
def test_something_is_seen_with_the_right_and_inside_the_audience_only(actor, role, audience, seen):
    assert may_see(actor(role), Right.SEE_INCIDENTS, audience) is seen


def test_nobody_sees_nothing():
    assert not may_see(None, Right.SEE_INCIDENTS, ["ML"])


def test_who_does_not_keep_the_watch_reads_and_does_not_write(actor):
    aside = replace(actor("watch_officer", "auditor"), on_watch=False)
    missing = actor("watch_officer", "auditor").rights - aside.rights
    assert missing == {Right.WRITE_JOURNAL, Right.REPORT_INCIDENT}
    with pytest.raises(NotAllowedError, match="you do not keep the watch"):
        require(aside, Right.WRITE_JOURNAL)
    with pytest.raises(NotAllowedError, match="your office may not"):
        require(replace(actor("planner"), on_watch=False), Right.WRITE_JOURNAL)
