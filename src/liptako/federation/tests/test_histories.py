"""Two histories of one log, and a node that was set back: found, proved, and survived."""

import pytest

from liptako.core.log.bundle import HeadsFrame, HistoryFrame
from liptako.core.log.fork import check_fork, read_fork
from liptako.core.log.heads import Heads, sign_heads
from liptako.ledger import compacts, reader, store
from liptako.ledger.models import Channel, DoubleHistory
from tests.bundles import (
    bundle_for,
    heads_frame,
    open_for,
    read,
    sealed_frames,
    texts,
    write,
)


def opener(fleet):
    """Return what opens checkpoints for an auditor who holds the compact."""
    with fleet.at("NE"):
        return compacts.current().open_checkpoint


def proofs(fleet, member):
    with fleet.at(member):
        return [
            read_fork(bytes(proof))
            for proof in DoubleHistory.objects.values_list("proof", flat=True)
        ]


def origin_of(fleet, member, author):
    with fleet.at(member):
        return Channel.objects.get(author=author).origin


def epoch_of(fleet, member):
    with fleet.at(member):
        return reader.epoch()


@pytest.fixture
def two_stories(fleet):
    """Let ML tell BF one thing and NE another under the same name of a log."""
    write(fleet, "ML", "one", "told to BF", "more")
    read(fleet, "BF", bundle_for(fleet, "ML", "BF"))
    origin = origin_of(fleet, "BF", "ML")
    fleet.set_back("ML")
    with fleet.at("ML") as node:
        # The same random digits come out of the dice: the same log is begun once more.
        digits = bytes.fromhex(origin.split("/")[2])
        object.__setattr__(node, "random", lambda count: digits[:count].ljust(count, b"\0"))
    write(fleet, "ML", "one", "told to NE")
    read(fleet, "NE", bundle_for(fleet, "ML", "NE"))
    assert origin_of(fleet, "NE", "ML") == origin
    return origin


def test_two_stories_come_out_when_those_who_were_told_meet(fleet, two_stories):
    fleet.cut.add("ML")
    fleet.exchange("BF", "NE")
    fleet.exchange("BF", "NE")
    for member in ("BF", "NE"):
        (fork,) = proofs(fleet, member)
        check_fork(fork, opener(fleet))
        assert fork.origin == two_stories


def test_what_was_held_stays_and_nothing_more_is_taken(fleet, two_stories):
    fleet.exchange("BF", "NE")
    fleet.exchange("BF", "NE")
    write(fleet, "ML", "later")
    report = fleet.exchange("NE", "ML")
    assert "two different histories" in str(report.faults[0])
    assert texts(fleet, "BF") == ["more", "one", "told to BF"]
    assert texts(fleet, "NE") == ["one", "told to NE"]


def test_a_second_story_told_to_the_same_partner_is_proved_at_once(fleet, two_stories):
    data = bundle_for(fleet, "ML", "BF")
    (fault,) = [fault for fault in read(fleet, "BF", data).faults if "two different" in str(fault)]
    assert two_stories in str(fault)
    (fork,) = proofs(fleet, "BF")
    check_fork(fork, opener(fleet))


def test_the_author_learns_of_it_and_writes_into_a_new_log(fleet, two_stories):
    fleet.exchange("BF", "ML")
    fleet.exchange("BF", "ML")
    assert (len(proofs(fleet, "ML")), epoch_of(fleet, "ML") > 1) == (1, True)
    write(fleet, "ML", "afterwards")
    fleet.exchange("ML", "BF")
    assert "afterwards" in texts(fleet, "BF")


def history(fleet, member="BF", other="NE"):
    (frame,) = [
        frame
        for frame in open_for(fleet, other, bundle_for(fleet, member, other))
        if isinstance(frame, HistoryFrame)
    ]
    return frame


def test_a_history_that_its_author_did_not_sign_proves_nothing(fleet, two_stories):
    read(fleet, "BF", bundle_for(fleet, "NE", "BF"))
    frame = history(fleet)
    names = ("origin", "checkpoint", "size", "root", "proof")
    wrong = HistoryFrame(**{name: getattr(frame, name) for name in names} | {"root": bytes(32)})
    report = read(fleet, "NE", sealed_frames(fleet, "NE", [heads_frame(fleet, "BF", "NE"), wrong]))
    assert ("proof:" in str(report.faults[0]), proofs(fleet, "NE")) == (True, [])


