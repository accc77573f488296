"""Versions of the compact and keys of members travel with bundles, and prove themselves."""

from dataclasses import replace

import pytest

from liptako.core.clock import Instant
from liptako.core.compact.document import State
from liptako.core.compact.dossier import dossier_of, write_dossier
from liptako.core.compact.draft import Changes, next_draft
from liptako.core.errors import VerificationError
from liptako.core.log.frames import DeedsFrame
from liptako.federation import standing
from liptako.federation.deeds import DEEDS_LIMIT
from liptako.federation.heads import owes
from liptako.ledger import compacts, store
from liptako.ledger.models import Deed
from liptako.ledger.pen import sign_heads_again
from liptako.ledger.reader import all_logs, entries_ahead, logs_for
from liptako.members.models import AuditEvent
from tests import pact
from tests.bundles import bundle_for, open_for, read, sealed_frames, texts, write
from tests.deeds import NEW, adopt, rotated


def version_of(fleet, member):
    with fleet.at(member):
        return compacts.current().version


def amended(fleet, signers=("BF", "ML", "NE"), **changes):
    """Return the next version, signed by these members."""
    with fleet.at("ML"):
        draft = next_draft(compacts.dossier().versions[-1], Changes(**changes))
    return pact.by(draft, *signers)


NAMES = ((({"fr": "Couple"}, frozenset({"ML", "BF"})),),)


def test_a_new_version_reaches_all_members_with_the_next_exchanges(fleet):
    fleet.settle()
    adopt(fleet, "ML", amended(fleet, audiences=NAMES[0]).envelope)
    fleet.exchange("ML", "BF")
    fleet.exchange("BF", "NE")
    assert [version_of(fleet, member) for member in ("ML", "BF", "NE")] == [2, 2, 2]
    with fleet.at("NE"):
        assert AuditEvent.objects.filter(event="compact.adopt", detail="2").exists()


def test_who_believes_in_the_same_is_sent_no_deeds(fleet):
    fleet.settle()
    frames = open_for(fleet, "BF", bundle_for(fleet, "ML", "BF"), deeds=True)
    assert [frame for frame in frames if isinstance(frame, DeedsFrame)] == []


def test_who_was_never_heard_is_sent_them(fleet):
    first, *_ = open_for(fleet, "BF", bundle_for(fleet, "ML", "BF"), deeds=True)
    assert isinstance(first, DeedsFrame)


def test_a_node_with_a_new_key_is_understood_at_once(fleet):
    write(fleet, "ML", "before")
    fleet.settle()
    rotated(fleet, "ML")
    with fleet.at("ML") as node:
        sign_heads_again(node)
    write(fleet, "ML", "after")
    report = fleet.exchange("ML", "BF")
    assert (report.faults, texts(fleet, "BF")) == ([], ["after", "before"])
    report = fleet.exchange("NE", "ML")
    assert (report.faults, texts(fleet, "NE")) == ([], ["after", "before"])


def test_what_would_change_our_own_keys_is_left_to_the_command(fleet):
    fleet.settle()
    node = fleet.nodes["ML"]
    elsewhere = rotated(fleet, "ML")  # signed by our root keys, at another desk
    fleet.set_back("ML")
    fleet.nodes["ML"] = node
    adopt(fleet, "BF", elsewhere.envelope)
    report = read(fleet, "ML", bundle_for(fleet, "BF", "ML"))
    assert ["compact-adopt" in str(fault) for fault in report.faults] == [True]
    with fleet.at("ML"):
        assert compacts.current().member("ML").keys.sign == node.signer.public


def deeds(*envelopes):
    return DeedsFrame(write_dossier(dossier_of(envelopes)))


def with_deeds(fleet, frame):
    """Return a bundle of BF for ML that begins with other deeds."""
    frames = open_for(fleet, "ML", bundle_for(fleet, "BF", "ML"))
    return sealed_frames(fleet, "ML", [frame, *frames])


def test_a_version_that_too_few_have_signed_is_told_and_the_rest_is_taken(fleet):
    write(fleet, "BF", "one")
    draft = amended(fleet, signers=("BF",), audiences=NAMES[0])
    report = read(fleet, "ML", with_deeds(fleet, deeds(draft.envelope)))
    assert (len(report.faults), report.taken, version_of(fleet, "ML")) == (1, 1, 1)


@pytest.mark.parametrize(
    "data", [b"", b"no dossier", b"x" * (DEEDS_LIMIT + 1)], ids=["empty", "other", "long"]
)
def test_deeds_that_are_none_are_told_and_the_rest_is_taken(fleet, data):
    write(fleet, "BF", "one")
    report = read(fleet, "ML", with_deeds(fleet, DeedsFrame(data)))
    assert (len(report.faults) <= 1, report.taken, version_of(fleet, "ML")) == (True, 1, 1)


def test_two_versions_of_one_number_are_proved_once(fleet):
    first = amended(fleet, audiences=NAMES[0])
    second = amended(fleet, audiences=(({"fr": "Autre"}, frozenset({"ML", "NE"})),))
    adopt(fleet, "ML", first.envelope)
    adopt(fleet, "BF", second.envelope)
    for _ in range(3):
        fleet.exchange("ML", "BF")
    with fleet.at("ML"):
        assert Deed.objects.filter(rival=True).count() == 1
        assert compacts.current().version == 2


