"""Signed notes: the example of the specification, our own, and what must be refused."""

from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liptako.core.errors import LiptakoError, MalformedError, VerificationError
from liptako.core.keys import signer_from_seed
from liptako.core.log.note import Note, Signature, open_note, read_note, sign_note, write_note

SIGNER = signer_from_seed(bytes(range(32)))
STRANGER = signer_from_seed(bytes(32))
NOTE = sign_note("one\n\nmore\n", "ML/node", SIGNER)

# C2SP signed-note, "Format"; its public key is not in the specification.
EXAMPLE = """Ognuno sta solo sul cuor della terra
trafitto da un raggio di sole:

ed è subito sera.

— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=
""".encode()  # noqa: E501 (as published)

# golang.org/x/mod/sumdb/note, package example: a key and a note that Go's own verifier accepts.
GO_NAME = "PeterNeumann"
GO_KEY = b64decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")[1:]
GO_NOTE = """If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
""".encode()  # noqa: E501 (as published)


def test_the_example_of_the_specification_is_read_and_written_alike():
    note = read_note(EXAMPLE)
    assert note.text.endswith("ed è subito sera.\n")
    assert note.signatures[0].name == "quasimodo.example/salvatore"
    assert write_note(note) == EXAMPLE


def test_a_note_signed_by_the_go_implementation_opens():
    assert open_note(GO_NOTE, {GO_NAME: GO_KEY}).text.startswith("If you think")


def test_a_note_opens_with_the_key_of_its_signer():
    assert open_note(NOTE, {"ML/node": SIGNER.public}).text == "one\n\nmore\n"


def test_a_second_signature_by_a_stranger_is_left_out():
    both = NOTE + sign_note("one\n\nmore\n", "X", STRANGER).rpartition(b"\n\n")[2]
    assert open_note(both, {"ML/node": SIGNER.public}) == read_note(NOTE)


@pytest.mark.parametrize("keys", [{}, {"BF/node": SIGNER.public}, {"ML/node": STRANGER.public}])
def test_a_note_that_no_known_key_signed_is_refused(keys):
    with pytest.raises(VerificationError, match="no key that is known here: ML/node"):
        open_note(NOTE, keys)


def test_a_note_whose_text_was_changed_is_refused():
    with pytest.raises(VerificationError, match="the signature of ML/node is wrong"):
        open_note(NOTE.replace(b"one", b"two"), {"ML/node": SIGNER.public})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"te\x07xt\n\n" + NOTE.rpartition(b"\n\n")[2],
        b"te\xffxt\n\n" + NOTE.rpartition(b"\n\n")[2],
        NOTE[:-1],
        NOTE + b"x",
        NOTE.replace(b"ML/node", b"ML+node"),
        NOTE.replace(b"ML/node", b""),
        NOTE.replace("— ".encode(), b"- "),
        "text\n\n— ML/node AAAA\n".encode(),
        "text\n\n— ML/node !!!!\n".encode(),
        "text\n\n— ML/node\n".encode(),
        b"x" * 65_536,
        b"text\n\n" + "— a AAAAAAAA\n".encode() * 65,
    ],
)
def test_a_note_in_another_spelling_is_refused(data):
    with pytest.raises(MalformedError, match="note: expected"):
        read_note(data)


def test_a_text_that_no_note_may_hold_is_not_signed():
    with pytest.raises(MalformedError, match="note: expected"):
        sign_note("a\tb\n", "ML/node", SIGNER)


@given(st.binary(max_size=300))
def test_only_our_own_error_comes_out_of_the_reader(data):
    try:
        note = read_note(data)
    except LiptakoError:
        return
    assert write_note(note) == data


def test_a_note_may_carry_many_signatures():
    note = Note("text\n", tuple(Signature(f"k{i}", b"1234", b"s") for i in range(16)))
    assert read_note(write_note(note)) == note
