"""Keys of a node: changed, taken back, delegated by root keys here or elsewhere, kept in line."""

import json
import shutil

import pytest

from liptako.core.compact.dossier import read_dossier
from liptako.core.compact.envelope import to_base64
from liptako.core.compact.versions import has_signed
from liptako.core.keys import read_private_key, signer_from_seed
from liptako.core.log.sealed import recipients_of
from tests.cli.shell import Home, liptako

IN_USE = "The keys are in use. Start serve and work again; hand the file to the partners.\n"


def key_of(home):
    return home / "keys/root.key"


def public_of(home):
    _, seed = read_private_key((home / "keys/node.key").read_text())
    return signer_from_seed(seed).public


def identities(home):
    return (home / "keys/node.age").read_text().split()


def last(file, member="ML"):
    return read_dossier(file.read_bytes()).line(member)[-1].delegation


@pytest.fixture
def bundle(ml, tmp_path):
    """A bundle for BF that was signed and sealed before any key was changed."""
    ml.ok("demo-incident")
    ml.ok("exchange", "write", "BF", tmp_path / "before.bundle")
    return tmp_path / "before.bundle"


def test_every_key_of_a_node_can_be_changed_at_once(ml, tmp_path):
    file, before, old = tmp_path / "keys.json", public_of(ml), identities(ml)
    certificate = (ml / "keys/tls-next.crt").read_bytes()
    kinds = ("--renew", "sign", "--renew", "seal", "--renew", "tls")
    told = ml.ok("delegate", *kinds, "--key", key_of(ml), "--output", file)
    assert told == f"Delegation 2 written to {file}\n{IN_USE}"
    delegation = last(file)
    assert delegation.sign == public_of(ml) != before
    assert delegation.seals == recipients_of("\n".join(identities(ml)))[:2]
    assert identities(ml)[0] == old[1]
    assert old[0] in identities(ml)
    assert (ml / "keys/tls.crt").read_bytes() == certificate
    assert [item.key for item in delegation.revoked] == [before]
    assert not (ml / "keys/next").exists()


def test_age_keys_are_kept_for_two_changes_and_then_deleted(ml, tmp_path):
    first = identities(ml)[0]
    for count in (3, 4, 4):
        words = ("--renew", "seal", "--key", key_of(ml), "--output", tmp_path / "keys.json")
        ml.ok("delegate", *words)
        assert len(identities(ml)) == count
    assert first not in identities(ml)


def test_after_a_change_the_log_is_in_order_and_partners_follow(ml, bf, bundle, tmp_path):
    file = tmp_path / "keys.json"
    ml.ok("delegate", "--renew", "sign", "--key", key_of(ml), "--output", file)
    ml.ok("demo-incident")
    assert ml.ok("verify").endswith("every signature, hash and payload is in order.\n")
    assert bf.ok("compact-adopt", file) == "Keys of ML taken\n"
    ml.ok("exchange", "write", "BF", tmp_path / "after.bundle")
    bf.ok("exchange", "read", tmp_path / "after.bundle")
    assert bf.ok("verify").endswith("every signature, hash and payload is in order.\n")


def test_what_was_sealed_for_a_former_age_key_can_still_be_opened(ml, bf, bundle, tmp_path):
    words = ("--renew", "seal", "--key", key_of(bf), "--output", tmp_path / "keys.json")
    bf.ok("delegate", *words)
    bf.ok("delegate", *words)
    bf.ok("exchange", "read", bundle)


def test_after_a_third_change_it_is_told_what_to_do(bf, bundle, tmp_path):
    words = ("--renew", "seal", "--key", key_of(bf), "--output", tmp_path / "keys.json")
    for _ in range(3):
        bf.ok("delegate", *words)
    told = bf.run("exchange", "read", bundle)
    assert told.code == 4
    assert "hand it a file of ours, and ask for another one" in told.err


def test_what_partners_hold_under_a_former_key_stays_in_order(ml, bf, bundle, tmp_path):
    bf.ok("exchange", "read", bundle)
    file = tmp_path / "keys.json"
    ml.ok("delegate", "--renew", "sign", "--key", key_of(ml), "--output", file)
    bf.ok("compact-adopt", file)
    assert bf.ok("verify").endswith("every signature, hash and payload is in order.\n")


