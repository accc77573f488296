"""A database that may have been set back: own records go into new logs before one is signed."""

import logging

import pytest
from django.db import connection

from liptako.core.refs import OBJECT_BYTES, object_id
from liptako.ledger import fence, reader, store
from liptako.ledger.models import Counter
from liptako.ledger.records import Draft
from liptako.members.records import AUDIT, Audit

pytestmark = pytest.mark.django_db
ANOTHER = 99  # a timeline on which no server of a test is


def write(node):
    name = object_id(node.random(OBJECT_BYTES))
    draft = Draft(kind=AUDIT, object=name, office="system", payload=Audit(event="e"))
    return store.append(node, [draft])[0]


def fail_over():
    """Let the counter be from another timeline than the server's, as after a promotion."""
    Counter.objects.update(timeline=ANOTHER)


def test_the_first_record_notes_the_timeline_and_begins_nothing(node):
    write(node)
    found = Counter.objects.get()
    assert (found.epoch, found.timeline) == (1, fence.timeline())
    assert (found.timeline > 0) == (connection.vendor == "postgresql")


def test_on_the_same_server_records_go_on_in_the_same_log(node):
    assert write(node).origin == write(node).origin


def test_after_a_fail_over_a_record_goes_into_a_new_log(node, caplog):
    before = write(node).origin
    fail_over()
    with caplog.at_level(logging.WARNING):
        after = write(node)
    assert (after.origin != before, after.seq) == (True, 0)
    assert "own logs go on in epoch" in caplog.text
    assert (Counter.objects.get().timeline, write(node).origin) == (fence.timeline(), after.origin)


def test_heads_are_signed_in_the_new_epoch_too(node):
    write(node)
    fail_over()
    store.check_fence(node.clock())
    epoch = reader.epoch()
    assert epoch > 1
    store.check_fence(node.clock())
    assert reader.epoch() == epoch


def test_a_restore_notes_the_timeline_of_its_server(node):
    write(node)
    fail_over()
    epoch = store.begin_epoch(node.clock())
    write(node)
    assert (reader.epoch(), Counter.objects.get().timeline) == (epoch, fence.timeline())
