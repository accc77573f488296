"""What was changed on the way: the foreign reader takes what a node takes, and that is good."""

import contextlib
import io
import random

import pytest
import zstandard

from liptako.core.errors import LiptakoError
from liptako.core.log.sealed import recipient_of, seal
from tests.bundles import bundle_for, read, write
from tests.foreign.beside import held_by_node, held_by_reader, reader_for
from tests.foreign.frames import MAGIC, opened, stream_of

FLIPS = 32  # of the sealed file
EACH = 5  # of each frame


def sealed_for(fleet, member, plain):
    target = io.BytesIO()
    seal(io.BytesIO(plain), target, recipient_of(fleet.nodes[member].identity))
    return target.getvalue()


@pytest.fixture
def bundle(fleet):
    """A bundle of ML for BF: two packages of one log, and another log."""
    write(fleet, "ML", *map(str, range(258)))
    write(fleet, "ML", "for BF alone", audience=frozenset({"ML", "BF"}))
    return bundle_for(fleet, "ML", "BF")


@pytest.fixture
def stream(fleet, bundle):
    """The frames of that bundle, behind the seal and the compression."""
    plain, whole = opened(bundle, fleet.nodes["BF"].identity)
    assert whole
    return stream_of(plain)[0]


def compressed(stream):
    return MAGIC + zstandard.ZstdCompressor().compress(stream)


def places_in_each_frame(stream):
    """Give some places in every frame, its length among them."""
    at = 0
    while at < len(stream):
        size = 4 + int.from_bytes(stream[at : at + 4], "big")
        yield from sorted({at + 3 + i * (size - 4) // (EACH - 1) for i in range(EACH)})
        at += size


def is_beginning(found, everything):
    """Say whether of every log a beginning is held, as it was written."""
    sizes = {}
    for origin, place in found:
        sizes[origin] = max(sizes.get(origin, 0), place + 1)
    expected = {
        name: entry for name, entry in everything.items() if name[1] < sizes.get(name[0], 0)
    }
    return found == expected


def test_a_changed_bit_inside_the_seal_leaves_to_both_the_same_good_beginning(fleet, stream):
    """What a sender with a fault, or a liar, may seal: wherever it is, both take the same."""
    whole = reader_for(fleet, "BF")
    assert whole.take_plain(compressed(stream)).taken == 259
    everything, taken = held_by_reader(whole), set()
    for place in places_in_each_frame(stream):
        changed = bytearray(stream)
        changed[place] ^= 1 << place % 8
        sealed = sealed_for(fleet, "BF", compressed(bytes(changed)))
        fleet.set_back("BF")
        reader = reader_for(fleet, "BF")
        count = reader.take(sealed).taken
        with contextlib.suppress(LiptakoError):  # compared is what is held
            read(fleet, "BF", sealed)
        assert held_by_node(fleet, "BF") == held_by_reader(reader), place
        assert is_beginning(held_by_reader(reader), everything), place
        taken.add(count)
    # A change in the first package leaves nothing of its log, one in the last all before it.
    assert (min(taken) < 2, max(taken) >= 256) == (True, True)


def test_a_changed_bit_of_the_sealed_file_leaves_a_good_beginning(fleet, bundle):
    whole = reader_for(fleet, "BF")
    whole.take(bundle)
    everything = held_by_reader(whole)
    for place in random.Random(2).sample(range(len(bundle)), FLIPS):  # noqa: S311 (a test)
        changed = bytearray(bundle)
        changed[place] ^= 1 << place % 8
        reader = reader_for(fleet, "BF")
        report = reader.take(bytes(changed))
        assert (report.whole, is_beginning(held_by_reader(reader), everything)) == (False, True)


@pytest.mark.parametrize("part", [0.0, 0.3, 0.6, 0.9, 0.999])
def test_what_was_cut_keeps_whole_packages(fleet, stream, part):
    whole = reader_for(fleet, "BF")
    whole.take_plain(compressed(stream))
    reader = reader_for(fleet, "BF")
    report = reader.take_plain(compressed(stream[: int(len(stream) * part)]))
    assert (report.whole, report.taken in {0, 1, 256, 257, 258, 259}) == (False, True)
    assert is_beginning(held_by_reader(reader), held_by_reader(whole))


def test_a_bundle_for_somebody_else_gives_nothing(fleet, bundle):
    report = reader_for(fleet, "NE").take(bundle)
    assert (report.heads, report.taken, report.whole) == (None, 0, False)
