"""Who is asking: turns a request into an actor, and a right into the condition of a view."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django_htmx.middleware import HtmxDetails

from liptako.ledger.node import Node, this_node
from liptako.members import queries
from liptako.members.models import Person
from liptako.members.permissions import Actor, Right, require

P = ParamSpec("P")
ACTING_OFFICE = "office"
"""Session key: the code of the office that the person acts in."""


class AppRequest(HttpRequest):
    """A request as the middleware leaves it; `actor` is nobody before sign-in or without office."""

    node: Node
    htmx: HtmxDetails
    actor: Actor | None
    offices: tuple[Actor, ...]


class OfficerRequest(AppRequest):
    """A request whose actor has the right that the view asked for."""

    actor: Actor
    user: Person


class ActorMiddleware:
    """Finds the offices of who is signed in; sends people with a drawn password to change it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """Keep the next one in the chain."""
        self.get_response = get_response

    def __call__(self, request: AppRequest) -> HttpResponseBase:
        """Set node, offices and actor."""
        request.node = this_node()
        request.offices, request.actor = (), None
        if isinstance(request.user, Person):
            request.offices = tuple(queries.actors_of(request.user, request.node.member))
            request.actor = acting(request.offices, request.session.get(ACTING_OFFICE))
            if request.user.must_change_password and not _is_open(request.path):
                return redirect("account_change_password")
        return self.get_response(request)


def acting(offices: tuple[Actor, ...], wanted: str | None) -> Actor | None:
    """Return the actor for the chosen office, or for the first one."""
    chosen = [actor for actor in offices if actor.office == wanted]
    return next(iter([*chosen, *offices]), None)


def _is_open(path: str) -> bool:
    """Say whether a page is open to somebody who must change the password first."""
    names = ("account_change_password", "account_logout", "preferences", "account_reauthenticate")
    return path.startswith("/static/") or path in {reverse(name) for name in names}


def officer(
    right: Right,
) -> Callable[
    [Callable[Concatenate[OfficerRequest, P], HttpResponseBase]],
    Callable[Concatenate[OfficerRequest, P], HttpResponseBase],
]:
    """Let only offices with the right into a view. Raises NotAllowedError for others."""

    def decorate(
        view: Callable[Concatenate[OfficerRequest, P], HttpResponseBase],
    ) -> Callable[Concatenate[OfficerRequest, P], HttpResponseBase]:
        @wraps(view)
        def guarded(
            request: OfficerRequest, /, *args: P.args, **kwargs: P.kwargs
        ) -> HttpResponseBase:
            require(request.actor, right)
            return view(request, *args, **kwargs)

        return guarded

    return decorate
