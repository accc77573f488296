"""Which version is valid: the signatures it needs under the old rule and under the new one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liptako.core.compact.document import State
from liptako.core.compact.draft import Changes, first_draft, next_draft
from liptako.core.compact.envelope import Envelope
from liptako.core.compact.versions import (
    check_chain,
    check_version,
    has_signed,
    read_version,
    tallies,
)
from liptako.core.errors import MalformedError, RefusedError, VerificationError
from tests.pact import after, by, card, first, roots, signed_by

FIRST = first("SA", "SB", "SC", approve=2)
SUSPENDED = {"SC": (State.SUSPENDED, {})}


def refused(version, before, kind, message):
    with pytest.raises(kind, match=message):
        check_version(version, before)


def test_the_first_version_is_valid_once_all_have_signed_whatever_its_rule():
    check_version(FIRST, None)
    draft = read_version(Envelope(type=FIRST.envelope.type, payload=FIRST.envelope.payload))
    refused(by(draft, "SA", "SB"), None, VerificationError, "3 members, got SA, SB; missing: SC")
    refused(draft, None, VerificationError, "got —")


def test_a_first_version_with_a_suspended_member_is_never_valid():
    draft = first_draft({}, [card("SA"), card("SB"), card("SC")], {}, "all").envelope
    changed = draft.payload.replace(b'"timezone":"UTC"', b'"timezone":"UTC","state":"suspended"', 1)
    version = read_version(Envelope(type=draft.type, payload=changed))
    refused(by(version, "SA", "SB", "SC"), None, VerificationError, "missing: —")


def test_a_later_version_is_valid_with_enough_signatures_under_both_rules():
    check_version(after(FIRST, "SA", "SB", states=SUSPENDED), FIRST)


def test_too_few_signatures_under_the_rule_before_are_refused():
    later = after(FIRST, "SA", "SC", states=SUSPENDED)
    old, new = tallies(later, FIRST)
    assert (old.is_enough, new.is_enough) == (True, False)
    assert (old.signed, new.signed, new.missing) == ({"SA", "SC"}, {"SA"}, {"SB"})
    refused(later, FIRST, VerificationError, "needs the signatures of 2 members, got SA")


def test_too_few_signatures_under_the_new_rule_are_refused():
    later = after(FIRST, "SA", "SB", approve="all")
    refused(later, FIRST, VerificationError, "3 members, got SA, SB; missing: SC")
    check_version(by(later, "SC"), FIRST)


def test_a_new_member_is_one_by_its_own_signature_only():
    later = after(FIRST, "SA", "SB", cards=(card("SD"),), approve=3)
    refused(by(later, "SC"), FIRST, VerificationError, "missing: SD")
    check_version(by(later, "SD"), FIRST)


def test_other_root_keys_of_a_member_have_to_sign_themselves():
    new = card("SC", keys=roots("SC", 2)[1:])
    later = after(FIRST, "SA", "SB", cards=(new,))
    refused(later, FIRST, VerificationError, "missing: SC")
    check_version(read_version(signed_by(later.envelope, roots("SC", 2)[1:])), FIRST)


ALL = first("SA", "SB", "SC")
NEW_ROOT = roots("SC", 2)[1:]


def recovered(before, *signers, keys=NEW_ROOT, card_keys=NEW_ROOT):
    """Return a version in which SC has other root keys, signed by them and by others."""
    later = after(before, *signers, cards=(card("SC", keys=card_keys),))
    return read_version(signed_by(later.envelope, keys))


def test_where_all_must_sign_lost_root_keys_are_replaced_by_the_word_of_all_others():
    later = recovered(ALL, "SA", "SB")
    check_version(later, ALL)
    old, new = tallies(later, ALL)
    assert (old.renewed, old.signed, old.missing) == ({"SC"}, {"SA", "SB", "SC"}, set())
    assert (new.renewed, new.signed) == (set(), {"SA", "SB", "SC"})


@pytest.mark.parametrize(
    "later",
    [
        recovered(ALL, "SA"),
        recovered(ALL, "SA", "SB", keys=[]),
        after(ALL, "SA", "SB"),
        after(ALL, "SA", "SB", states=SUSPENDED),
    ],
    ids=["one other", "without the new keys", "the same keys", "suspended"],
)
def test_nobody_else_is_counted_who_has_not_signed(later):
    refused(later, ALL, VerificationError, "missing:")


def test_of_two_members_one_does_not_speak_for_the_other():
    two = first("SA", "SC")
    refused(recovered(two, "SA"), two, VerificationError, "got SA; missing: SC")


def test_a_number_that_is_all_members_is_as_good_as_all():
    three = first("SA", "SB", "SC", approve=3)
    check_version(recovered(three, "SA", "SB"), three)
    check_version(recovered(FIRST, "SA", "SB"), FIRST)
    assert tallies(recovered(FIRST, "SA", "SB"), FIRST)[0].renewed == frozenset()


def test_two_that_have_lost_their_keys_at_once_are_too_many():
    four = first("SA", "SB", "SC", "SD")
    new = card("SD", keys=roots("SD", 2)[1:])
    later = after(four, "SA", "SB", cards=(card("SC", keys=NEW_ROOT), new))
    signed = read_version(signed_by(later.envelope, [*NEW_ROOT, roots("SD", 2)[1]]))
    refused(signed, four, VerificationError, "got SA, SB; missing: SC, SD")


def test_a_member_that_was_suspended_comes_back_with_its_own_signature():
    without = after(FIRST, "SA", "SB", states=SUSPENDED)
    back = after(without, "SA", "SB", states={"SC": (State.ACTIVE, {})})
    refused(back, without, VerificationError, "missing: SC")
    check_version(by(back, "SC"), without)


def test_a_member_has_signed_once_as_many_of_its_keys_have_as_it_takes():
    keys = roots("SA", 3)
    draft = first_draft({}, [card("SA", keys=keys, threshold=2)], {})
    root = draft.document.members[0].root
    one = signed_by(draft.envelope, keys[:1])
    assert not has_signed(one, root)
    assert not has_signed(signed_by(one, keys[:1]), root)
    assert has_signed(signed_by(one, keys[2:]), root)


def test_a_version_follows_the_one_before_it():
    later = after(FIRST, "SA", "SB")
    other = first("SA", "SB", "SC")
    refused(later, None, RefusedError, "expected version 1 next, got 2")
    refused(FIRST, FIRST, RefusedError, "expected version 2 next, got 1")
    refused(later, other, RefusedError, "follows another version 1")


def test_no_member_is_struck_out():
    others = first("SC", "SB")
    changed = next_draft(others, Changes())
    payload = changed.envelope.payload.replace(b'"id":"SC"', b'"id":"SD"').replace(
        b'"members":["SB","SC"]', b'"members":["SB"]'
    )
    version = read_version(Envelope(type=changed.envelope.type, payload=payload))
    refused(version, others, RefusedError, "no longer names SC")


def test_a_chain_is_checked_from_the_first_version_on():
    second = after(FIRST, "SA", "SB")
    assert check_chain([FIRST, second]) == second
    with pytest.raises(RefusedError, match="expected version 1"):
        check_chain([second])
    with pytest.raises(MalformedError, match="expected a version of it"):
        check_chain([])


def test_what_is_no_compact_is_no_version():
    with pytest.raises(MalformedError, match="compact: expected application/vnd"):
        read_version(Envelope(type="other", payload=b"{}"))


MEMBERS = ("SA", "SB", "SC", "SD", "SE")


@settings(deadline=None)
@given(st.data())
def test_two_successors_are_both_valid_only_if_a_member_has_signed_both(data):
    count = data.draw(st.integers(1, len(MEMBERS)))
    members = MEMBERS[:count]
    needed = data.draw(st.integers(count // 2 + 1, count))
    base = first(*members, approve=needed)
    sides = [data.draw(st.sets(st.sampled_from(members))) for _ in range(2)]
    audiences = [(({"fr": name}, frozenset(members)),) for name in ("one", "other")]
    valid = []
    for side, audience in zip(sides, audiences, strict=True):
        version = after(base, *side, audiences=audience)
        valid.append(all(tally.is_enough for tally in tallies(version, base)))
        assert valid[-1] == (len(side) >= needed)
    if all(valid):
        assert sides[0] & sides[1]
