"""Setting up a node: whole, private, safe to run again, and refused where it would do harm."""

import shutil
import stat
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate

from liptako.core.compact.dossier import read_dossier
from liptako.core.compact.versions import has_signed
from liptako.core.keys import fingerprint, read_private_key, signer_from_seed
from liptako.core.log.sealed import recipients_of
from liptako.federation.client import key_pin
from liptako.web import basemap
from tests.cli.shell import KEPT, POSTGRESQL, Home

PRIVATE = (
    "keys/node.key",
    "keys/node.age",
    "keys/tls.key",
    "keys/tls-next.key",
    "keys/root.key",
    "secret",
    "liptako.env",
)
OPTIONS = ("--name", "fr=Mali", "--name", "en=Mali (en)", "--timezone", "Africa/Bamako")
MORE = ("--listen", "http://127.0.0.1:81", "--hosts", "node.ml ml", "--administrator", "chef")


def empty_home(folder, map_files):
    """Return a folder with nothing in it but a base map."""
    folder.mkdir(mode=0o700)
    for name in (basemap.FILE, "sources.json"):
        shutil.copyfile(map_files / name, folder / name)
    return Home(folder)


@pytest.fixture
def home(tmp_path, map_files):
    return empty_home(tmp_path / "node", map_files)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory, map_files, databases):
    """Return a node that was just set up, and what was said; nothing is changed in it."""
    home = empty_home(tmp_path_factory.mktemp("fresh") / "node", map_files)
    words = ("--member", "ML", "--data", "", *databases.make())
    return home, home.run("init", *words, *OPTIONS, *MORE)


def seed_of(home):
    return read_private_key((home / "keys/node.key").read_text())[1]


def certificate_of(home, name="tls"):
    return load_pem_x509_certificate((home / f"keys/{name}.crt").read_bytes())


def pin_of(home, name):
    return key_pin(certificate_of(home, name).public_bytes(Encoding.DER))


def own_files(home):
    """Return what `init` wrote, but for the database and what is served."""
    names = [*PRIVATE, "keys/tls.crt", "card.json", "basemap.mbtiles", "sources.json"]
    return {name: (home / name).read_bytes() for name in names}


def test_a_fresh_node_is_told_with_its_fingerprint_card_and_first_password(fresh):
    home, result = fresh
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines()[:4] == [
        "Preparing the database …",
        f"Node of ML set up in {home.folder}",
        f"Fingerprint: {fingerprint(signer_from_seed(seed_of(home)).public)}",
        f"Card for the partners: {home / 'card.json'}",
    ]
    assert result.out.splitlines()[4].startswith("Administrator: chef  password: ")


def test_the_card_holds_the_names_and_the_public_half_of_every_key(fresh):
    home, _ = fresh
    dossier = read_dossier((home / "card.json").read_bytes())
    member, delegation = dossier.cards[0].member, dossier.line("ML")[0].delegation
    assert (member.id, member.timezone) == ("ML", "Africa/Bamako")
    assert member.names == {"fr": "Mali", "en": "Mali (en)"}
    assert delegation.sign == signer_from_seed(seed_of(home)).public
    assert delegation.seals == recipients_of((home / "keys/node.age").read_text().strip())
    assert delegation.pins == (pin_of(home, "tls"), pin_of(home, "tls-next"))


def test_the_root_key_has_signed_the_keys_of_the_node_and_is_told_to_be_taken_away(fresh):
    home, result = fresh
    dossier = read_dossier((home / "card.json").read_bytes())
    _, seed = read_private_key((home / "keys/root.key").read_text())
    root = dossier.cards[0].member.root
    assert root.keys == (signer_from_seed(seed).public,)
    assert has_signed(dossier.line("ML")[0].envelope, root)
    told = f"The root key {home / 'keys/root.key'} speaks for the State. It belongs on a stick"
    assert told in result.out


def test_a_node_without_a_root_key_has_no_card_yet(home, databases):
    words = ("--member", "ML", "--data", "", "--root-key", "", *databases.make())
    result = home.run("init", *words)
    assert (result.code, "root key" in result.out, (home / "card.json").exists()) == (
        0,
        False,
        False,
    )


