"""Turns our errors and our multilingual names into the words of the person who looks."""

from collections.abc import Mapping

from django.utils.translation import get_language, gettext

from liptako.core.errors import LiptakoError
from liptako.core.reasons import in_words, kept_in_words


def error_text(error: LiptakoError) -> str:
    """Return an error in the language of the person."""
    return in_words(error, gettext)


def reason_text(template: str, params: Mapping[str, object]) -> str:
    """Return what was kept of an error in the language of the person."""
    return kept_in_words(template, params, gettext)


def named(names: Mapping[str, str], fallback: str = "") -> str:
    """Return the name in the person's language, else the first that is not empty."""
    language = (get_language() or "").split("-")[0]
    return names.get(language) or next(filter(None, names.values()), fallback)
