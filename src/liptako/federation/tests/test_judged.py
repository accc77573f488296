"""Two nodes that hold the same records and judge them differently: told on both, and told once."""

import pytest

from liptako.core.digest import State
from liptako.core.log.heads import read_heads
from liptako.federation.models import Peer
from liptako.ledger.models import Channel
from liptako.ledger.projector import rebuild
from liptako.ledger.tally import NO_WORDS, count_changes
from tests.bundles import bundle_for, open_for, read, write


def damage(fleet, member, seq=0):
    """Let a node's tables say that a record is rejected which is not."""
    with fleet.at(member):
        origin = Channel.objects.get(author="ML").origin
        count_changes([((origin, seq), NO_WORDS, frozenset({State.REJECTED}))])


def differs(fleet, member, other):
    with fleet.at(member):
        return Peer.objects.get(member=other).differs_since is not None


@pytest.fixture
def settled(fleet):
    write(fleet, "ML", "one", "two")
    fleet.settle()
    return fleet


def test_heads_tell_how_their_sender_judges(settled):
    ours, *_ = open_for(settled, "BF", bundle_for(settled, "ML", "BF"))
    theirs, *_ = open_for(settled, "ML", bundle_for(settled, "BF", "ML"))
    digests = {read_heads(frame.note).digest for frame in (ours, theirs)}
    assert len(digests) == 1
    assert None not in digests


def test_who_judges_alike_is_no_alarm(settled):
    settled.exchange("ML", "BF")
    assert (differs(settled, "ML", "BF"), differs(settled, "BF", "ML")) == (False, False)


def test_a_damaged_table_is_told_on_both_nodes(settled):
    damage(settled, "BF")
    settled.exchange("ML", "BF")
    assert (differs(settled, "ML", "BF"), differs(settled, "BF", "ML")) == (True, True)
    assert not differs(settled, "ML", "NE")


def test_the_alarm_ends_when_the_tables_were_drawn_again(settled):
    damage(settled, "BF")
    settled.exchange("ML", "BF")
    with settled.at("BF"):
        rebuild(lambda *_: None)
    settled.exchange("ML", "BF")
    assert (differs(settled, "ML", "BF"), differs(settled, "BF", "ML")) == (False, False)


def test_nothing_is_said_while_one_holds_more(settled):
    damage(settled, "BF")
    write(settled, "ML", "three")
    read(settled, "ML", bundle_for(settled, "BF", "ML"))
    assert not differs(settled, "ML", "BF")


def test_an_old_file_says_nothing(settled):
    damage(settled, "BF")
    old = bundle_for(settled, "BF", "ML")
    settled.exchange("ML", "BF")
    with settled.at("BF"):
        rebuild(lambda *_: None)
    settled.exchange("ML", "BF")
    assert read(settled, "ML", old).outdated
    assert not differs(settled, "ML", "BF")


def test_the_page_tells_it(settled, desk):
    damage(desk.fleet, "BF")
    desk.fleet.exchange("ML", "BF")
    said = "Holds the same records, and judges them differently."
    assert said in desk.get("/partners/").content.decode()