def test_a_root_key_on_a_stick_signs_the_card_and_is_used_again(home, tmp_path, databases):
    words = ("--member", "ML", "--data", "", "--root-key", tmp_path / "stick", *databases.make())
    assert "root key" not in home.ok("init", *words)
    before = (tmp_path / "stick").read_bytes()
    (home / "card.json").unlink()
    home.ok("init", *words)
    assert (tmp_path / "stick").read_bytes() == before
    assert not (home / "keys/root.key").exists()


def test_secrets_are_for_their_owner_only(fresh):
    home, _ = fresh
    modes = {name: stat.S_IMODE((home / name).stat().st_mode) for name in PRIVATE}
    assert modes == dict.fromkeys(PRIVATE, 0o600)


def test_what_is_given_stands_in_the_settings_file(fresh):
    home, _ = fresh
    lines = (home / "liptako.env").read_text().splitlines()
    assert [line for line in lines if not line.startswith("DATABASE_URL")] == [
        "LIPTAKO_MEMBER=ML",
        "LIPTAKO_LISTEN=http://127.0.0.1:81",
        "LIPTAKO_HOSTS=node.ml ml",
        "LIPTAKO_DATA=",
    ]
    assert ("DATABASE_URL=" in "\n".join(lines)) == POSTGRESQL


def test_the_first_password_opens_the_account_once(fresh):
    home, result = fresh
    password = result.out.split("password: ")[1].split()[0]
    check = "p = Person.objects.get(); print(p.username, p.must_change_password, p.check_password"
    found = home.do(f"from liptako.members.models import Person\n{check}({password!r}))")
    assert found == "chef True True"


def test_nobody_else_looks_into_a_new_folder(tmp_path):
    home = Home(tmp_path / "a" / "b")
    home.run("init", "--member", "ML", "--listen", "nonsense")
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (home.folder, home / "keys")]
    assert modes == [0o700, 0o700]


def test_a_folder_with_data_is_kept_by_its_whole_path(home, tmp_path, databases):
    (tmp_path / "data").mkdir()
    command = [sys.executable, "-m", "liptako", "--home", home.folder, "init"]
    words = ["--member", "ML", "--data", "data", *databases.make()]
    subprocess.run([*command, *words], cwd=tmp_path, env=KEPT, check=True)
    assert f"LIPTAKO_DATA={tmp_path}/data" in (home / "liptako.env").read_text().splitlines()


def test_a_second_run_changes_nothing_and_draws_no_new_password(ml):
    before, events = own_files(ml), audit_events(ml)
    result = ml.run("init", "--member", "ML", *OPTIONS, *MORE)
    assert (result.code, "password" in result.out) == (0, False)
    assert (own_files(ml), audit_events(ml)) == (before, events)


def audit_events(home):
    return home.do(
        "from liptako.members.models import AuditEvent as A\n"
        "print(list(A.objects.order_by('key').values_list('event', flat=True)))"
    )


@pytest.mark.parametrize("lost", ["keys/tls.crt", "card.json", "liptako.env", "secret"])
def test_a_second_run_finishes_what_the_first_one_did_not(ml, lost):
    before, url = own_files(ml), (ml / "liptako.env").read_text()
    (ml / lost).unlink()
    words = ["--database-url", url.split("DATABASE_URL=")[1].split()[0]] if POSTGRESQL else []
    ml.ok("init", "--member", "ML", "--data", "", *words)
    after = own_files(ml)
    assert {name for name in before if before[name] != after[name]} <= {lost}


def test_a_certificate_that_was_lost_is_made_again_for_the_same_key(ml):
    before = certificate_of(ml).public_key()
    (ml / "keys/tls.crt").unlink()
    ml.ok("init", "--member", "ML")
    assert certificate_of(ml).public_key() == before


