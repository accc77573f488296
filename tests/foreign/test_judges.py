"""What others wrote judges what we write: the age program, the notes of Go, transparency-dev."""

import json
import os
import re
import shutil
import subprocess
from base64 import b64decode
from pathlib import Path

import pytest

from liptako.core.compact.dossier import write_dossier
from tests.bundles import bundle_for, write
from tests.foreign.beside import reader_for
from tests.foreign.deeds import Compact
from tests.foreign.folding import digest_of, shared_digest, words_of
from tests.foreign.frames import MAGIC, opened
from tests.foreign.logs import (
    proves_consistency,
    proves_inclusion,
    read_checkpoint,
    read_cosignature,
    read_note,
    signed_by,
)
from tests.foreign.reader import Reader
from tests.foreign.spelling import RefusedError, read_header
from tests.pact import delegated, dossier, first

HERE = Path(__file__).parent
SPEC = HERE.parents[1] / "docs" / "spec"
CASE = json.loads((SPEC / "vectors.json").read_text(encoding="utf-8"))
VECTORS = Path(os.environ.get("LIPTAKO_DATA", "../shared/data")) / "vectors"
AGE = shutil.which("age")
READER = {
    "claims", "deeds", "folding", "frames", "logs", "payloads", "reader", "rules", "spelling",
}  # fmt: skip


def test_the_reader_imports_nothing_of_the_program():
    for name in READER:
        source = (HERE / f"{name}.py").read_text(encoding="utf-8")
        imported = set(re.findall(r"^\s*(?:from|import) ([\w.]+)", source, re.MULTILINE))
        ours = {found for found in imported if found.startswith(("tests", "liptako", "conftest"))}
        assert ours <= {f"tests.foreign.{other}" for other in READER}


# The age program


def age(folder, identity, sealed):
    """Let the program open a file; return its exit code and what it wrote."""
    key = folder / "key"
    key.write_text(f"{identity}\n")
    done = subprocess.run(
        [AGE, "--decrypt", "--identity", key], input=sealed, capture_output=True, check=False
    )
    return done.returncode, done.stdout


@pytest.mark.skipif(AGE is None, reason="the age program is not here: apt install age")
def test_the_age_program_opens_a_bundle_with_the_right_key_alone(fleet, tmp_path):
    write(fleet, "ML", "1")
    sealed = bundle_for(fleet, "ML", "BF")
    right, wrong = (fleet.nodes[member].identity for member in ("BF", "NE"))
    code, plain = age(tmp_path, right, sealed)
    assert (code, plain) == (0, opened(sealed, right)[0])
    assert plain.startswith(MAGIC)
    assert age(tmp_path, wrong, sealed) == (1, b"")


# Signed notes


GO_KEY = b64decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")[1:]
GO_NOTE = """If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
"""  # noqa: E501 (golang.org/x/mod/sumdb/note, package example)


def test_this_reader_of_notes_takes_what_go_signed():
    assert signed_by(read_note(GO_NOTE.encode()), "PeterNeumann", GO_KEY)
    with pytest.raises(RefusedError):
        signed_by(read_note(GO_NOTE.replace("your", "my").encode()), "PeterNeumann", GO_KEY)


def test_the_checkpoint_of_a_node_is_a_signed_note_of_its_log(fleet):
    write(fleet, "ML", "1", "2")
    reader = reader_for(fleet, "BF")
    reader.take(bundle_for(fleet, "ML", "BF"))
    (log,) = reader.logs.values()
    assert (log.checkpoint.size, log.checkpoint.root) == (2, log.root_at(2))


@pytest.mark.parametrize(
    "change",
    [
        lambda note: note.replace("\n3\n", "\n03\n"),
        lambda note: note.replace("\n3\n", "\n4\n"),
        lambda note: note.replace("\n\n", "\nmore\n\n"),
        lambda note: note.replace("\n\n", "\n"),
        lambda note: note.replace("— ", "- "),
        lambda note: note.replace("\u2014 ML", "\u2014 BF"),
        lambda note: note.removesuffix("\n"),
        lambda note: note.replace("QQ=\n", "QR=\n"),
        lambda note: note + note.splitlines()[-1].replace("eQQ=", "fQQ=") + "\n",
    ],
)
def test_a_checkpoint_that_was_changed_is_no_longer_one(change):
    public, origin = bytes.fromhex(CASE["key"]["public"]), CASE["log"]["origin"]
    note = read_note(CASE["checkpoint"].encode())
    assert signed_by(note, origin, public)
    assert read_checkpoint(note.lines).root.hex() == CASE["root"]
    changed = change(CASE["checkpoint"])
    assert changed != CASE["checkpoint"]
    with pytest.raises(RefusedError):  # noqa: PT012 (each of them may be the one that refuses)
        note = read_note(changed.encode())
        read_checkpoint(note.lines)
        if not signed_by(note, origin, public):
            raise RefusedError("nobody has signed")


