"""Through a third member: sealed bundles that it carries and cannot read."""

import io

import pytest
from msgspec.structs import replace

from liptako.core.errors import LiptakoError
from liptako.core.log.frames import CarriedFrame, ParcelFrame
from liptako.core.log.sealed import padded_size, unseal
from liptako.federation import standing, sync
from liptako.federation.exchange import exchange_with
from liptako.federation.models import Parcel
from liptako.federation.parcels import PARCEL_LIMIT, all_parcels, owes_parcels
from tests.bundles import bundle_for, open_for, read, sealed_frames, texts, write
from tests.fleet import Wire

SECRET = frozenset({"ML", "NE"})
DAY = 24 * 3600 * 1000


def over_burkina(fleet):
    """Let the two that do not reach each other meet a third, in turn."""
    return fleet.exchange("ML", "BF"), fleet.exchange("NE", "BF")


def parcels_in(fleet, member, data):
    return [frame for frame in open_for(fleet, member, data) if isinstance(frame, ParcelFrame)]


def kept(fleet, member):
    """Return the parcels at a node: from, for, through, whether their bytes are here."""
    with fleet.at(member):
        rows = Parcel.objects.order_by("sender", "recipient", "carrier")
        return [(row.sender, row.recipient, row.carrier, bool(row.sealed)) for row in rows]


def test_what_two_alone_may_read_arrives_through_a_third(fleet):
    write(fleet, "ML", "for Niger alone", audience=SECRET)
    over_burkina(fleet)
    assert texts(fleet, "NE") == ["for Niger alone"]
    assert texts(fleet, "BF") == []


def test_the_carrier_cannot_open_it(fleet):
    write(fleet, "ML", "for Niger alone", audience=SECRET)
    (parcel,) = parcels_in(fleet, "BF", bundle_for(fleet, "ML", "BF"))
    with pytest.raises(LiptakoError, match="it cannot be opened with the keys of this node"):
        unseal(io.BytesIO(parcel.sealed), io.BytesIO(), fleet.nodes["BF"].identity)


def test_its_size_tells_little(fleet):
    sizes = set()
    for length in (1, 20, 60):
        write(fleet, "ML", "x" * length, audience=SECRET)
        (parcel,) = parcels_in(fleet, "BF", bundle_for(fleet, "ML", "BF"))
        plain = io.BytesIO()
        unseal(io.BytesIO(parcel.sealed), plain, fleet.nodes["NE"].identity)
        sizes.add(plain.tell())
        assert plain.tell() == padded_size(plain.tell())
        fleet.set_back("ML")
    assert len(sizes) < 3


def test_the_word_that_it_is_stored_comes_back_the_same_way(fleet):
    write(fleet, "ML", "for Niger alone", audience=SECRET)
    over_burkina(fleet)
    over_burkina(fleet)
    with fleet.at("ML") as node:
        state = standing.state_of(node, "NE")
    assert (state.stored, state.waiting, state.peer.heard_by) == (1, 0, "carried")


def test_nothing_goes_to_and_fro_for_ever(fleet):
    write(fleet, "ML", "for Niger alone", audience=SECRET)
    for _ in range(4):
        over_burkina(fleet)
    for member in ("ML", "BF", "NE"):
        assert not any(here for *_, here in kept(fleet, member))
        for other in {"ML", "BF", "NE"} - {member}:
            with fleet.at(member) as node:
                assert not owes_parcels(node, other)
    wire = Wire(fleet)
    with fleet.at("ML") as node:
        exchange_with(node, "BF", wire)
    assert [data[:14] for data in wire.sent] == [b"liptako.same/1"] * 2


def test_it_is_given_to_a_carrier_once(fleet):
    write(fleet, "ML", "for Niger alone", audience=SECRET)
    fleet.exchange("ML", "BF")
    assert kept(fleet, "ML") == [("ML", "NE", "BF", False)]
    assert kept(fleet, "BF") == [("ML", "NE", "", True)]
    assert parcels_in(fleet, "BF", bundle_for(fleet, "ML", "BF")) == []


def test_until_the_carrier_says_that_it_is_there_it_is_given_again(fleet):
    write(fleet, "ML", "for Niger alone", audience=SECRET)
    (first,) = parcels_in(fleet, "BF", bundle_for(fleet, "ML", "BF"))
    (second,) = parcels_in(fleet, "BF", bundle_for(fleet, "ML", "BF"))
    assert first == second


def test_something_new_takes_its_place(fleet):
    write(fleet, "ML", "one", audience=SECRET)
    fleet.exchange("ML", "BF")
    write(fleet, "ML", "two", audience=SECRET)
    fleet.exchange("ML", "BF")
    assert len(kept(fleet, "BF")) == 1
    fleet.exchange("NE", "BF")
    assert texts(fleet, "NE") == ["one", "two"]


def test_a_partner_that_is_reached_gets_no_parcel(fleet):
    fleet.exchange("ML", "NE")
    write(fleet, "ML", "for Niger alone", audience=SECRET)
    assert parcels_in(fleet, "BF", bundle_for(fleet, "ML", "BF")) == []
    fleet.nodes["ML"].clock.milliseconds += DAY
    (parcel,) = parcels_in(fleet, "BF", bundle_for(fleet, "ML", "BF"))
    assert (parcel.sender, parcel.recipient) == ("ML", "NE")
    fleet.exchange("ML", "NE")
    fleet.exchange("ML", "BF")
    assert kept(fleet, "ML") == []


