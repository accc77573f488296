"""The check of a node's own log, and of a bundle by an auditor who has nothing but three files."""

import errno
import hashlib
from io import BytesIO
from pathlib import Path

import pytest

from liptako.cli.verify import unseal_file
from liptako.core.compact.dossier import write_dossier
from liptako.core.keys import read_private_key, signer_from_seed
from liptako.core.log.bundle import BundleWriter, restore_hash
from liptako.core.log.bundle import read_bundle as frames_in
from liptako.core.log.checkpoint import head_of, sign_checkpoint
from liptako.core.log.frames import ChannelFrame, DeedsFrame, HeadsFrame, PackageFrame
from liptako.core.log.heads import Heads, sign_heads
from liptako.core.log.merkle import CompactRange, leaf_hash
from liptako.core.log.sealed import new_identity, recipient_of, seal, unseal
from liptako.core.records.payload import derive_salt
from tests import pact
from tests.cli.shell import Home, liptako, python

HEADER = (
    "event_id,date,category,iso3,admin1,lat,lon,geo_precision,description,weapon,killed,injured,"
    "kidnapped,arrested,source_file\n"
)
CUT = "bundle: it is cut short; what came before its end was kept\n"
IN_ORDER = "Everything in it is as its authors signed it.\n"
COUNT = "from liptako.ledger.models import Entry; print(Entry.objects.count())"
NAME = "from liptako.ledger.models import Entry; print(Entry.objects.get(position=2))"


def test_the_log_of_a_node_is_in_order_and_its_records_are_counted(originals):
    home = Home(originals / "ML")
    count = home.do(COUNT)
    told = f"{count} records: every signature, hash and payload is in order.\n"
    assert home.run("verify") == (0, told, f"Records: {count}/{count} (100 %)\n")


def test_a_payload_that_was_changed_behind_the_program_s_back_is_named(ml):
    name = ml.do(NAME)
    other = "(SELECT body FROM ledger_payload WHERE entry_id = 1)"
    ml.change(f"UPDATE ledger_payload SET body = {other} WHERE entry_id = 2")  # noqa: S608 (our own)
    told = f"{name}: the payload is not the one that the header names"
    result = ml.run("verify")
    assert (result.code, result.out, result.err.splitlines()[1:]) == (1, "", [told])


def test_a_payload_that_somebody_deleted_is_named(ml):
    name = ml.do(NAME)
    ml.change("DELETE FROM ledger_payload WHERE entry_id = 2")
    told = f"{name}: its payload is missing though it has neither expired nor been recalled: "
    result = ml.run("verify")
    assert (result.code, result.out, len(result.err.splitlines())) == (1, "", 2)
    assert result.err.splitlines()[1].startswith(told)


def test_everything_that_was_changed_is_named(ml):
    first = ml.do(NAME)
    ml.change("UPDATE ledger_entry SET kind = 'other' WHERE position = 2")
    ml.change("UPDATE ledger_audience SET members = '[\"BF\"]'")
    result = ml.run("verify")
    roster, column = result.err.splitlines()[1:]
    assert (result.code, result.out) == (1, "")
    assert roster.endswith(": the roster is not the one of this id")
    assert column == f"{first}: its kind, object or lamport is not that of its header"


def test_a_database_that_cannot_be_reached_is_told_without_its_password(originals):
    url = "postgresql://u:hidden@127.0.0.1:1/n"
    result = Home(originals / "ML").run("verify", DATABASE_URL=url)
    assert (result.code, result.out, "hidden" in result.err) == (8, "", False)
    assert result.err.startswith("the database cannot be reached: ")


def noise(number, length=300):
    """Return bytes that cannot be compressed, so that the file gets long."""
    return hashlib.shake_256(b"%d" % number).digest(length)


@pytest.fixture(scope="module")
def bundle(originals, databases, tmp_path_factory):
    """Return a file of ML for BF with 300 published incidents and an urgent one."""
    folder = tmp_path_factory.mktemp("bundle")
    day = "2022-03-01,health_care,MLI,Gao,16.2,-0.1,(2)"
    rows = [f"A{number},{day},{noise(number).hex()},,0,0,0,0,f" for number in range(300)]
    (folder / "table").write_text(HEADER + "\n".join(rows))
    Home(originals / "ML").ok("backup", folder / "saved")
    ml = Home(folder / "ML")
    ml.ok("restore", folder / "saved", *databases.make())
    ml.ok("import", folder / "table", "--release")
    ml.ok("demo-incident")
    ml.ok("exchange", "write", "BF", folder / "bundle")
    return folder / "bundle"


