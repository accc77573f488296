"""The compact and the partners at the command line: drafted, compared aloud, adopted or refused."""

import json
import os
import pty
import subprocess
import sys

import pytest

from liptako.core.compact.members import compact_phrase, read_compact
from tests.cli.shell import KEPT, liptako

NAMES = ("--name", "fr=Pacte", "--name", "en=Pact", "--everyone", "fr=Tous")


@pytest.fixture
def cards(originals):
    return [originals / member / "card.json" for member in ("ML", "BF")]


@pytest.fixture
def newer(originals, tmp_path):
    """Return a file with a second version of the compact."""
    document = json.loads((originals / "compact.json").read_bytes()) | {"version": 2}
    file = tmp_path / "newer.json"
    file.write_text(json.dumps(document, separators=(",", ":"), ensure_ascii=False))
    return file


def phrase_of(file):
    return compact_phrase(file.read_bytes())


def version_of(home):
    return home.do("from liptako.ledger import compacts; print(compacts.current().version)")


def test_a_draft_holds_the_members_in_their_order_and_tells_its_phrase(cards, tmp_path):
    file = tmp_path / "compact.json"
    result = liptako("compact-draft", *cards, *NAMES, "--output", file)
    told = f"Compact written to {file}\nCompare aloud: {phrase_of(file)}\n"
    compact = read_compact(file.read_bytes())
    assert result == (0, told, "")
    assert [member.id for member in compact.members] == ["BF", "ML"]
    assert (compact.version, compact.names) == (1, {"fr": "Pacte", "en": "Pact"})


def test_a_draft_with_a_member_twice_is_refused_and_not_written(cards, tmp_path):
    file = tmp_path / "compact.json"
    result = liptako("compact-draft", cards[0], cards[0], *NAMES, "--output", file)
    assert result == (3, "", "compact: expected each member once\n")
    assert not file.exists()


def test_a_card_that_is_not_there_is_named(cards, tmp_path):
    file = tmp_path / "nothing"
    result = liptako("compact-draft", file, *NAMES, "--output", tmp_path / "compact.json")
    assert result == (3, "", f"{file} cannot be read: No such file or directory\n")


def test_a_draft_that_cannot_be_written_is_told(cards):
    result = liptako("compact-draft", *cards, *NAMES, "--output", "/proc/compact.json")
    expected = "/proc/compact.json cannot be written: No such file or directory\n"
    assert result == (8, "", expected)


def test_a_compact_is_adopted_with_the_phrase_that_was_compared(ml, newer):
    phrase = phrase_of(newer)
    result = ml.run("compact-adopt", newer, "--phrase", f"  {phrase.replace(' ', '  ')} ")
    told = f"Compare aloud: {phrase}\nCompact of version 2 adopted\n"
    assert (result, version_of(ml)) == ((0, told, ""), "2")


def test_the_adoption_is_in_the_audit_trail(ml, newer):
    ml.ok("compact-adopt", newer, "--phrase", phrase_of(newer))
    last = "AuditEvent.objects.filter(event='compact.adopt', detail='2').count()"
    assert ml.do(f"from liptako.members.models import AuditEvent; print({last})") == "1"


@pytest.mark.parametrize("phrase", [[], ["--phrase", ""], ["--phrase", "00000 " * 8]])
def test_with_no_phrase_or_another_one_nothing_is_adopted(ml, newer, phrase):
    result = ml.run("compact-adopt", newer, *phrase)
    told = "the groups of digits are not the same: the compact was not adopted\n"
    assert result == (5, f"Compare aloud: {phrase_of(newer)}\n", told)
    assert version_of(ml) == "1"


def test_on_a_terminal_the_phrase_is_typed(ml, newer):
    command = [sys.executable, "-m", "liptako", "--home", ml.folder, "compact-adopt", newer]
    typing, reading = pty.openpty()
    os.write(typing, phrase_of(newer).encode() + b"\n")
    done = subprocess.run(
        command, env=KEPT, stdin=reading, capture_output=True, text=True, check=False
    )
    os.close(typing)
    os.close(reading)
    assert (done.returncode, version_of(ml)) == (0, "2")


def test_a_compact_that_is_no_newer_one_is_refused(ml, originals):
    file = originals / "compact.json"
    result = ml.run("compact-adopt", file, "--phrase", phrase_of(file))
    assert (result.code, result.err) == (5, "compact: expected a version above 1, got 1\n")


def test_a_compact_with_other_keys_of_ours_is_refused(ml, newer):
    document = json.loads(newer.read_text())
    bf, mali = document["members"]
    mali["keys"]["sign"] = bf["keys"]["sign"]
    newer.write_text(json.dumps(document, separators=(",", ":"), ensure_ascii=False))
    result = ml.run("compact-adopt", newer, "--phrase", phrase_of(newer))
    told = "compact: the keys of ML in it are not those of this node\n"
    assert (result.code, result.err, version_of(ml)) == (5, told, "1")


def test_bytes_that_are_no_compact_are_refused(ml, tmp_path):
    file = tmp_path / "compact.json"
    file.write_bytes(b"nothing of the kind")
    result = ml.run("compact-adopt", file, "--phrase", phrase_of(file))
    assert (result.code, result.err.startswith("record: expected JSON")) == (3, True)


def test_the_address_of_a_partner_is_kept_and_taken_away(ml):
    first = ml.ok("partner", "BF", " https://127.0.0.1:8443/ ")
    second = ml.ok("partner", "BF", "")
    assert first == "Address of BF: https://127.0.0.1:8443\n"
    assert second == "Address of BF: none: by file only\n"
    trail = "AuditEvent.objects.filter(event='partner.address').order_by('at')"
    told = f"print(list({trail}.values_list('office', 'subject', 'detail')))"
    assert ml.do(f"from liptako.members.models import AuditEvent; {told}") == str(
        [("administration", "BF", "https://127.0.0.1:8443"), ("administration", "BF", "")]
    )


@pytest.mark.parametrize(
    "address", ["http://foo/bar?x", "foo", "https://h/path", "https://h:99999", "https://a@h"]
)
def test_what_is_no_address_is_not_kept(ml, address):
    ml.ok("partner", "BF", "https://127.0.0.1:8443")
    told = f"address: expected https://HOST:PORT, got {address}\n"
    assert ml.run("partner", "BF", address) == (3, "", told)
    kept = "from liptako.federation.models import Peer; print(Peer.objects.get(member='BF').url)"
    assert ml.do(kept) == "https://127.0.0.1:8443"


@pytest.mark.parametrize(
    ("member", "message"),
    [("ML", "a node is not its own partner"), ("TG", "TG is not a member of the compact")],
)
def test_nobody_but_another_member_is_a_partner(ml, member, message):
    assert ml.run("partner", member, "https://h:1") == (5, "", message + "\n")
