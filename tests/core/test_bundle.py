"""Bundles: frames in, the same frames out; cut and damaged ones keep their good beginning."""

import errno
import io
from hashlib import shake_256
from pathlib import Path
from random import Random

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from liptako.core.errors import LiptakoError, MalformedError, VerificationError
from liptako.core.log.bundle import (
    FRAME_LIMIT,
    MAGIC,
    BundleWriter,
    add_cut,
    read_bundle,
    restore_hash,
    strip_hash,
)
from liptako.core.log.frames import (
    ChannelFrame,
    HeadsFrame,
    LaterFrame,
    PackageFrame,
)
from liptako.core.log.sealed import (
    check_recipient,
    new_identity,
    padded_size,
    recipient_of,
    seal,
    unseal,
)

FRAMES = [
    HeadsFrame(b"note"),
    ChannelFrame("ML/c/0001020304050607/e1", ("BF", "ML"), "bulk", b"checkpoint", 0, b""),
    PackageFrame(0, (b"{}", b"{}"), (b"body", None), b"", (bytes(16), b""), (bytes(32),)),
]


def bundle(frames, size=None):
    stream = io.BytesIO()
    writer = BundleWriter(stream, size)
    for frame in frames:
        writer.write(frame)
    writer.close()
    return stream.getvalue()


def read_all(data):
    """Return the frames that could be read and the error that ended it."""
    frames = []
    try:
        for frame in read_bundle(io.BytesIO(data)):
            frames.append(frame)  # noqa: PERF402 (the frames before an error count)
    except LiptakoError as error:
        return frames, error
    return frames, None


def packed(*parts):
    return MAGIC + zstandard.ZstdCompressor().compress(b"".join(parts))


def test_a_bundle_reads_what_it_writes():
    assert read_all(bundle(FRAMES)) == (FRAMES, None)


def test_a_bundle_for_a_slow_line_is_smaller_and_reads_the_same():
    chance = Random(1)  # noqa: S311 (a test must be the same each time)
    words = [b"%d %d" % (chance.randrange(300), chance.randrange(300)) for _ in range(4000)]
    frames = [HeadsFrame(b" ".join(words))]
    assert len(bundle(frames, 20_000)) < len(bundle(frames, 10**6)) == len(bundle(frames))
    assert read_all(bundle(frames, 20_000)) == (frames, None)


def test_a_bundle_with_nothing_in_it_is_whole():
    assert read_all(bundle([])) == ([], None)


@given(st.integers(0, len(bundle(FRAMES)) - 1))
def test_a_bundle_that_was_cut_gives_its_beginning_and_says_so(length):
    frames, error = read_all(bundle(FRAMES)[:length])
    assert frames == FRAMES[: len(frames)]
    assert isinstance(error, MalformedError) or frames == FRAMES


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_a_bundle_without_the_mark_of_its_end_is_cut(lost):
    with pytest.raises(MalformedError, match="cut short"):
        list(read_bundle(io.BytesIO(bundle(FRAMES)[:-lost])))


def test_a_bundle_is_read_to_its_end_wherever_that_falls():
    for number in range(960, 1040):  # of some, the last bytes stand alone in a step of the reader
        frame = HeadsFrame(shake_256(b"%d" % number).digest(number))
        assert read_all(bundle([frame])) == ([frame], None), number


def test_a_bundle_cut_after_a_frame_gives_that_frame():
    stream = io.BytesIO()
    writer = BundleWriter(stream)
    writer.write(FRAMES[0])
    frames, error = read_all(stream.getvalue())
    assert frames == FRAMES[:1]
    assert "cut short" in str(error)


@given(st.integers(0, len(bundle(FRAMES)) * 8 - 1))
def test_a_flipped_bit_raises_nothing_but_our_own_error(bit):
    data = bytearray(bundle(FRAMES))
    data[bit // 8] ^= 1 << bit % 8
    read_all(bytes(data))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"PK\x03\x04", "not a Liptako bundle"),
        (packed((FRAME_LIMIT + 1).to_bytes(4, "big")), "at most"),
        (packed(b"\0\0\0\1\xc1"), "a frame cannot be read"),
        (bundle(FRAMES) + b"more", "nothing after its end"),
        (packed(b"\0\0\0\6\x92\xa3end\5"), "nothing after its end"),
        (packed(b"\0\0\0\6\x92\xa3end\0", b"more"), "nothing after its end"),
    ],
)
def test_a_bundle_that_is_wrong_says_what_is_wrong(data, message):
    frames, error = read_all(data)
    assert frames in ([], FRAMES)
    assert message in str(error)


def frame_of(*elements):
    """Return a frame of any MessagePack values."""
    body = msgspec.msgpack.encode(elements)
    return len(body).to_bytes(4, "big") + body


ENDED = frame_of("end", 1)


def test_what_a_later_version_adds_at_the_end_of_a_frame_is_passed_over():
    data = packed(frame_of("heads", b"note", {"later": [1, None]}, 2.5), ENDED)
    assert read_all(data) == ([HeadsFrame(b"note")], None)


@pytest.mark.parametrize(
    "elements",
    [
        (b"heads", b"note"),
        (),
        ("heads", "note"),
        ("heads",),
        ("channel", b"ML/c/0", ("ML",), "bulk", b"", 0, b""),
        ("channel", "ML/c/0", ("ML",), "bulk", "", 0, b""),
        ("channel", "ML/c/0", ("ML",), "bulk", b"", 0.0, b""),
        ("channel", "ML/c/0", (b"ML",), "bulk", b"", 0, b""),
        ("package", 0, ("{}",), (None,), b"", (b"",), ()),
        ("package", 0, (b"{}",), (False,), b"", (b"",), ()),
        ("package", None, (b"{}",), (None,), b"", (b"",), ()),
    ],
    ids=str,
)
def test_a_frame_of_another_type_ends_the_reading(elements):
    frames, error = read_all(packed(frame_of("heads", b"note"), frame_of(*elements), ENDED))
    assert (frames, str(error)) == ([HeadsFrame(b"note")], "bundle: a frame cannot be read")


