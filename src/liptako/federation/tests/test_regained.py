"""What partners hand back to a member as its own, when a thief of its key may have written it."""

from dataclasses import replace

import pytest
from django.utils.translation import gettext

from liptako.cli.delegate import returned_sizes
from liptako.core.compact.delegation import Revoked
from liptako.core.compact.dossier import dossier_of, write_dossier
from liptako.core.errors import RefusedError
from liptako.core.keys import signer_from_seed
from liptako.core.records.shared import RECALL
from liptako.federation import adopting
from liptako.federation.recalls import recall_drafts
from liptako.ledger import compacts, projector, store
from liptako.ledger.checking import check_logs
from liptako.ledger.models import Channel, DoubleHistory, Entry
from liptako.ledger.pen import own_sizes, sign_heads_again
from liptako.ledger.records import Thread
from liptako.members.permissions import Actor
from tests import pact
from tests.bundles import ALL, PAIR, bundle_for, read, texts, write

NEW = signer_from_seed(b"new".ljust(32))


def forge(fleet, *words, audience=ALL, recalled=None):
    """Let a thief with a copy of ML's keys and database write, and BF hand it to ML as its own."""
    mine = fleet.snapshot("ML")
    write(fleet, "ML", *words, audience=audience)
    if recalled is not None:
        thread = Thread("ML", recalled.header.object, recalled.header.audience)
        with fleet.at("ML") as node:
            actor = Actor(member="ML", person="", office="permanence", roles=frozenset())
            store.append(node, recall_drafts(actor, thread, "stolen"))
    stolen = bundle_for(fleet, "ML", "BF", standalone=True)
    mine.put_back()
    read(fleet, "BF", stolen)
    for _ in range(2):  # ML goes on in new logs first
        fleet.exchange("ML", "BF")


def take_back(fleet, caps, *, renew=True):
    """Let ML take its first key back at these sizes, and sign with another one."""
    with fleet.at("ML") as node:
        line = compacts.delegations_of("ML")
        made = pact.delegated(
            "ML",
            before=line[-1],
            sign=NEW.public,
            seals=line[-1].delegation.seals,
            pins=line[-1].delegation.pins,
            revoked=(Revoked(key=line[0].delegation.sign, caps=caps),),
        )
        _compact, gone = adopting.adopt(node, write_dossier(dossier_of([made.envelope])))
    fleet.nodes["ML"] = replace(fleet.nodes["ML"], signer=NEW)
    if renew:
        with fleet.at("ML") as node:
            sign_heads_again(node)
    return gone


def sizes(fleet):
    with fleet.at("ML") as node:
        return own_sizes(node)


def in_order(fleet):
    """Say of each node that its evidence is in order, and what it shows."""
    found = {}
    for member in fleet.nodes:
        with fleet.at(member) as node:
            assert check_logs(node, lambda _done, _total: None)[0] == []
            assert not DoubleHistory.objects.exists()
            rebuilt = projector.rebuild(lambda _done, _total: None)
            assert rebuilt.before == rebuilt.after
        found[member] = texts(fleet, member)
    return found


@pytest.fixture
def robbed(fleet):
    """Return sizes of ML's logs before a thief's records came back: one log longer, one begun."""
    write(fleet, "ML", "one")
    fleet.settle()
    before = sizes(fleet)
    forge(fleet, "forged", "again")
    forge(fleet, "begun", audience=PAIR)
    assert texts(fleet, "ML") == ["again", "begun", "forged", "one"]
    return before


def test_what_has_come_back_is_decided_upon_before_the_key_is_changed(fleet, robbed, capsys):
    with fleet.at("ML") as node:
        with pytest.raises(RefusedError, match="--returned keep if we have"):
            returned_sizes(node, {}, None)
        keep, drop = (returned_sizes(node, {}, choice) for choice in ("keep", "drop"))
        assert returned_sizes(node, keep, None) == {}  # each has a cap that somebody gave
    assert sorted(keep[name] - size for name, size in drop.items()) == [1, 2]
    assert "=1: came from partners behind that: 2" in capsys.readouterr().out


