"""Errors as people read them: in their language, now or once they were kept, one inside another."""

import errno
from collections.abc import Callable, Mapping
from typing import TypedDict

from liptako.core.errors import LiptakoError

Translate = Callable[[str], str]


class PlainError(TypedDict):
    """An error in a form that JSON can hold."""

    template: str
    params: dict[str, object]


def plain(error: LiptakoError) -> PlainError:
    """Return template and parameters of an error, to be kept and read by `kept_in_words`."""
    params = {name: _plain(value) for name, value in error.params.items()}
    return PlainError(template=error.template, params=params)


def _plain(value: object) -> object:
    """Return a parameter in a form that JSON can hold."""
    if isinstance(value, LiptakoError):
        return plain(value)
    return value if isinstance(value, int | str) else str(value)


def in_words(error: LiptakoError, translate: Translate) -> str:
    """Return an error in the language of `translate`, errors among its parameters too."""
    return kept_in_words(error.template, error.params, translate)


def kept_in_words(template: str, params: Mapping[str, object], translate: Translate) -> str:
    """Return what `plain` kept of an error in the language of `translate`."""
    said = {name: _said(value, translate) for name, value in params.items()}
    return translate(template) % said if said else translate(template)


def _said(value: object, translate: Translate) -> object:
    """Return a parameter as it is read: an error, kept or not, in the same language."""
    if isinstance(value, LiptakoError):
        return in_words(value, translate)
    if isinstance(value, dict):
        return kept_in_words(value["template"], value["params"], translate)
    return value


def why_of(error: OSError) -> str:
    """Return what the operating system says of an error, without the name of the file."""
    return error.strerror or str(error)


def is_disk_full(error: BaseException) -> bool:
    """Say whether the disk, or what the node may use of it, is full."""
    return isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}
