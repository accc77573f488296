"""Checkpoints and heads: what a log and a node say they hold, signed."""

from base64 import b64encode
from dataclasses import replace

import pytest

from liptako.core.clock import Instant
from liptako.core.digest import Digest
from liptako.core.errors import MalformedError, VerificationError
from liptako.core.keys import signer_from_seed
from liptako.core.log.checkpoint import (
    Checkpoint,
    head_of,
    open_checkpoint,
    parse_checkpoint,
    sign_checkpoint,
)
from liptako.core.log.heads import (
    NO_TRUST,
    Asked,
    Heads,
    key_name,
    open_heads,
    read_heads,
    sign_heads,
)
from liptako.core.log.merkle import EMPTY_ROOT, CompactRange, leaf_hash
from liptako.core.log.note import sign_note

SIGNER = signer_from_seed(bytes(range(32)))
ORIGIN = "ML/c/0001020304050607/e1"
OTHER = "ML/c/0001020304050608/e1"
LOG = CompactRange().extend([leaf_hash(b"a"), leaf_hash(b"b"), leaf_hash(b"c")])
HEAD = head_of(ORIGIN, LOG)


def test_the_example_of_the_specification_is_read_and_written_alike():
    text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    checkpoint = parse_checkpoint(text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20_852_163)
    assert checkpoint.text() == text


def test_a_checkpoint_opens_for_its_own_log():
    assert open_checkpoint(sign_checkpoint(HEAD, SIGNER), ORIGIN, SIGNER.public) == HEAD
    assert Checkpoint(origin=ORIGIN, size=3, root=LOG.root()) == HEAD


def test_the_head_of_an_empty_log_has_the_empty_root():
    assert head_of(ORIGIN, CompactRange()).root == EMPTY_ROOT


def test_a_checkpoint_of_another_log_is_refused():
    data = sign_note(HEAD.text(), OTHER, SIGNER)
    with pytest.raises(VerificationError, match="expected the log"):
        open_checkpoint(data, OTHER, SIGNER.public)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n1\n",
        "a\n01\n" + "A" * 43 + "=\n",
        "a\n²\n" + "A" * 43 + "=\n",
        "a\n1\nAAAA\n",
        "a\n1\n!\n",
        "\n1\n" + "A" * 43 + "=\n",
        "a\n1\n" + "A" * 43 + "=\nextension\n",
        "a\n99999999999999999\n" + "A" * 43 + "=\n",
        "a\n1\n" + "A" * 43 + "=",
    ],
)
def test_a_checkpoint_in_another_spelling_is_refused(text):
    with pytest.raises(MalformedError, match="checkpoint: expected"):
        parse_checkpoint(text)


ASKED = (Asked(origin=ORIGIN, member="BF", size=1), Asked(origin=ORIGIN, member="NE", size=0))
HEADS = Heads(
    sender="ML", recipient="BF", epoch=2, time=Instant(5), logs=(HEAD,), asked=ASKED
)  # fmt: skip


def test_heads_open_for_their_sender_and_recipient():
    data = sign_heads(HEADS, SIGNER)
    assert read_heads(data) == HEADS
    assert open_heads(data, sender="ML", recipient="BF", public=SIGNER.public) == HEADS


def test_heads_say_how_much_of_a_log_is_held():
    assert (HEADS.size_of(ORIGIN), HEADS.size_of(OTHER)) == (3, 0)
    assert (HEADS.root_of(ORIGIN), HEADS.root_of(OTHER)) == (HEAD.root, b"")


def test_heads_say_which_receipts_are_wanted():
    assert [HEADS.wants(ORIGIN, member) for member in ("BF", "NE", "ML")] == [1, 0, None]
    assert HEADS.wants(OTHER, "BF") is None


def test_heads_hold_sender_recipient_epoch_and_logs_and_nothing_else():
    root = b64encode(HEAD.root).decode()
    assert HEADS.text() == f"liptako.heads/1\nML\nBF\n2 5 {NO_TRUST}\n{ORIGIN} 3 {root} BF=1 NE=0\n"


def test_heads_may_say_how_their_sender_judges_the_records():
    judged = replace(HEADS, digest=Digest(basis="0" * 15 + "a", state="f" * 16))
    assert judged.text().splitlines()[3] == f"2 5 {NO_TRUST} {'0' * 15}a {'f' * 16}"
    assert read_heads(sign_heads(judged, SIGNER)) == judged


def longer(log):
    """Return the head of a log with one more entry."""
    return head_of(log.origin, LOG.extend([leaf_hash(b"d")]))


