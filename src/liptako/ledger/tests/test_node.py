"""The node: opened from its folder, or refused with the file that is wrong and nothing of a key."""

import pytest

from liptako.core.clock import Instant
from liptako.core.errors import SettingError
from liptako.core.keys import signer_from_seed, write_private_key
from liptako.core.log.sealed import new_identity
from liptako.ledger.node import SEAL_KEY, SIGN_KEY, open_node, system_clock, this_node

SEED = bytes(range(32))
IDENTITY = new_identity()


@pytest.fixture
def home(tmp_path):
    """A folder with the keys of ML."""
    (tmp_path / "keys").mkdir()
    (tmp_path / SIGN_KEY).write_text(write_private_key("ML/node", SEED))
    (tmp_path / SEAL_KEY).write_text(IDENTITY + "\n")
    return tmp_path


def refusal(home, member="ML"):
    with pytest.raises(SettingError) as caught:
        open_node(home, member)
    return str(caught.value)


def test_a_node_is_opened_with_its_keys(home):
    node = open_node(home, "ML")
    assert (node.member, node.home, node.identity) == ("ML", home, IDENTITY)
    assert node.signer == signer_from_seed(SEED)
    assert node.alone == frozenset({"ML"})


def test_its_clock_is_that_of_the_machine_and_its_dice_are_fair(home):
    node = open_node(home, "ML")
    before = system_clock()
    assert before <= node.clock() <= Instant(before.milliseconds + 60_000)
    assert node.random(16) != node.random(16)


def test_the_folder_of_another_member_is_refused(home):
    expected = f"LIPTAKO_MEMBER: expected the member of {home / SIGN_KEY}, got BF"
    assert refusal(home, "BF") == expected


@pytest.mark.parametrize("name", [SIGN_KEY, SEAL_KEY])
def test_a_missing_key_is_named(home, name):
    (home / name).unlink()
    expected = f"LIPTAKO_HOME: the key {home / name} cannot be read; has `liptako init` been run?"
    assert refusal(home) == expected


@pytest.mark.parametrize("name", [SIGN_KEY, SEAL_KEY])
@pytest.mark.parametrize("damage", ["cut", "binary", "empty"])
def test_a_damaged_key_is_named_and_not_told(home, name, damage):
    cut = (home / name).read_bytes()[:-3]
    (home / name).write_bytes({"cut": cut, "binary": b"\xff", "empty": b""}[damage])
    assert refusal(home) == f"LIPTAKO_HOME: {home / name} is damaged"


def test_this_process_has_one_node(settings):
    assert this_node() is this_node()
    assert this_node().member == settings.LIPTAKO.member
