"""Finds in a text what may tell who somebody is: telephone numbers, addresses, papers, names.

Meant to make an officer look before a text leaves, not to decide. Names are known by what stands
before them (`M.`, `El Hadj`, `nommé`, a rank) and by lists of first and family names: whoever is
named otherwise is not found.
"""

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from liptako.core.wording import folded


class Sort(enum.StrEnum):
    """What may tell who somebody is."""

    PHONE = "phone"
    MAIL = "mail"
    PAPER = "paper"
    NAME = "name"


class Finding(NamedTuple):
    """A part of a text that may tell who somebody is, as it stands there."""

    sort: Sort
    text: str


@dataclass(frozen=True, slots=True)
class Lexicon:
    """What stands before names, and first and family names, as `folded` gives them."""

    titles: frozenset[str]
    names: frozenset[str]


def read_lexicon(text: str) -> Lexicon:
    """Return the words of a list: one on a line, titles behind "!"; "#" begins a remark."""
    lines = [folded(line.strip()) for line in text.splitlines()]
    words = [line for line in lines if line and not line.startswith("#")]
    return Lexicon(
        titles=frozenset(word[1:] for word in words if word.startswith("!")),
        names=frozenset(word for word in words if not word.startswith("!")),
    )


_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_NUMBER = re.compile(r"(?<![\w.,/+])(?:\+|00)?\d(?:[\d .\-]|\u00a0|\u202f){6,20}\d(?![\w/])")
_GROUPS = re.compile(r"[^\d+]+")
_LEAST = 8  # digits of a number of a telephone, as those of the Sahel have
_MOST = 15  # with the country (ITU-T E.164)
_THOUSANDS = re.compile(r"\d{1,3}(?:[ .\u00a0\u202f]\d{3})+")
_DATE = re.compile(r"\d{4}-\d\d-\d\d|\d{1,2}[. -]\d{1,2}[. -]\d{4}|(?:19|20)\d\d[01]\d[0-3]\d")

_WORD = re.compile(r"(?:N['’])?[^\W\d_]+(?:-[^\W\d_]+)*\.?")
_LONGEST = 4  # letters of a word that is cut short by a full stop, which then ends no sentence


def findings(text: str, lexicon: Lexicon) -> list[Finding]:
    """Return what in a text may tell who somebody is, each once, in the order of the sorts."""
    found = [*_mails(text), *_numbers(text), *_named(text, lexicon)]
    return list(dict.fromkeys(found))


def _mails(text: str) -> Iterator[Finding]:
    """Give the addresses of electronic mail."""
    return (Finding(Sort.MAIL, match[0]) for match in _MAIL.finditer(text))


def _numbers(text: str) -> Iterator[Finding]:
    """Give what may be numbers of telephones, or of papers; no dates, amounts or coordinates."""
    for match in _NUMBER.finditer(text):
        number = match[0].strip()
        digits = _GROUPS.sub("", number)
        if _THOUSANDS.fullmatch(number) or _DATE.fullmatch(number):
            continue
        if number.startswith(("+", "00")) or _has_pairs(number) or len(digits) == _LEAST:
            if _LEAST <= len(digits.lstrip("+")) <= _MOST:
                yield Finding(Sort.PHONE, number)
        elif len(digits) > _LEAST and digits == number:
            yield Finding(Sort.PAPER, number)


def _has_pairs(number: str) -> bool:
    """Say whether a number is written in pairs, as those of telephones are."""
    groups = _GROUPS.split(number)
    return len(groups) >= 4 and all(len(group) == 2 for group in groups)  # noqa: PLR2004 (8 digits)


def _named(text: str, lexicon: Lexicon) -> Iterator[Finding]:
    """Give runs of words that begin with a capital where a title or a known name says they name."""
    run: list[re.Match[str]] = []
    titled, before = False, None
    for word in _WORD.finditer(text):
        bare = _bare(word)
        goes_on = before is not None and _go_together(text, before, word)
        is_part = word[0][0].isupper() and bare not in lexicon.titles
        if run and not (goes_on and is_part):
            yield from _run(text, run, lexicon, titled=titled)
            run = []
        if not run:
            titled = titled and goes_on and is_part
        if bare in lexicon.titles:
            titled = True
        elif is_part and (run or titled or bare in lexicon.names):
            run.append(word)
        before = word
    yield from _run(text, run, lexicon, titled=titled)


def _bare(word: re.Match[str]) -> str:
    """Return a word as the lists have it."""
    return folded(word[0]).rstrip(".")


def _go_together(text: str, one: re.Match[str], other: re.Match[str]) -> bool:
    """Say whether nothing but space stands between two words, and no sentence ends there."""
    ends = one[0].endswith(".") and len(one[0]) > _LONGEST
    return not ends and not text[one.end() : other.start()].strip()


def _run(
    text: str, run: list[re.Match[str]], lexicon: Lexicon, *, titled: bool
) -> Iterator[Finding]:
    """Give what a run of capitalized words names, if it is somebody."""
    if run and (titled or any(_bare(word) in lexicon.names for word in run)):
        yield Finding(Sort.NAME, text[run[0].start() : run[-1].end()].rstrip("."))
