"""The digest of the state: the same for the same rows, and another one for any other rows."""

from dataclasses import replace

import pytest

from liptako.ledger import registry, store
from liptako.ledger.digest import state_digest
from liptako.ledger.records import Draft
from liptako.members.models import Office as OfficeRow
from liptako.members.records import OFFICE, Office

pytestmark = pytest.mark.django_db


@pytest.fixture
def offices(node):
    """Two offices in the tables."""
    for number in (1, 2):
        payload = Office(code=f"desk{number}", titles={"fr": "Bureau"}, roles=())
        name = f"{number:013}"
        store.append(node, [Draft(kind=OFFICE, object=name, office="system", payload=payload)])


def test_the_digest_is_a_hash_in_hexadecimal(offices):
    assert len(bytes.fromhex(state_digest())) == 32


def test_the_order_of_the_rows_does_not_matter(offices):
    before = state_digest()
    rows = list(OfficeRow.objects.order_by("key"))
    OfficeRow.objects.all().delete()
    OfficeRow.objects.bulk_create(reversed(rows))
    assert state_digest() == before


@pytest.mark.parametrize("change", [{"code": "desk3"}, {"roles": ["auditor"]}, {"closed": True}])
def test_any_change_of_a_row_changes_it(offices, change):
    before = state_digest()
    OfficeRow.objects.filter(code="desk2").update(**change)
    assert state_digest() != before


def test_a_row_less_changes_it(offices):
    before = state_digest()
    OfficeRow.objects.filter(code="desk2").delete()
    assert state_digest() != before


def test_a_value_in_another_row_changes_it(offices):
    before = state_digest()
    OfficeRow.objects.update(closed=True)
    OfficeRow.objects.filter(code="desk1").update(closed=False)
    one = state_digest()
    OfficeRow.objects.update(closed=True)
    OfficeRow.objects.filter(code="desk2").update(closed=False)
    assert len({before, one, state_digest()}) == 3


@pytest.fixture
def local_code():
    """Let the code of an office be a column that differs between nodes."""
    module = registry.module_of(OFFICE)
    tables = tuple(
        replace(table, local=frozenset({"code"})) if table.model is OfficeRow else table
        for table in module.tables
    )
    registry.register(replace(module, tables=tables))
    yield
    registry.register(module)


def test_a_local_column_does_not_matter(offices, local_code):
    before = state_digest()
    OfficeRow.objects.filter(code="desk1").update(code="here")
    assert state_digest() == before


def test_the_order_of_names_inside_a_value_does_not_matter(offices):
    OfficeRow.objects.update(titles={"fr": "Bureau", "en": "Desk"})
    before = state_digest()
    OfficeRow.objects.update(titles={"en": "Desk", "fr": "Bureau"})
    assert state_digest() == before
