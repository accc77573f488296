"""A key that was taken back: what it signed beyond its cap is not held any longer, by nobody."""

import io
from dataclasses import replace

import pytest
from django.urls import reverse

from liptako.core.clock import Instant
from liptako.core.compact.delegation import Revoked
from liptako.core.compact.dossier import dossier_of, write_dossier
from liptako.core.errors import VerificationError
from liptako.core.keys import signer_from_seed
from liptako.core.records.envelope import Precedence
from liptako.core.records.shared import RECALL, Recall
from liptako.core.refs import LEAF_BYTES, Ref
from liptako.federation import standing, sync
from liptako.ledger import compacts, doubts, projector, store
from liptako.ledger.checking import check_logs
from liptako.ledger.models import Channel, DoubleHistory, Entry, Payload, Recalled
from liptako.ledger.node import this_node
from liptako.ledger.pen import own_sizes, sign_heads_again
from liptako.ledger.reader import channel_value, logs_for, packages_of, signed_size
from liptako.ledger.records import Draft
from liptako.ledger.tally import shared_digest
from liptako.members import queries
from tests import pact
from tests.bundles import ALL, bundle_for, read, texts, write

NEW = signer_from_seed(b"new".ljust(32))
MONTH = 31 * 86_400_000  # ms


@pytest.fixture
def steal(fleet):
    """Return what lets a thief write on a copy of a member's node and hand it to a partner."""
    nodes = dict(fleet.nodes)

    def forge(partner, *words, copy, drafts=(), member="ML", **changes):
        mine, node = fleet.snapshot(member), fleet.nodes[member]
        copy.put_back()
        fleet.nodes[member] = nodes[member]
        write(fleet, member, *words, **changes)
        with fleet.at(member) as thief:
            store.append(thief, drafts)
        data = bundle_for(fleet, member, partner, standalone=True)
        mine.put_back()
        fleet.nodes[member] = node
        return read(fleet, partner, data)

    return forge


def take_back(fleet, caps=None, member="ML"):
    """Let a member take its key back at these sizes, and go on with another one."""
    with fleet.at(member) as node:
        last = compacts.delegations_of(member)[-1]
        caps = own_sizes(node) if caps is None else caps
        made = pact.delegated(
            member,
            before=last,
            sign=NEW.public,
            seals=last.delegation.seals,
            pins=last.delegation.pins,
            revoked=(Revoked(key=last.delegation.sign, caps=caps),),
        )
        doubts.adopt(node, write_dossier(dossier_of([made.envelope])))
    fleet.nodes[member] = replace(fleet.nodes[member], signer=NEW)
    with fleet.at(member) as node:
        sign_heads_again(node)


def recall_of(record):
    """Return what names a record as one that is taken back."""
    ref = Ref(origin=record.origin, seq=record.seq, leaf=record.leaf[:LEAF_BYTES])
    return Draft(
        kind=RECALL,
        object=record.header.object,
        office="permanence",
        payload=Recall(reason="stolen"),
        audience=ALL,
        precedence=Precedence.IMMEDIATE,
        refs=(ref,),
    )


def sound(fleet):
    """Say of each node that its evidence is in order, that it has a digest, and what it shows."""
    found = {}
    for member in fleet.nodes:
        with fleet.at(member) as node:
            assert check_logs(node, lambda _done, _total: None)[0] == []
            assert shared_digest(logs_for("ML" if member != "ML" else "BF", begun=False))
            rebuilt = projector.rebuild(lambda _done, _total: None)
            assert rebuilt.before == rebuilt.after
        found[member] = texts(fleet, member)
    return found


def test_what_a_thief_has_added_is_gone_once_the_key_is_taken_back(fleet, steal):
    write(fleet, "ML", "one")
    fleet.settle()
    steal("BF", "forged", copy=fleet.snapshot("ML"))
    assert texts(fleet, "BF") == ["forged", "one"]
    take_back(fleet)
    write(fleet, "ML", "two")
    fleet.settle()
    assert list(sound(fleet).values()) == [["one", "two"]] * 3


def test_a_log_that_only_a_thief_has_begun_is_empty(fleet, steal):
    write(fleet, "ML", "one")
    fleet.settle()
    steal("BF", "forged", copy=fleet.snapshot("ML"), precedence=Precedence.FLASH)
    take_back(fleet)
    fleet.settle()
    assert sound(fleet)["BF"] == ["one"]


def test_a_second_history_that_is_signed_beyond_the_cap_gives_way_to_the_first(fleet, steal):
    write(fleet, "ML", "one")
    fleet.settle()
    copy = fleet.snapshot("ML")
    write(fleet, "ML", "two", "three")
    fleet.exchange("ML", "NE")
    steal("BF", "x", "y", "z", copy=copy)
    fleet.exchange("ML", "BF")
    fleet.exchange("ML", "BF")
    take_back(fleet)
    fleet.settle()
    assert list(sound(fleet).values()) == [["one", "three", "two"]] * 3
    for member in ("ML", "BF"):
        with fleet.at(member):
            assert not DoubleHistory.objects.filter(void=False).exists()


