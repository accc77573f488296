"""Writes the reference pages from the code, so that a test can compare them.

`python tests/docs/reference.py write` puts them into docs/reference (`make docs`).
"""

import argparse
import enum
import inspect
import re
import sys
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import django
import msgspec
from django.utils import translation
from django.utils.functional import Promise

import liptako.members.words as members_words
import liptako.situation.words as situation_words
from liptako.cli import codes
from liptako.cli.main import make_parser
from liptako.ledger import registry
from liptako.options import SETTINGS

FOLDER = Path(__file__).parents[2] / "docs" / "reference"
_CODES: dict[str, Mapping[Any, Promise | str]] = {
    "office.roles": members_words.ROLES,
    "audit.event": members_words.EVENTS,
    "incident.kind": situation_words.KINDS,
    "incident.severity": situation_words.SEVERITIES,
    "incident.affected": situation_words.AFFECTED,
    "incident.needs": situation_words.NEEDS,
    "incident.reliability": situation_words.RELIABILITIES,
    "incident.credibility": situation_words.CREDIBILITIES,
}
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


def _default_words(default: object) -> str:
    """Return a default as it would stand in a payload."""
    return f"`{msgspec.json.encode(default).decode()}`"


def _fields_table(struct: type[msgspec.Struct]) -> str:
    """Return the fields of a payload or of a part of one."""
    rows = [
        f"| `{field.name}` | `{_type_words(field.type)}` | "
        f"{'' if field.required else _default_words(field.default)} |\n"
        for field in msgspec.structs.fields(struct)
    ]
    short = struct.__struct_config__.omit_defaults
    told = "\nA field with its default is left out.\n" if short else ""
    return "| field | type | default |\n|---|---|---|\n" + "".join(rows) + told


def _parts_of(kind: object) -> Iterator[type]:
    """Give the structs and lists of values that a type is made of, each before its own parts."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct | enum.Enum):
        yield kind
    inner = (
        [field.type for field in msgspec.structs.fields(kind)]
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct)
        else typing.get_args(kind)
    )
    for part in inner:
        yield from _parts_of(part)


def _part(part: type) -> str:
    """Return what a struct or a list of values holds."""
    about = f"\n### `{part.__name__}`\n\n{inspect.getdoc(part)}\n\n"
    if issubclass(part, enum.Enum):
        return f"{about}One of {', '.join(f'`{value.value}`' for value in part)}.\n"
    return about + _fields_table(part)


def kinds_page() -> str:
    """Return the page of kinds of record with the fields of their payloads and all their parts."""
    django.setup()
    title = f"{_MADE}# Kinds of record\n\nThe payload of each kind, as JSON in the one spelling of "
    title += "[record.md](../spec/record.md). A field without a default is always there.\n"
    parts = [title]
    payloads = [kind.payload for kind in registry.kinds()]
    for kind in registry.kinds():
        parts.append(f"\n## `{kind.name}`\n\n{inspect.getdoc(kind.payload)}\n\n")
        parts.append(_fields_table(kind.payload))
    parts.append("\n## Parts\n")
    found = {part: None for payload in payloads for part in _parts_of(payload)}
    parts += [_part(part) for part in found if part not in payloads]
    parts.append("\n## Codes\n\nWhat a desk writes; a reader shows a code that it does not know.\n")
    with translation.override("en"):
        for name, codes_of in _CODES.items():
            parts.append(f"\n### `{name}`\n\n| code | meaning |\n|---|---|\n")
            parts += [
                f"| `{code}` | {getattr(word, 'name', word)} |\n" for code, word in codes_of.items()
            ]
    return "".join(parts)


PAGES = {"settings.md": settings_page, "commands.md": commands_page, "kinds.md": kinds_page}


def main() -> int:
    """Write all pages."""
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
