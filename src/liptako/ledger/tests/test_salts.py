"""Salts after a deletion: the seed is gone, and nothing takes its place that others could guess."""

import pytest

from liptako.core.records.payload import derive_salt
from liptako.ledger import store
from liptako.ledger.models import Entry, Package, Payload
from liptako.ledger.recalls import destroy
from liptako.ledger.records import Draft
from liptako.members.records import AUDIT, Audit

pytestmark = pytest.mark.django_db


def write(node, *texts):
    drafts = [
        Draft(
            kind=AUDIT,
            object=f"{abs(hash(text)) % 10**13:013}",
            office="permanence",
            payload=Audit(event="test", detail=text),
        )
        for text in texts
    ]
    store.append(node, drafts)


def test_what_is_written_into_a_package_without_a_seed_has_salts_of_a_new_one(node, compact):
    write(node, "one", "two")
    destroy([Entry.objects.get(seq=0)])
    write(node, "three")
    write(node, "four")
    salts = {row.entry.seq: bytes(row.salt) for row in Payload.objects.select_related("entry")}
    assert (sorted(salts), bytes(Package.objects.get().seed)) == ([1, 2, 3], b"")
    assert [salts[seq] == derive_salt(b"", seq) for seq in (2, 3)] == [False, False]
    assert len(set(salts.values())) == 3
