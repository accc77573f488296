"""Root keys: in a file with or without a passphrase, in a token, moved to a stick."""

import os
import pty
import stat
import subprocess
import sys
from base64 import b64decode
from pathlib import Path

import pytest

from liptako.core.compact.document import Root, Signatory
from liptako.core.compact.dossier import Dossier, make_card, read_dossier, write_dossier
from liptako.core.compact.draft import first_draft
from liptako.core.compact.envelope import to_base64
from liptako.core.compact.versions import has_signed
from liptako.core.keys import fingerprint, read_private_key, signer_from_seed
from tests.cli.shell import KEPT, Result, liptako, python

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
PIN = "4321"


def typed(*words, lines, **environ):
    """Run a command at a terminal of its own; type a line each time that it asks for one."""
    typing, reading = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "liptako", *map(str, words)],
        env=KEPT | environ,
        stdin=reading,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # no other terminal that it could ask
    ) as process:
        os.close(reading)
        told = b""
        for line in lines:
            while not told.endswith(b": ") and (more := process.stderr.read(1)):
                told += more
            os.write(typing, f"{line}\n".encode())
            told += b"\n"
        out, err = process.communicate(timeout=60)
    os.close(typing)
    return Result(process.returncode, out.decode(), (told + err).decode())


def public_of(result):
    return result.out.split("Public key: ")[1].split()[0]


@pytest.fixture
def key(tmp_path):
    """A root key in a file."""
    file = tmp_path / "root.key"
    assert liptako("key-make", file, "--member", "ML").code == 0
    return file


def test_a_root_key_is_drawn_into_a_private_file_and_its_public_half_told(tmp_path):
    file = tmp_path / "root.key"
    result = liptako("key-make", file, "--member", "ML")
    name, seed = read_private_key(file.read_text())
    public = signer_from_seed(seed).public
    assert (name, stat.S_IMODE(file.stat().st_mode)) == ("ML/root", 0o600)
    assert result.out.splitlines() == [
        f"Root key of ML: {file}",
        f"Public key: {to_base64(public)}",
        f"Fingerprint: {fingerprint(public)}",
    ]
    assert liptako("key-show", file).out.splitlines() == result.out.splitlines()[1:]


def test_a_key_is_not_written_over(key):
    before = key.read_bytes()
    told = f"{key} is there already: it is not written over\n"
    assert liptako("key-make", key, "--member", "ML") == (5, "", told)
    assert key.read_bytes() == before


def test_a_key_with_a_passphrase_is_opened_with_it_alone(tmp_path):
    file = tmp_path / "root.key"
    made = typed("key-make", file, "--member", "ML", "--passphrase", lines=["secret"] * 3)
    assert (made.code, file.read_bytes().startswith(b"age-encryption.org/v1\n")) == (0, True)
    right, wrong = (typed("key-show", file, lines=[word]) for word in ("secret", "other"))
    assert public_of(right) == public_of(made)
    assert (wrong.code, f"{file}: this is not its passphrase" in wrong.err) == (6, True)


@pytest.mark.parametrize("lines", [[""], ["one", "other"]])
def test_a_passphrase_that_was_not_typed_twice_alike_makes_no_key(tmp_path, lines):
    file = tmp_path / "root.key"
    result = typed("key-make", file, "--member", "ML", "--passphrase", lines=lines)
    assert (result.code, "nothing was written" in result.err, file.exists()) == (5, True, False)


def test_nobody_is_asked_where_there_is_no_terminal(tmp_path):
    result = liptako("key-make", tmp_path / "k", "--member", "ML", "--passphrase")
    assert (result.code, "run this at a terminal" in result.err) == (5, True)


def test_a_key_is_moved_to_a_stick_with_its_list_and_nothing_is_left(key, tmp_path):
    stick = tmp_path / "stick"
    stick.mkdir()
    text = key.read_text()
    key.with_name("root.key.signed").write_text("")
    result = liptako("key-move", key, stick / "ml.key")
    told = f"Root key moved to {stick / 'ml.key'}; nothing of it is left here.\n"
    assert result == (0, told, "")
    assert ((stick / "ml.key").read_text(), (stick / "ml.key.signed").exists()) == (text, True)
    assert [path.name for path in tmp_path.iterdir()] == ["stick"]


def test_what_is_no_key_is_not_moved(tmp_path):
    (tmp_path / "text").write_text("no key")
    result = liptako("key-move", tmp_path / "text", tmp_path / "other")
    assert (result.code, (tmp_path / "other").exists()) == (3, False)