def test_a_frame_of_a_later_version_is_passed_over():
    later = frame_of("later", b"note", {"any": ["thing", 1.5]})
    frames, error = read_all(packed(frame_of("heads", b"note"), later, frame_of("end", 2)))
    assert (frames, error) == ([HeadsFrame(b"note"), LaterFrame("later")], None)


def test_a_frame_as_deep_as_no_stack_is_an_error_of_ours():
    body = b"\x93\xa5heads\xc4\0" + b"\x91" * 100_000 + b"\0"
    _, error = read_all(packed(len(body).to_bytes(4, "big"), body))
    assert str(error) == "bundle: a frame cannot be read"


def test_that_the_end_is_missing_is_said_once_and_after_what_was_found():
    found = VerificationError("entry %(seq)d: its payload is not the one it names", seq=1)
    faults = [found]
    for _ in range(2):
        add_cut(faults)
    assert [str(fault).partition(";")[0] for fault in faults] == [
        str(found),
        "bundle: it is cut short",
    ]


def test_a_header_travels_without_its_payload_hash():
    header = b'{"v":1,"payload":{"hash":"3DFeFdxDnN5kxBAdoHEJwHmdNwLDnXlzt+iHeRC1M14=","size":4}}'
    short = strip_hash(header, bytes(16), b"body")
    assert restore_hash(short, bytes(16), b"body") == header


def test_a_header_whose_hash_is_not_that_of_the_payload_travels_whole():
    header = b'{"payload":{"hash":"' + b"A" * 43 + b'="}}'
    assert strip_hash(header, bytes(16), b"body") == header
    assert restore_hash(header, bytes(16), b"body") == header


IDENTITY = new_identity()


def sealed(data):
    target = io.BytesIO()
    seal(io.BytesIO(data), target, recipient_of(IDENTITY))
    return target.getvalue()


def unsealed(data, identity=IDENTITY):
    target = io.BytesIO()
    return unseal(io.BytesIO(data), target, identity), target.getvalue()


def test_a_sealed_bundle_opens_for_its_recipient_only():
    assert unsealed(sealed(b"text")) == (True, b"text")
    with pytest.raises(VerificationError, match="cannot be opened with the keys of this node"):
        unsealed(sealed(b"text"), new_identity())


def test_a_sealed_bundle_that_was_cut_gives_what_is_whole():
    data = bytes(200_000)
    assert unsealed(sealed(data)[:-1000]) == (False, data[: 3 * 65_536])


def test_a_short_file_that_was_damaged_is_told_to_be_so():
    data = bytearray(sealed(b"text"))
    data[-1] ^= 1
    with pytest.raises(VerificationError, match="nothing of it was kept"):
        unsealed(bytes(data))


def test_a_disk_that_is_full_is_no_fault_of_the_bundle():
    with Path("/dev/full").open("wb", buffering=0) as full, pytest.raises(OSError) as caught:  # noqa: PT011 (which one is asked below)
        unseal(io.BytesIO(sealed(bytes(200_000))), full, IDENTITY)
    assert caught.value.errno == errno.ENOSPC


@pytest.mark.parametrize("size", [4, 200_000], ids=["in the last bytes", "in the middle"])
def test_a_disk_that_is_full_when_a_bundle_is_written_is_told(size):
    with Path("/dev/full").open("wb", buffering=0) as full, pytest.raises(OSError) as caught:  # noqa: PT011 (which one is asked below)
        seal(io.BytesIO(bytes(size)), full, recipient_of(IDENTITY))
    assert caught.value.errno == errno.ENOSPC


def test_a_disk_that_becomes_full_in_the_middle_does_not_shorten_the_bundle():
    class Disk(io.BytesIO):
        def write(self, data):
            if self.tell():
                raise full
            return super().write(data)

    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(OSError) as caught:  # noqa: PT011 (which one is asked below)
        unseal(io.BytesIO(sealed(bytes(200_000))), Disk(), IDENTITY)
    assert caught.value is full


def test_keys_of_age_in_another_spelling_are_refused():
    assert check_recipient(recipient_of(IDENTITY)) == recipient_of(IDENTITY)
    with pytest.raises(MalformedError, match="age1"):
        check_recipient("age1nothing")
    with pytest.raises(MalformedError, match="AGE-SECRET-KEY") as caught:
        unsealed(sealed(b"text"), "AGE-SECRET-KEY-1SECRET")
    assert "SECRET-KEY-1SECRET" not in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"a letter", b"age-encryption.org/v2\n"])
def test_a_file_that_is_no_bundle_at_all_is_told_apart(data):
    with pytest.raises(MalformedError, match="this file is no bundle of Liptako"):
        unsealed(data)


def test_zero_bytes_may_follow_and_nothing_else():
    data = bundle(FRAMES)
    for padding in (bytes(1), bytes(5_000)):
        assert read_all(data + padding) == (FRAMES, None)
    for rest in (b"x", bytes(3_000) + b"x"):
        frames, error = read_all(data + rest)
        assert frames == FRAMES
        assert "nothing after its end" in str(error)


@pytest.mark.parametrize(
    ("size", "padded"), [(1, 1024), (1024, 1024), (1025, 1088), (2500, 2560), (10**6, 1015808)]
)
def test_what_a_stranger_carries_has_one_of_few_sizes(size, padded):
    assert padded_size(size) == padded