@pytest.mark.parametrize(
    "later",
    [
        replace(HEADS, logs=(longer(HEAD),)),
        replace(HEADS, logs=(HEAD, head_of(OTHER, LOG))),
        Heads(sender="ML", recipient="BF", epoch=3),
        Heads(sender="ML", recipient="BF", epoch=2, time=Instant(6), logs=(HEAD,)),
    ],
    ids=["a longer log", "one log more", "restored", "the same later"],
)
def test_of_two_heads_the_later_one_is_told_by_epoch_sizes_and_time(later):
    assert (later.is_later_than(HEADS), HEADS.is_later_than(later)) == (True, False)


def test_who_says_later_that_it_holds_less_was_set_back():
    assert Heads(sender="ML", recipient="BF", epoch=2, time=Instant(6)).is_later_than(HEADS)


def test_heads_said_again_are_no_news():
    assert not HEADS.is_later_than(HEADS)


def test_more_entries_are_later_ones_though_the_clock_was_put_back():
    assert replace(HEADS, logs=(longer(HEAD),), time=Instant(1)).is_later_than(HEADS)


def test_heads_of_thousands_of_logs_are_signed_and_read():
    logs = tuple(
        Checkpoint(origin=f"ML/c/{number:016x}/e999999999", size=number, root=bytes(32))
        for number in range(1, 2001)
    )
    asked = tuple(Asked(origin=log.origin, member="BF", size=0) for log in logs)
    heads = Heads(sender="ML", recipient="BF", logs=logs, asked=asked)
    read = open_heads(sign_heads(heads, SIGNER), sender="ML", recipient="BF", public=SIGNER.public)
    last = logs[-1].origin
    assert (read, read.size_of(last), read.wants(last, "BF")) == (heads, 2000, 0)


def test_heads_longer_than_a_mebibyte_are_neither_signed_nor_read():
    logs = tuple(replace(HEAD, origin=f"ML/c/{number:016x}/e1") for number in range(15_000))
    with pytest.raises(MalformedError, match="at most 1048576 bytes"):
        sign_heads(Heads(sender="ML", recipient="BF", logs=logs), SIGNER)
    with pytest.raises(MalformedError, match="at most 1048576 bytes"):
        read_heads(bytes(2**20 + 1))


@pytest.mark.parametrize(("sender", "recipient"), [("ML", "NE")])
def test_heads_for_somebody_else_are_refused(sender, recipient):
    data = sign_heads(HEADS, SIGNER)
    with pytest.raises(VerificationError, match="expected from ML to NE, got from ML to BF"):
        open_heads(data, sender=sender, recipient=recipient, public=SIGNER.public)


@pytest.mark.parametrize(
    "text",
    [
        "liptako.heads/2\nML\nBF\n",
        "liptako.heads/1\nML\nBF\n",
        "liptako.heads/1\nML\nBF\n\n",
        f"liptako.heads/1\nML\nBF\n0 7 {NO_TRUST}\n",
        f"liptako.heads/1\nML\nBF\n01 7 {NO_TRUST}\n",
        "liptako.heads/1\nML\nBF\n1\n",
        f"liptako.heads/1\nML\nBF\n1 07 {NO_TRUST}\n",
        "liptako.heads/1\nML\nBF\n1 7 7\n",
        f"liptako.heads/1\nML\nBF\n1 7 {NO_TRUST} 7\n",
        f"liptako.heads/1\nML\nBF\n1 7 {NO_TRUST} {NO_TRUST}\n",
        f"liptako.heads/1\nML\nBF\n1 7 {NO_TRUST.upper().replace('0', 'A')}\n",
        f"liptako.heads/1\nML\nBF\n1 7 {NO_TRUST}\n{ORIGIN}\n",
        HEADS.text().replace(" NE=0", " NE"),
        HEADS.text().replace(" NE=0", " NE=00"),
        HEADS.text().replace(" BF=1 NE=0", " NE=0 BF=1"),
        HEADS.text().replace(" BF=1 NE=0", " BF=1 BF=0"),
        HEADS.text().replace(" BF=1 NE=0", " "),
        Heads(sender="ML", recipient="BF", logs=(HEAD, HEAD)).text(),
        f"liptako.heads/1\nML\nbf\n1 7 {NO_TRUST}\n",
    ],
)
def test_heads_in_another_spelling_are_refused(text):
    data = sign_note(text, key_name("ML"), SIGNER)
    with pytest.raises(MalformedError, match="expected"):
        open_heads(data, sender="ML", recipient="BF", public=SIGNER.public)
