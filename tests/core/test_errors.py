"""Errors: a template for people, a sentence for the log."""

import pytest

from liptako.core.errors import LiptakoError, MalformedError


def test_an_error_keeps_its_template_apart_from_its_parameters():
    error = MalformedError("expected %(limit)d, got %(got)s", limit=3, got="4 %")
    assert str(error) == "expected 3, got 4 %"
    assert (error.template, error.params["limit"]) == ("expected %(limit)d, got %(got)s", 3)


def test_an_error_without_parameters_may_hold_a_percent_sign():
    assert str(LiptakoError("100 % of it")) == "100 % of it"


def test_what_no_terminal_or_database_takes_is_not_shown():
    error = LiptakoError("got %(got)s", got="a\0\x1b[31m\ud800\r\u0085bé")
    assert str(error) == "got a��[31m���bé"
    assert error.params == {"got": "a��[31m���bé"}


def test_what_came_from_others_cannot_begin_a_line_of_the_log():
    error = LiptakoError("got %(got)s", got="x\n2026-09-21 ERROR\tforged\u2028a\u2029b")
    assert str(error) == "got x 2026-09-21 ERROR forged�a�b"
    assert len(str(error).splitlines()) == 1


TURNING = [*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C]


@pytest.mark.parametrize("code", TURNING, ids=hex)
def test_what_came_from_others_cannot_turn_the_direction_of_a_line(code):
    assert str(LiptakoError("got %(got)s here", got=f"a{chr(code)}b")) == "got a�b here"


def test_words_of_every_script_are_shown_as_they_are():
    words = "Gao · تومبوكتو · ⵜⵉⵏⴱⵓⴽⵜⵓ · 𞤑𞤢𞤱𞤮 · e\u0301"
    assert str(LiptakoError("got %(got)s", got=words)) == f"got {words}"