def test_a_second_history_within_the_cap_stays_a_double_history(fleet, steal):
    write(fleet, "ML", "one")
    fleet.settle()
    copy = fleet.snapshot("ML")
    write(fleet, "ML", "two", "three")
    steal("BF", "x", copy=copy)
    take_back(fleet)
    for _ in range(3):
        fleet.exchange("ML", "BF")
    with fleet.at("BF"):
        assert DoubleHistory.objects.exists()
    write(fleet, "ML", "four")
    fleet.exchange("ML", "BF")
    assert "four" in texts(fleet, "BF")


def test_what_was_honest_and_not_confirmed_comes_back_under_the_new_key(fleet):
    write(fleet, "ML", "one", "two", "three")
    fleet.exchange("ML", "BF")
    with fleet.at("ML"):
        caps = dict.fromkeys(Channel.objects.values_list("origin", flat=True), 2)
    take_back(fleet, caps)
    with fleet.at("BF"):
        assert Entry.objects.filter(channel__author="ML").count() == 3
    fleet.exchange("BF", "ML")
    fleet.settle()
    assert sound(fleet)["BF"] == ["one", "three", "two"]


def test_the_news_is_enough_to_hide_what_lies_beyond_the_cap(fleet, steal):
    write(fleet, "ML", "one")
    fleet.settle()
    steal("NE", "forged", copy=fleet.snapshot("ML"))
    take_back(fleet)
    fleet.exchange("ML", "BF")
    fleet.exchange("BF", "NE")
    assert texts(fleet, "NE") == ["one"]


def test_a_thief_is_not_heard_once_the_key_is_taken_back(fleet, steal):
    write(fleet, "ML", "one")
    fleet.settle()
    copy = fleet.snapshot("ML")
    take_back(fleet)
    fleet.settle()
    report = steal("BF", "forged", copy=copy)
    assert (report.taken, report.outdated) == (0, True)
    assert ["has taken back" in str(fault) for fault in report.faults] == [True]
    assert sound(fleet)["BF"] == ["one"]


def test_what_a_thief_has_recalled_comes_back_once_the_recall_is_gone(fleet, steal):
    record = write(fleet, "ML", "one")[0]
    fleet.settle()
    steal("BF", copy=fleet.snapshot("ML"), drafts=[recall_of(record)])
    assert texts(fleet, "BF") == []
    take_back(fleet)
    fleet.settle()
    fleet.exchange("BF", "ML")
    assert sound(fleet)["BF"] == ["one"]


def test_a_proof_that_rests_on_a_key_that_was_taken_back_stays_and_holds_up_nothing(desk, steal):
    fleet = desk.fleet
    write(fleet, "BF", "one")
    fleet.settle()
    copy = fleet.snapshot("BF")
    write(fleet, "BF", "two")
    fleet.exchange("ML", "BF")
    steal("ML", "x", copy=copy, member="BF")
    assert "Nothing more of this log is taken" in desk.get("/partners/").content.decode()
    with fleet.at("BF") as node:
        caps = own_sizes(node)
    take_back(fleet, dict.fromkeys(caps, 0), member="BF")
    for _ in range(3):
        fleet.exchange("ML", "BF")
    page = desk.get("/partners/").content.decode()
    assert "with a key that it has taken back since" in page
    assert "Nothing more of this log is taken" not in page
    with fleet.at("ML"):
        origin = DoubleHistory.objects.get(void=True).channel_id
        address = reverse("proof", args=[origin])
    assert desk.get(address).status_code == 200
    assert {"one", "two"} <= set(texts(fleet, "ML"))


def test_a_key_that_is_changed_as_planned_costs_nothing_that_is_on_its_way(fleet):
    write(fleet, "ML", *map(str, range(300)))
    with fleet.at("ML") as node:
        room = sync.Extent(room=2_000)
        target = io.BytesIO()
        sync.write_bundle(node, "BF", target, room)
    read(fleet, "BF", target.getvalue())
    before = len(texts(fleet, "BF"))
    assert 0 < before < 300
    take_back(fleet)
    fleet.exchange("ML", "BF")
    with fleet.at("BF"):
        assert not queries.audit("BF", "log.cut").exists()
    fleet.settle()
    assert len(texts(fleet, "BF")) == 300
    with fleet.at("BF"):
        assert not Channel.objects.filter(doubted=True).exists()


