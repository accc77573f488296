"""The one place where errors become HTTP answers, and where a full disk becomes a sentence.

A person gets a page that says what was expected and what came; what they had typed is shown again
so that nothing is lost.
"""

import logging
from collections.abc import Callable

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _

from liptako.core.errors import (
    LiptakoError,
    MalformedError,
    NetworkError,
    NotAllowedError,
    RefusedError,
    SettingError,
    StorageError,
    VerificationError,
)
from liptako.web.texts import error_text

logger = logging.getLogger(__name__)

STATUS: dict[type[LiptakoError], int] = {
    MalformedError: 400,
    VerificationError: 422,
    RefusedError: 409,
    NotAllowedError: 403,
    NetworkError: 502,
    StorageError: 507,
    SettingError: 500,
}
_HIDDEN = ("password", "csrfmiddlewaretoken", "credential", "code")
_TYPED_LIMIT = 20_000


def status_of(error: LiptakoError) -> int:
    """Return the HTTP status for an error of ours."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def storage_error(error: OperationalError) -> StorageError | None:
    """Return what a database error means for a person, or nothing if it is another fault."""
    text = str(error).lower()
    if "full" in text or "no space" in text or "disk i/o" in text:
        return StorageError(
            "the disk of this node is full: nothing was saved, nothing was lost; "
            "tell the administrator, then send it again"
        )
    if "locked" in text or "lock timeout" in text:
        return StorageError(
            "the database was busy for too long: nothing was saved, nothing was lost; "
            "send it again in a moment"
        )
    if "readonly" in text or "read-only" in text:
        return StorageError("the database cannot be written to: tell the administrator")
    if "connect" in text or "unable to open" in text:
        return StorageError("the database cannot be reached: tell the administrator")
    return None


class FaultMiddleware:
    """Answers with a page for every error of ours and for a database that cannot take more."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """Keep the next one in the chain."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on; faults of other middleware end here too."""
        try:
            return self.get_response(request)
        except (LiptakoError, OperationalError) as error:
            answer = self.process_exception(request, error)
            if answer is None:
                raise
            return answer

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer for an error that a view raised."""
        if isinstance(error, OperationalError):
            storage = storage_error(error)
            if storage is None:
                return None
            logger.error("%s: %s", storage, error)
            error = storage
        if not isinstance(error, LiptakoError):
            return None
        return fault_page(request, error_text(error), status_of(error))


def fault_page(request: HttpRequest, message: str, status: int) -> HttpResponse:
    """Return the page for an error, with what was typed."""
    titles = {
        403: _("Not allowed"),
        404: _("Not found"),
        507: _("Not saved"),
        500: _("Something went wrong"),
    }
    context = {
        "title": titles.get(status, _("This could not be done")),
        "message": message,
        "typed": _typed(request),
        "bare": True,
    }
    return render(request, "web/fault.html", context, status=status)


def _typed(request: HttpRequest) -> list[tuple[str, str]]:
    """Return what the person had typed, so that it can be copied; no secrets."""
    forms = ("application/x-www-form-urlencoded", "multipart/form-data")
    if request.method != "POST" or not (request.content_type or "").startswith(forms):
        return []
    return [
        (name, value[:_TYPED_LIMIT])
        for name, values in request.POST.lists()
        for value in values
        if value.strip() and not any(part in name for part in _HIDDEN)
    ]


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 (Django's)
    """Answer for an address that leads nowhere."""
    return fault_page(request, _("There is nothing at this address, or not for you."), 404)


def broken(request: HttpRequest) -> HttpResponse:
    """Answer for a fault of the program itself."""
    return fault_page(
        request, _("This is a fault of the program. It was written to the node's log."), 500
    )