def test_what_the_carrier_may_have_itself_is_in_no_parcel(fleet):
    write(fleet, "ML", "for all")
    fleet.exchange("ML", "BF")
    assert kept(fleet, "BF") == []


def test_by_files_alone_it_arrives_too(fleet):
    write(fleet, "ML", "for Niger alone", audience=SECRET)
    read(fleet, "BF", bundle_for(fleet, "ML", "BF"))
    report = read(fleet, "NE", bundle_for(fleet, "BF", "NE"))
    assert (report.taken, report.faults) == (1, [])
    read(fleet, "BF", bundle_for(fleet, "NE", "BF"))
    assert kept(fleet, "BF") == [("NE", "ML", "", True)]
    read(fleet, "ML", bundle_for(fleet, "BF", "ML"))
    assert parcels_in(fleet, "NE", bundle_for(fleet, "BF", "NE")) == []


def test_a_parcel_that_was_changed_on_its_way_is_told_and_nothing_else_is_lost(fleet):
    write(fleet, "ML", "for Niger alone", audience=SECRET)
    fleet.exchange("ML", "BF")
    write(fleet, "BF", "for all")
    frames = open_for(fleet, "NE", bundle_for(fleet, "BF", "NE"))
    wrong = [
        replace(frame, sealed=frame.sealed[:-1] + b"\0")
        if isinstance(frame, ParcelFrame)
        else frame
        for frame in frames
    ]
    report = read(fleet, "NE", sealed_frames(fleet, "NE", wrong))
    assert len(report.faults) == 1
    assert texts(fleet, "NE") == ["for all"]


def parcel_to(fleet, member, frame):
    """Return what a node finds wrong with a parcel that ML gives it."""
    frames = [*open_for(fleet, member, bundle_for(fleet, "ML", member)), frame]
    report = read(fleet, member, sealed_frames(fleet, member, frames))
    return [str(fault) for fault in report.faults]


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (ParcelFrame("NE", "TG", b""), "hands on a parcel of NE that is not for this node"),
        (ParcelFrame("ML", "TG", b""), "TG"),
        (ParcelFrame("ML", "ML", b""), "a parcel for its own sender is not carried"),
        (ParcelFrame("ML", "NE", bytes(PARCEL_LIMIT + 1)), "at most 4194304 bytes"),
        (ParcelFrame("NE", "BF", b"no bundle"), "this file is no bundle"),
    ],
    ids=["not its own", "a stranger", "to itself", "too large", "no bundle"],
)
def test_what_is_no_parcel_is_refused(fleet, frame, said):
    (fault,) = parcel_to(fleet, "BF", frame)
    assert said in fault
    assert [row for row in kept(fleet, "BF") if row[3]] == []


def test_a_parcel_under_another_name_is_told(fleet):
    write(fleet, "NE", "from Niger", audience=frozenset({"NE", "BF"}))
    sealed = bundle_for(fleet, "NE", "BF")
    (fault,) = parcel_to(fleet, "BF", ParcelFrame("ML", "BF", sealed))
    assert "a parcel of ML was written by NE" in fault


def test_nobody_else_lets_go_of_a_parcel(fleet):
    write(fleet, "NE", "for Mali alone", audience=SECRET)
    fleet.exchange("NE", "BF")
    with fleet.at("BF"):
        digest = bytes(Parcel.objects.get().digest)
    frames = [
        *open_for(fleet, "BF", bundle_for(fleet, "NE", "BF")),
        CarriedFrame("NE", "ML", digest),
    ]
    read(fleet, "BF", sealed_frames(fleet, "BF", frames))
    assert kept(fleet, "BF") == [("NE", "ML", "", True)]


def test_what_nobody_fetches_is_let_go_of(fleet):
    write(fleet, "ML", "for Niger alone", audience=SECRET)
    fleet.exchange("ML", "BF")
    with fleet.at("BF"):
        assert [str(row) for row in all_parcels()] == ["ML → NE"]
    fleet.nodes["BF"].clock.milliseconds += 61 * DAY
    bundle_for(fleet, "BF", "ML")
    assert kept(fleet, "BF") == []


def test_where_there_is_no_room_it_waits(fleet):
    write(fleet, "ML", "for Niger alone", audience=SECRET)
    with fleet.at("ML") as node:
        target = io.BytesIO()
        sync.write_bundle(node, "BF", target, sync.Extent(room=2_000))
    assert parcels_in(fleet, "BF", target.getvalue()) == []


def test_a_parcel_in_a_parcel_goes_nowhere(fleet):
    inner = [*open_for(fleet, "BF", bundle_for(fleet, "NE", "BF")), ParcelFrame("NE", "ML", b"x")]
    sealed = sealed_frames(fleet, "BF", inner)
    assert parcel_to(fleet, "BF", ParcelFrame("NE", "BF", sealed)) == []
    assert [row for row in kept(fleet, "BF") if row[3]] == []


def test_the_page_tells_what_is_on_its_way(desk):
    assert "Sealed parcels" not in desk.get("/partners/").content.decode()
    desk.write("ML", "for Niger alone", audience=SECRET)
    bundle_for(desk.fleet, "ML", "BF")
    assert "here, for Burkina Faso to carry" in desk.get("/partners/").content.decode()
    desk.fleet.exchange("ML", "BF")
    assert "carried by Burkina Faso" in desk.get("/partners/").content.decode()
