"""Files of records between nodes: asked for, resumed, verified, given to nobody else, destroyed."""

import io
import random
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from liptako.core.clock import Instant
from liptako.core.errors import RefusedError
from liptako.core.log.frames import ChunkFrame, PackageFrame, WantFrame
from liptako.core.records.envelope import Precedence
from liptako.core.records.shared import RECALL, Recall
from liptako.core.refs import LEAF_BYTES, Ref, audience_id
from liptako.federation import exchange, peers, sync, volumes
from liptako.ledger import files, store
from liptako.ledger.file_models import Attached, Chunk, Incoming, StoredFile
from liptako.ledger.records import Draft
from liptako.members.records import AUDIT, Audit
from tests.bundles import ALL, PAIR, bundle_for, heads_frame, open_for, read, sealed_frames, write
from tests.fleet import Wire

PHOTO = random.Random(1).randbytes(200_000)  # noqa: S311 (bytes that do not compress)


def attach(fleet, member, data=PHOTO, audience=ALL, name="0123456789abc", **changes):
    """Let a member write a record with a file for an audience; return it."""
    with fleet.at(member) as node:
        file = files.keep(node, data, type_="image/jpeg", name="photo.jpg")
        draft = Draft(
            kind=AUDIT,
            object=name,
            office="permanence",
            payload=Audit(event="test", detail="photo"),
            audience=audience,
            attachments=(file,),
            **changes,
        )
        return store.append(node, [draft])[0]


def recall(fleet, member, record):
    with fleet.at(member) as node:
        ref = Ref(origin=record.origin, seq=record.seq, leaf=record.leaf[:LEAF_BYTES])
        draft = Draft(
            kind=RECALL,
            object=record.header.object,
            office="permanence",
            payload=Recall(reason="visages"),
            audience=ALL if record.header.audience == audience_id(ALL) else PAIR,
            precedence=Precedence.IMMEDIATE,
            refs=(ref,),
        )
        store.append(node, [draft])


def held(fleet, member, data=PHOTO):
    """Return the bytes that a member holds of a file, if it holds it for some record."""
    digest = sha256(data).hexdigest()
    with fleet.at(member) as node:
        if not Attached.objects.filter(digest=digest, held=True).exists():
            return None
        with files.open_file(node, digest) as file:
            return file.read()


def on_its_way(fleet, member):
    with fleet.at(member):
        return list(Incoming.objects.order_by("member").values_list("member", "held"))


def is_stored(fleet, member, data=PHOTO):
    """Say whether the bytes of a file lie in a member's storage."""
    with fleet.at(member) as node:
        name = files.name_of(node, sha256(data).hexdigest())
        return files.storages[files.STORAGE].exists(name)


def asked(fleet, member, other):
    """Return which files a member asks another one for."""
    data = bundle_for(fleet, member, other)
    return [x for x in open_for(fleet, other, data) if isinstance(x, WantFrame)]


def chunks_in(frames):
    return [frame for frame in frames if isinstance(frame, ChunkFrame)]


def test_a_file_follows_its_record_and_nothing_is_left_to_exchange(fleet):
    attach(fleet, "ML")
    fleet.exchange("BF", "ML")
    assert held(fleet, "BF") == PHOTO
    assert on_its_way(fleet, "BF") == []
    report = fleet.exchange("BF", "ML")
    assert (report.taken, report.chunks, report.faults) == (0, 0, [])


def test_a_file_goes_the_other_way_too_when_its_author_asks_for_the_exchange(fleet):
    attach(fleet, "ML")
    fleet.exchange("ML", "BF")
    fleet.exchange("ML", "BF")
    assert held(fleet, "BF") == PHOTO


