"""The words that pages show for the codes of a row."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.functional import Promise

from liptako.core.records.envelope import Precedence
from liptako.situation import words
from liptako.situation.models import Incident
from liptako.situation.scanning import Personal
from liptako.web.fields import PRECEDENCES


def with_words(rows: Iterable[Incident]) -> list[tuple[Incident, dict[str, Any]]]:
    """Return rows with the words for their codes."""
    return [(row, words_of(row)) for row in rows]


def words_of(row: Incident) -> dict[str, Any]:
    """Return the words for the codes of an incident."""
    return {
        "kind": words.kind_word(row.kind),
        "severity": words.SEVERITIES.get(row.severity, row.severity),
        "status": _word(words.STATUSES, row.status),
        "standing": _word(words.STANDINGS, row.standing),
        "precedence": PRECEDENCES.get(Precedence(row.precedence)) if row.precedence else "",
        "level": _word(words.LEVELS, row.level),
        "precision": _word(words.PRECISIONS, row.period_precision),
        "reliability": words.RELIABILITIES.get(row.reliability, row.reliability),
        "credibility": words.CREDIBILITIES.get(row.credibility, row.credibility),
        "affected": [words.AFFECTED.get(code, code) for code in row.affected],
        "needs": [words.NEEDS.get(code, code) for code in row.needs],
        "harm": [(words.HARMS[name], row.harm[name]) for name in words.HARMS if name in row.harm],
    }


def personal_words(found: Iterable[Personal]) -> list[tuple[Promise, Promise, str]]:
    """Return where something may tell who somebody is, what it may be, and the text itself."""
    return [
        (words.PLACES_OF_WORDS[item.field], words.PERSONAL[item.sort], item.text) for item in found
    ]


def _word(table: Mapping[str, Promise], code: str) -> Promise | str:
    """Return the word for a code; the code itself if a later version wrote it."""
    return table.get(code, code)