def test_a_recall_that_takes_nothing_back_shortens_nobodys_log(fleet, steal):
    record = write(fleet, "ML", "kept")[0]
    fleet.settle()
    with fleet.at("ML"):
        Payload.objects.filter(entry__channel=record.origin, entry__seq=record.seq).delete()
        size = Channel.objects.get(pk=record.origin).size
    steal("ML", copy=fleet.snapshot("NE"), drafts=[recall_of(record)], member="NE")
    with fleet.at("ML"):
        assert Recalled.objects.filter(origin=record.origin).exists()
    take_back(fleet, caps={}, member="NE")
    fleet.exchange("ML", "NE")
    with fleet.at("ML"):
        assert not Recalled.objects.filter(origin=record.origin).exists()
        log = Channel.objects.get(pk=record.origin)
        assert (log.size, signed_size(log)) == (size, size)


def test_what_its_author_signs_otherwise_later_is_given_up_only_after_a_key_was_taken_back(fleet):
    write(fleet, "ML", "one")
    fleet.settle()
    with fleet.at("BF"):
        log = Channel.objects.get(author="ML", lane="bulk", audience__members=sorted(ALL))
        assert doubts.give_up(log.origin, log.size) == {}
        Channel.objects.filter(pk=log.origin).update(doubted=True)
        assert doubts.give_up(log.origin, log.size + 1) == {}
        assert doubts.give_up(log.origin, log.size) == {}  # all of it is proved
        Channel.objects.filter(pk=log.origin).update(checkpoint=b"", doubted=True)
        assert doubts.give_up(log.origin, log.size) == {log.origin: 1}
    fleet.settle()
    assert texts(fleet, "BF") == ["one"]


def test_what_is_read_while_its_key_is_taken_back_is_not_taken(fleet, steal):
    write(fleet, "ML", "one")
    fleet.settle()
    copy = fleet.snapshot("ML")
    with fleet.at("BF") as node:
        delivery, trust = delivery_of("ML"), compacts.trust()
        assert not store.take(*arrival(node, delivery, trust))  # it is held
        assert not store.take(*arrival(node, delivery, "other"))
    copy.put_back()
    take_back(fleet, caps={})
    fleet.exchange("ML", "BF")
    with (
        fleet.at("BF") as node,
        pytest.raises(VerificationError, match="has taken back"),
    ):
        store.take(*arrival(node, delivery, trust))


def arrival(node, delivery, trust):
    """Return what a log arrives with that was opened by some deeds."""
    log, signed, package = delivery
    roster = tuple(sorted(ALL))
    return node, roster, log, store.Signed(*signed, trust), package


def delivery_of(author):
    """Return a log of an author with the checkpoint that is held here, and all of its entries."""
    log = Channel.objects.get(author=author, lane="bulk", audience__members=sorted(ALL))
    note = bytes(log.checkpoint)
    signed = (compacts.current().open_checkpoint(note, log.origin), note)
    (package,) = packages_of(log, 0, log.size)
    return channel_value(log), signed, package


# What people are told


def test_that_records_are_gone_is_said_on_the_page_at_the_desk_and_in_the_audit_trail(desk, steal):
    fleet = desk.fleet
    fleet.nodes["ML"] = replace(fleet.nodes["ML"], clock=this_node().clock)  # as its pages do
    write(fleet, "BF", "one")
    fleet.settle()
    steal("ML", "forged", "again", copy=fleet.snapshot("BF"), member="BF")
    take_back(fleet, member="BF")
    assert "deleted here" not in desk.get("/partners/").content.decode()
    fleet.exchange("ML", "BF")
    told = "3 records in the name of Burkina Faso were deleted here: their key was taken back."
    assert told in desk.get("/partners/").content.decode()
    assert "Burkina Faso: 3 records deleted" in desk.get("/").content.decode()
    with fleet.at("ML") as node:
        assert [row.detail for row in queries.audit("ML", "log.cut")] == ["3"]
        later = replace(node, clock=lambda: Instant(node.clock().milliseconds + MONTH))
        assert standing.deleted(later) == []


# Before a key is taken back


def test_who_was_set_back_hears_every_partner_before_it_takes_its_key_back(fleet):
    write(fleet, "ML", "one")
    fleet.settle()
    copy = fleet.snapshot("ML")
    write(fleet, "ML", "two")
    fleet.exchange("ML", "BF")
    with fleet.at("ML") as node:
        assert standing.ahead_of_us(node) == set()
    copy.put_back()
    with fleet.at("ML") as node:
        assert standing.ahead_of_us(node) == set()  # as far as it knows
        store.begin_epoch(node.clock())
        assert standing.ahead_of_us(node) == {"BF", "NE"}
    fleet.exchange("ML", "NE")
    with fleet.at("ML") as node:
        assert standing.ahead_of_us(node) == {"BF"}
    fleet.exchange("ML", "BF")
    fleet.exchange("ML", "BF")
    with fleet.at("ML") as node:
        assert standing.ahead_of_us(node) == set()
    assert texts(fleet, "ML") == ["one", "two"]
