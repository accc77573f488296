"""Pages in more than one way: whole or their changing part (htmx); understood or not."""

from collections.abc import Callable
from typing import Any

from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django_htmx.middleware import HtmxDetails

from liptako.core.errors import LiptakoError
from liptako.web.texts import error_text


def render_part(
    request: HttpRequest, page: str, part: str, context: dict[str, Any]
) -> HttpResponse:
    """Return the whole page, or to htmx its part; caches keep the two apart."""
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]  # set by its middleware
    response = render(request, part if htmx else page, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def is_done(form: Form, deed: Callable[[], object]) -> bool:
    """Do what a form asks for; say whether it was done. If not, the form tells why."""
    try:
        deed()
    except LiptakoError as error:
        form.add_error(None, error_text(error))
        return False
    return True


def render_form(
    request: HttpRequest, page: str, context: dict[str, Any], *others: Form
) -> HttpResponse:
    """Return a page with forms, as one that was not understood if something in one is wrong."""
    wrong = any(form.errors for form in (context["form"], *others))
    return render(request, page, context, status=422 if wrong else 200)
