"""The command line as a whole: its help, its language, its exit codes."""

import argparse

import pytest

from liptako import __version__
from liptako.cli import codes
from liptako.cli.main import main, make_parser
from liptako.cli.words import choose_language, error_words, names_of
from liptako.core import errors
from liptako.core.errors import LiptakoError, MalformedError
from tests.cli.shell import liptako, python


def commands():
    """Give the words of every command and of what stands under it."""
    found = [((), make_parser())]
    for words, parser in found:
        for action in parser._actions:  # noqa: SLF001 (argparse shows its commands nowhere else)
            if isinstance(action, argparse._SubParsersAction):
                found += [((*words, name), below) for name, below in action.choices.items()]
    return [words for words, _ in found]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_has_a_help(words, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--language", "en", *words, "--help"])
    assert caught.value.code == codes.OK
    assert capsys.readouterr().out.startswith(" ".join(("usage: liptako", *words)))


HELP = """
import sys
from liptako.cli.main import main
try:
    main(["--help"])
finally:
    print({"django", "cryptography.x509", "shapely"} & sys.modules.keys())
"""


def test_the_help_comes_at_once_because_nothing_slow_is_loaded():
    assert python("-c", HELP).out.splitlines()[-1] == "set()"


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("nonsense",),
        ("serv",),
        ("init",),
        ("exchange",),
        ("exchange", "send"),
        ("--lang", "en", "verify"),
        ("--language", "de", "verify"),
        ("serve", "--workers", "many"),
    ],
)
def test_what_is_no_command_is_refused_with_the_usage(words):
    result = liptako(*words)
    assert (result.code, result.out) == (codes.USAGE, "")
    assert result.err.startswith("usage: liptako")


def test_the_version_is_told():
    assert liptako("--version") == (codes.OK, f"{__version__}\n", "")


@pytest.mark.parametrize(
    ("argv", "environ", "language"),
    [
        ([], {}, "fr"),
        ([], {"LIPTAKO_LANGUAGE": "en"}, "en"),
        ([], {"LIPTAKO_LANGUAGE": "de"}, "fr"),
        ([], {"LANG": "en_GB.UTF-8"}, "en"),
        ([], {"LC_ALL": "C.UTF-8"}, "fr"),
        ([], {"LC_ALL": "fr_ML", "LANG": "en_GB"}, "fr"),
        ([], {"LIPTAKO_LANGUAGE": "fr", "LANG": "en_GB"}, "fr"),
        (["--language", "en", "verify"], {"LIPTAKO_LANGUAGE": "fr"}, "en"),
        (["--language=en", "verify"], {"LIPTAKO_LANGUAGE": "fr"}, "en"),
        (["--language", "de"], {"LANG": "en_GB"}, "en"),
        (["--language"], {"LANG": "en_GB"}, "en"),
    ],
)
def test_the_language_is_the_chosen_one_else_that_of_the_shell_else_french(argv, environ, language):
    assert choose_language(argv, environ) == language


def test_the_chosen_language_is_spoken():
    by_option = liptako("--language", "en", "verify", LIPTAKO_LANGUAGE="fr")
    by_setting = liptako("verify", LIPTAKO_LANGUAGE="en")
    expected = (9, "", "LIPTAKO_HOME: this setting is missing\n")
    assert (by_option, by_setting) == (expected, expected)


def test_every_kind_of_error_has_an_exit_code():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    found = {kind.__name__: codes.code_of(kind("x")) for kind in kinds}
    assert found == {
        "LiptakoError": 1,
        "MalformedError": 3,
        "VerificationError": 4,
        "PinError": 4,
        "RefusedError": 5,
        "NotAllowedError": 6,
        "NetworkError": 7,
        "StorageError": 8,
        "SettingError": 9,
        "CutError": 3,  # as malformed bytes
        "GapError": 4,  # as what cannot be verified
        "UnderWayError": 5,  # as what is refused for now
    }


def test_an_error_is_told_with_its_parameters():
    assert error_words(LiptakoError("a %(b)s", b="c")) == "a c"
    assert error_words(LiptakoError("100 %")) == "100 %"


def test_names_are_given_by_language():
    assert names_of(["fr=Mali", "en= Mali = "]) == {"fr": "Mali", "en": "Mali ="}


@pytest.mark.parametrize("wrong", ["Mali", "=Mali", "fr=", "fr= ", "f-r=Mali", ""])
def test_a_name_without_its_language_is_refused(wrong):
    with pytest.raises(MalformedError, match="name: expected fr=Mali, got"):
        names_of([wrong])
