"""A version of the compact as a document: what is read, and what is refused."""

import json
from base64 import b64encode

import pytest

from liptako.core.compact.document import Root, State, read_document
from liptako.core.errors import MalformedError
from liptako.core.refs import audience_id
from tests.pact import card, first, roots

VERSION = first("SA", "SB", "SC")
ORIGIN = "SA/c/0001020304050607/e1"


def document(**changes):
    return json.loads(VERSION.envelope.payload) | changes


def member(**changes):
    members = document()["members"]
    members[0] |= changes
    return document(members=members)


def root(**changes):
    return member(root=document()["members"][0]["root"] | changes)


def read(fields):
    data = json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()
    return read_document(data)


def key(name, number=0):
    return b64encode(roots(name, number + 1)[number].public).decode()


def test_a_document_says_who_is_a_member_with_which_root_keys():
    found = read(document())
    assert (found.version, found.previous, found.names) == (1, b"", {"fr": "Entraide"})
    assert [item.id for item in found.members] == ["SA", "SB", "SC"]
    assert found.members[0] == card("SA").member
    assert [item.id for item in found.audiences] == [audience_id(["SA", "SB", "SC"])]


def test_all_must_sign_unless_the_rule_names_a_number():
    assert (read(document()).approve, read(document()).needed) == (None, 3)
    two = read(document(rules={"approve": 2}))
    assert (two.approve, two.needed) == (2, 2)


def test_a_member_that_is_not_active_has_frozen_logs_and_does_not_decide():
    found = read(member(state="suspended", frozen={ORIGIN: 7}))
    assert (found.members[0].state, found.members[0].frozen) == (State.SUSPENDED, {ORIGIN: 7})
    assert [item.id for item in found.active] == ["SB", "SC"]
    assert found.needed == 2


def test_unknown_fields_are_passed_over():
    assert read(document(organs=[{"name": "Conseil"}])) == read(document())


def test_a_member_may_have_several_root_keys_and_need_some_of_them():
    found = read(root(threshold=2, keys=[key("SA", n) for n in range(3)]))
    assert found.members[0].root == Root(
        threshold=2, keys=tuple(item.public for item in roots("SA", 3))
    )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (document(v=2), "expected v 1"),
        (document(version=0), "expected v 1"),
        (document(version=2**60), "integers"),
        (document(version=2), "hash of 32 bytes"),
        (document(previous="AAAA"), "got 3 bytes"),
        (document(previous="!"), "previous: expected base64"),
        (document(members=[]), "audience: expected members"),
        (document(members=[], audiences=[]), "more than half of the 0"),
        (document(members=document()["members"] * 2), "each member once"),
        (document(names=None), "compact:"),
        (document(rules={"approve": "some"}), "compact:"),
        (document(rules={"approve": 1}), "more than half of the 3 active members"),
        (document(rules={"approve": 4}), "got 4"),
        (document(audiences=[{"names": {}, "members": ["ZZ"]}]), "got ZZ"),
        (document(audiences=[{"names": {}, "members": []}]), "got —"),
        (member(names={}), "expected a name"),
        (member(id="sa"), "member: expected"),
        (member(state="gone"), "compact:"),
        (member(frozen={ORIGIN: 1}), "it is active, but its logs are frozen"),
        (member(state="left", frozen={"SB/c/0001020304050607/e1": 1}), "logs of SA"),
        (member(state="left", frozen={ORIGIN: -1}), "logs of SA"),
        (member(state="left", frozen={"nothing": 1}), "channel: expected"),
        (root(threshold=0), "expected a threshold"),
        (root(threshold=2), "expected a threshold"),
        (root(keys=[]), "expected a threshold"),
        (root(keys=[key("SA"), key("SA")]), "each of them once"),
        (root(keys=[key("SB")]), "two members have the same root key"),
        (root(keys=["!"]), "SA: root: expected base64"),
        (root(keys=["AAAA"]), "Ed25519"),
    ],
)
def test_a_document_that_is_wrong_says_what_is_wrong(fields, message):
    with pytest.raises(MalformedError, match=message):
        read(fields)
