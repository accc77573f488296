"""Photos: what a camera wrote beside the picture is left out, the picture stays bit by bit."""

import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liptako.core.errors import MalformedError
from liptako.core.media import JPEG, PDF, PNG, type_of, without_traces

START, END = b"\xff\xd8", b"\xff\xd9"


def part(code, body):
    return bytes([0xFF, code]) + (len(body) + 2).to_bytes(2, "big") + body


def exif(*entries, order=b"MM\0*"):
    """Return an Exif part with these (tag, value) pairs, and a place in its bytes."""
    name = "big" if order == b"MM\0*" else "little"
    count = len(entries).to_bytes(2, name)
    tags = b"".join(
        tag.to_bytes(2, name) + (3).to_bytes(2, name) + (1).to_bytes(4, name)
        + value.to_bytes(2, name) + b"\0\0"
        for tag, value in entries
    )  # fmt: skip
    tiff = order + (8).to_bytes(4, name) + count + tags + b"\0\0\0\0GPS 14.3N"
    return part(0xE1, b"Exif\0\0" + tiff)


JFIF = part(0xE0, b"JFIF\0\1\2\0\0\1\0\1\0\0")
COLOURS = part(0xE2, b"ICC_PROFILE\0\1\1profile")
TABLE, FRAME = part(0xDB, b"\0table"), part(0xC2, b"frame")
SCAN = part(0xDA, b"scan") + b"\x01\xff\x00\x02\xff\xd0\x03"
PICTURE = TABLE + FRAME + SCAN + part(0xC4, b"huffman") + SCAN
TURNED = part(0xE1, b"Exif\0\0MM\0*\0\0\0\10\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0")


@pytest.mark.parametrize(
    ("data", "kind"),
    [(START + b"\xff\xe0", JPEG), (b"\x89PNG\r\n\x1a\n", PNG), (b"%PDF-1.7", PDF), (b"GIF8", None)],
)
def test_a_file_is_what_its_own_bytes_say(data, kind):
    assert type_of(data) == kind


@pytest.mark.parametrize(
    "trace",
    [
        part(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta/>"),
        part(0xED, b"Photoshop 3.0\0by Awa"),
        part(0xFE, b"Nokia of Awa"),
        part(0xE2, b"MPF\0second picture"),
        part(0xE0, b"JFXX\0\x10small picture"),
        part(0xE0, b"JFIF\0\1\2\0\0\1\0\1\1\1rgb"),
        exif(),
        exif((0x0112, 1)),
        exif((0x0110, 7), (0x0131, 9)),
        exif((0x0112, 6), order=b"XX\0*"),
        part(0xE1, b"Exif\0\0"),
        part(0xE1, b"Exif\0\0MM\0*\xff\xff\xff\xff"),
    ],
)
def test_what_a_camera_wrote_beside_a_photo_is_left_out(trace):
    photo = START + JFIF + trace + COLOURS + PICTURE + END
    assert without_traces(photo, JPEG) == START + JFIF + COLOURS + PICTURE + END


@pytest.mark.parametrize("order", [b"MM\0*", b"II*\0"])
def test_how_a_photo_is_turned_stays_and_nothing_else_of_its_exif(order):
    photo = START + exif((0x0110, 7), (0x0112, 6), order=order) + PICTURE + END
    assert without_traces(photo, JPEG) == START + TURNED + PICTURE + END


def test_what_stands_behind_a_photo_is_left_out():
    photo = START + PICTURE + END
    assert without_traces(photo + b"a film of two seconds", JPEG) == photo


def test_filling_before_a_marker_stays_with_the_picture():
    photo = START + TABLE + part(0xDA, b"scan") + b"\x01\xff" + END
    assert without_traces(photo, JPEG) == photo


@pytest.mark.parametrize(
    "photo",
    [
        START,
        START + b"\xff",
        START + PICTURE,
        START + PICTURE + b"\xff",
        START + part(0xDA, b"scan") + b"\x01\x02",
        START + b"\xff\xe0\xff\xff",
        START + b"\xff\xe0\0\1" + END,
        START + b"\0\xe0\0\2" + END,
    ],
)
def test_a_photo_that_is_cut_or_damaged_is_told(photo):
    with pytest.raises(MalformedError, match="cut short or damaged"):
        without_traces(photo, JPEG)


def chunk(name, body):
    return len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big")


PNG_START = b"\x89PNG\r\n\x1a\n"
HEAD, DATA, LAST = chunk(b"IHDR", bytes(13)), chunk(b"IDAT", b"pixels"), chunk(b"IEND", b"")


def test_a_png_keeps_picture_and_colours_and_nothing_else():
    gamma = chunk(b"gAMA", bytes(4))
    traces = [chunk(name, b"Awa, Gao") for name in (b"tEXt", b"eXIf", b"tIME", b"iTXt", b"vpAg")]
    dirty = PNG_START + HEAD + gamma + b"".join(traces) + DATA + LAST + b"behind"
    assert without_traces(dirty, PNG) == PNG_START + HEAD + gamma + DATA + LAST


@pytest.mark.parametrize("data", [HEAD + DATA, HEAD + DATA[:-1], HEAD + b"\0\0\0\0\0\0\0\0" + LAST])
def test_a_png_that_is_cut_or_damaged_is_told(data):
    with pytest.raises(MalformedError, match="cut short or damaged"):
        without_traces(PNG_START + data, PNG)


def test_a_pdf_stays_as_it_is():
    assert without_traces(b"%PDF-1.7 /Author (Awa)", PDF) == b"%PDF-1.7 /Author (Awa)"


@given(data=st.binary(max_size=200), kind=st.sampled_from([JPEG, PNG]))
def test_hostile_bytes_bring_nothing_but_our_own_error(data, kind):
    start = START if kind == JPEG else PNG_START
    with suppress(MalformedError):
        assert len(without_traces(start + data, kind)) <= len(start + data) + len(TURNED)
