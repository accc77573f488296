"""The compact in force: whose keys count, up to where, and with whom anything is exchanged."""

from dataclasses import replace

import pytest

from liptako.core.compact.delegation import Revoked
from liptako.core.compact.document import State
from liptako.core.compact.members import NO_COMPACT, NodeKeys, compact_phrase, in_force
from liptako.core.errors import MalformedError, RefusedError, VerificationError
from liptako.core.log.checkpoint import Checkpoint, sign_checkpoint
from liptako.core.refs import audience_id
from tests.pact import RECIPIENTS, after, delegated, first, signer

LOG, OTHER_LOG = "SA/c/0001020304050607/e1", "SA/c/0001020304050607/e2"
OLD, NEW, NEWEST = signer("node SA"), signer("node SA new"), signer("node SA newest")
VERSION = first("SA", "SB", "SC", approve=2)
OTHERS = (delegated("SB"), delegated("SC"))
FIRST = delegated("SA")
SECOND = delegated(
    "SA",
    before=FIRST,
    sign=NEW.public,
    seals=RECIPIENTS,
    pins=(bytes(32), bytes([1] * 32)),
    revoked=(Revoked(key=OLD.public, caps={LOG: 7}),),
)
COMPACT = in_force(VERSION.document, [FIRST, SECOND, *OTHERS])


def checkpoint(size, key, origin=LOG):
    return sign_checkpoint(Checkpoint(origin=origin, size=size, root=bytes(32)), key)


def test_a_member_has_the_keys_of_its_newest_delegation():
    keys = COMPACT.member("SA").keys
    assert keys == NodeKeys(
        sign=NEW.public,
        seal=RECIPIENTS[0],
        tls=bytes(32),
        next_seals=RECIPIENTS[1:],
        next_pins=(bytes([1] * 32),),
    )
    assert keys.pins == (bytes(32), bytes([1] * 32))
    assert COMPACT.member("SA").signing_keys == (NEW.public, OLD.public)


def test_a_compact_knows_its_members_and_no_stranger():
    assert [member.id for member in COMPACT.others("SA")] == ["SB", "SC"]
    assert [audience.id for audience in COMPACT.audiences] == [audience_id(["SA", "SB", "SC"])]
    with pytest.raises(RefusedError, match="SD is not a member"):
        COMPACT.member("SD")
    assert NO_COMPACT.active == frozenset()


def test_a_member_without_a_delegation_is_refused():
    with pytest.raises(VerificationError, match="SC: no delegation"):
        in_force(VERSION.document, [FIRST, OTHERS[0]])


def test_the_present_key_is_good_for_any_size():
    assert COMPACT.open_checkpoint(checkpoint(1_000, NEW), LOG).size == 1_000


def test_a_key_that_was_taken_back_is_good_up_to_its_cap_of_each_log():
    assert COMPACT.open_checkpoint(checkpoint(7, OLD), LOG).size == 7
    with pytest.raises(VerificationError, match="good up to 7 entries, got 8"):
        COMPACT.open_checkpoint(checkpoint(8, OLD), LOG)
    with pytest.raises(VerificationError, match="good up to 0 entries, got 1"):
        COMPACT.open_checkpoint(checkpoint(1, OLD, OTHER_LOG), OTHER_LOG)


def test_of_two_caps_the_smaller_one_counts():
    third = delegated(
        "SA",
        before=SECOND,
        sign=NEWEST.public,
        revoked=(
            Revoked(key=OLD.public, caps={LOG: 5}),
            Revoked(key=NEW.public, caps={LOG: 90}),
        ),
    )
    member = in_force(VERSION.document, [FIRST, SECOND, third, *OTHERS]).member("SA")
    assert [member.cap(key.public, LOG) for key in (OLD, NEW, NEWEST)] == [5, 90, None]
    assert member.signing_keys == (NEWEST.public, OLD.public, NEW.public)


def test_the_key_of_somebody_else_is_good_for_nothing():
    assert COMPACT.member("SA").cap(signer("node SB").public, LOG) == 0
    with pytest.raises(VerificationError, match="signed by no key that is known"):
        COMPACT.open_checkpoint(checkpoint(1, signer("node SB")), LOG)
    with pytest.raises(MalformedError):
        COMPACT.open_checkpoint(b"", LOG)
    with pytest.raises(RefusedError, match="SD is not a member"):
        COMPACT.open_checkpoint(b"", "SD/c/0001020304050607/e1")


def test_nothing_is_exchanged_with_a_member_that_is_suspended():
    suspended = after(VERSION, "SA", "SB", states={"SC": (State.SUSPENDED, {})})
    compact = in_force(suspended.document, [FIRST, SECOND, *OTHERS])
    asked = [compact.may_exchange(member) for member in ("SA", "SC", "SD")]
    assert (asked, compact.active) == ([True, False, False], {"SA", "SB"})
    assert compact.check_exchange("SA").id == "SA"
    with pytest.raises(RefusedError, match="SC is suspended or has left"):
        compact.check_exchange("SC")
    with pytest.raises(RefusedError, match="SD is not a member"):
        compact.check_exchange("SD")


def test_the_logs_of_a_member_that_has_left_end_at_their_frozen_sizes():
    left = after(VERSION, "SA", "SB", states={"SA": (State.LEFT, {LOG: 4})})
    compact = in_force(left.document, [FIRST, SECOND, *OTHERS])
    caps = [compact.cap_of(origin) for origin in (LOG, OTHER_LOG, "SB/c/0001020304050607/e1")]
    assert caps == [4, 0, None]
    assert compact.open_checkpoint(checkpoint(9, NEW), LOG).size == 9
    with pytest.raises(RefusedError, match="SD is not a member"):
        compact.cap_of("SD/c/0001020304050607/e1")


def test_the_phrase_of_a_compact_changes_with_its_content():
    payload = VERSION.envelope.payload
    assert compact_phrase(payload) != compact_phrase(payload.replace(b"Entraide", b"Secours"))
    assert len(compact_phrase(payload).split()) == 8


def test_a_compact_is_the_same_in_whatever_order_delegations_came():
    held = [*OTHERS, SECOND, FIRST]
    assert in_force(VERSION.document, held) == replace(COMPACT)
