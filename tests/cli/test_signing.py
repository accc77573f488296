"""Signing and showing a compact: what is signed, by whom, once only, and told in plain words."""

import shutil

import pytest

from liptako.core.compact.dossier import read_dossier
from tests.cli.shell import liptako

TWICE = "this key has signed another document with number 2 already"


@pytest.fixture
def draft(ml, tmp_path):
    """Return a maker of second versions, not yet signed."""

    def make(*words, name="draft.json"):
        ml.ok("compact-change", *words, "--output", tmp_path / name)
        return tmp_path / name

    return make


@pytest.fixture
def key(originals, tmp_path):
    """The root key of BF on a stick, with the list of its signatures."""
    for name in ("root.key", "root.key.signed"):
        shutil.copyfile(originals / "BF" / "keys" / name, tmp_path / name)
    return tmp_path / "root.key"


def test_what_a_compact_says_is_told_with_who_has_signed_it(draft, key):
    file = draft("--approve", "2", "--audience", "BF,ML", "fr=Couple")
    result = liptako("compact-sign", file, "--key", key)
    lines = result.out.splitlines()
    assert (result.code, result.err) == (0, "")
    assert lines[:8] == [
        "Pacte, version 2",
        "Member BF (BF): 1 of 1 root keys sign",
        "Member ML (ML): 1 of 1 root keys sign",
        "Audience Tous: BF, ML",
        "Audience Couple: BF, ML",
        "A later version needs the signatures of 2 active members.",
        "Under its own rule: signed by BF; 2 needed; missing: ML",
        "Under the rule before it: signed by BF; 2 needed; missing: ML",
    ]
    assert lines[8] == "It is not valid yet."
    assert liptako("compact-show", file).out == result.out


def test_the_compact_in_force_can_be_shown(ml):
    told = ml.ok("compact-show").splitlines()
    assert told[0] == "Pacte, version 1"
    assert "It is valid: it can be adopted." in told
    assert told[-1].startswith("Keys of ML: delegation 1, to be changed by ")


def test_a_card_can_be_shown(originals):
    told = liptako("compact-show", originals / "BF" / "card.json").out.splitlines()
    assert told[0] == "Card of BF (BF)"
    assert told[1].startswith("Keys of BF: delegation 1")


def test_an_empty_file_says_nothing(tmp_path):
    (tmp_path / "empty").touch()
    result = liptako("compact-show", tmp_path / "empty")
    assert result == (3, "", "compact: expected a version of it\n")


def test_a_suspended_member_is_told(draft):
    told = liptako("compact-show", draft("--suspend", "BF")).out
    assert "Member BF (BF): suspended, its logs are frozen" in told
    assert "Member ML (ML): has left" in liptako("compact-show", draft("--leave", "ML")).out


def test_a_key_signs_once_and_not_another_version_of_the_same_number(draft, key):
    first, other = draft("--approve", "2"), draft("--audience", "BF", "fr=BF", name="other.json")
    assert liptako("compact-sign", first, "--key", key).code == 0
    result = liptako("compact-sign", other, "--key", key)
    assert (result.code, TWICE in result.err) == (5, True)
    assert read_dossier(other.read_bytes()).versions[-1].envelope.signatures == ()


def test_the_list_of_a_node_holds_too_when_the_key_came_without_its_own(bf, draft, key):
    first, other = draft("--approve", "2"), draft("--audience", "BF", "fr=BF", name="other.json")
    bf.ok("compact-sign", first, "--key", key)
    key.with_name("root.key.signed").unlink()
    result = bf.run("compact-sign", other, "--key", key)
    assert (result.code, TWICE in result.err) == (5, True)


def test_a_list_that_is_damaged_stops_the_signing(draft, key):
    key.with_name("root.key.signed").write_text("damaged\n")
    result = liptako("compact-sign", draft(), "--key", key)
    assert (result.code, "root.key.signed is damaged" in result.err) == (3, True)


def test_a_key_that_signs_nothing_in_a_file_is_told(draft, key, tmp_path):
    file, stranger = draft(), tmp_path / "stranger.key"
    assert liptako("key-make", stranger, "--member", "TG").code == 0
    told = f"nothing in {file} waits for this key\n"
    assert liptako("compact-sign", file, "--key", stranger) == (5, "", told)
    assert liptako("compact-sign", file, "--key", key).code == 0
    assert liptako("compact-sign", file, "--key", key) == (5, "", told)
    assert liptako("compact-sign", file) == (5, "", "compact-sign: expected --key\n")