@pytest.fixture
def words(originals):
    """The words with which an auditor checks a file for BF."""
    return ("--compact", originals / "compact.json", "--key", originals / "BF" / "keys/node.age")


@pytest.fixture
def frames(bundle, originals):
    """The frames of the file, without the deeds before the heads."""
    plain = BytesIO()
    identity = (originals / "BF" / "keys/node.age").read_text().strip()
    unseal(BytesIO(bundle.read_bytes()), plain, identity)
    plain.seek(0)
    return [frame for frame in frames_in(plain) if not isinstance(frame, DeedsFrame)]


@pytest.fixture
def sealed(originals, tmp_path):
    """Return a maker of files for BF with other frames in them."""

    def make(frames, key=None):
        plain, file = BytesIO(), tmp_path / "sealed"
        writer = BundleWriter(plain)
        for frame in frames:
            writer.write(frame)
        writer.close()
        plain.seek(0)
        identity = key or (originals / "BF" / "keys/node.age").read_text().strip()
        with file.open("wb") as target:
            seal(plain, target, recipient_of(identity))
        return file

    return make


@pytest.fixture
def signer_of(originals):
    """Return what a member signs with."""

    def read(member):
        text = (originals / member / "keys/node.key").read_text()
        return signer_from_seed(read_private_key(text)[1])

    return read


def logs_of(frames):
    return [frame for frame in frames if isinstance(frame, ChannelFrame)]


def told_of(urgent, bulk):
    """Return what is said of a file that is in order."""
    return (
        "From ML to BF\n"
        f"{urgent.origin}: signed up to 1\n  entries 0–0 verified\n"
        f"{bulk.origin}: signed up to 300\n"
        "  entries 0–255 verified\n  entries 256–299 verified\n"
    )


def test_a_good_bundle_is_told_log_by_log_with_its_entries(bundle, words, frames):
    assert liptako("verify", bundle, *words) == (0, told_of(*logs_of(frames)) + IN_ORDER, "")


CHECK = """
import sys
from liptako.cli.main import main
print(main(["verify", *sys.argv[1:]]), {"django", "psycopg"} & sys.modules.keys())
"""


def test_an_auditor_needs_neither_django_nor_a_database(bundle, words):
    assert python("-c", CHECK, bundle, *words).out.splitlines()[-1] == "0 set()"


@pytest.mark.parametrize("left", [(), ("--compact",), ("--key",)])
def test_without_compact_or_key_both_are_asked_for(bundle, left):
    given = [word for option in left for word in (option, "file")]
    told = "verify: a bundle needs --compact and --key\n"
    assert liptako("verify", bundle, *given) == (3, "", told)


def test_the_key_of_somebody_else_opens_nothing(bundle, words, originals):
    key = originals / "ML" / "keys/node.age"
    told = liptako("verify", bundle, *words, "--key", key)
    assert (told.code, told.out) == (4, "")
    assert "it cannot be opened with the keys of this node" in told.err


def test_a_key_of_another_kind_is_refused_and_not_told(bundle, words, originals):
    key = originals / "BF" / "keys/node.key"
    told = "key: expected AGE-SECRET-KEY-1…\n"
    assert liptako("verify", bundle, *words, "--key", key) == (3, "", told)


@pytest.mark.parametrize("option", ["", "--compact", "--key"])
def test_a_file_that_cannot_be_read_is_named(bundle, words, tmp_path, option):
    file = tmp_path / "nothing"
    given = (bundle, *words, option, file) if option else (file, *words)
    told = f"{file} cannot be read: No such file or directory\n"
    assert liptako("verify", *given) == (3, "", told)