def test_the_receipt_of_the_vector_is_a_cosignature():
    note, public = CASE["receipt"]["note"], bytes.fromhex(CASE["receipt"]["public"])
    assert read_cosignature(read_note(note.encode()), "BF", public) == 1_790_000_000
    with pytest.raises(RefusedError):
        read_cosignature(read_note(note.replace("\n3\n", "\n2\n").encode()), "BF", public)


# Merkle proofs


def is_proved(case):
    proof = [b64decode(step) for step in case["proof"] or ()]
    if "leafIdx" in case:
        leaf, root = b64decode(case["leafHash"]), b64decode(case["root"])
        return proves_inclusion(leaf, case["leafIdx"], case["treeSize"], root, proof)
    old, new = ((case[f"size{n}"], b64decode(case[f"root{n}"])) for n in (1, 2))
    return proves_consistency(old, new, proof)


@pytest.mark.skipif(not VECTORS.is_dir(), reason="LIPTAKO_DATA has no vectors folder here")
def test_the_196_cases_of_transparency_dev_are_judged_as_they_say():
    files = sorted(VECTORS.rglob("*.json"))
    cases = {path: json.loads(path.read_text()) for path in files}
    wrong = [path for path, case in cases.items() if is_proved(case) == case["wantErr"]]
    assert (len(cases), wrong) == (196, [])


# The vector of the pages


def vector_reader():
    """A reader at BF who believes that the key of the vector is that of ML's node."""
    version = first("BF", "ML", "NE")
    keys = {"ML": bytes.fromhex(CASE["key"]["public"])}
    keys |= {"BF": bytes.fromhex(CASE["receipt"]["public"])}
    lines = [
        delegated(member, **({"sign": keys[member]} if member in keys else {}))
        for member in ("BF", "ML", "NE")
    ]
    compact = Compact()
    compact.take(write_dossier(dossier(version, delegations=lines)))
    return Reader(member="BF", identity="", compact=compact)


def test_the_bundle_of_the_vector_gives_its_records_and_its_digest():
    reader = vector_reader()
    report = reader.take_plain(bytes.fromhex(CASE["bundle"]))
    assert (report.faults, report.taken, report.whole) == ([], 3, True)
    (log,) = reader.logs.values()
    assert [entry.data.decode() for entry in log.entries.values()] == [
        e["header"] for e in CASE["entries"]
    ]
    assert [log.entries[place].body for place in (0, 1)] == [
        bytes.fromhex(entry["payload_bytes"]) for entry in CASE["entries"][:2]
    ]
    said = CASE["digests"]["bundle"]
    assert list(words_of(reader.logs)) == said["words"]
    assert shared_digest(reader.logs, ("BF", "ML")) == (said["basis"], said["state"])


@pytest.mark.parametrize("name", ["nothing", "page"])
def test_a_digest_of_the_vector_is_that_of_its_words(name):
    said = CASE["digests"][name]
    assert digest_of(said["words"]) == (said["basis"], said["state"])


HEADER = json.loads(CASE["entries"][0]["header"])
ROWS = re.findall(
    r"^\| `(\"\w+\":.+)` \| (takes|refuses) it",
    (SPEC / "record.md").read_text(encoding="utf-8"),
    re.MULTILINE,
)


@pytest.mark.parametrize(("said", "verdict"), ROWS)
def test_the_headers_of_the_page_are_taken_and_refused_as_it_says(said, verdict):
    name, value = next(iter(json.loads(f"{{{said}}}").items()))
    changed = {**HEADER, name: value}
    data = json.dumps(changed, ensure_ascii=False, separators=(",", ":")).encode()
    if verdict == "takes":
        assert read_header(data).lamport == 1
        return
    with pytest.raises(RefusedError):
        read_header(data)