def test_a_cut_line_costs_no_more_than_one_chunk(fleet):
    attach(fleet, "ML")
    read(fleet, "BF", bundle_for(fleet, "ML", "BF"))
    read(fleet, "ML", bundle_for(fleet, "BF", "ML"))
    frames = open_for(fleet, "BF", bundle_for(fleet, "ML", "BF"))
    first = frames.index(chunks_in(frames)[0])
    cut = sealed_frames(fleet, "BF", frames[: first + 2], ended=False)
    assert read(fleet, "BF", cut).chunks == 2 * 2**16
    assert on_its_way(fleet, "BF") == [("ML", 2 * 2**16)]
    assert held(fleet, "BF") is None
    read(fleet, "ML", bundle_for(fleet, "BF", "ML"))
    rest = chunks_in(open_for(fleet, "BF", bundle_for(fleet, "ML", "BF")))
    assert [frame.offset for frame in rest] == [2 * 2**16, 3 * 2**16]
    read(fleet, "BF", bundle_for(fleet, "ML", "BF"))
    assert held(fleet, "BF") == PHOTO


def test_what_comes_twice_or_leaves_a_gap_does_no_harm(fleet):
    attach(fleet, "ML")
    read(fleet, "BF", bundle_for(fleet, "ML", "BF"))
    digest, where = sha256(PHOTO).digest(), audience_id(ALL)
    parts = [(0, PHOTO[:1000]), (0, PHOTO[:1000]), (5000, PHOTO[5000:6000])]
    chunks = [ChunkFrame(where, digest, start, data) for start, data in parts]
    report = read(fleet, "BF", sealed_frames(fleet, "BF", [heads_frame(fleet), *chunks]))
    assert (report.chunks, report.faults) == (1000, [])
    assert on_its_way(fleet, "BF") == [("ML", 1000)]


def test_a_member_outside_the_audience_asks_for_a_hash_and_gets_nothing(fleet):
    attach(fleet, "ML", audience=PAIR)
    digest = sha256(PHOTO).digest()
    for audience in (audience_id(PAIR), audience_id(ALL), audience_id({"ML", "NE"}), "", "x" * 16):
        frames = [heads_frame(fleet, "NE", "ML"), WantFrame(audience, digest, 0)]
        assert read(fleet, "ML", sealed_frames(fleet, "ML", frames)).faults == []
        assert chunks_in(open_for(fleet, "NE", bundle_for(fleet, "ML", "NE"))) == []


def test_whoever_names_the_hash_of_a_file_learns_nothing_of_it_and_gets_none_of_it(fleet):
    """A record of one's own that names a guessed hash is no key to what another one holds."""
    attach(fleet, "ML", audience=frozenset({"ML"}))
    attach(fleet, "NE", audience=frozenset({"ML", "NE"}))
    read(fleet, "ML", bundle_for(fleet, "NE", "ML"))
    audience, digest = audience_id({"ML", "NE"}), sha256(PHOTO).digest()
    assert asked(fleet, "ML", "NE") == [WantFrame(audience, digest, 0)]
    frames = [heads_frame(fleet, "NE", "ML"), WantFrame(audience, digest, 0)]
    read(fleet, "ML", sealed_frames(fleet, "ML", frames))
    assert chunks_in(open_for(fleet, "NE", bundle_for(fleet, "ML", "NE"))) == []