def test_a_key_stays_where_it_is_if_it_cannot_be_written_elsewhere(key):
    result = liptako("key-move", key, "/proc/root.key")
    assert (result.code, key.exists()) == (8, True)


# In a token


@pytest.fixture(scope="module")
def token(tmp_path_factory):
    """A token of SoftHSM; returns the environment that finds it, and a file with its PIN."""
    if not MODULE.exists():
        pytest.skip("softhsm2 is not installed (make system)")
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    (folder / "conf").write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
    (folder / "pin").write_text(f"{PIN}\n")
    environ = {"SOFTHSM2_CONF": str(folder / "conf")}
    command = ["softhsm2-util", "--init-token", "--free", "--label", "ML"]
    command += ["--so-pin", "12345678", "--pin", PIN]
    subprocess.run(command, env=KEPT | environ, check=True, capture_output=True)
    return environ, folder / "pin"


def uri(pin, name="root", label="ML", module=MODULE):
    return f"pkcs11:token={label};object={name}?module-path={module}&pin-source=file:{pin}"


@pytest.fixture(scope="module")
def made(token):
    """What was told of a key that was drawn in the token."""
    environ, pin = token
    return liptako("key-make", uri(pin), "--member", "ML", **environ)


def test_a_key_is_drawn_in_a_token_and_found_again(token, made):
    environ, pin = token
    assert made.code == 0, made
    assert public_of(liptako("key-show", uri(pin), **environ)) == public_of(made)
    again = liptako("key-make", uri(pin), "--member", "ML", **environ)
    assert again == (5, "", "ML: there is a key of this name already\n")


def test_a_key_in_a_token_signs_a_card_and_a_compact(token, made, ml, tmp_path):
    environ, pin = token
    told = ml.run("card", "--key", uri(pin), **environ)
    card = read_dossier((ml / "card.json").read_bytes())
    root = card.cards[0].member.root
    assert (told.code, to_base64(root.keys[0])) == (0, public_of(made))
    assert has_signed(card.line("ML")[-1].envelope, root)
    draft = tmp_path / "draft.json"
    names = ("--name", "fr=P", "--everyone", "fr=T", "--output", draft)
    assert liptako("compact-draft", ml / "card.json", *names).code == 0
    signed = ml.run("compact-sign", draft, "--key", uri(pin), **environ)
    assert (signed.code, "It is valid: it can be adopted." in signed.out) == (0, True)


def test_a_key_in_a_token_does_not_sign_away_from_a_list(token, made, tmp_path):
    environ, pin = token
    root = Root(threshold=1, keys=(b64decode(public_of(made)),))
    member = Signatory(id="ML", names={"fr": "Mali"}, timezone="UTC", root=root)
    draft = first_draft({}, [make_card(member)], {})
    (tmp_path / "draft.json").write_bytes(write_dossier(Dossier(versions=(draft,))))
    result = liptako("compact-sign", tmp_path / "draft.json", "--key", uri(pin), **environ)
    assert (result.code, "give --home" in result.err) == (5, True)


def test_a_pin_is_typed_where_there_is_no_file_with_it(token, made):
    environ, pin = token
    name = uri(pin).partition("&")[0]
    right = typed("key-show", name, lines=[PIN], **environ)
    wrong = typed("key-show", name, lines=["0000"], **environ)
    assert public_of(right) == public_of(made)
    assert (wrong.code, "the token ML refuses this PIN" in wrong.err) == (6, True)


@pytest.mark.parametrize(
    ("changes", "code", "told"),
    [
        ({"name": "other"}, 5, "no such key"),
        ({"label": "other"}, 5, "no such token"),
        ({"module": "/nowhere.so"}, 8, "would not do it"),
    ],
)
def test_what_is_not_in_the_token_is_told(token, changes, code, told):
    environ, pin = token
    result = liptako("key-show", uri(pin, **changes), **environ)
    assert (result.code, told in result.err, "Traceback" in result.err) == (code, True, False)


@pytest.mark.parametrize(
    "name", ["pkcs11:", "pkcs11:token=a?module-path=b", "pkcs11:token=a;object=b;pin-value=1"]
)
def test_a_uri_that_names_no_key_is_told(name):
    result = liptako("key-show", name)
    assert (result.code, "expected pkcs11:token=" in result.err) == (3, True)


def test_without_the_library_it_is_said_what_to_install():
    code = (
        "import sys; sys.modules['pkcs11'] = None\n"
        "from liptako.cli.main import main\n"
        "sys.exit(main(['key-show', sys.argv[1]]))"
    )
    result = python("-c", code, uri("/dev/null"))
    assert (result.code, "install requirements/pkcs11.txt too" in result.err) == (9, True)
