"""Volumes: each no longer than asked for, each good alone, together all that a partner lacks."""

import hashlib
import io
import os
import time

import pytest

from liptako.core.errors import RefusedError, StorageError
from liptako.federation import sync
from liptako.federation.volumes import Name, load_for, read_name, write_volumes
from liptako.ledger import store
from liptako.ledger.records import Draft
from liptako.members.models import AuditEvent
from liptako.members.records import AUDIT, Audit

ALL = frozenset({"ML", "BF", "NE"})
MEGABYTE = 10**6


def write(node, count, size=200, first=0):
    """Write records that cannot be compressed."""
    drafts = (
        Draft(
            kind=AUDIT,
            object=f"{number:013}",
            office="permanence",
            payload=Audit(event="test", detail=noise(number, size)),
            audience=ALL,
        )
        for number in range(first, first + count)
    )
    store.append(node, drafts)


def noise(number, size):
    """Return a text that cannot be compressed."""
    return hashlib.shake_256(str(number).encode()).hexdigest(size)


def read(fleet, member, data):
    with fleet.at(member) as node:
        return sync.read_sealed(node, io.BytesIO(data), how="file")


def volumes(fleet, folder, member, other, limit=None):
    """Return the bytes of the files that a member writes for another, in order."""
    with fleet.at(member) as node:
        found = write_volumes(node, other, folder, limit)
    return [(folder / item.name.text()).read_bytes() for item in found]


@pytest.mark.parametrize(("count", "size"), [(700, 3_000), (60, 30_000)])
def test_no_volume_is_longer_than_the_limit_and_together_they_hold_all(
    fleet, tmp_path, count, size
):
    with fleet.at("ML") as node:
        write(node, count, size)
    files = volumes(fleet, tmp_path, "ML", "BF", MEGABYTE)
    reports = [read(fleet, "BF", data) for data in files]
    assert (len(files) > 1, max(map(len, files)) <= MEGABYTE) == (True, True)
    assert min(map(len, files[:-1])) > MEGABYTE // 2  # and it is used
    assert (sum(report.taken for report in reports), [r.faults for r in reports]) == (
        count, [[] for _ in files]
    )  # fmt: skip
    assert not any(report.outdated for report in reports)


def test_without_a_limit_there_is_one_file(fleet, tmp_path):
    with fleet.at("ML") as node:
        write(node, 10)
    assert len(volumes(fleet, tmp_path, "ML", "BF")) == 1


def test_with_nothing_new_there_is_one_file_all_the_same(fleet, tmp_path):
    (data,) = volumes(fleet, tmp_path, "ML", "BF", MEGABYTE)
    assert (read(fleet, "BF", data).taken, read(fleet, "BF", data).faults) == (0, [])


def test_volumes_go_on_from_what_the_partner_has_said(fleet, tmp_path):
    with fleet.at("ML") as node:
        write(node, 300)
    fleet.exchange("BF", "ML")
    with fleet.at("ML") as node:
        write(node, 500, 3_000, first=300)
        load = load_for(node, "BF")
    reports = [read(fleet, "BF", data) for data in volumes(fleet, tmp_path, "ML", "BF", MEGABYTE)]
    assert (load.count, sum(report.taken for report in reports)) == (500, 500)


def test_a_partner_that_was_never_heard_is_not_told_that_it_was_set_back(fleet, tmp_path):
    with fleet.at("BF") as node:
        write(node, 3)
    with fleet.at("ML") as node:
        write(node, 500, 3_000)
    for data in volumes(fleet, tmp_path, "BF", "ML"):
        read(fleet, "ML", data)
    with fleet.at("ML"):
        from liptako.federation.models import Peer  # noqa: PLC0415 (on its database)

        Peer.objects.update(heads=b"")
    reports = [read(fleet, "BF", data) for data in volumes(fleet, tmp_path, "ML", "BF", MEGABYTE)]
    assert (len(reports) > 1, [report.faults for report in reports]) == (
        True,
        [[] for _ in reports],
    )


def test_what_is_cut_out_of_the_middle_is_named_and_comes_with_the_missing_volume(fleet, tmp_path):
    with fleet.at("ML") as node:
        write(node, 700, 3_000)
    first, second, *rest = volumes(fleet, tmp_path, "ML", "BF", MEGABYTE)
    read(fleet, "BF", first)
    (fault, *_) = read(fleet, "BF", rest[0]).faults
    assert type(fault).__name__ == "GapError"
    taken = [read(fleet, "BF", data) for data in (second, *rest)]
    assert [report.faults for report in taken] == [[] for _ in taken]
    with fleet.at("BF"):
        assert AuditEvent.objects.filter(event="test").count() == 700


def test_a_load_says_how_much_since_when_and_roughly_how_long(fleet, tmp_path):
    with fleet.at("ML") as node:
        nothing = load_for(node, "BF")
        write(node, 2_000)
        load = load_for(node, "BF")
    (data,) = volumes(fleet, tmp_path, "ML", "BF")
    assert (nothing.count, nothing.since, load.count) == (0, None, 2_000)
    assert 0.3 < load.size / len(data) < 3


def test_a_folder_that_is_not_there_is_told_and_a_stranger_gets_nothing(fleet, tmp_path):
    with fleet.at("ML") as node:
        with pytest.raises(StorageError):
            write_volumes(node, "BF", tmp_path / "gone")
        with pytest.raises(RefusedError):
            write_volumes(node, "TG", tmp_path)
    assert list(tmp_path.glob("*.bundle")) == []


def test_what_a_killed_process_has_left_is_taken_away_a_day_later(fleet, tmp_path):
    old, new = tmp_path / ".liptako-old", tmp_path / ".liptako-new"
    for folder in (old, new):
        folder.mkdir()
        (folder / "1").write_bytes(b"part")
    then = time.time() - 2 * 86_400
    os.utime(old, (then, then))
    volumes(fleet, tmp_path, "ML", "BF")
    assert (old.exists(), new.exists()) == (False, True)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (
            "liptako-ML-BF-20260921T1413Z.bundle",
            Name(sender="ML", recipient="BF", stamp="20260921T1413Z"),
        ),
        (
            "liptako-ML-BF-20260921T1413Z-2of3 (1).bundle",
            Name(sender="ML", recipient="BF", stamp="20260921T1413Z", number=2, total=3),
        ),
        ("holiday.jpg", None),
        ("liptako-ML-BF.bundle", None),
    ],
)
def test_a_name_is_read_whatever_stands_around_it(text, name):
    assert read_name(text) == name