def test_a_stolen_key_is_good_up_to_what_partners_have_confirmed(ml, bf, bundle, tmp_path):
    bf.ok("exchange", "read", bundle)
    bf.ok("exchange", "write", "ML", tmp_path / "receipt.bundle")
    ml.ok("exchange", "read", tmp_path / "receipt.bundle")
    ml.ok("demo-incident")
    words = ("--stolen", "--key", key_of(ml), "--output", tmp_path / "keys.json")
    ml.ok("delegate", *words)
    shared = "Channel.objects.filter(author='ML').exclude(audience__members=['ML'])"
    found = ml.do(
        "import json; from liptako.ledger.models import Channel\n"
        f"print(json.dumps(dict({shared}.values_list('lane', 'size'))))\n"
        f"print(json.dumps(dict({shared}.values_list('lane', 'origin'))))"
    )
    sizes, origins = map(json.loads, found.splitlines())
    caps = last(tmp_path / "keys.json").revoked[0].caps
    unconfirmed = {lane: size - caps[origins[lane]] for lane, size in sizes.items()}
    assert unconfirmed == {"urgent": 1}
    assert ml.ok("verify").endswith("every signature, hash and payload is in order.\n")


def test_what_partners_have_handed_back_is_decided_upon_when_a_key_was_stolen(
    ml, bf, bundle, tmp_path
):
    bf.ok("exchange", "read", bundle)
    ml.do(
        "from liptako.ledger.models import *; from liptako.ledger import store\n"
        "from liptako.ledger.node import this_node\n"
        "store.begin_epoch(this_node().clock())\n"  # as a node does that was set back
        "Channel.objects.filter(lane='urgent', author='ML').update(regained=0)"
    )
    for carried, (one, other) in (("there", (ml, bf)), ("back", (bf, ml))):
        one.ok("exchange", "write", other.folder.name, tmp_path / carried)
        other.ok("exchange", "read", tmp_path / carried)
    words = ("delegate", "--key", key_of(ml), "--output", tmp_path / "keys.json")
    asked = ml.run(*words, "--stolen", "--without", "BF")
    assert (asked.code, "/e1=0: came from partners behind that: 1\n" in asked.out) == (5, True)
    assert "--returned keep if we have, --returned drop if not" in asked.err
    assert ml.run(*words, "--returned", "keep").err == "--returned: expected --stolen with it\n"
    assert not (ml / "keys/next").exists()  # nothing was drawn
    said = ml.ok(*words, "--stolen", "--returned", "drop", "--without", "BF")
    assert "/e1: deleted of what had come from partners: 1\n" in said
    bf.ok("compact-adopt", tmp_path / "keys.json")
    for home in (ml, bf):
        assert home.ok("verify").endswith("every signature, hash and payload is in order.\n")


def test_a_former_key_can_be_capped_lower_later(ml, tmp_path):
    file, before = tmp_path / "keys.json", to_base64(public_of(ml))
    ml.ok("delegate", "--renew", "sign", "--key", key_of(ml), "--output", file)
    log = "ML/c/0001020304050607/e1"
    revoke = ("--revoke", before, "--cap", f"{log}=3")
    ml.ok("delegate", *revoke, "--key", key_of(ml), "--output", file)
    assert last(file).revoked[0].caps == {log: 3}
    wrong = ("--revoke", before, "--cap", "3", "--key", key_of(ml), "--output", file)
    assert ml.run("delegate", *wrong) == (3, "", "expected ML/c/…/e1=1200, got 3\n")


def test_a_delegation_is_signed_elsewhere_and_then_taken(ml, tmp_path):
    file, before = tmp_path / "keys.json", public_of(ml)
    told = ml.ok("delegate", "--renew", "sign", "--output", file)
    assert told.splitlines()[1].startswith("Other root keys have to sign it")
    assert public_of(ml) == before
    key = shutil.copyfile(key_of(ml), tmp_path / "root.key")
    assert liptako("compact-sign", file, "--key", key).code == 0
    told = ml.ok("compact-adopt", file)
    assert "The keys of this node were changed. Start serve and work again." in told
    assert public_of(ml) == last(file).sign != before


def test_keys_of_ours_that_this_node_does_not_hold_are_not_taken(ml, originals, tmp_path):
    other = shutil.copytree(originals / "ML", tmp_path / "copy")
    file = tmp_path / "keys.json"
    words = ("--renew", "sign", "--key", key_of(ml), "--output", file)
    ml.ok("delegate", *words)
    result = liptako("--home", other, "compact-adopt", file)
    told = "compact: the keys of ML in it are not those of this node\n"
    assert (result.code, result.err) == (5, told)


def test_nobody_promises_a_change_later_than_advised(ml, tmp_path):
    words = ("--days", "91", "--key", key_of(ml), "--output", tmp_path / "keys.json")
    assert ml.run("delegate", *words) == (5, "", "--days: expected at most 90, got 91\n")


