"""Adopting a compact: a newer one that has this member in it, kept as the bytes compared aloud."""

from dataclasses import replace

import pytest

from liptako.core.compact.members import write_compact
from liptako.core.errors import MalformedError, RefusedError
from liptako.ledger import compacts
from liptako.ledger.models import CompactVersion

pytestmark = pytest.mark.django_db


def test_a_node_that_stands_alone_has_a_compact_without_members():
    assert compacts.document() == b""
    assert (compacts.current().version, compacts.current().members) == (0, ())


def test_an_adopted_compact_is_in_force(compact):
    assert compacts.current() == compact
    assert [member.id for member in compact.members] == ["BF", "ML", "NE"]


def test_it_is_kept_as_the_bytes_that_were_compared_without_what_stands_around_them(node, compact):
    CompactVersion.objects.all().delete()
    compacts.adopt(b"\n " + write_compact(compact) + b"\n", "ML", node.clock)
    assert compacts.document() == write_compact(compact).strip()


def test_when_it_was_adopted_is_kept(node, compact):
    before = node.clock()
    compacts.adopt(write_compact(replace(compact, version=2)), "ML", node.clock)
    adopted = CompactVersion.objects.get(version=2).adopted_at
    assert before.moment() < adopted < node.clock().moment()


def test_the_newest_one_is_in_force_and_the_older_ones_are_kept(node, compact):
    newer = replace(compact, version=7)
    assert compacts.adopt(write_compact(newer), "ML", node.clock) == newer
    assert compacts.current() == newer
    assert [str(row) for row in CompactVersion.objects.order_by("version")] == ["v1", "v7"]


@pytest.mark.parametrize("version", [1, 2])
def test_one_that_is_no_newer_is_refused(node, compact, version):
    compacts.adopt(write_compact(replace(compact, version=2)), "ML", node.clock)
    with pytest.raises(RefusedError, match=f"expected a version above 2, got {version}"):
        compacts.adopt(write_compact(replace(compact, version=version)), "ML", node.clock)
    assert compacts.current().version == 2


def test_one_without_this_member_is_refused(node, compact):
    data = write_compact(replace(compact, version=2))
    with pytest.raises(RefusedError, match="TG is not a member of the compact"):
        compacts.adopt(data, "TG", node.clock)
    assert compacts.current() == compact


@pytest.mark.parametrize("data", [b"", b"{}", b"no compact", b'{"v":1,"version":2}'])
def test_bytes_that_are_no_compact_are_refused(node, compact, data):
    with pytest.raises(MalformedError):
        compacts.adopt(data, "ML", node.clock)
    assert compacts.current() == compact