def test_with_a_compact_that_holds_other_keys_nothing_is_as_signed(bundle, words, tmp_path):
    keys = [pact.delegated(member) for member in ("BF", "ML")]
    other = tmp_path / "other.json"
    other.write_bytes(write_dossier(pact.dossier(pact.first("BF", "ML"), delegations=keys)))
    result = liptako("verify", bundle, *words, "--compact", other)
    assert (result.code, result.out, result.err.count("\n")) == (4, "", 1)


def test_what_is_no_compact_is_refused(bundle, words):
    result = liptako("verify", bundle, *words, "--compact", bundle)
    assert (result.code, result.out, "Traceback" in result.err) == (3, "", False)


def test_of_a_bundle_that_was_cut_the_beginning_is_verified_and_the_rest_told(words, cut, frames):
    result = liptako("verify", cut(-1), *words)
    told = CUT
    beginning = told_of(*logs_of(frames)).partition("  entries 0–255")[0]
    assert (result.code, result.out.startswith(beginning)) == (3, True)
    assert (IN_ORDER in result.out, result.err) == (False, told)


@pytest.fixture
def cut(bundle, tmp_path):
    """Return a maker of files that were cut."""

    def make(length):
        file = tmp_path / "cut"
        file.write_bytes(bundle.read_bytes()[:length])
        return file

    return make


@pytest.mark.parametrize("length", [0, 100, 1000])
def test_a_bundle_that_was_cut_early_is_refused(cut, words, length):
    result = liptako("verify", cut(length), *words)
    assert (result.code in {3, 4}, IN_ORDER in result.out, result.err != "") == (True, False, True)


@pytest.mark.parametrize("place", [0.001, 0.3, 0.999])
def test_a_flipped_bit_is_found(bundle, words, tmp_path, place):
    data = bytearray(bundle.read_bytes())
    data[int(len(data) * place)] ^= 1
    file = tmp_path / "flipped"
    file.write_bytes(data)
    result = liptako("verify", file, *words)
    assert (result.code in {3, 4}, IN_ORDER in result.out, result.err != "") == (True, False, True)


def test_a_changed_payload_is_found_and_the_other_log_is_verified_all_the_same(
    frames, sealed, words
):
    heads, urgent, one, bulk, package, _ = frames
    bodies = (package.bodies[1], package.bodies[0], *package.bodies[2:])
    changed = PackageFrame(package.start, package.headers, bodies, package.seed, (), package.proof)
    result = liptako("verify", sealed([heads, urgent, one, bulk, changed]), *words)
    told = f"{bulk.origin}: the entries from number 0 on are not what the author signed: "
    assert result.out == told_of(urgent, bulk).partition("  entries 0–255")[0]
    assert (result.code, result.err) == (4, told + "one was changed, left out, added or moved\n")


def test_a_log_of_no_lane_is_told_and_passed_over(frames, sealed, words):
    heads, urgent, one, bulk, *_ = frames
    start, frontier = urgent.start, urgent.frontier
    wrong = ChannelFrame(urgent.origin, urgent.roster, "slow", urgent.checkpoint, start, frontier)
    result = liptako("verify", sealed([heads, wrong, one, bulk]), *words)
    told = f"From ML to BF\n{bulk.origin}: signed up to 300\n"
    assert result == (3, told, f"{urgent.origin}: there is no such lane\n")


def test_what_its_author_should_not_have_signed_is_told(frames, sealed, words, signer_of):
    heads, urgent, *_ = frames
    log = CompactRange().extend([leaf_hash(b"nonsense")])
    note = sign_checkpoint(head_of(urgent.origin, log), signer_of("ML"))
    wrong = ChannelFrame(urgent.origin, urgent.roster, urgent.lane, note, 0, b"")
    package = PackageFrame(0, (b"nonsense",), (None,), b"", (b"",), ())
    result = liptako("verify", sealed([heads, wrong, package]), *words)
    said = f"From ML to BF\n{urgent.origin}: signed up to 1\n  entries 0–0 verified\n"
    assert (result.code, result.out, result.err.startswith("record: ")) == (3, said, True)


@pytest.mark.parametrize("count", [0, 1])
def test_a_bundle_without_its_heads_is_refused(frames, sealed, words, count):
    told = "bundle: expected the heads of its sender first\n"
    assert liptako("verify", sealed(frames[1 : 1 + count]), *words) == (3, "", told)


