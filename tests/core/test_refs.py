"""Ids: computed or drawn once, one spelling each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liptako.core.errors import MalformedError
from liptako.core.refs import (
    audience_id,
    author_of,
    channel_origin,
    epoch_of,
    member_id,
    object_id,
    parse_object_id,
    short_code,
)


@given(st.binary(min_size=8, max_size=8))
def test_an_object_id_reads_what_it_writes(random):
    assert parse_object_id(object_id(random)) == object_id(random)


@given(st.lists(st.binary(min_size=8, max_size=8), unique=True))
def test_different_random_bytes_give_different_objects(draws):
    assert len({object_id(random) for random in draws}) == len(draws)


def test_a_short_code_is_four_letters_or_digits_that_cannot_be_misread():
    assert [short_code(bytes(3)), short_code(b"\xff\xff\xff"), short_code(b"\x01\x02\x03")] == [
        "0000",
        "ZZZZ",
        "20G3",
    ]


@pytest.mark.parametrize("text", ["", "0" * 12, "0" * 14, "i" * 13, "z" * 13, "0" * 12 + "L"])
def test_an_object_id_in_another_spelling_is_refused(text):
    with pytest.raises(MalformedError, match="object"):
        parse_object_id(text)


def test_an_audience_is_named_by_its_roster_in_any_order():
    assert audience_id(["NE", "ML", "BF", "ML"]) == audience_id(["BF", "ML", "NE"])
    assert audience_id(["ML"]) != audience_id(["ML", "BF"])
    assert audience_id(["BF", "ML", "NE"]) == "5ex32j7raeh5jzlf"


def test_a_channel_tells_its_author_and_nothing_else():
    origin = channel_origin("ML", bytes(range(8)), 3)
    assert origin == "ML/c/0001020304050607/e3"
    assert author_of(origin) == "ML"


@pytest.mark.parametrize("text", ["", "ML/c/00/e1", "ml/c/0001020304050607/e1", "ML/c/x/e0"])
def test_a_channel_in_another_spelling_is_refused(text):
    with pytest.raises(MalformedError, match="channel"):
        author_of(text)


def test_a_member_is_named_in_capitals():
    assert member_id("ML") == "ML"
    for text in ("", "M", "ml", "1ML", "M" * 13):
        with pytest.raises(MalformedError, match="member"):
            member_id(text)


def test_the_epoch_of_a_channel_stands_in_its_name():
    assert epoch_of("ML/c/0001020304050607/e12") == 12
    with pytest.raises(MalformedError, match="channel: expected"):
        epoch_of("ML/c/0001020304050607/e0")
