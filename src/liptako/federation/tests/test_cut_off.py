"""A partner that was cut off for months finds its way back, though it knows no key of today."""

import pytest

from liptako.core.compact.dossier import dossier_of, write_dossier
from liptako.core.errors import NetworkError, PinError
from liptako.core.log.frames import DeedsFrame
from liptako.federation import exchange, peers
from liptako.federation.deeds import deeds_for
from liptako.ledger import compacts
from tests import pact
from tests.bundles import open_for, sealed_frames, texts, write
from tests.fleet import Wire

LATER = (b"\1" * 32, b"\2" * 32)


class Line(Wire):
    """A wire on which each node answers under the key that it has delegated itself."""

    def __init__(self, fleet, deeds=None):
        super().__init__(fleet)
        self.asked, self._deeds = [], deeds

    def exchange(self, url, pins, bundle, follow=None):
        member = url.removeprefix("https://").partition(".")[0].upper()
        with self._fleet.at(member):
            held = compacts.current().member(member).keys.tls
        if held not in pins:
            raise PinError("another key")
        return super().exchange(url, pins, bundle, follow)

    def deeds(self, url, asker):
        member = url.removeprefix("https://").partition(".")[0].upper()
        self.asked.append((member, asker))
        if self._deeds is not None:
            return self._deeds
        with self._fleet.at(member):
            return deeds_for(asker)


def renew(fleet, member, pin, **changes):
    """Let a member delegate another TLS key; nobody else hears of it. Returns the delegation."""
    with fleet.at(member) as node:
        before = compacts.delegations_of(member)[-1]
        kept = {"sign": node.signer.public, "seals": before.delegation.seals}
        signed = pact.delegated(member, before=before, pins=(pin,), **kept | changes)
        compacts.adopt(write_dossier(dossier_of([signed.envelope])), member, node.clock)
    return signed


def call(fleet, line, member="BF", other="ML"):
    with fleet.at(member) as node:
        return exchange.exchange_with(node, other, line)


def pins(fleet, member, other):
    with fleet.at(member):
        return compacts.current().member(other).keys.pins


@pytest.fixture
def away(fleet):
    """Let ML change its TLS key twice while BF is cut off, and write."""
    fleet.settle()
    for pin in LATER:
        renew(fleet, "ML", pin)
    write(fleet, "ML", "while you were away")
    return fleet


def test_who_missed_two_changes_of_a_key_learns_of_them_over_the_line_itself(away):
    report = call(away, line := Line(away))
    assert (report.faults, texts(away, "BF")) == ([], ["while you were away"])
    assert (line.asked, pins(away, "BF", "ML")) == ([("ML", "BF")], LATER[1:])


def test_both_may_have_changed_their_keys(away):
    for pin in LATER:
        renew(away, "BF", pin)
    call(away, Line(away))
    call(away, Line(away), "ML", "BF")
    assert (pins(away, "BF", "ML"), pins(away, "ML", "BF")) == (LATER[1:], LATER[1:])


def forged(fleet, **changes):
    """Return deeds for BF in which somebody else names a key for ML."""
    with fleet.at("BF"):
        before = compacts.delegations_of("ML")[-1]
    thief = pact.delegated("ML", before=before, keys=[pact.signer("thief")], **changes)
    return sealed_frames(fleet, "BF", [DeedsFrame(write_dossier(dossier_of([thief.envelope])))])


def test_whoever_answers_cannot_name_a_key_that_the_member_has_not_delegated(away):
    before = pins(away, "BF", "ML")
    with pytest.raises(PinError):
        call(away, Line(away, forged(away, pins=(LATER[1],))))
    assert (pins(away, "BF", "ML"), texts(away, "BF")) == (before, [])


@pytest.mark.parametrize("what", ["noise", "for another one", "no deeds", "nothing"])
def test_an_answer_that_brings_nothing_leaves_it_at_the_fault_that_was(away, what):
    with away.at("ML"):
        other = deeds_for("NE")
    given = {
        "noise": b"<html>",
        "for another one": other,
        "no deeds": sealed_frames(away, "BF", open_for(away, "BF", sealed_frames(away, "BF", []))),
        "nothing": b"",
    }
    with pytest.raises(PinError):
        call(away, Line(away, given[what]))
    with away.at("BF"):
        assert peers.peer("ML").fault_template == "another key"


def test_a_node_that_does_not_know_the_question_leaves_it_at_that_too(away):
    class Older(Line):
        def deeds(self, _url, _asker):
            raise NetworkError("answered 404")

    with pytest.raises(PinError):
        call(away, Older(away))


def test_somebody_else_who_hands_on_the_true_deeds_is_asked_once_and_told_nothing(away):
    class Elsewhere(Line):
        def exchange(self, _url, _pins, _bundle, _follow=None):
            raise PinError("another key")

    with pytest.raises(PinError):
        call(away, line := Elsewhere(away))
    assert (line.asked, line.sent, pins(away, "BF", "ML")) == ([("ML", "BF")], [], LATER[1:])