def test_heads_that_were_changed_are_found(frames, sealed, words):
    note = frames[0].note.replace(b"\nBF\n", b"\nNE\n")
    result = liptako("verify", sealed([HeadsFrame(note)]), *words)
    assert (result.code, result.out, result.err.count("\n")) == (4, "", 1)


def test_entries_that_stand_in_no_log_are_not_said_to_be_in_order(frames, sealed, words):
    heads, _, one, *_ = frames
    result = liptako("verify", sealed([heads, one]), *words)
    assert (result.code, IN_ORDER in result.out) == (3, False)


# What a node would refuse


def test_what_was_found_in_a_bundle_is_told_though_its_end_is_missing(frames, sealed, words):
    heads, urgent, one, *rest = frames
    changed = PackageFrame(0, one.headers, (b"{}",), one.seed, (), one.proof)
    file = sealed([heads, urgent, changed, *rest])
    file.write_bytes(file.read_bytes()[:-1])
    result = liptako("verify", file, *words)
    told = "entry 0: its payload is not the one it names\n"
    assert (result.code, result.err) == (4, told + CUT)


SPELT = (3, "expected its members once each, in order")
LACKS = (4, "is not among its recipients")


@pytest.mark.parametrize(
    ("roster", "expected"),
    [(("ML", "BF"), SPELT), (("BF", "ML", "ML"), SPELT), (("BF",), LACKS), (("ML",), LACKS)],
    ids=["order", "twice", "without its author and sender", "without its reader"],
)
def test_a_roster_that_a_node_refuses_is_told(frames, sealed, words, roster, expected):
    heads, urgent, one, *_ = frames
    wrong = ChannelFrame(urgent.origin, roster, urgent.lane, urgent.checkpoint, 0, b"")
    result = liptako("verify", sealed([heads, wrong, one]), *words)
    code, message = expected
    assert (result.code, result.err.count("\n"), message in result.err) == (code, 1, True)


def test_a_bundle_for_somebody_else_than_whose_key_opens_it_is_told(
    frames, sealed, words, signer_of
):
    heads = HeadsFrame(sign_heads(Heads(sender="ML", recipient="NE"), signer_of("ML")))
    result = liptako("verify", sealed([heads, *frames[1:]]), *words)
    told = "bundle: expected from ML to BF, got from ML to NE\n"
    assert result == (4, "", told)


@pytest.mark.parametrize(
    ("places", "told"),
    [
        ((1,), "expected number 0 next, got 256"),
        ((0, 0, 1), "expected number 256 next, got 0"),
        ((1, 0), "expected number 0 next, got 256"),
    ],
    ids=["gap", "twice", "turned"],
)
def test_packages_that_do_not_follow_each_other_are_told(frames, sealed, words, places, told):
    heads, _, _, bulk, *packages = frames
    chosen = [packages[place] for place in places]
    result = liptako("verify", sealed([heads, bulk, *chosen]), *words)
    assert (result.code, result.err.count("\n"), told in result.err) == (4, 1, True)


def test_a_payload_that_who_hands_it_on_has_left_out_is_told(
    frames, sealed, words, signer_of, tmp_path
):
    _, urgent, one, *_ = frames
    heads = HeadsFrame(sign_heads(Heads(sender="BF", recipient="ML"), signer_of("BF")))
    header = restore_hash(one.headers[0], derive_salt(one.seed, 0), one.bodies[0])
    without = PackageFrame(0, (header,), (None,), b"", (b"",), one.proof)
    (tmp_path / "key").write_text(new_identity())  # one that the compact does not name
    file = sealed([heads, urgent, without], (tmp_path / "key").read_text())
    result = liptako("verify", file, *words, "--key", tmp_path / "key")
    told = f"{urgent.origin}: BF has left out a payload that its author has not\n"
    assert (result.code, result.err) == (4, told)


def test_a_disk_that_is_full_is_not_told_to_be_a_file_that_cannot_be_read(bundle, originals):
    identity = (originals / "BF" / "keys/node.age").read_text().strip()
    with Path("/dev/full").open("wb", buffering=0) as full, pytest.raises(OSError) as caught:  # noqa: PT011 (which one is asked below)
        unseal_file(bundle, full, identity)
    assert caught.value.errno == errno.ENOSPC
