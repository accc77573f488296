"""Words of the command line in the person's language, without Django.

`--language` or LIPTAKO_LANGUAGE decides, else the locale of the shell, else French.
"""

import gettext
import os
import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from liptako.core.errors import LiptakoError, MalformedError
from liptako.core.reasons import in_words
from liptako.env import LANGUAGES

_LOCALES = Path(__file__).parent.parent / "locale"
_OPTION = "--language"
_DOMAIN = "django"  # the one catalogue that pages use too


def choose_language(argv: Sequence[str], environ: Mapping[str, str]) -> str:
    """Return the language for a command."""
    wanted = [word.removeprefix(_OPTION + "=") for word in argv if word.startswith(_OPTION + "=")]
    wanted += [word for option, word in pairwise(argv) if option == _OPTION]
    names = ("LIPTAKO_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
    wanted += [environ.get(name, "")[:2] for name in names]
    return next((word for word in wanted if word in LANGUAGES), LANGUAGES[0])


def speak(language: str) -> None:
    """Let all words from now on, those of the argument parser too, be of a language."""
    os.environ["LANGUAGE"] = language
    gettext.bindtextdomain(_DOMAIN, _LOCALES)
    gettext.textdomain(_DOMAIN)


def say(text: str) -> None:
    """Print a line for the person."""
    print(text, flush=True)


def complain(text: str) -> None:
    """Print a line about something wrong."""
    print(text, file=sys.stderr, flush=True)


def error_words(error: LiptakoError) -> str:
    """Return an error in the person's language."""
    return in_words(error, gettext.gettext)


def names_of(pairs: list[str]) -> dict[str, str]:
    """Return names by language from fr=Mali en=Mali. Raises MalformedError."""
    names = {}
    for pair in pairs:
        language, equals, name = pair.partition("=")
        if not (equals and language.isalpha() and name.strip()):
            raise MalformedError("name: expected fr=Mali, got %(got)s", got=pair)
        names[language] = name.strip()
    return names


def named(names: Mapping[str, str]) -> str:
    """Return a name in the person's language, else in the first one that there is."""
    return names.get(os.environ.get("LANGUAGE", ""), next(iter(names.values()), "—"))


class Progress:
    """A line that tells how far long work is; on a terminal it is written over itself."""

    def __init__(self, what: str) -> None:
        """Name the work."""
        self._what = what
        self._shown = -1

    def __call__(self, done: int, total: int) -> None:
        """Show how much of how much is done."""
        percent = 100 if not total else done * 100 // total
        step = 1 if sys.stderr.isatty() else 10
        if percent // step == self._shown // step and done < total:
            return
        self._shown = percent
        end = "\r" if sys.stderr.isatty() and done < total else "\n"
        print(f"{self._what}: {done}/{total} ({percent} %)", end=end, file=sys.stderr, flush=True)


def gettext_noop(text: str) -> str:
    """Mark a sentence for the catalogue."""
    return text


ARGPARSE = (
    gettext_noop("usage: "),
    gettext_noop("positional arguments"),
    gettext_noop("options"),
    gettext_noop("show this help message and exit"),
    gettext_noop("%(prog)s: error: %(message)s\n"),
    gettext_noop("argument %(argument_name)s: %(message)s"),
    gettext_noop("the following arguments are required: %s"),
    gettext_noop("unrecognized arguments: %s"),
    gettext_noop("expected one argument"),
    gettext_noop("expected at least one argument"),
    gettext_noop("invalid choice: %(value)r (choose from %(choices)s)"),
    gettext_noop("invalid %(type)s value: %(value)r"),
)
"""The sentences of the argument parser, which looks them up in the same catalogue."""
