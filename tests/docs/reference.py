"""Writes the reference pages from the code, so that a test can compare them.

`python tests/docs/reference.py write` puts them into docs/reference (`make docs`).
"""

import argparse
import inspect
import re
import sys
import typing
from pathlib import Path

import django
import msgspec

from liptako.cli import codes
from liptako.cli.main import make_parser
from liptako.env import SETTINGS
from liptako.ledger import registry

FOLDER = Path(__file__).parents[2] / "docs" / "reference"
_MADE = "<!-- Made from the code by `make docs`; do not edit. -->\n"


def settings_page() -> str:
    """Return the page of settings."""
    rows = "".join(
        f"| `{setting.name}` | {setting.default} | {setting.meaning} |\n" for setting in SETTINGS
    )
    text = (
        "# Settings\n\n"
        "Read from the environment, and below it from `liptako.env` in the node's folder. Each\n"
        "may also be given as a file: `NAME_FILE=/path`. A wrong or unknown setting stops the\n"
        "start and is named.\n\n"
        "| setting | default | meaning |\n|---|---|---|\n"
    )
    return _MADE + text + rows


def _commands(parser: argparse.ArgumentParser) -> list[tuple[str, argparse.ArgumentParser]]:
    """Return all commands that have a help text, with those below them."""
    found: list[tuple[str, argparse.ArgumentParser]] = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            shown = {choice.dest for choice in action._choices_actions}
            for name, command in action.choices.items():
                if name in shown:
                    found += [(command.prog, command), *_commands(command)]
    return found


def commands_page() -> str:
    """Return the page of commands with their help as it is printed in English."""
    title = f"{_MADE}# Commands\n\n"
    title += (
        "`liptako --home FOLDER COMMAND`; messages in French, or in English: `--language en`.\n"
    )
    parts = [title]
    for prog, command in _commands(make_parser()):
        command.formatter_class = lambda prog: argparse.HelpFormatter(prog, width=96)
        parts.append(f"\n## `{prog}`\n\n```\n{command.format_help().rstrip()}\n```\n")
    parts.append("\n## Exit codes\n\n| code | meaning |\n|---|---|\n")
    words = {
        codes.OK: "done",
        codes.FAULT: "something is wrong; it was said what",
        codes.USAGE: "wrong arguments",
    }
    words |= {code: (kind.__doc__ or "").splitlines()[0] for kind, code in codes.CODES.items()}
    words[codes.INTERRUPTED] = "interrupted; what was finished is kept"
    parts += [f"| {code} | {meaning} |\n" for code, meaning in sorted(words.items())]
    return "".join(parts)


def _type_words(kind: object) -> str:
    """Return a type as a page writes it."""
    text = str(kind) if typing.get_args(kind) else getattr(kind, "__name__", str(kind))
    return re.sub(r"liptako\.\w+\.records\.", "", text).replace("|", "\\|")


def kinds_page() -> str:
    """Return the page of kinds of record with the fields of their payloads."""
    django.setup()
    title = f"{_MADE}# Kinds of record\n\nThe payload of each kind, as JSON in the one spelling of "
    title += "[record.md](../spec/record.md). Fields without a default are always there.\n"
    parts = [title]
    for kind in registry.kinds():
        parts.append(f"\n## `{kind.name}`\n\n{inspect.getdoc(kind.payload)}\n\n")
        parts.append("| field | type | default |\n|---|---|---|\n")
        for field in msgspec.structs.fields(kind.payload):
            default = "" if field.required else f"`{field.default!r}`"
            parts.append(f"| `{field.name}` | `{_type_words(field.type)}` | {default} |\n")
    return "".join(parts)


PAGES = {"settings.md": settings_page, "commands.md": commands_page, "kinds.md": kinds_page}


def main() -> int:
    """Write all pages."""
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
