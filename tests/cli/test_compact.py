"""The compact and the partners at the command line: drafted, signed, compared aloud, adopted."""

import os
import pty
import shutil
import subprocess
import sys

import pytest

from liptako.core.compact.document import State
from liptako.core.compact.dossier import read_dossier
from liptako.core.compact.members import compact_phrase
from tests.cli.shell import KEPT, liptako

NAMES = ("--name", "fr=Pacte", "--name", "en=Pact", "--everyone", "fr=Tous")
DIFFERENT = "the groups of digits are not the same: the compact was not adopted\n"


@pytest.fixture
def cards(originals):
    return [originals / member / "card.json" for member in ("ML", "BF")]


@pytest.fixture
def sign(originals, tmp_path):
    """Return a signer of a file with the root keys of members, which have signed nothing yet."""

    def with_keys_of(file, *members):
        for member in members:
            (tmp_path / f"{member}.key.signed").unlink(missing_ok=True)
            copied = shutil.copyfile(
                originals / member / "keys/root.key", tmp_path / f"{member}.key"
            )
            result = liptako("compact-sign", file, "--key", copied)
            assert result.code == 0, result

    return with_keys_of


@pytest.fixture
def newer(ml, sign, tmp_path):
    """Return a file with a second version of the compact, signed by both."""
    file = tmp_path / "newer.json"
    ml.ok("compact-change", "--audience", "ML,BF", "fr=Couple", "--output", file)
    sign(file, "ML", "BF")
    return file


@pytest.fixture
def alone(ml, databases):
    """The node ML as if it had adopted nothing yet."""
    ml.do("from liptako.ledger.models import Deed; Deed.objects.all().delete()")
    return ml


def last(file):
    return read_dossier(file.read_bytes()).versions[-1]


def phrase_of(file):
    return compact_phrase(last(file).envelope.payload)


def version_of(home):
    return home.do("from liptako.ledger import compacts; print(compacts.current().version)")


def test_a_draft_holds_the_members_in_their_order_and_tells_its_phrase(cards, tmp_path):
    file = tmp_path / "compact.json"
    result = liptako("compact-draft", *cards, *NAMES, "--output", file)
    told = f"Compact written to {file}\nCompare aloud: {phrase_of(file)}\n"
    document = last(file).document
    assert result == (0, told, "")
    assert [member.id for member in document.members] == ["BF", "ML"]
    assert (document.version, document.names) == (1, {"fr": "Pacte", "en": "Pact"})
    assert len(read_dossier(file.read_bytes()).delegations) == 2


def test_a_card_twice_is_one_card(cards, tmp_path):
    file = tmp_path / "compact.json"
    assert liptako("compact-draft", *cards, cards[0], *NAMES, "--output", file).code == 0
    assert len(last(file).document.members) == 2


def test_a_rule_that_cannot_be_is_refused_and_nothing_is_written(cards, tmp_path):
    file = tmp_path / "compact.json"
    for rule, told in (("some", "--approve: expected all"), ("1", "compact: expected “all”")):
        result = liptako("compact-draft", *cards, *NAMES, "--approve", rule, "--output", file)
        assert (result.code, result.err.startswith(told)) == (3, True)
    assert not file.exists()


def test_a_card_that_is_not_there_is_named(tmp_path):
    file = tmp_path / "nothing"
    result = liptako("compact-draft", file, *NAMES, "--output", tmp_path / "compact.json")
    assert result == (3, "", f"{file} cannot be read: No such file or directory\n")


def test_a_draft_that_cannot_be_written_is_told(cards):
    result = liptako("compact-draft", *cards, *NAMES, "--output", "/proc/compact.json")
    expected = "/proc/compact.json cannot be written: No such file or directory\n"
    assert result == (8, "", expected)


def test_a_first_compact_is_adopted_with_the_phrase_that_was_compared(alone, originals):
    file = originals / "compact.json"
    phrase = phrase_of(file)
    result = alone.run("compact-adopt", file, "--phrase", f"  {phrase.replace(' ', '  ')} ")
    told = f"Compare aloud: {phrase}\nKeys of BF taken\nKeys of ML taken\n"
    assert result == (0, f"{told}Compact of version 1 adopted\n", "")


def test_on_a_terminal_the_phrase_is_typed(alone, originals):
    file = originals / "compact.json"
    command = [sys.executable, "-m", "liptako", "--home", alone.folder, "compact-adopt", file]
    typing, reading = pty.openpty()
    os.write(typing, phrase_of(file).encode() + b"\n")
    done = subprocess.run(
        command, env=KEPT, stdin=reading, capture_output=True, text=True, check=False
    )
    os.close(typing)
    os.close(reading)
    assert (done.returncode, version_of(alone)) == (0, "1")


@pytest.mark.parametrize("phrase", [[], ["--phrase", ""], ["--phrase", "00000 " * 8]])
def test_with_no_phrase_or_another_one_nothing_is_adopted(alone, originals, phrase):
    file = originals / "compact.json"
    result = alone.run("compact-adopt", file, *phrase)
    assert result == (5, f"Compare aloud: {phrase_of(file)}\n", DIFFERENT)
    assert version_of(alone) == "0"


