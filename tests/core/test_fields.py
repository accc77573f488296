"""One spelling of JSON: what is accepted is what we would write."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liptako.core.errors import LiptakoError, MalformedError
from liptako.core.records.fields import INT_LIMIT, decode_fields, encode_fields

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-INT_LIMIT, INT_LIMIT) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(texts, values))
def test_fields_read_what_they_write_with_their_order(fields):
    data = encode_fields(fields)
    again = decode_fields(data, limit=len(data))
    assert again == fields
    assert list(again) == list(fields)
    assert encode_fields(again) == data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"a": 1}',
        b'{"a":1,"a":2}',
        b'{"a":1.0}',
        b'{"a":1e2}',
        b'{"a":-0}',
        b'{"a":"\\u0041"}',
        b'{"a":"\\ud800"}',
        b'{"a":"\xff"}',
        b'{"a":9007199254740992}',
        b'{"a":[{"b":-9007199254740992}]}',
        b'{"a":1}\n',
        b'{"a":"\\u0000"}',
        b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}",
    ],
)
def test_another_spelling_is_refused(data):
    with pytest.raises(MalformedError, match="record: expected"):
        decode_fields(data, limit=20_000)


@pytest.mark.parametrize("inner", [b"[]", b"{}"])
def test_32_levels_are_read_and_33_are_not_however_deep_the_reader_stands(inner):
    def nested(levels):
        return b'{"a":' * (levels - 1) + inner + b"}" * (levels - 1)

    assert encode_fields(decode_fields(nested(32), limit=500)) == nested(32)
    with pytest.raises(MalformedError, match="at most 32 levels"):
        decode_fields(nested(33), limit=500)


def test_more_bytes_than_allowed_are_refused_before_they_are_read():
    with pytest.raises(MalformedError, match="at most 3 bytes, got 7"):
        decode_fields(b'{"a":1}', limit=3)


@pytest.mark.parametrize("value", [1.5, "\ud800", "a\0b", INT_LIMIT + 1, object()])
def test_a_value_that_no_record_may_hold_is_not_written(value):
    with pytest.raises(MalformedError, match="record:"):
        encode_fields({"a": value})


@given(st.binary(max_size=200))
def test_only_our_own_error_comes_out_of_the_parser(data):
    with suppress(LiptakoError):
        assert encode_fields(decode_fields(data, limit=200)) == data
