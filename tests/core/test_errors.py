"""Errors: a template for people, a sentence for the log."""

from liptako.core.errors import LiptakoError, MalformedError


def test_an_error_keeps_its_template_apart_from_its_parameters():
    error = MalformedError("expected %(limit)d, got %(got)s", limit=3, got="4 %")
    assert str(error) == "expected 3, got 4 %"
    assert (error.template, error.params["limit"]) == ("expected %(limit)d, got %(got)s", 3)


def test_an_error_without_parameters_may_hold_a_percent_sign():
    assert str(LiptakoError("100 % of it")) == "100 % of it"


def test_what_no_terminal_or_database_takes_is_not_shown():
    error = LiptakoError("got %(got)s", got="a\0\x1b[31m\ud800\r\u0085b\n\té")
    assert str(error) == "got a��[31m���b\n\té"
    assert error.params == {"got": "a��[31m���b\n\té"}
