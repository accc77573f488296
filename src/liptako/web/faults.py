"""The one place where errors become HTTP answers, and where a full disk becomes a sentence.

A person gets a page that says what was expected and what came; what they had typed is shown again
so that nothing is lost.
"""

import logging
import sys
from collections.abc import Callable

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.db import DatabaseError, InterfaceError, InternalError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
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
from liptako.core.reasons import is_disk_full
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


_FULL = StorageError(
    "the disk of this node is full: nothing was saved, nothing was lost; "
    "tell the administrator, then send it again"
)
_MEANINGS: tuple[tuple[tuple[str, ...], StorageError], ...] = (
    (("full", "no space", "disk i/o", "sqlstate=53100"), _FULL),
    (
        ("locked", "lock timeout", "sqlstate=55p03", "sqlstate=40p01"),
        StorageError(
            "the database was busy for too long: nothing was saved, nothing was lost; "
            "send it again in a moment"
        ),
    ),
    (
        ("readonly", "read-only", "sqlstate=25006"),
        StorageError("the database cannot be written to: tell the administrator"),
    ),
    (
        ("connect", "unable to open", "sqlstate=08", "sqlstate=57p0"),
        StorageError("the database cannot be reached: tell the administrator"),
    ),
)
"""What SQLite says, what PostgreSQL says in English, and its codes for servers in French."""


def storage_error(error: DatabaseError) -> StorageError | None:
    """Return what a database error means for a person, or nothing if it is another fault."""
    text = f"{error} sqlstate={getattr(error.__cause__, 'sqlstate', None)}".lower()
    found = (meaning for words, meaning in _MEANINGS if any(word in text for word in words))
    return next(found, None)


class FaultMiddleware:
    """Answers with a page for every error of ours and for a database that cannot take more.

    Django turns what other middleware raises into its own answer for a broken program before
    anybody outside sees it: `broken` looks after those.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """Keep the next one in the chain."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer for an error that a view raised."""
        ours = _ours(error)
        if ours is None:
            return None
        return fault_page(request, error_text(ours), status_of(ours))


def _ours(error: BaseException | None) -> LiptakoError | None:
    """Return what an exception means for a person, or nothing if it is a fault of the program."""
    if isinstance(error, OperationalError | InternalError):
        meaning = storage_error(error)
        if meaning is not None:
            logger.error("%s: %s", meaning, error)
        return meaning
    if error is not None and is_disk_full(error):
        logger.error("%s: %s", _FULL, error)
        return _FULL
    return error if isinstance(error, LiptakoError) else None


class SignInMiddleware(LoginRequiredMiddleware):
    """Asks for a sign-in; what somebody sends whose session has ended is shown again, not lost."""

    def process_view(
        self,
        request: HttpRequest,
        view_func: Callable[..., HttpResponseBase],
        view_args: tuple[object, ...],
        view_kwargs: dict[str, object],
    ) -> HttpResponseBase | None:
        """Answer for a request of nobody to a page that is not for everybody."""
        answer = super().process_view(request, view_func, view_args, view_kwargs)
        if answer is None or not _typed(request):
            return answer
        message = _(
            "Your session has ended: sign in again in another window, then come back here and "
            "copy what you had typed."
        )
        return fault_page(request, message, 403)


def fault_page(request: HttpRequest, message: str, status: int) -> HttpResponse:
    """Return the page for an error, with what was typed."""
    context = _context(request, message, status)
    try:
        return render(request, "web/fault.html", context, status=status)
    except (LiptakoError, DatabaseError, InterfaceError):
        # What stands around every page is read from the database, which may be what failed.
        return _page_alone(context, status)


def _page_alone(context: dict[str, object], status: int) -> HttpResponse:
    """Return the page for an error with nothing around it that could fail."""
    return HttpResponse(render_to_string("web/fault_alone.html", context), status=status)


def _context(request: HttpRequest, message: str, status: int) -> dict[str, object]:
    """Return what the page for an error shows."""
    titles = {
        403: _("Not allowed"),
        404: _("Not found"),
        507: _("Not saved"),
        500: _("Something went wrong"),
    }
    title = titles.get(status, _("This could not be done"))
    return {"title": title, "message": message, "typed": _typed(request)}


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
    """Answer for what was raised around the views; it may lie in what stands around every page."""
    ours = _ours(sys.exc_info()[1])
    if ours is not None:
        status, message = status_of(ours), error_text(ours)
    else:
        status, message = (
            500,
            _("This is a fault of the program. It was written to the node's log."),
        )
    return _page_alone(_context(request, message, status), status)


def stale_form(request: HttpRequest, **_reason: object) -> HttpResponse:
    """Answer for a form without the token of this session: opened before somebody signed in."""
    message = _("The page with this form is too old: go back, load it again, and send it again.")
    return fault_page(request, message, 403)
