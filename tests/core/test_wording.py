"""Text is found however its accents and letters are typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liptako.core.wording import folded, words_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ségou", "segou"),
        ("TÉRA", "tera"),
        ("cœur", "coeur"),
        ("l’eau", "l'eau"),
        ("kɛ̀lɛma", "kelema"),
        ("Ɗan Ƙasa", "dan kasa"),
        ("Ŋaabu", "naabu"),
        ("½ ﬁn", "1⁄2 fin"),
        ("", ""),
        ("İstanbul", "istanbul"),
    ],
)
def test_accents_and_letters_do_not_count(text, expected):
    assert folded(text) == expected


def test_words_are_told_apart_by_what_stands_between():
    assert words_of("L’armée, à Ansongo-Ville : 3 blessés…") == [
        "l", "armee", "a", "ansongo", "ville", "3", "blesses",
    ]  # fmt: skip


@given(st.text())
def test_what_is_folded_stays_as_it_is_when_folded_again(text):
    assert folded(folded(text)) == folded(text)
    assert words_of(folded(text)) == words_of(text)