def test_what_came_back_and_is_kept_is_signed_anew(fleet, robbed):
    assert take_back(fleet, sizes(fleet)) == {}
    fleet.settle()
    assert in_order(fleet)["NE"] == ["again", "forged", "one"]


def test_what_came_back_beyond_the_cap_is_not_signed_anew(fleet, robbed):
    gone = take_back(fleet, sizes(fleet) | {name: robbed.get(name, 0) for name in sizes(fleet)})
    assert sorted(gone.values()) == [1, 2]
    write(fleet, "ML", "two")
    fleet.settle()
    assert list(in_order(fleet).values()) == [["one", "two"]] * 3
    with fleet.at("ML"):
        assert Channel.objects.get(author="ML", audience__members=sorted(PAIR)).checkpoint == b""


def test_a_cap_within_what_came_back_keeps_what_is_before_it(fleet, robbed):
    log = next(name for name, size in robbed.items() if sizes(fleet)[name] == size + 2)
    gone = take_back(fleet, sizes(fleet) | {log: robbed[log] + 1})
    fleet.settle()
    assert gone == {log: 1}
    assert in_order(fleet)["NE"] == ["forged", "one"]


def test_what_the_new_key_has_signed_stays_when_the_old_one_is_capped_lower(fleet, robbed):
    take_back(fleet, sizes(fleet))
    fleet.settle()
    assert take_back(fleet, {n: robbed.get(n, 0) for n in sizes(fleet)}, renew=False) == {}
    fleet.settle()
    assert in_order(fleet)["NE"] == ["again", "forged", "one"]


def test_what_came_back_after_the_change_goes_when_the_old_key_is_capped_lower(fleet):
    write(fleet, "ML", "one")
    fleet.settle()
    before, copy = sizes(fleet), fleet.snapshot("ML")
    forge(fleet, "lost")
    held = sizes(fleet)
    copy.put_back()  # a node restored from a backup that has kept the root key
    take_back(fleet, held)
    for _ in range(3):
        fleet.exchange("ML", "BF")
    assert texts(fleet, "ML") == ["lost", "one"]
    gone = take_back(fleet, before, renew=False)
    fleet.settle()
    assert list(gone.values()) == [1]
    assert list(in_order(fleet).values()) == [["one"]] * 3


def test_what_this_node_has_written_itself_stays_whatever_the_cap_is(fleet):
    write(fleet, "ML", "one", "two")
    fleet.settle()
    assert take_back(fleet, {}) == {}
    fleet.settle()
    assert list(in_order(fleet).values()) == [["one", "two"]] * 3
    with fleet.at("ML"):
        assert not Channel.objects.filter(regained__isnull=False).exists()


def test_what_a_thief_has_destroyed_here_is_taken_back_by_us(fleet):
    record, _other = write(fleet, "ML", "one", "two")
    fleet.settle()
    before = sizes(fleet)
    forge(fleet, recalled=record)
    assert (texts(fleet, "ML"), texts(fleet, "NE")) == (["two"], ["one", "two"])
    gone = take_back(fleet, {name: before.get(name, 0) for name in sizes(fleet)})
    assert sum(gone.values()) == 1
    fleet.settle()
    assert list(in_order(fleet).values()) == [["two"]] * 3
    with fleet.at("NE"):
        (recall,) = Entry.objects.filter(kind=RECALL)
        assert recall.channel_id not in before
        said = gettext("Its content was destroyed with a stolen key.").encode()
        assert said in bytes(recall.payload.body)


def test_from_where_a_log_came_back_is_kept_as_it_was_at_first(fleet):
    write(fleet, "ML", "one")
    fleet.settle()
    for words in (("two",), ("three", "four")):
        forge(fleet, *words)
    with fleet.at("ML"):
        found = Channel.objects.filter(author="ML", regained__isnull=False)
        assert sorted(found.values_list("regained", "size")) == [(0, 2), (1, 2)]
