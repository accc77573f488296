"""What each group of commands uses to declare its own."""

import argparse
from gettext import gettext as _
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""What each group adds its commands to; argparse has no public name for it."""


def at_least_one(text: str) -> int:
    """Return a number of things of which there must be one. Raises what argparse expects."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(
            _("expected a whole number from 1 on, got %(text)s") % {"text": text}
        )
    return int(text)


def add_root_keys(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the root keys that sign."""
    parser.add_argument(
        "--key",
        action="append",
        default=[],
        help=_("root key that signs: a file, or pkcs11:…; may be repeated"),
    )
