"""Words for codes: every code that a record may hold has one, unknown ones show themselves."""

import re

import pytest

from liptako.situation import words
from liptako.situation.records import (
    Harm,
    Level,
    PeriodPrecision,
    Standing,
    Status,
    Transform,
)


@pytest.mark.parametrize(
    ("table", "codes"),
    [
        (words.STATUSES, Status),
        (words.STANDINGS, Standing),
        (words.LEVELS, Level),
        (words.PRECISIONS, PeriodPrecision),
        (words.TRANSFORMS, Transform),
        (words.HARMS, Harm.__struct_fields__),
        (words.SEVERITIES, range(1, 5)),
        (words.RELIABILITIES, ["", *"ABCDEF"]),
        (words.CREDIBILITIES, range(7)),
    ],
)
def test_every_code_of_a_record_has_words(table, codes):
    assert set(table) == set(codes)
    assert all(str(word) for word in table.values())


def test_every_kind_has_an_activity_code_of_symbol_set_40():
    codes = [kind.app6 for kind in words.KINDS.values()]
    assert [code for code in codes if not re.fullmatch(r"1[1-7]\d{4}", code)] == []


def test_a_kind_of_a_later_version_is_shown_by_its_code():
    assert words.kind_word("meteorite") == "meteorite"
