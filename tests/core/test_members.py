"""The compact: a round trip, and what it refuses."""

import json

import pytest

from liptako.core.compact.members import (
    Member,
    NodeKeys,
    compact_phrase,
    draft_compact,
    read_card,
    read_compact,
    write_card,
    write_compact,
)
from liptako.core.errors import MalformedError, RefusedError
from liptako.core.keys import signer_from_seed
from liptako.core.log.sealed import new_identity, recipient_of
from liptako.core.refs import audience_id

RECIPIENT = recipient_of(new_identity())


def member(name):
    keys = NodeKeys(
        sign=signer_from_seed(name.encode().ljust(32)).public, seal=RECIPIENT, tls=bytes(32)
    )
    return Member(id=name, names={"fr": f"État {name}"}, timezone="UTC", keys=keys)


COMPACT = draft_compact(
    {"fr": "Entraide des Six"}, [member("SB"), member("SA")], {"fr": "Tous les membres"}
)


def test_a_compact_reads_what_it_writes():
    assert read_compact(write_compact(COMPACT)) == COMPACT


def test_a_card_reads_what_it_writes():
    assert read_card(write_card(member("SA"))) == member("SA")


def test_a_first_compact_has_one_audience_of_all_members():
    assert [audience.id for audience in COMPACT.audiences] == [audience_id(["SA", "SB"])]


def test_a_compact_knows_its_members_and_no_stranger():
    assert COMPACT.member("SA") == member("SA")
    assert COMPACT.others("SA") == (member("SB"),)
    with pytest.raises(RefusedError, match="SC is not a member"):
        COMPACT.member("SC")


def test_the_phrase_of_a_compact_changes_with_its_content():
    data = write_compact(COMPACT)
    assert compact_phrase(data) == compact_phrase(data.strip())
    assert compact_phrase(data) != compact_phrase(data.replace(b"Six", b"Dix"))


def document(**changes):
    return json.loads(write_compact(COMPACT)) | changes


def member_with(**changes):
    raw = document()["members"]
    raw[0] |= changes
    return document(members=raw)


def keys_with(**changes):
    return member_with(keys=document()["members"][0]["keys"] | changes)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (document(v=2), "expected v 1"),
        (document(version=0), "expected v 1"),
        (document(members=[]), "expected v 1"),
        (document(members=document()["members"] * 2), "each member once"),
        (document(names=None), "compact:"),
        (document(audiences=[{"names": {}, "members": ["ZZ"]}]), "got ZZ"),
        (document(audiences=[{"names": {}, "members": []}]), "got —"),
        (member_with(names={}), "expected a name"),
        (member_with(id="sa"), "member: expected"),
        (keys_with(sign="!"), "not base64"),
        (keys_with(sign="AAAA"), "Ed25519"),
        (keys_with(tls="AAAA"), "32 bytes"),
        (keys_with(seal="age1"), "age1"),
    ],
)
def test_a_compact_that_is_wrong_says_what_is_wrong(fields, message):
    data = json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()
    with pytest.raises(MalformedError, match=message):
        read_compact(data)


def test_a_card_that_is_wrong_is_refused():
    with pytest.raises(MalformedError, match="card:"):
        read_card(b'{"id":"SA"}')
