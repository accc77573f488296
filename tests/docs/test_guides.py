"""The guides: the same in both languages, in the words of the screen, with commands that exist."""

import re
import shlex
from pathlib import Path

import polib
import pytest

from liptako import __version__
from liptako.cli.main import make_parser
from liptako.options import SETTINGS

ROOT = Path(__file__).parents[2]
GUIDES = ROOT / "docs" / "guide"
NAMES = ("officer", "administrator")
PAGES = [f"{name}.{language}.md" for name in NAMES for language in ("fr", "en")]
CATALOGUE = ROOT / "src" / "liptako" / "locale" / "fr" / "LC_MESSAGES" / "django.po"
FRENCH = {entry.msgid: entry.msgstr for entry in polib.pofile(str(CATALOGUE)) if entry.msgstr}

FENCE = re.compile(r"^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^(?:\S*/)?liptako ")
BOLD = re.compile(r"\*\*(.+?)\*\*", re.DOTALL)
QUOTED = re.compile(r"“(.+?)”|« (.+?) »", re.DOTALL)
CODE = re.compile(r"`([^`]+)`")


def text_of(page):
    return (GUIDES / page).read_text(encoding="utf-8").replace("\u00a0", " ")


def fences(page):
    return FENCE.findall(text_of(page))


def found(pattern, page):
    """Return what a pattern finds outside blocks, each on one line."""
    matches = pattern.finditer(FENCE.sub("", text_of(page)))
    return [" ".join(next(filter(None, match.groups())).split()) for match in matches]


def commands(page):
    """Return every call of the program that a guide gives, in a block or in a sentence."""
    lines = [line for fence in fences(page) for line in fence.splitlines()]
    lines = [line.removeprefix("ExecStart=").replace("%i", "serve") for line in lines]
    return [line for line in [*lines, *found(CODE, page)] if COMMAND.match(line)]


def test_every_guide_is_there_in_both_languages_and_linked():
    assert sorted(path.name for path in GUIDES.iterdir()) == sorted(PAGES)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [page for page in PAGES if f"(docs/guide/{page})" not in readme] == []


@pytest.mark.parametrize("name", NAMES)
def test_both_languages_have_the_same_headings_and_the_same_blocks(name):
    levels = [
        re.findall(r"^(#+) ", FENCE.sub("", text_of(f"{name}.{language}.md")), re.MULTILINE)
        for language in ("fr", "en")
    ]
    assert levels[0] == levels[1]
    assert fences(f"{name}.fr.md") == fences(f"{name}.en.md")


@pytest.mark.parametrize("name", NAMES)
def test_both_languages_give_the_same_commands_and_files(name):
    assert sorted(found(CODE, f"{name}.fr.md")) == sorted(found(CODE, f"{name}.en.md"))


@pytest.mark.parametrize("name", NAMES)
def test_names_in_bold_are_those_of_the_screen_in_both_languages(name):
    english = found(BOLD, f"{name}.en.md")
    assert [word for word in english if word not in FRENCH] == []
    assert {FRENCH[word] for word in english} == set(found(BOLD, f"{name}.fr.md"))


@pytest.mark.parametrize("name", NAMES)
def test_words_in_quotation_marks_are_those_of_the_program_in_both_languages(name):
    english, french = found(QUOTED, f"{name}.en.md"), found(QUOTED, f"{name}.fr.md")
    pairs = list(zip(english, french, strict=True))
    unknown = [
        (here, there)
        for here, there in pairs
        if not any(here in text and there in FRENCH[text] for text in FRENCH)
    ]
    assert (len(pairs) > 0, unknown) == (True, [])


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_guide_is_understood(page, capsys):
    refused = []
    for line in commands(page):
        words = shlex.split(line)[1:]
        try:
            make_parser().parse_args(words if len(words) > 1 else [*words, "--help"])
        except SystemExit as end:
            refused += [line] if end.code else []
    assert (refused, capsys.readouterr().err) == ([], "")


@pytest.mark.parametrize("page", PAGES)
def test_every_setting_that_a_guide_names_exists(page):
    known = {setting.name for setting in SETTINGS}
    named = re.findall(r"\b(?:LIPTAKO|DATABASE)_[A-Z_]+\b", text_of(page))
    assert {name.removesuffix("_FILE") for name in named} - known == set()


def test_the_guide_installs_what_the_makefile_builds_and_what_is_pinned():
    wheel = f"liptako-{__version__}-py3-none-any.whl"
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "WHEEL := dist/liptako-$(VERSION)-py3-none-any.whl" in makefile
    for language in ("fr", "en"):
        page = f"administrator.{language}.md"
        assert {"make wheel", f"dist/{wheel}", "requirements/run.txt"} <= set(found(CODE, page))
        named = set(re.findall(r"\S+\.whl", "".join(fences(page))))
        assert named == {wheel}
    assert (ROOT / "requirements" / "run.txt").is_file()


def test_what_is_checked_by_hash_and_what_is_not_are_two_commands():
    """pip wants a hash for everything in a command, once it wants one for anything."""
    lines = [line for line in "".join(fences("administrator.en.md")).splitlines() if "pip " in line]
    assert [line for line in lines if "--require-hashes" in line and ".whl" in line] == []
    assert [line for line in lines if "--no-deps" not in line] == []
    installs = [line for line in lines if "pip install" in line]
    assert [("-r run.txt" in line, ".whl" in line) for line in installs] == [
        (True, False),
        (False, True),
    ] * 2
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "install --no-deps --require-hashes -r requirements/run.txt" in makefile


def test_services_are_started_again_when_they_end():
    units = [fence for fence in fences("administrator.en.md") if "[Service]" in fence]
    assert len(units) == 1
    assert "Restart=always" in units[0]
