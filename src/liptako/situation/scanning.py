"""What in an incident may tell who somebody is, so that an officer looks before it leaves."""

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from liptako.core.errors import MalformedError
from liptako.core.personal import Lexicon, Sort, findings, read_lexicon
from liptako.situation.records import Incident

NAMES = "names.txt"


class Personal(NamedTuple):
    """Something that may tell who somebody is, and in which field of the incident it stands."""

    field: str
    sort: Sort
    text: str


def personal_in(home: Path, incident: Incident, captions: Iterable[str] = ()) -> list[Personal]:
    """Return what in the words of an incident, and of its files, may tell who somebody is.

    Raises MalformedError if the node has a list of names that cannot be read.
    """
    lexicon = _lexicon(home)
    texts = [
        ("summary", incident.summary),
        ("text", incident.text),
        ("where", incident.place.words),
        ("source", incident.source.words),
        *(("caption", caption) for caption in captions),
    ]
    return [Personal(field, *found) for field, text in texts for found in findings(text, lexicon)]


@cache
def _lexicon(home: Path) -> Lexicon:
    """Return the words that come with the program, and those of the node if it has any."""
    text = (files("liptako.situation") / NAMES).read_text(encoding="utf-8")
    own = home / NAMES
    try:
        return read_lexicon(text + "\n" + own.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return read_lexicon(text)
    except (OSError, UnicodeDecodeError) as cause:
        raise MalformedError("table: %(file)s cannot be read", file=str(own)) from cause
