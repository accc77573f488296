"""A key that was taken back: what it signed beyond its cap is not held any longer, by nobody."""

from dataclasses import replace

import pytest

from liptako.core.compact.delegation import Revoked
from liptako.core.compact.dossier import dossier_of, write_dossier
from liptako.core.keys import signer_from_seed
from liptako.core.records.envelope import Precedence
from liptako.core.records.shared import RECALL, Recall
from liptako.core.refs import LEAF_BYTES, Ref
from liptako.ledger import compacts, doubts, projector, store
from liptako.ledger.checking import check_logs
from liptako.ledger.models import Channel, DoubleHistory, Entry
from liptako.ledger.pen import own_sizes, sign_heads_again
from liptako.ledger.reader import logs_for
from liptako.ledger.records import Draft
from liptako.ledger.tally import shared_digest
from tests import pact
from tests.bundles import ALL, bundle_for, read, texts, write

NEW = signer_from_seed(b"new".ljust(32))


@pytest.fixture
def steal(fleet):
    """Return what lets a thief write on a copy of ML's node and hand it to a partner."""
    stolen = fleet.nodes["ML"]

    def forge(partner, *words, copy, drafts=(), **changes):
        mine, node = fleet.snapshot("ML"), fleet.nodes["ML"]
        copy.put_back()
        fleet.nodes["ML"] = stolen
        write(fleet, "ML", *words, **changes)
        with fleet.at("ML") as thief:
            store.append(thief, drafts)
        data = bundle_for(fleet, "ML", partner, standalone=True)
        mine.put_back()
        fleet.nodes["ML"] = node
        return read(fleet, partner, data)

    return forge


def take_back(fleet, caps=None):
    """Let ML take its key back at these sizes, and go on with another one."""
    with fleet.at("ML") as node:
        last, caps = compacts.delegations_of("ML")[-1], own_sizes(node) if caps is None else caps
        made = pact.delegated(
            "ML",
            before=last,
            sign=NEW.public,
            seals=last.delegation.seals,
            pins=last.delegation.pins,
            revoked=(Revoked(key=last.delegation.sign, caps=caps),),
        )
        before = compacts.current()
        compacts.adopt(write_dossier(dossier_of([made.envelope])), "ML", node.clock)
        doubts.review(before, "ML")
    fleet.nodes["ML"] = replace(fleet.nodes["ML"], signer=NEW)
    with fleet.at("ML") as node:
        sign_heads_again(node)


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
            assert not DoubleHistory.objects.exists()


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
    ref = Ref(origin=record.origin, seq=record.seq, leaf=record.leaf[:LEAF_BYTES])
    recall = Draft(
        kind=RECALL,
        object=record.header.object,
        office="permanence",
        payload=Recall(reason="stolen"),
        audience=ALL,
        precedence=Precedence.IMMEDIATE,
        refs=(ref,),
    )
    steal("BF", copy=fleet.snapshot("ML"), drafts=[recall])
    assert texts(fleet, "BF") == []
    take_back(fleet)
    fleet.settle()
    fleet.exchange("BF", "ML")
    assert sound(fleet)["BF"] == ["one"]
