"""Bytes that are small on the way and would be large in memory: a reader stays within bounds."""

import io
import tracemalloc

import pytest
import zstandard

from liptako.core.errors import MalformedError
from liptako.core.log.bundle import FRAME_LIMIT, MAGIC, LaterFrame, read_bundle

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