def test_a_history_like_ours_or_of_a_log_that_is_not_here_is_passed_over(fleet):
    write(fleet, "ML", "one")
    read(fleet, "BF", bundle_for(fleet, "ML", "BF"))
    empty = Heads(sender="ML", recipient="BF", epoch=1)
    read(
        fleet,
        "BF",
        sealed_frames(fleet, "BF", [HeadsFrame(sign_heads(empty, fleet.nodes["ML"].signer))]),
    )
    with fleet.at("BF"):
        log = Channel.objects.get(author="ML")
    same = HistoryFrame(log.origin, bytes(log.checkpoint), 1, reader.head_of_log(log).root, ())
    for member in ("BF", "NE"):
        data = sealed_frames(fleet, member, [heads_frame(fleet, "ML", member), same])
        assert read(fleet, member, data).faults == []
        assert proofs(fleet, member) == []


# A node that was set back


def test_a_node_that_was_set_back_goes_on_in_new_logs_and_gets_its_own_back(fleet):
    write(fleet, "ML", "one", "two")
    fleet.settle()
    fleet.set_back("ML")
    fleet.exchange("BF", "ML")  # ML says that it holds nothing
    fleet.exchange("BF", "ML")
    assert epoch_of(fleet, "ML") > 1
    fleet.exchange("ML", "BF")
    assert texts(fleet, "ML") == ["one", "two"]
    write(fleet, "ML", "three")
    fleet.settle()
    assert [texts(fleet, member) for member in ("BF", "NE", "ML")] == [["one", "three", "two"]] * 3
    assert [proofs(fleet, member) for member in ("BF", "NE", "ML")] == [[], [], []]


def days_ahead(fleet, member, days):
    fleet.nodes[member].clock.milliseconds += days * 86_400_000


def test_a_node_that_was_set_back_is_believed_though_its_clock_was_ahead_before(fleet):
    days_ahead(fleet, "ML", 40)
    write(fleet, "ML", "one", "two")
    fleet.settle()
    fleet.set_back("ML")
    days_ahead(fleet, "ML", -40)
    for _ in range(3):
        fleet.exchange("BF", "ML")
    assert texts(fleet, "ML") == ["one", "two"]


def test_a_node_set_back_to_before_its_restore_learns_it_from_a_log_of_its_own(fleet):
    write(fleet, "ML", "one", "two")
    fleet.settle()
    fleet.set_back("ML")
    with fleet.at("ML") as node:
        store.begin_epoch(node.clock())
    read(fleet, "BF", bundle_for(fleet, "ML", "BF"))
    fleet.set_back("ML")  # BF gives back a log of which ML thinks that it writes it
    report = read(fleet, "ML", bundle_for(fleet, "BF", "ML"))
    assert ("older state" in str(report.faults[0]), report.taken) == (True, 2)
    assert (texts(fleet, "ML"), epoch_of(fleet, "ML") > 1) == (["one", "two"], True)


# What people see


def test_a_double_history_is_an_alarm_with_a_proof_to_hand_on(desk, fleet):
    write(fleet, "BF", "one", "told to ML")
    read(fleet, "ML", bundle_for(fleet, "BF", "ML"))
    digits = bytes.fromhex(origin_of(fleet, "ML", "BF").split("/")[2])
    fleet.set_back("BF")
    with fleet.at("BF") as node:
        object.__setattr__(node, "random", lambda count: digits[:count].ljust(count, b"\0"))
    write(fleet, "BF", "one", "told otherwise")
    read(fleet, "ML", bundle_for(fleet, "BF", "ML"))
    page = desk.get("/partners/").content.decode()
    assert "Burkina Faso has signed two different histories of one of its logs." in page
    assert "Burkina Faso has signed two histories" in desk.get("/").content.decode()
    url = f"/partners/proof/{origin_of(fleet, 'ML', 'BF')}"
    answer = desk.get(url)
    check_fork(read_fork(answer.content), opener(fleet))
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert desk.get(url + "0").status_code == 404


def test_without_one_nothing_alarms(desk):
    page = desk.get("/partners/").content.decode()
    assert "two different histories" not in page