def test_the_folder_of_another_member_is_refused_and_left_as_it_was(ml):
    before = own_files(ml)
    message = f"LIPTAKO_HOME: {ml.folder} is the node of another member\n"
    assert ml.run("init", "--member", "BF") == (9, "", message)
    assert own_files(ml) == before


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--member", "ml"), 3, "member: expected 2 to 12 capital letters or digits, got ml"),
        (("--name", "Mali"), 3, "name: expected fr=Mali, got Mali"),
        (("--timezone", "Mali"), 3, "timezone: expected Africa/Bamako, got Mali"),
        (("--listen", "h"), 9, "LIPTAKO_LISTEN: expected http(s)://HOST:PORT, got h"),
        (("--data", "/nowhere"), 9, "LIPTAKO_DATA: expected a folder, got /nowhere"),
    ],
)
def test_a_wrong_word_is_refused_before_it_is_written_down(home, words, code, message):
    assert home.run("init", "--member", "ML", *words) == (code, "", message + "\n")
    assert not (home / "liptako.env").exists()


def test_what_was_refused_may_be_given_rightly_afterwards(home, databases):
    words = ("--member", "ML", "--data", "", *databases.make())
    assert home.run("init", *words, "--listen", "nonsense").code == 9
    assert home.run("init", *words, "--listen", "http://127.0.0.1:81").code == 0


def test_the_address_of_a_database_is_refused_without_its_password(home):
    wrong = "postgresql://u:hidden@h:port/n"
    result = home.run("init", "--member", "ML", "--database-url", wrong)
    assert (result.code, result.err.startswith("DATABASE_URL: expected")) == (9, True)
    assert "hidden" not in result.err


def test_a_database_that_cannot_be_reached_is_told(home):
    wrong = "postgresql://u:hidden@127.0.0.1:1/n"
    result = home.run("init", "--member", "ML", "--data", "", "--database-url", wrong)
    assert (result.code, "hidden" in result.err) == (8, False)
    assert result.err.startswith("the database would not take it: ")


@pytest.mark.parametrize("folder", ["/proc/nothing", "/dev/null/node"])
def test_a_folder_that_cannot_be_written_is_named(folder):
    result = Home(folder).run("init", "--member", "ML")
    assert (result.code, result.out) == (8, "")
    assert result.err.startswith(f"the folder {folder} cannot be written: ")


@pytest.mark.parametrize("name", ["keys/node.key", "keys/node.age", "keys/tls.key", "keys/tls.crt"])
def test_a_damaged_key_is_named(ml, name):
    (ml / "card.json").unlink()
    (ml / "keys/tls.crt").unlink()
    (ml / name).write_text("damaged")
    assert ml.run("init", "--member", "ML") == (9, "", f"LIPTAKO_HOME: {ml / name} is damaged\n")


def test_a_tls_key_of_another_kind_needs_its_own_certificate(ml):
    (ml / "keys/tls.crt").unlink()
    command = ["openssl", "genpkey", "-algorithm", "ed25519", "-out", ml / "keys/tls.key"]
    subprocess.run(command, check=True, capture_output=True)
    result = ml.run("init", "--member", "ML")
    told = f"{ml / 'keys/tls.key'} is another kind of key: bring its certificate too"
    assert result == (9, "", f"LIPTAKO_HOME: {told}\n")


def test_a_disk_without_room_leaves_no_half_file_behind(home, databases):
    words = ["--member", "ML", "--data", "", *databases.make()]
    result = home.limited("init", *words, kibibytes=0)
    assert (result.code, "cannot be written" in result.err) == (8, True)
    assert [path.name for path in (home / "keys").iterdir()] == []
    assert home.run("init", *words).code == 0


def test_the_first_password_is_not_lost_when_the_map_cannot_be_built(home, tmp_path, databases):
    (home / basemap.FILE).unlink()
    (tmp_path / "data" / "basemap").mkdir(parents=True)
    (tmp_path / "data" / "basemap" / "admin0.geojson").write_text("{}")
    words = ("--member", "ML", "--data", tmp_path / "data", *databases.make())
    assert home.run("init", *words).code == 3
    shutil.rmtree(tmp_path / "data" / "basemap")
    assert "Administrator: admin  password: " in home.ok("init", *words)
