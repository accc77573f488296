"""`liptako`: reads the arguments, runs one command, turns every error into words and a code."""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from gettext import gettext as _

from liptako import __version__
from liptako.cli import (
    backfill,
    card,
    codes,
    compact,
    data,
    delegate,
    demo,
    demo_steps,
    erase,
    exchange,
    keys,
    node,
    people,
    safety,
    serve,
    signing,
    verify,
)
from liptako.cli.home import storage_error
from liptako.cli.words import choose_language, complain, error_words, speak
from liptako.core.errors import LiptakoError
from liptako.env import LANGUAGES

_OTHERS = 0o077  # what we write is for its owner: keys, records, logs, backups
GROUPS = (
    node,
    serve,
    data,
    keys,
    card,
    delegate,
    compact,
    signing,
    people,
    erase,
    backfill,
    exchange,
    verify,
    safety,
    demo,
    demo_steps,
)


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="liptako",
        description=_("The working system of an alliance of sovereign States."),
        allow_abbrev=False,  # `choose_language` looks for the whole word
    )
    parser.add_argument("--home", help=_("folder of the node (else LIPTAKO_HOME)"))
    parser.add_argument("--language", choices=LANGUAGES, help=_("language of the messages"))
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for group in GROUPS:
        group.add_commands(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    os.umask(_OTHERS)
    argv = sys.argv[1:] if argv is None else argv
    speak(choose_language(argv, os.environ))
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    args = make_parser().parse_args(argv)
    try:
        code: int = args.run(args)
    except LiptakoError as error:
        return _tell(error)
    except KeyboardInterrupt:
        complain(_("Interrupted. What was finished is kept; run it again to go on."))
        return codes.INTERRUPTED
    except Exception as error:
        found = storage_error(error)
        if found is None:
            raise
        return _tell(found)
    return code


def _tell(error: LiptakoError) -> int:
    """Say an error in the person's language and return its exit code."""
    complain(error_words(error))
    return codes.code_of(error)
