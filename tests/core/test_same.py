"""The line that says "nothing new": what it takes to be believed, and what it costs."""

from base64 import b64encode
from dataclasses import replace

import pytest

from liptako.core.clock import Instant
from liptako.core.errors import MalformedError, VerificationError
from liptako.core.keys import signer_from_seed
from liptako.core.log.checkpoint import head_of
from liptako.core.log.heads import Asked, Heads, key_name
from liptako.core.log.merkle import CompactRange, leaf_hash
from liptako.core.log.note import sign_note
from liptako.core.log.same import SAME_MAGIC, open_same, read_same, same_of, sign_same

SIGNER = signer_from_seed(bytes(range(32)))
OTHER = signer_from_seed(bytes(32))
HEAD = head_of("ML/c/0001020304050607/e1", CompactRange().extend([leaf_hash(b"a")]))
MINE = Heads(sender="ML", recipient="BF", time=Instant(5), logs=(HEAD,))
THEIRS = Heads(sender="BF", recipient="ML", time=Instant(6), logs=(HEAD,))
NOW = Instant(1_790_000_000_000)
SAME = same_of(MINE, THEIRS, NOW)
NOTE = sign_same(SAME, SIGNER)


def test_a_line_opens_for_who_holds_the_same():
    assert NOTE.startswith(SAME_MAGIC)
    assert read_same(NOTE) == SAME
    assert open_same(NOTE, SAME, SIGNER.public) == SAME


def test_it_is_short():
    assert len(NOTE) < 200


def test_when_the_heads_were_told_does_not_matter():
    later = same_of(replace(MINE, time=Instant(7)), THEIRS, Instant(8))
    assert open_same(NOTE, later, SIGNER.public) == SAME


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        (replace(MINE, logs=()), THEIRS),
        (MINE, replace(THEIRS, logs=())),
        (replace(MINE, epoch=2), THEIRS),
        (replace(MINE, asked=(Asked(origin=HEAD.origin, member="BF", size=0),)), THEIRS),
    ],
    ids=["mine", "theirs", "epoch", "asked"],
)
def test_who_holds_something_else_is_told_nothing_by_it(mine, theirs):
    assert open_same(NOTE, same_of(mine, theirs, NOW), SIGNER.public) is None


def test_a_line_by_somebody_else_is_refused():
    with pytest.raises(VerificationError):
        open_same(NOTE, SAME, OTHER.public)


def test_a_line_to_somebody_else_is_refused():
    with pytest.raises(VerificationError, match="expected from ML to NE, got from ML to BF"):
        open_same(NOTE, replace(SAME, recipient="NE"), SIGNER.public)


@pytest.mark.parametrize(
    "text",
    [
        "liptako.same/1\nML\nBF\n5\n",
        "liptako.same/1\nML\nBF\n05\nhash\n",
        "liptako.same/1\nML\nBF\nx\nhash\n",
        "liptako.same/2\nML\nBF\n5\nhash\n",
        "liptako.same/1\nML\nbf\n5\nhash\n",
        "liptako.same/1\nML\nBF\n5\nhash\nmore\n",
    ],
)
def test_another_spelling_is_refused(text):
    with pytest.raises(MalformedError, match="expected"):
        read_same(sign_note(text, key_name("ML"), SIGNER))


def test_its_hash_tells_nothing_of_one_side_alone():
    swapped = same_of(replace(THEIRS, sender="ML", recipient="BF"), MINE, NOW)
    assert swapped.hash != SAME.hash
    assert len(b64encode(bytes(16))) == len(SAME.hash)