def test_a_member_that_is_suspended_is_neither_sent_to_nor_heard(fleet):
    fleet.settle()
    states = {"NE": (State.SUSPENDED, {})}
    adopt(fleet, "ML", amended(fleet, signers=("BF", "ML", "NE"), states=states).envelope)
    with fleet.at("ML"):
        assert compacts.current().may_exchange("NE") is False
    with pytest.raises(Exception, match="suspended"):
        fleet.exchange("ML", "NE")


def test_what_expires_of_a_suspended_member_does_not_stop_the_others(fleet):
    soon = Instant(fleet.nodes["ML"].clock().milliseconds + 600_000)
    write(fleet, "NE", "of NE", retain=soon)
    fleet.settle()
    states = {"NE": (State.SUSPENDED, {})}
    adopt(fleet, "ML", amended(fleet, signers=("BF", "ML", "NE"), states=states).envelope)
    with fleet.at("ML"):
        assert store.expire(soon) == 1
    fleet.nodes["ML"] = replace(fleet.nodes["ML"], clock=lambda: soon)
    write(fleet, "BF", "of BF")
    assert fleet.exchange("ML", "BF").faults == []
    assert "of BF" in texts(fleet, "ML")


def test_a_bundle_of_a_stranger_is_refused_whatever_deeds_it_brings(fleet):
    fleet.nodes["BF"] = replace(fleet.nodes["BF"], signer=NEW)
    forged = open_for(fleet, "ML", bundle_for(fleet, "BF", "ML"))
    with pytest.raises(VerificationError):
        read(fleet, "ML", sealed_frames(fleet, "ML", [deeds(), *forged]))


def test_receipts_by_a_key_that_was_taken_back_are_signed_once_more(fleet):
    write(fleet, "BF", "one")
    fleet.settle()
    assert stored(fleet) == 1
    signed = rotated(fleet, "ML")
    with fleet.at("ML") as node:
        sign_heads_again(node)
    adopt(fleet, "BF", signed.envelope)
    assert stored(fleet) == 0
    fleet.exchange("ML", "BF")
    fleet.exchange("BF", "ML")
    assert stored(fleet) == 1


def stored(fleet):
    """Return how many of its records BF knows to be stored at ML."""
    with fleet.at("BF") as node:
        return standing.state_of(node, "ML").stored


def freeze(fleet, sizes, *members):
    """Let ML leave, its logs frozen at these sizes, as far as these members know."""
    version = amended(fleet, states={"ML": (State.LEFT, sizes)})
    for member in members:
        adopt(fleet, member, version.envelope)


def sizes_of(fleet, member):
    """Return how much a member holds of the logs of ML."""
    with fleet.at(member):
        return {log.origin: log.size for log in all_logs() if log.author == "ML"}


def test_of_a_log_that_was_frozen_nothing_more_is_taken_from_anybody(fleet):
    write(fleet, "ML", "before")
    fleet.settle()
    write(fleet, "ML", "after")
    fleet.exchange("ML", "NE")
    freeze(fleet, sizes_of(fleet, "BF"), "BF")
    report = read(fleet, "BF", bundle_for(fleet, "NE", "BF"))
    assert ["the log ends at 1 entries, got 2" in str(fault) for fault in report.faults] == [True]
    assert texts(fleet, "BF") == ["before"]


def test_who_holds_more_than_what_was_frozen_hands_on_what_came_before(fleet):
    texts_of = [f"number {i:03}" for i in range(300)]
    write(fleet, "ML", *texts_of)
    fleet.exchange("ML", "NE")
    (origin,) = sizes_of(fleet, "NE")
    freeze(fleet, {origin: 290}, "NE", "BF")
    report = fleet.exchange("BF", "NE")
    assert (report.faults, texts(fleet, "BF")) == ([], texts_of[:290])
    assert (sizes_of(fleet, "NE"), sizes_of(fleet, "BF")) == ({origin: 300}, {origin: 290})


def test_after_that_nothing_is_new_between_the_two(fleet):
    write(fleet, "ML", *map(str, range(20)))
    fleet.exchange("ML", "NE")
    (origin,) = sizes_of(fleet, "NE")
    freeze(fleet, {origin: 9}, "NE", "BF")
    fleet.exchange("BF", "NE")
    fleet.exchange("NE", "BF")
    for member, other in (("BF", "NE"), ("NE", "BF")):
        with fleet.at(member) as node:
            assert not owes(node, other)


def test_what_is_shown_ahead_behind_the_end_of_a_frozen_log_is_refused(fleet):
    write(fleet, "ML", *map(str, range(9)))
    fleet.exchange("ML", "NE")
    (origin,) = sizes_of(fleet, "NE")
    freeze(fleet, {origin: 5}, "BF")
    with fleet.at("NE"):
        (log,) = [log for log in logs_for("BF") if log.origin == origin]
        shown = list(entries_ahead(log, [4, 5], log.size))
    frames = open_for(fleet, "BF", bundle_for(fleet, "NE", "BF"))[:2]
    report = read(fleet, "BF", sealed_frames(fleet, "BF", [*frames, *shown]))
    assert (report.taken, [fault.params["size"] for fault in report.faults]) == (1, [6])
