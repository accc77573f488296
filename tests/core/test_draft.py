"""Drafts of versions: what changes, and that everything else stays."""

import json

import pytest

from liptako.core.compact.document import State
from liptako.core.compact.draft import Changes, first_draft, next_draft
from liptako.core.compact.envelope import Envelope, to_base64
from liptako.core.compact.versions import read_version
from liptako.core.errors import MalformedError, RefusedError
from tests.pact import card, first, roots

FIRST = first("SB", "SA")
LOG = "SA/c/0001020304050607/e1"


def fields(version):
    return json.loads(version.envelope.payload)


def changed(**changes):
    return fields(next_draft(FIRST, Changes(**changes)))


def expected(**changes):
    more = {"version": 2, "previous": to_base64(FIRST.envelope.digest)}
    return fields(FIRST) | more | changes


def test_a_first_draft_has_its_members_in_order_and_one_audience_of_all():
    document = FIRST.document
    assert [member.id for member in document.members] == ["SA", "SB"]
    assert [(item.names, item.members) for item in document.audiences] == [
        ({"fr": "Tous"}, {"SA", "SB"})
    ]
    assert (document.version, document.approve) == (1, None)


def test_a_next_draft_names_the_one_before_and_keeps_the_rest():
    assert changed() == expected()


def test_what_this_program_does_not_know_survives():
    more = fields(FIRST) | {"organs": [1]}
    payload = json.dumps(more, separators=(",", ":"), ensure_ascii=False).encode()
    before = read_version(Envelope(type=FIRST.envelope.type, payload=payload))
    assert fields(next_draft(before, Changes()))["organs"] == [1]


def test_a_member_is_added_by_its_card():
    members = [*fields(FIRST)["members"][:1], card("SAB").fields, *fields(FIRST)["members"][1:]]
    assert changed(cards=(card("SAB"),)) == expected(members=members)


def test_a_card_of_a_known_member_replaces_its_root_keys_but_not_how_it_stands():
    before = next_draft(FIRST, Changes(states={"SB": (State.SUSPENDED, {})}, approve=1))
    new = card("SB", keys=roots("SB", 2)[1:])
    member = next_draft(before, Changes(cards=(new,))).document.members[1]
    assert (member.root, member.state) == (new.member.root, State.SUSPENDED)


def test_a_member_is_suspended_with_its_logs_frozen_and_comes_back():
    without = next_draft(FIRST, Changes(states={"SA": (State.SUSPENDED, {LOG: 7})}))
    member = without.document.members[0]
    assert (member.state, member.frozen) == (State.SUSPENDED, {LOG: 7})
    back = next_draft(without, Changes(states={"SA": (State.ACTIVE, {})}))
    assert fields(back)["members"] == fields(FIRST)["members"]


def test_an_audience_is_named_and_a_rule_is_changed():
    audience = {"names": {"fr": "Couple"}, "members": ["SA", "SB"]}
    draft = changed(audiences=(({"fr": "Couple"}, frozenset({"SB", "SA"})),), approve=2)
    audiences = [*fields(FIRST)["audiences"], audience]
    assert draft == expected(audiences=audiences, rules={"approve": 2})


def test_a_draft_that_cannot_be_valid_is_refused():
    with pytest.raises(RefusedError, match="SD is not a member"):
        next_draft(FIRST, Changes(states={"SD": (State.LEFT, {})}))
    with pytest.raises(MalformedError, match="more than half"):
        next_draft(FIRST, Changes(approve=1))
    with pytest.raises(MalformedError, match="each member once"):
        first_draft({}, [card("SA"), card("SA")], {})
