"""The spool: files leave and come through folders, whole, once, and none is lost."""

import os
from datetime import timedelta

import pytest

from liptako.core.errors import StorageError
from liptako.federation import peers
from liptako.federation.models import Peer
from liptako.federation.spool import DONE, REFUSED, Spool, Watch, take_in, write_out
from liptako.members.models import AuditEvent

# Out


def test_a_file_is_written_for_each_partner_once_until_something_is_new(folders):
    folders.write("ML", "one")
    assert folders.send() == [("BF", 1), ("NE", 1)]
    assert folders.send() == []
    folders.write("ML", "two")
    assert folders.send() == [("BF", 2), ("NE", 2)]
    assert len(list(folders.out.iterdir())) == 2
    with folders.fleet.at("ML"):
        assert AuditEvent.objects.filter(event="bundle.export").count() == 4


def test_no_more_often_than_after_a_pause(folders):
    folders.write("ML", "one")
    folders.send()
    folders.write("ML", "two")
    assert folders.send(pause=timedelta(hours=1)) == []


def test_what_was_carried_away_is_not_written_again_at_once_but_a_day_later_or_when_asked(folders):
    folders.write("ML", "one")
    folders.send()
    for path in folders.out.iterdir():
        path.unlink()
    assert (folders.send(), len(folders.send(again=True))) == ([], 2)
    for path in folders.out.iterdir():
        path.unlink()
    with folders.fleet.at("ML") as node:
        Peer.objects.update(spooled_at=node.clock().moment() - timedelta(days=2))
    assert len(folders.send()) == 2


def test_what_a_partner_has_signed_for_is_taken_out_of_the_folder(folders):
    folders.write("ML", "one")
    folders.send()
    with folders.fleet.at("ML") as node:
        peers.set_url(node, "BF", "https://bf.invalid:8443")
    folders.fleet.exchange("ML", "BF")
    folders.send()
    assert [path.name[:13] for path in folders.out.iterdir()] == ["liptako-ML-NE"]


def test_for_whom_the_network_reaches_no_file_is_written(folders):
    with folders.fleet.at("ML") as node:
        peers.set_url(node, "BF", "https://bf.invalid:8443")
    folders.fleet.exchange("ML", "BF")
    folders.write("ML", "one")
    assert folders.send() == [("NE", 1)]


def test_a_folder_that_is_not_there_is_left_alone(folders):
    folders.write("ML", "one")
    folders.out.rmdir()
    assert (folders.send(), folders.out.exists()) == ([], False)
    folders.out.mkdir()
    assert len(folders.send()) == 2


def test_a_stick_that_is_full_or_gone_is_told_and_the_file_is_written_the_next_time(folders):
    folders.write("ML", "one")
    folders.out.chmod(0o500)
    if os.access(folders.out, os.W_OK):  # root may write everywhere
        folders.out.rmdir()
        folders.out.symlink_to("/proc/self")
    with pytest.raises(StorageError):
        folders.send()
    if folders.out.is_symlink():
        folders.out.unlink()
        folders.out.mkdir()
    folders.out.chmod(0o700)
    assert len(folders.send()) == 2


# In


def test_a_whole_file_is_read_and_moved_to_the_done_ones(folders):
    file = folders.bring("one", "two")
    assert folders.take() == [("new", 2)]
    assert (folders.names(), folders.names(DONE)) == ([], [file.name])


def test_a_file_that_still_grows_is_left_until_it_is_whole(folders):
    file = folders.bring("one")
    data = file.read_bytes()
    file.write_bytes(data[:100])
    assert folders.take(1.0) == []
    file.write_bytes(data)
    assert folders.take(1.0) == []
    assert folders.take(1.5) == [("new", 1)]


def test_a_file_under_an_unfinished_name_is_not_looked_at(folders):
    file = folders.bring("one")
    file.rename(file.with_name(f"{file.name}.part"))
    (folders.incoming / ".hidden.bundle").write_bytes(b"x")
    (folders.incoming / "letter.txt").write_bytes(b"x")
    assert folders.take() == []


