"""Files in a header: golden bytes, bounds, and the check of a whole bundle by who holds nothing."""

from dataclasses import replace

import pytest
from msgspec import structs

from liptako.core.errors import MalformedError
from liptako.core.log.bundle import ChunkFrame
from liptako.core.log.chunks import FileCheck
from liptako.core.records.attachments import ATTACHMENTS_LIMIT, SIZE_LIMIT, attachment_of
from liptako.core.records.envelope import decode_header, encode_header
from tests.core.test_envelope import HEADER

FILE = attachment_of(b"abc", type_="image/jpeg", name="ML-2026-7K3F-1.jpg")
WITH = structs.replace(HEADER, attachments=(FILE,))


def test_a_header_with_a_file_has_the_bytes_of_the_specification():
    assert encode_header(WITH) == encode_header(HEADER)[:-1] + (
        b',"attachments":[{"hash":"ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=","size":3,'
        b'"type":"image/jpeg","name":"ML-2026-7K3F-1.jpg"}]}'
    )
    assert decode_header(encode_header(WITH)) == WITH


def test_a_field_of_a_later_version_in_a_file_stands_in_nobodys_way():
    data = encode_header(WITH).replace(b'"size":3', b'"size":3,"later":[1]')
    assert decode_header(data) == WITH


@pytest.mark.parametrize(
    "changes",
    [
        {"hash": bytes(31)},
        {"size": 0},
        {"size": SIZE_LIMIT + 1},
        {"type": "jpeg"},
        {"type": "image/JPEG"},
        {"type": "image/" + "x" * 64},
        {"name": ""},
        {"name": "a b.jpg"},
        {"name": "../a.jpg"},
        {"name": ".jpg"},
        {"name": "x" * 65},
        {"name": "é.jpg"},
    ],
)
def test_a_file_out_of_bounds_cannot_be_written_or_read(changes):
    with pytest.raises(MalformedError):
        encode_header(structs.replace(HEADER, attachments=(replace(FILE, **changes),)))


def test_a_header_names_so_many_files_and_no_more():
    most = structs.replace(HEADER, attachments=(FILE,) * ATTACHMENTS_LIMIT)
    assert decode_header(encode_header(most)) == most
    with pytest.raises(MalformedError, match="at most 16"):
        encode_header(structs.replace(HEADER, attachments=(FILE,) * (ATTACHMENTS_LIMIT + 1)))


@pytest.mark.parametrize(
    ("parts", "wrong"),
    [
        ([(0, b"a"), (1, b"bc")], False),
        ([(0, b"a"), (1, b"xx")], True),
        ([(0, b"abcd")], True),
        ([(0, b"x"), (2, b"x")], False),
        ([(1, b"xx")], False),
    ],
    ids=["the one that was named", "another one", "too long", "with a gap", "not from its start"],
)
def test_a_whole_file_of_a_bundle_is_the_one_that_was_named_or_it_is_told(parts, wrong):
    check = FileCheck()
    check.name(WITH)
    for offset, data in parts:
        check.take(ChunkFrame(HEADER.audience, FILE.hash, offset, data))
    check.take(ChunkFrame("nobody", bytes(32), 0, b"unnamed"))
    assert (list(map(str, check.faults())) != []) == wrong