def test_a_first_compact_that_somebody_has_not_signed_is_not_adopted(alone, cards, sign, tmp_path):
    file = tmp_path / "compact.json"
    liptako("compact-draft", *cards, *NAMES, "--output", file)
    sign(file, "BF")
    result = alone.run("compact-adopt", file, "--phrase", phrase_of(file))
    told = "compact: version 1 needs the signatures of 2 members, got BF; missing: ML\n"
    assert (result.code, result.err, version_of(alone)) == (4, told, "0")


def test_a_file_with_keys_only_begins_nothing(alone, cards):
    result = alone.run("compact-adopt", cards[0])
    assert (result.code, result.err) == (3, "compact: expected a version of it\n")


def test_a_later_version_is_adopted_by_its_signatures_alone(ml, newer):
    assert ml.ok("compact-adopt", newer) == "Compact of version 2 adopted\n"
    assert version_of(ml) == "2"
    audit = "AuditEvent.objects.filter(event='compact.adopt', detail='2').count()"
    assert ml.do(f"from liptako.members.models import AuditEvent; print({audit})") == "1"


def test_a_later_version_without_enough_signatures_is_refused(ml, sign, tmp_path):
    file = tmp_path / "newer.json"
    ml.ok("compact-change", "--approve", "2", "--output", file)
    sign(file, "ML")
    result = ml.run("compact-adopt", file)
    told = "compact: version 2 needs the signatures of 2 members, got ML; missing: BF\n"
    assert (result.code, result.err, version_of(ml)) == (4, told, "1")


def test_a_compact_that_is_held_already_is_told(ml, originals):
    result = ml.run("compact-adopt", originals / "compact.json")
    told = "compact: version 1 is held already, and so are these keys of the members\n"
    assert (result.code, result.err) == (5, told)


def test_bytes_that_are_no_compact_are_refused(ml, tmp_path):
    file = tmp_path / "compact.json"
    file.write_bytes(b"nothing of the kind")
    result = ml.run("compact-adopt", file)
    assert (result.code, result.err.startswith("record: expected JSON")) == (3, True)


def test_a_member_is_suspended_with_its_logs_frozen_where_this_node_holds_them(ml, tmp_path):
    ml.ok("demo-incident")
    file = tmp_path / "newer.json"
    log = "BF/c/0001020304050607/e1"
    ml.ok("compact-change", "--suspend", "BF", "--frozen", f"{log}=7", "--output", file)
    bf = last(file).document.members[0]
    assert (bf.state, bf.frozen) == (State.SUSPENDED, {log: 7})
    ml.ok("compact-change", "--leave", "ML", "--output", file)
    mali = last(file).document.members[1]
    held = "sorted(Channel.objects.filter(author='ML').values_list('origin', 'size'))"
    found = ml.do(f"from liptako.ledger.models import Channel; print({held})")
    assert (mali.state, str(sorted(mali.frozen.items()))) == (State.LEFT, found)
    again = ml.run("compact-change", "--resume", "TG", "--output", file)
    assert again == (5, "", "TG is not a member of the compact\n")


@pytest.fixture
def tg(home, map_files, databases):
    """A node of TG, which is no member yet."""
    shutil.copytree(map_files, home.folder)
    home.ok("init", "--member", "TG", "--data", "", *databases.make())
    return home


def test_a_new_member_joins_with_the_whole_dossier_and_the_phrase(ml, tg, sign, tmp_path):
    file, whole = tmp_path / "newer.json", tmp_path / "whole.json"
    ml.ok("compact-change", "--card", tg / "card.json", "--output", file)
    sign(file, "ML", "BF")
    tg.ok("compact-sign", file, "--key", tg / "keys/root.key")
    ml.ok("compact-adopt", file)
    ml.ok("compact-export", whole)
    assert tg.run("compact-adopt", whole).code == 5
    told = tg.ok("compact-adopt", whole, "--phrase", phrase_of(whole))
    assert told.endswith("Keys of TG taken\nCompact of version 2 adopted\n")
    assert (version_of(tg), version_of(ml)) == ("2", "2")


def test_a_member_that_has_lost_its_root_keys_gets_others_by_the_word_of_all(
    ml, bf, tg, sign, tmp_path
):
    three, file, key = (tmp_path / name for name in ("three.json", "next.json", "new.key"))
    ml.ok("compact-change", "--card", tg / "card.json", "--output", three)
    sign(three, "ML", "BF")
    tg.ok("compact-sign", three, "--key", tg / "keys/root.key")
    tg.ok("compact-adopt", three, "--phrase", phrase_of(three))
    for home in (ml, bf):
        home.ok("compact-adopt", three)
    (ml / "keys/root.key").unlink()
    liptako("key-make", key, "--member", "ML")
    ml.ok("card", "--key", key)
    bf.ok("compact-change", "--card", ml / "card.json", "--output", file)
    sign(file, "BF")
    liptako("compact-sign", file, "--key", key)
    assert bf.run("compact-adopt", file).code == 4
    tg.ok("compact-sign", file, "--key", tg / "keys/root.key")
    told = "ML has lost its root keys, by the word of all others: new ones count"
    assert told in bf.ok("compact-show", file).splitlines()
    for home in (ml, bf, tg):
        assert "Compact of version 3 adopted" in home.ok("compact-adopt", file)
    ml.ok("delegate", "--renew", "sign", "--key", key, "--output", tmp_path / "keys.json")


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