def test_a_node_without_a_compact_has_its_keys_on_its_card(ml, tmp_path):
    ml.do("from liptako.ledger.models import Deed; Deed.objects.all().delete()")
    result = ml.run("delegate", "--key", key_of(ml), "--output", tmp_path / "keys.json")
    assert (result.code, "its keys stand in its card" in result.err) == (5, True)


def test_a_node_restored_from_before_a_change_delegates_keys_anew(ml, tmp_path, databases):
    file, saved = tmp_path / "keys.json", tmp_path / "saved.tar.gz"
    key = shutil.copyfile(key_of(ml), tmp_path / "root.key")
    ml.ok("backup", saved)
    kinds = ("--renew", "sign", "--renew", "seal", "--renew", "tls")
    ml.ok("delegate", *kinds, "--key", key, "--output", file)
    restored = Home(tmp_path / "restored")
    restored.ok("restore", saved, *databases.make())
    assert restored.run("compact-adopt", file).code == 5
    assert restored.ok("compact-adopt", file, "--lost-keys") == "Keys of ML taken\n"
    assert "start serve and work again" in restored.run("demo-incident").err
    words = ("delegate", *kinds, "--key", key, "--output", file)
    assert "may be held by BF" in restored.run(*words).err  # nobody was heard since
    restored.ok(*words, "--without", "BF")
    assert last(file).serial == 3
    restored.ok("demo-incident")
    assert restored.ok("verify").endswith("every signature, hash and payload is in order.\n")


def test_a_change_that_was_interrupted_is_finished_the_next_time(ml, tmp_path):
    before = (ml / "keys/node.key").read_bytes()
    words = ("--key", key_of(ml), "--output", tmp_path / "keys.json")
    ml.ok("delegate", "--renew", "sign", *words)
    (ml / "keys/next").mkdir()
    (ml / "keys/node.key").rename(ml / "keys/next/node.key")
    (ml / "keys/node.key").write_bytes(before)
    assert "start serve and work again" in ml.run("demo-incident").err
    ml.ok("delegate", "--renew", "seal", *words)
    ml.ok("demo-incident")
    assert not (ml / "keys/next").exists()


# Cards


def test_a_card_that_was_lost_is_made_again_to_the_letter(ml):
    before = (ml / "card.json").read_bytes()
    ml.ok("card", "--key", key_of(ml))
    assert (ml / "card.json").read_bytes() == before


def test_a_card_with_two_of_three_root_keys_is_signed_by_one_after_the_other(ml, tmp_path):
    keys = [tmp_path / f"{number}.key" for number in range(3)]
    publics = []
    for key in keys:
        told = liptako("key-make", key, "--member", "ML").out
        publics.append(told.split("Public key: ")[1].split()[0])
    roots = [word for public in publics[1:] for word in ("--root", public)]
    told = ml.ok("card", "--key", keys[0], *roots, "--threshold", "2", "--name", "fr=Mali")
    assert "Other root keys have to sign it: liptako compact-sign" in told
    card = read_dossier((ml / "card.json").read_bytes())
    root = card.cards[0].member.root
    assert (root.threshold, len(root.keys)) == (2, 3)
    assert not has_signed(card.line("ML")[-1].envelope, root)
    assert liptako("compact-sign", ml / "card.json", "--key", keys[2]).code == 0
    signed = read_dossier((ml / "card.json").read_bytes())
    assert has_signed(signed.line("ML")[-1].envelope, root)
    assert [item.delegation.serial for item in signed.line("ML")] == [1, 2]


def test_other_root_keys_come_into_force_with_a_version_that_all_sign(ml, bf, tmp_path):
    key, file = tmp_path / "new.key", tmp_path / "newer.json"
    liptako("key-make", key, "--member", "ML")
    ml.ok("card", "--key", key)
    ml.ok("compact-change", "--card", ml / "card.json", "--output", file)
    for signer in (key, key_of(ml), key_of(bf)):
        copied = shutil.copyfile(signer, tmp_path / "copy.key")
        (tmp_path / "copy.key.signed").unlink(missing_ok=True)
        assert liptako("compact-sign", file, "--key", copied).code == 0
    for home in (ml, bf):
        assert "Compact of version 2 adopted" in home.ok("compact-adopt", file)
    words = ("--renew", "sign", "--output", tmp_path / "keys.json")
    assert "Other root keys" in ml.ok("delegate", *words, "--key", key_of(ml))
    assert IN_USE in ml.ok("delegate", *words, "--key", key)