def test_a_file_that_is_not_the_one_that_was_named_never_becomes_visible(fleet):
    attach(fleet, "ML")
    read(fleet, "BF", bundle_for(fleet, "ML", "BF"))
    wrong = b"x" * len(PHOTO)
    chunks = [
        ChunkFrame(audience_id(ALL), sha256(PHOTO).digest(), start, wrong[start : start + 2**16])
        for start in range(0, len(wrong), 2**16)
    ]
    report = read(fleet, "BF", sealed_frames(fleet, "BF", [heads_frame(fleet, "NE"), *chunks]))
    assert [str(fault) for fault in report.faults] == [
        "attachment: NE has sent another file than the one that was named"
    ]
    assert (held(fleet, "BF"), on_its_way(fleet, "BF")) == (None, [("NE", 0)])
    assert not is_stored(fleet, "BF", wrong)
    assert asked(fleet, "BF", "NE") == []
    with fleet.at("BF"):
        Incoming.objects.update(spoiled_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert asked(fleet, "BF", "NE") != []  # its disk may have been mended
    fleet.exchange("BF", "ML")
    assert held(fleet, "BF") == PHOTO


def test_bytes_behind_the_end_of_a_file_spoil_it(fleet):
    attach(fleet, "ML", b"short")
    read(fleet, "BF", bundle_for(fleet, "ML", "BF"))
    chunk = ChunkFrame(audience_id(ALL), sha256(b"short").digest(), 0, b"shorter")
    read(fleet, "BF", sealed_frames(fleet, "BF", [heads_frame(fleet), chunk]))
    with fleet.at("BF"):
        assert [(x.spoiled_at is None, x.held) for x in Incoming.objects.all()] == [(False, 0)]


@pytest.mark.parametrize(
    "frame",
    [
        ChunkFrame(audience_id(ALL), bytes(32), 0, b""),
        ChunkFrame(audience_id(ALL), bytes(32), 0, b"x" * (2**16 + 1)),
        ChunkFrame(audience_id(ALL), bytes(31), 0, b"x"),
        WantFrame(audience_id(ALL), bytes(31), 0),
        WantFrame(audience_id(ALL), bytes(32), -1),
        WantFrame("x" * 17, bytes(32), 0),
    ],
)
def test_a_frame_of_another_shape_is_a_fault_of_its_sender(fleet, frame):
    report = read(fleet, "ML", sealed_frames(fleet, "ML", [heads_frame(fleet, "BF", "ML"), frame]))
    assert [type(fault).__name__ for fault in report.faults] == ["MalformedError"]


def test_a_node_listens_to_so_many_wishes_and_no_more(fleet):
    wants = [WantFrame(audience_id(ALL), bytes([i] * 32), 0) for i in range(40)]
    read(fleet, "ML", sealed_frames(fleet, "ML", [heads_frame(fleet, "BF", "ML"), *wants]))
    with fleet.at("ML"):
        assert len(peers.wants_of("BF")) == 16


def test_a_chunk_that_nobody_lacks_or_of_a_stranger_to_the_audience_is_passed_over(fleet):
    attach(fleet, "ML", audience=PAIR)
    read(fleet, "BF", bundle_for(fleet, "ML", "BF"))
    for audience in (PAIR, ALL):
        chunk = ChunkFrame(audience_id(audience), sha256(PHOTO).digest(), 0, PHOTO[:10])
        frames = [heads_frame(fleet, "NE"), chunk]
        report = read(fleet, "BF", sealed_frames(fleet, "BF", frames))
        assert (report.chunks, report.faults) == (0, [])


def test_files_wait_until_all_packages_are_through(fleet):
    attach(fleet, "ML")
    read(fleet, "BF", bundle_for(fleet, "ML", "BF"))
    read(fleet, "ML", bundle_for(fleet, "BF", "ML"))
    write(fleet, "ML", *(f"line {i} " * 30 for i in range(300)))
    with fleet.at("ML") as node:
        counts = []
        for room in (4_000, 100_000):
            target = io.BytesIO()
            sync.write_bundle(node, "BF", target, sync.Extent(room=room))
            frames = open_for(fleet, "BF", target.getvalue())
            packages = [frame for frame in frames if isinstance(frame, PackageFrame)]
            counts.append((len(packages) > 0, len(chunks_in(frames)) > 0))
            assert len(target.getvalue()) < 1.2 * room + 4000
    assert counts == [(True, False), (True, True)]


def test_files_keep_to_the_hours_of_what_is_not_urgent(fleet):
    attach(fleet, "ML")
    read(fleet, "BF", bundle_for(fleet, "ML", "BF"))
    read(fleet, "ML", bundle_for(fleet, "BF", "ML"))
    with fleet.at("ML") as node:
        target = io.BytesIO()
        sync.write_bundle(node, "BF", target, sync.Extent(room=10**6, bulk=False))
    assert chunks_in(open_for(fleet, "BF", target.getvalue())) == []


def test_a_stick_brings_the_files_of_the_records_that_it_brings(fleet):
    attach(fleet, "ML")
    read(fleet, "BF", bundle_for(fleet, "ML", "BF", standalone=True))
    assert held(fleet, "BF") == PHOTO
    assert chunks_in(open_for(fleet, "BF", bundle_for(fleet, "ML", "BF", standalone=True))) != []
    read(fleet, "ML", bundle_for(fleet, "BF", "ML", standalone=True))
    assert chunks_in(open_for(fleet, "BF", bundle_for(fleet, "ML", "BF", standalone=True))) == []


def test_a_stick_with_too_little_room_goes_on_with_the_next_one(fleet):
    attach(fleet, "ML")
    with fleet.at("ML") as node:
        target = io.BytesIO()
        sync.write_bundle(node, "BF", target, sync.Extent(standalone=True, files=100_000))
    assert 99_000 < read(fleet, "BF", target.getvalue()).chunks < 100_000
    read(fleet, "ML", bundle_for(fleet, "BF", "ML", standalone=True))
    read(fleet, "BF", bundle_for(fleet, "ML", "BF", standalone=True))
    assert held(fleet, "BF") == PHOTO


def test_a_file_goes_over_as_many_volumes_as_it_needs(fleet, tmp_path):
    film = random.Random(4).randbytes(2_000_000)  # noqa: S311 (as above)
    attach(fleet, "ML", film)
    with fleet.at("ML") as node:
        assert volumes.load_for(node, "BF").size > len(film)
        written = volumes.write_volumes(node, "BF", tmp_path, 1_000_000)
        assert (len(written), max(item.size for item in written) <= 1_000_000) == (3, True)
    for item in written:
        assert read(fleet, "BF", (tmp_path / item.name.text()).read_bytes()).faults == []
    assert held(fleet, "BF", film) == film


def test_a_third_member_hands_on_the_file_that_it_holds(fleet):
    attach(fleet, "ML")
    fleet.exchange("BF", "ML")
    fleet.cut.add("ML")
    fleet.exchange("NE", "BF")
    assert held(fleet, "NE") == PHOTO


def test_a_partner_that_gets_the_file_later_than_it_was_asked_for_it_sends_it_then(fleet):
    attach(fleet, "ML")
    read(fleet, "BF", bundle_for(fleet, "ML", "BF"))
    fleet.exchange("NE", "BF")
    assert held(fleet, "NE") is None
    fleet.exchange("BF", "ML")
    fleet.exchange("BF", "NE")
    assert held(fleet, "NE") == PHOTO


def test_the_same_bytes_are_stored_once_and_go_with_the_last_record_that_names_them(fleet):
    first = attach(fleet, "ML")
    second = attach(fleet, "ML", name="1123456789abc")
    fleet.exchange("BF", "ML")
    with fleet.at("BF"):
        assert (StoredFile.objects.count(), Attached.objects.filter(held=True).count()) == (1, 2)
    recall(fleet, "ML", first)
    fleet.exchange("BF", "ML")
    assert (held(fleet, "BF"), is_stored(fleet, "BF")) == (PHOTO, True)
    recall(fleet, "ML", second)
    fleet.exchange("BF", "ML")
    assert (held(fleet, "BF"), is_stored(fleet, "BF")) == (None, False)
    with fleet.at("BF"):
        assert (StoredFile.objects.count(), Attached.objects.count()) == (0, 0)
    assert not is_stored(fleet, "ML")


def test_a_recall_ends_a_file_that_is_on_its_way(fleet):
    record = attach(fleet, "ML")
    read(fleet, "BF", bundle_for(fleet, "ML", "BF"))
    chunk = ChunkFrame(audience_id(ALL), sha256(PHOTO).digest(), 0, PHOTO[:1000])
    read(fleet, "BF", sealed_frames(fleet, "BF", [heads_frame(fleet), chunk]))
    recall(fleet, "ML", record)
    fleet.exchange("BF", "ML")
    with fleet.at("BF"):
        assert (Incoming.objects.count(), Chunk.objects.count()) == (0, 0)
    assert asked(fleet, "BF", "ML") == []


def test_the_end_of_a_release_deletes_the_file_too(fleet):
    with fleet.at("ML") as node:
        soon = Instant(node.clock().milliseconds + 600_000)
    attach(fleet, "ML", retain=soon)
    fleet.exchange("BF", "ML")
    assert held(fleet, "BF") == PHOTO
    with fleet.at("BF") as node:
        node.clock.milliseconds += 1_000_000
        assert store.expire(node.clock()) == 1
        assert files.sweep(node) == 1
    assert not is_stored(fleet, "BF")


def test_a_file_larger_than_a_node_takes_is_not_asked_for_nor_taken(fleet):
    attach(fleet, "ML")
    fleet.nodes["BF"] = replace(fleet.nodes["BF"], file_limit=100_000)
    fleet.exchange("BF", "ML")
    read(fleet, "BF", bundle_for(fleet, "ML", "BF", standalone=True))
    assert (held(fleet, "BF"), on_its_way(fleet, "BF")) == (None, [])
    assert fleet.exchange("BF", "ML").chunks == 0


def test_a_storage_that_takes_nothing_loses_nothing(fleet):
    attach(fleet, "ML")
    folder = Path(files.storages[files.STORAGE].location) / "bf"
    shutil.rmtree(folder, ignore_errors=True)
    folder.write_bytes(b"")
    try:
        read(fleet, "BF", bundle_for(fleet, "ML", "BF", standalone=True))
        report = read(fleet, "BF", bundle_for(fleet, "ML", "BF", standalone=True))
        assert "StorageError" in {type(fault).__name__ for fault in report.faults}
        assert (held(fleet, "BF"), on_its_way(fleet, "BF")) == (None, [("ML", len(PHOTO))])
    finally:
        folder.unlink()
    with fleet.at("BF") as node:
        assert files.finish(node) == []
    assert held(fleet, "BF") == PHOTO


def test_a_file_that_a_node_has_lost_holds_up_no_record(fleet):
    attach(fleet, "ML")
    with fleet.at("ML") as node:
        files.storages[files.STORAGE].delete(files.name_of(node, sha256(PHOTO).hexdigest()))
        assert [str(fault)[-13:] for fault in files.check_files(node)] == ["it is missing"]
    write(fleet, "ML", "one")
    assert fleet.exchange("BF", "ML").taken == 2


@pytest.mark.parametrize("size", [0, 100_001])
def test_a_file_that_is_empty_or_too_large_is_not_kept(fleet, size):
    fleet.nodes["ML"] = replace(fleet.nodes["ML"], file_limit=100_000)
    with fleet.at("ML") as node, pytest.raises(RefusedError, match="1 byte to 0 MB"):
        files.keep(node, bytes(size), type_="image/jpeg", name="x.jpg")


def test_ten_megabytes_cross_a_line_in_bundles_of_its_pace(fleet):
    film = random.Random(2).randbytes(10_000_000)  # noqa: S311 (as above)
    attach(fleet, "ML", film)
    with fleet.at("BF") as node:
        wire = Wire(fleet)
        while held(fleet, "BF", film) is None:
            report = exchange.exchange_with(node, "ML", wire)
            assert report.chunks
    assert held(fleet, "BF", film) == film
    assert max(map(len, wire.sent)) < 1.1 * 2**20
    assert sum(map(len, wire.sent)) < 1.01 * len(film) + 100_000
