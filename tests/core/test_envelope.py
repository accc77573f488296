"""Headers and payload hashes: golden bytes, round trips, refusals."""

import json
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liptako.core.clock import Instant
from liptako.core.errors import LiptakoError, MalformedError
from liptako.core.records.envelope import (
    Header,
    Lane,
    PayloadStub,
    Precedence,
    decode_header,
    encode_header,
    lane_of,
)
from liptako.core.records.payload import derive_salt, payload_hash
from liptako.core.refs import Ref

HEADER = Header(
    kind="situation.incident/1",
    author="ML",
    office="permanence",
    audience="5ex32j7raeh5jzlf",
    compact=1,
    object="0123456789abc",
    lamport=7,
    time=Instant(1_790_000_000_000),
    payload=PayloadStub(hash=bytes(32), size=12),
)
FULL = msgspec.structs.replace(
    HEADER,
    precedence=Precedence.FLASH,
    marking="DIFFUSION RESTREINTE",
    retain=Instant(1_800_000_000_000),
    refs=(Ref(origin="ML/c/0001020304050607/e1", seq=3, leaf=bytes(16)),),
    extra=(("later", {"b": 1, "a": [True, None]}),),
)
KNOWN = msgspec.structs.replace(FULL, extra=())


def test_the_bytes_of_a_header_are_those_of_the_specification():
    assert encode_header(HEADER) == (
        b'{"v":1,"kind":"situation.incident/1","author":"ML","office":"permanence",'
        b'"audience":"5ex32j7raeh5jzlf","compact":1,"object":"0123456789abc","lamport":7,'
        b'"time":1790000000000,"payload":'
        b'{"hash":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","size":12,"type":"json"}}'
    )


@pytest.mark.parametrize("header", [HEADER, FULL, KNOWN])
def test_a_header_reads_what_it_writes_with_what_it_does_not_know(header):
    assert decode_header(encode_header(header)) == header


@given(st.permutations(list(json.loads(encode_header(KNOWN)).items())))
def test_a_header_says_the_same_in_any_order_of_its_fields(fields):
    data = json.dumps(dict(fields), separators=(",", ":")).encode()
    assert decode_header(data) == KNOWN


@given(
    st.sampled_from(Precedence),
    st.integers(1, 2**53 - 1),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=64),
    st.binary(min_size=32, max_size=32),
)
def test_any_header_reads_what_it_writes(precedence, lamport, text, digest):
    header = msgspec.structs.replace(
        HEADER,
        precedence=precedence,
        lamport=lamport,
        office=text,
        payload=PayloadStub(hash=digest, size=lamport % 65_536),
    )
    assert decode_header(encode_header(header)) == header


def test_flash_and_immediate_travel_in_the_urgent_lane():
    assert [lane_of(precedence) for precedence in Precedence] == [
        Lane.URGENT,
        Lane.URGENT,
        Lane.BULK,
        Lane.BULK,
    ]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("v", 2, "version 1, got 2"),
        ("v", None, "header"),
        ("kind", "Incident", "kind such as"),
        ("kind", f"a.{'b' * 61}/1", "kind such as"),
        ("author", "ml", "member"),
        ("office", "x" * 65, "64 characters"),
        ("object", "short", "object"),
        ("lamport", 0, "lamport"),
        ("compact", -1, "compact"),
        ("time", -1, "time"),
        ("retain", -1, "time"),
        ("precedence", "slow", "header"),
        ("payload", {"hash": "A" * 44, "size": 1, "type": "json"}, "base64"),
        ("payload", {"hash": "!", "size": 1, "type": "json"}, "base64"),
        ("payload", {"hash": "A" * 43 + "=", "size": 65_536, "type": "json"}, "payload"),
        ("payload", {"size": 1, "type": "json"}, "header"),
        ("refs", [["ML/c/1/e1", 0, ""]], "channel"),
        ("refs", [["ML/c/0001020304050607/e1", -1, ""]], "reference"),
        ("refs", [["ML/c/0001020304050607/e1", 0, "AAAA"]], "base64"),
    ],
)
def test_a_header_out_of_bounds_is_refused_and_says_why(field, value, message):
    fields = json.loads(encode_header(FULL)) | {field: value}
    data = json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()
    with pytest.raises(MalformedError, match=message):
        decode_header(data)


def test_a_header_that_could_not_be_read_is_not_written():
    with pytest.raises(MalformedError, match="kind such as"):
        encode_header(msgspec.structs.replace(HEADER, kind="?"))


@given(st.integers(0, len(encode_header(FULL)) * 8 - 1))
def test_a_flipped_bit_gives_another_header_or_our_own_error(bit):
    data = bytearray(encode_header(FULL))
    data[bit // 8] ^= 1 << bit % 8
    with suppress(LiptakoError):
        assert decode_header(bytes(data)) != FULL


def test_the_hash_of_a_payload_depends_on_its_salt():
    assert payload_hash(bytes(16), b"text") != payload_hash(bytes([1] * 16), b"text")
    assert derive_salt(bytes(16), 0) != derive_salt(bytes(16), 1)
    assert derive_salt(bytes(16), 7).hex() == "a59def1f1c1b4f227a9aaa61e4bc4a55"
