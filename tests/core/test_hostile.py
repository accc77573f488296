"""Bytes that are small on the way and would be large in memory: a reader stays within bounds."""

import io
import tracemalloc

import pytest
import zstandard

from liptako.core.compact.dossier import read_dossier
from liptako.core.compact.envelope import read_envelope
from liptako.core.errors import LiptakoError, MalformedError
from liptako.core.log.bundle import FRAME_LIMIT, MAGIC, read_bundle
from liptako.core.log.fork import read_fork
from liptako.core.log.frames import LaterFrame
from liptako.core.log.heads import HEADS_LIMIT, NO_TRUST, read_heads
from liptako.core.log.note import NOTE_LIMIT, read_note
from liptako.core.log.receipt import read_receipt
from liptako.core.records.envelope import decode_header

MANY = 4_000_000
ROOM = 3 * 8 * 2**20  # bytes: a frame of 8 MiB that is inflated, taken out, and looked at


def array(count, of):
    return b"\xdd" + count.to_bytes(4, "big") + of * count


def bundle(*frames):
    data = b"".join(len(frame).to_bytes(4, "big") + frame for frame in frames)
    return MAGIC + zstandard.ZstdCompressor().compress(data)


def peak_of(data):
    """Return the first frame, or the error, and how much memory that took."""
    tracemalloc.start()
    try:
        found = next(read_bundle(io.BytesIO(data)))
    except MalformedError as fault:
        found = fault
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found, peak


@pytest.mark.parametrize(
    "frame",
    [
        b"\x97\xa7channel\xa1x" + array(MANY, b"\xa0") + b"\xa1x\xc4\0\0\xc4\0",
        b"\x97\xa7package\0" + array(MANY, b"\xc4\0") + b"\x90\xc4\0\x90\x90",
        b"\x97\xa7package\0\x90" + array(MANY, b"\xc0") + b"\xc4\0\x90\x90",
        b"\x96\xa7history\xa1x\xc4\0\0\xc4\0" + array(MANY, b"\xc4\0"),
    ],
    ids=["members", "headers", "payloads", "hashes"],
)
def test_a_list_of_millions_is_refused_before_it_is_built(frame):
    found, peak = peak_of(bundle(frame))
    assert (str(found), peak < ROOM) == ("bundle: a frame cannot be read", True)


@pytest.mark.parametrize("of", [b"\x90", b"\x80", b"\xc0", b"\xa1x"])
def test_a_later_frame_is_passed_over_without_being_built(of):
    data = bundle(b"\x92\xa5later" + array(MANY, of))
    found, peak = peak_of(data)
    assert (found, len(data) < 2_000, peak < ROOM) == (LaterFrame("later"), True, True)


def test_a_frame_as_large_as_may_be_takes_no_more_than_thrice_its_size():
    found, peak = peak_of(bundle(bytes(FRAME_LIMIT)))
    assert (str(found), peak < 3 * FRAME_LIMIT) == ("bundle: a frame cannot be read", True)


def test_a_frame_that_claims_to_be_larger_is_not_waited_for():
    data = MAGIC + zstandard.ZstdCompressor().compress(b"\xff" * 4 + bytes(100))
    found, peak = peak_of(data)
    assert ("at most" in str(found), peak < 2**20) == (True, True)


def test_what_needs_a_larger_window_than_8_mib_is_refused():
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=27)
    data = zstandard.ZstdCompressor(compression_params=parameters).compress(bytes(2**24))
    found, peak = peak_of(MAGIC + data)
    assert ("damaged" in str(found), peak < 2**20) == (True, True)


DEEP = (b"[", b'{"a":', b'{"a":[')
FLAT = b'{"a":[' + b"[]," * 20_000 + b"[]]}"


def most_of(read, data):
    """Return how much memory it takes to refuse these bytes."""
    tracemalloc.start()
    with pytest.raises(LiptakoError):
        read(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize("piece", DEEP)
@pytest.mark.parametrize("read", [decode_header, read_fork, read_dossier, read_envelope])
def test_json_that_is_nested_for_ever_is_refused(read, piece):
    assert most_of(read, piece * (60_000 // len(piece))) < 2**20


@pytest.mark.parametrize("read", [decode_header, read_fork, read_dossier, read_envelope])
def test_json_of_many_lists_takes_no_more_than_thirty_times_its_size(read):
    assert most_of(read, FLAT) < 30 * len(FLAT)


@pytest.mark.parametrize("piece", [b"\x91", b"\x81\xa1a", b"\x92\xa5later"])
def test_a_frame_that_is_nested_for_ever_is_refused(piece):
    found, peak = peak_of(bundle(piece * (MANY // len(piece))))
    assert (str(found), peak < ROOM) == ("bundle: a frame cannot be read", True)


@pytest.mark.parametrize("piece", [b"\n", b" ", b"a\n\n", "— a ".encode()])
@pytest.mark.parametrize(
    ("read", "limit"),
    [(read_note, NOTE_LIMIT), (read_heads, HEADS_LIMIT), (read_receipt, NOTE_LIMIT)],
)
def test_a_note_of_one_thing_repeated_is_refused(read, limit, piece):
    assert most_of(read, piece * (limit // len(piece))) < 10 * limit


def test_heads_that_want_one_thing_repeated_are_refused():
    first = f"liptako.heads/1\nML\nBF\n1 0 {NO_TRUST}\nML/c/0001020304050607/e1 1 {'A' * 43}="
    signed = f"\n\n— ML/node {'A' * 96}\n"
    wants = " ML=1" * ((HEADS_LIMIT - len(first) - len(signed.encode())) // 5)
    assert most_of(read_heads, (first + wants + signed).encode()) < 30 * HEADS_LIMIT
