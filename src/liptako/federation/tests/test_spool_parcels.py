"""Parcels for a third member go out through the spool, and its files stay until they are there."""

from datetime import timedelta

from liptako.federation.models import Parcel, Peer
from liptako.members.models import AuditEvent
from tests.bundles import bundle_for, read
from tests.folders import ALL

SECRET = frozenset({"ML", "NE"})


def met_all(folders):
    """Let everybody have heard everybody's first words by file, so that nobody owes anything."""
    for member in folders.fleet.nodes:
        for other in sorted(ALL - {member}):
            read(folders.fleet, other, bundle_for(folders.fleet, member, other))


def sent_over_burkina(folders):
    """Let ML write a parcel for NE that goes through BF alone; NE's own file is lost."""
    met_all(folders)
    folders.write("ML", "for Niger alone", audience=SECRET)
    folders.send()
    for path in folders.out.glob("liptako-ML-NE-*"):
        path.unlink()


def test_a_parcel_alone_makes_a_file_for_who_is_to_carry_it(folders):
    met_all(folders)
    assert folders.send() == []
    folders.write("ML", "for Niger alone", audience=SECRET)
    assert folders.send() == [("BF", 0), ("NE", 1)]
    assert folders.send() == []
    folders.write("ML", "and another", audience=SECRET)
    assert folders.send() == [("BF", 0), ("NE", 2)]


def test_the_file_of_a_parcel_stays_until_its_carrier_says_that_it_is_there(folders):
    sent_over_burkina(folders)
    folders.send()
    assert folders.for_whom() == ["BF"]
    folders.carry("ML", "BF")
    folders.send()
    assert folders.for_whom() == ["BF"]
    folders.send("BF")
    assert folders.carry("BF", "ML") == 1
    folders.send()
    assert folders.for_whom() == []


def test_the_carriers_file_stays_until_the_recipient_says_that_it_is_there(folders):
    sent_over_burkina(folders)
    folders.carry("ML", "BF")
    assert folders.send("BF") == [("ML", 0), ("NE", 0)]
    folders.send("BF")
    assert folders.for_whom("BF") == ["ML", "NE"]
    assert folders.carry("BF", "NE") == 1
    folders.send("NE")
    assert folders.carry("NE", "BF") == 1
    folders.send("BF")
    folders.send("BF")
    with folders.fleet.at("NE"):
        assert AuditEvent.objects.filter(detail="for Niger alone").exists()
    assert not parcels_at(folders, "BF", sender="ML")


def parcels_at(folders, member, **which):
    with folders.fleet.at(member):
        return list(Parcel.objects.filter(carrier="", **which))


def test_files_with_parcels_come_to_an_end(folders):
    sent_over_burkina(folders)
    for _ in range(5):
        for member in ("ML", "BF", "NE"):
            folders.send(member)
            for other in sorted(ALL - {member}):
                if {member, other} != set(SECRET):
                    folders.carry(member, other)
            for path in folders.out.iterdir():
                path.unlink()
    for member in folders.fleet.nodes:
        assert folders.send(member) == []
        tomorrow(folders, member)
        assert [other for other, _ in folders.send(member) if {member, other} != set(SECRET)] == []


def tomorrow(folders, member):
    """Let the last files of a member have been written two days ago."""
    with folders.fleet.at(member) as node:
        Peer.objects.update(spooled_at=node.clock().moment() - timedelta(days=2))


def test_a_parcel_that_was_lost_on_its_way_is_written_again_a_day_later(folders):
    sent_over_burkina(folders)
    for path in folders.out.iterdir():
        path.unlink()
    assert folders.send() == []
    tomorrow(folders, "ML")
    assert ("BF", 0) in folders.send()


def test_a_word_that_was_lost_is_written_again_when_the_parcel_comes_again(folders):
    sent_over_burkina(folders)
    folders.carry("ML", "BF")
    assert ("ML", 0) in folders.send("BF")
    for path in folders.out.glob("liptako-BF-*"):
        path.unlink()
    tomorrow(folders, "BF")
    assert "ML" not in dict(folders.send("BF"))
    folders.fleet.nodes["BF"].clock.milliseconds += 1000
    folders.carry("ML", "BF")
    assert "ML" in dict(folders.send("BF"))
