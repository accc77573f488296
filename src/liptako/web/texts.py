"""Turns our errors and our multilingual names into the words of the person who looks."""

from collections.abc import Mapping

from django.utils.translation import get_language, gettext

from liptako.core.errors import LiptakoError


def error_text(error: LiptakoError) -> str:
    """Return an error in the language of the person."""
    return reason_text(error.template, error.params)


def reason_text(template: str, params: Mapping[str, object]) -> str:
    """Return a template with its parameters in the language of the person.

    A parameter may be an error itself, or what `reason_of` made of one.
    """
    text = gettext(template)
    return text % {name: _in_words(value) for name, value in params.items()} if params else text


def _in_words(value: object) -> object:
    """Return a parameter as it is read: an error inside an error in the person's language too."""
    if isinstance(value, LiptakoError):
        return error_text(value)
    if isinstance(value, dict):
        return reason_text(value["template"], value["params"])
    return value


def reason_of(error: LiptakoError) -> dict[str, object]:
    """Return an error in a form that JSON can hold, to be read later in any language."""
    params = {
        name: reason_of(value) if isinstance(value, LiptakoError) else value
        for name, value in error.params.items()
    }
    return {"template": error.template, "params": params}


def named(names: Mapping[str, str], fallback: str = "") -> str:
    """Return the name in the person's language, else the first that is not empty."""
    language = (get_language() or "").split("-")[0]
    return names.get(language) or next(filter(None, names.values()), fallback)