def test_a_file_for_another_node_or_of_our_own_stays_so_that_one_folder_serves_all(folders):
    for name in ("liptako-BF-NE-20260921T1413Z.bundle", "liptako-ML-BF-20260921T1413Z.bundle"):
        (folders.incoming / name).write_bytes(b"x")
    assert (folders.take(), len(folders.names())) == ([], 2)


def test_what_cannot_be_read_is_moved_away_with_the_reason(folders):
    (folders.incoming / "letter.bundle").write_bytes(b"a letter")
    assert folders.take() == [("refused", 0)]
    assert folders.names(REFUSED) == ["letter.bundle", "letter.txt"]
    assert "Liptako" in (folders.incoming / REFUSED / "letter.txt").read_text()


def test_of_a_cut_file_the_good_part_is_kept_and_it_is_refused_when_nothing_more_comes(folders):
    file = folders.bring(*(os.urandom(200).hex() for _ in range(300)), cut=60)
    ((fate, taken),) = folders.take()
    assert (fate, taken, folders.names()) == ("cut", 256, [file.name])
    assert folders.take() == []
    assert folders.take(700.0) == [("cut", 0)]
    assert folders.names(REFUSED) == [file.name, f"{file.stem}.txt"]


def test_a_cut_file_whose_rest_arrives_is_read_to_its_end(folders):
    file = folders.bring(*(os.urandom(200).hex() for _ in range(300)))
    data = file.read_bytes()
    file.write_bytes(data[:-60])
    folders.take()
    file.write_bytes(data)
    assert folders.take() == [("new", 44)]


def test_two_files_of_one_name_are_both_kept(folders):
    for text in ("one", "two"):
        folders.bring(text, name="b.bundle")
        folders.take()
    assert folders.names(DONE) == ["b-2.bundle", "b.bundle"]


def test_a_link_is_not_followed(folders, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"key")
    (folders.incoming / "x.bundle").symlink_to(secret)
    assert (folders.take(), secret.read_bytes()) == ([], b"key")


def test_one_folder_on_a_stick_goes_round_and_everybody_has_all(folders):
    stick = folders.incoming
    spool = Spool(outgoing=stick, incoming=stick)
    for member in folders.fleet.nodes:
        folders.write(member, f"from {member}")
    watches = {member: Watch(clock=folders.ticks) for member in folders.fleet.nodes}
    for _ in range(3):
        for member in folders.fleet.nodes:
            with folders.fleet.at(member) as node:
                take_in(node, spool, watches[member])
                folders.ticks.now += 3
                take_in(node, spool, watches[member])
                write_out(node, spool)
    for member in folders.fleet.nodes:
        with folders.fleet.at(member):
            assert AuditEvent.objects.filter(event="test").count() == 3


def test_a_missing_folder_brings_nothing(folders):
    folders.incoming.rmdir()
    assert folders.take() == []


def test_a_file_that_lacks_an_earlier_one_stays_until_that_has_come(folders):
    folders.write("BF", *(os.urandom(3_000).hex() for _ in range(400)))
    here = folders.incoming.parent / "volumes"
    here.mkdir()
    with folders.fleet.at("BF") as node:
        write_out(node, Spool(outgoing=here, incoming=None, limit=10**6), again=True)
    first, *rest = sorted(here.glob("liptako-BF-ML-*"))
    for path in rest:
        (folders.incoming / path.name).write_bytes(path.read_bytes())
    assert {fate for fate, _ in folders.take()} == {"gap"}
    assert (folders.take(), folders.names()) == ([], [path.name for path in rest])
    (folders.incoming / first.name).write_bytes(first.read_bytes())
    assert {fate for fate, _ in folders.take()} == {"new"}
    assert (folders.names(), len(folders.names(DONE))) == ([], len(rest) + 1)
