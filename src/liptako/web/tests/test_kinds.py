"""Words for kinds of record: every kind that is read has them, others are shown by their code."""

from liptako.ledger import registry
from liptako.web.kinds import WORDS, kind_word


def test_every_kind_that_this_version_reads_has_words():
    assert {kind.name for kind in registry.kinds()} == set(WORDS)


def test_a_kind_of_a_later_version_is_shown_by_its_code():
    assert [kind_word(kind) for kind in ("later.thing/2", "")] == ["later.thing/2", "?"]
