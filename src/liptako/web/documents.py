"""Documents to print and to keep: PDF/A with tags (ISO 19005-2, level A), set by typst.

A template is a file of a module; what it shows is handed in as JSON and stays text: nothing in it
can be taken for a command. Templates import nothing: no address is ever asked for a package.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.resources import files
from typing import Any, Literal

import typst
from django.http import HttpResponse

_Standard = Literal["a-2a"]
_KEPT: tuple[_Standard, ...] = ("a-2a",)
_UNPRINTED = {
    **dict.fromkeys((*range(32), *range(127, 160)), " "),
    ord("\n"): "\n",
    **dict.fromkeys((0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)), ""),
}

logger = logging.getLogger(__name__)


def pdf(template: tuple[str, str], content: Mapping[str, Any], at: datetime) -> bytes:
    """Return a document: `template` is its package and its name, `content` what it shows.

    `at` is when it was made. Where no font of the machine has a character, a box stands in its
    place, and the document is a plain PDF: PDF/A wants every character.
    """
    package, name = template
    source = files(package).joinpath("documents", name).read_bytes()
    given = {"data": json.dumps(_printed(content), ensure_ascii=False)}
    moment = at.replace(microsecond=0)
    try:
        return _set(source, given, moment, _KEPT)
    except typst.TypstError as fault:
        logger.warning("%s: not kept as PDF/A: %s", name, fault)
        return _set(source, given, moment, ())


def _set(
    source: bytes, given: dict[str, str], at: datetime, standards: Sequence[_Standard]
) -> bytes:
    """Return a document as typst sets it."""
    return typst.compile(
        source, format="pdf", sys_inputs=given, timestamp=at, pdf_standards=list(standards)
    )


def _printed(value: Any) -> Any:  # noqa: ANN401 (JSON)
    """Return JSON without characters that nothing prints or that turn the direction of a text."""
    if isinstance(value, str):
        return value.translate(_UNPRINTED)
    if isinstance(value, Mapping):
        return {key: _printed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_printed(item) for item in value]
    return value


def as_answer(data: bytes, name: str) -> HttpResponse:
    """Return a document as a browser shows or saves it."""
    answer = HttpResponse(data, content_type="application/pdf")
    answer["Content-Disposition"] = f'inline; filename="{name}"'
    answer["Cache-Control"] = "private, no-store"
    return answer
