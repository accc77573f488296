"""Two histories of one log, and a node that was set back, as the pages tell them."""

from liptako.core.log.bundle import HistoryFrame
from liptako.core.log.checkpoint import head_of, sign_checkpoint
from liptako.core.log.merkle import CompactRange, leaf_hash
from liptako.ledger.models import Channel, DoubleHistory
from tests.bundles import bundle_for, read, sealed_frames, write
from tests.foreign.beside import (
    ORIGIN,
    held_by_node,
    held_by_reader,
    reader_for,
    written_by_hand,
)

STORY = [(b"one", None), (b"two", None), (b"three", None)]
OTHER = [*STORY[:2], (b"another", None)]


def told(fleet, reader, log, *more, sender="ML"):
    """Let the node and the reader of BF hear a story; return how many entries the reader took."""
    sealed = sealed_frames(fleet, "BF", [*written_by_hand(fleet, log, sender=sender), *more])
    report = reader.take(sealed)
    node = read(fleet, "BF", sealed)
    assert (report.taken, bool(report.faults)) == (node.taken, bool(node.faults))
    assert held_by_reader(reader) == held_by_node(fleet, "BF")
    with fleet.at("BF"):
        assert set(DoubleHistory.objects.values_list("channel", flat=True)) == set(reader.forked)
    return report.taken


def test_a_log_whose_author_told_it_in_two_ways_is_kept_as_it_was_and_goes_no_further(fleet):
    reader = reader_for(fleet, "BF")
    assert told(fleet, reader, STORY) == 3
    assert told(fleet, reader, OTHER, sender="NE") == 0
    assert reader.forked == {ORIGIN: 3}
    assert told(fleet, reader, [*STORY, (b"four", None)]) == 0


def history(fleet, log, size, *, signer="ML"):
    leaves = [leaf_hash(header) for header, _ in log]
    head = head_of(ORIGIN, CompactRange().extend(leaves))
    note = sign_checkpoint(head, fleet.nodes[signer].signer)
    root = CompactRange().extend(leaves[:size]).root()
    return HistoryFrame(ORIGIN, note, size, root, ())


def test_a_history_that_a_third_member_shows_is_a_proof(fleet):
    reader = reader_for(fleet, "BF")
    told(fleet, reader, STORY)
    told(fleet, reader, STORY, history(fleet, STORY, 3), sender="NE")
    told(fleet, reader, STORY, history(fleet, OTHER, 3, signer="NE"), sender="NE")
    assert reader.forked == {}
    told(fleet, reader, STORY, history(fleet, OTHER, 3), sender="NE")
    assert reader.forked == {ORIGIN: 3}


def test_a_member_that_was_set_back_gets_its_own_log_back(fleet):
    write(fleet, "ML", "1", "2")
    fleet.settle()
    fleet.set_back("ML")
    reader, taken = reader_for(fleet, "ML"), []
    for _ in range(2):  # it is shown that it was set back; once it has told its new epoch, the log
        read(fleet, "BF", bundle_for(fleet, "ML", "BF"))
        sealed = bundle_for(fleet, "BF", "ML")
        taken.append((reader.take(sealed).taken, read(fleet, "ML", sealed).taken))
    assert taken == [(0, 0), (2, 2)]
    with fleet.at("ML"):
        held = {log.origin: log.size for log in Channel.objects.filter(author="ML")}
    assert held == {log.origin: log.size for log in reader.logs.values()}
