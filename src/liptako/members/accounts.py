"""What allauth asks of us: nobody signs up by themselves; sign-ins go into the audit trail.

It limits how often somebody tries, and leaves to us where that is counted.
"""

import logging
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.signals import password_changed
from allauth.core import ratelimit
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import (
    authentication_failed,
    authenticator_added,
    authenticator_removed,
    authenticator_reset,
)
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.filebased import FileBasedCache
from django.core.exceptions import ValidationError
from django.core.files import locks
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from liptako.core.errors import NotAllowedError, StorageError
from liptako.ledger.node import this_node
from liptako.members import actions
from liptako.members.models import Person

_LONGEST = 600
"""Seconds after which no limit looks back to a try: allauth's longest is five minutes."""

logger = logging.getLogger(__name__)


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types, so this base is Any
    """Accounts are made by an administrator; no mail is sent."""

    def is_open_for_signup(self, _request: HttpRequest) -> bool:
        """Nobody signs up by themselves."""
        return False

    def respond_user_inactive(self, _request: HttpRequest, _user: Person) -> HttpResponse:
        """Raise NotAllowedError: the right password does not open a closed account."""
        raise NotAllowedError("this account is closed: the node administrator can open it again")

    def get_password_change_redirect_url(self, _request: HttpRequest) -> str:
        """Go on to what waits: most people change the password because they had to."""
        return reverse("home")

    def clean_password(self, password: str, user: Person | None = None) -> str:
        """Return a password that is strong enough, and not the one that it is to replace."""
        if user is not None and user.has_usable_password() and user.check_password(password):
            raise ValidationError(_("This is the old password: choose another one."))
        cleaned: str = super().clean_password(password, user)
        return cleaned

    def _get_login_attempts_cache_key(self, _request: HttpRequest, **credentials: str) -> str:
        """Return what tries are counted by: the account, at whichever address of the node.

        allauth puts the address before it, and whoever tries may write that as they like.
        """
        return credentials.get("username", "").lower()

    def send_notification_mail(self, *args: object, **kwargs: object) -> None:
        """Send nothing: a node may have no mail, and the audit trail tells the same."""

    def send_mail(self, *args: object, **kwargs: object) -> None:
        """Send nothing."""


PASSWORD = "password"  # noqa: S105 (a word for how somebody has shown who they are)


def prove(request: HttpRequest, person: Person, password: str) -> str:
    """Return how a person has just shown who they are, to sign something.

    Raises NotAllowedError for a wrong password, and after too many of them.
    """
    if not ratelimit.consume(request, action="reauthenticate", user=person):
        raise NotAllowedError("too many wrong passwords: wait a minute, then try again")
    if not person.check_password(password):
        actions.record_audit(this_node(), "sign_in.failed", subject=person.code)
        raise NotAllowedError("this is not your password: nothing was signed")
    return PASSWORD


@contextmanager
def _counting(folder: str | Path) -> Iterator[None]:
    """Turn a fault of the folder where tries are counted into StorageError."""
    try:
        yield
    except OSError as cause:
        logger.exception("%s cannot be written", folder)
        raise StorageError("tries to sign in cannot be counted: tell the administrator") from cause


class AttemptCache(FileBasedCache):
    """Where allauth counts tries to sign in, and codes that were used: once for all processes.

    It is files in the node's folder and not a table: for each sign-in allauth writes a dozen times,
    each of which would wait for the disk and for the lock of the log, and a try that cannot be
    counted within a second is refused like one too many. Who could forge a file holds the keys.

    Raises StorageError if the folder cannot be written.
    """

    def __init__(self, folder: str, params: dict[str, Any]) -> None:
        """Count in a folder that only the node reads."""
        with _counting(folder):
            super().__init__(folder, params)
        self._folder = Path(folder)

    def add(
        self,
        key: str,
        value: object,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> bool:
        """Keep a value unless there is one. Of several processes only one does: it is a lock."""
        with _counting(self._folder):
            self._folder.mkdir(mode=0o700, exist_ok=True)
            with (self._folder / "lock").open("wb") as file:
                locks.lock(file, locks.LOCK_EX)  # until the file is closed
                return super().add(key, value, timeout, version)

    def get(self, key: str, default: object = None, version: int | None = None) -> Any:  # noqa: ANN401 (Django's)
        """Return a value; what a power cut has spoilt is as if it were not there."""
        try:
            return super().get(key, default, version)
        except (UnpicklingError, zlib.error):
            self.delete(key, version)
            return default

    def has_key(self, key: str, version: int | None = None) -> bool:
        """Say whether there is a value."""
        return self.get(key, version=version) is not None

    def _cull(self) -> None:
        """Forget what no limit looks back to; by tries of their own nobody makes it forget more."""
        now = time.time()
        for path in self._folder.glob(f"*{self.cache_suffix}"):
            with suppress(FileNotFoundError):  # another process was faster
                if now - path.stat().st_mtime > _LONGEST:
                    path.unlink()


def listen() -> None:
    """Connect the audit trail to what allauth and Django tell about sign-ins."""
    user_logged_in.connect(_signed_in, dispatch_uid="liptako")
    user_logged_out.connect(_signed_out, dispatch_uid="liptako")
    user_login_failed.connect(_sign_in_failed, dispatch_uid="liptako")
    password_changed.connect(_password_changed, dispatch_uid="liptako")
    authenticator_added.connect(_authenticator_added, dispatch_uid="liptako")
    authenticator_reset.connect(_authenticator_added, dispatch_uid="liptako")
    authenticator_removed.connect(_authenticator_removed, dispatch_uid="liptako")
    authentication_failed.connect(_second_factor_failed, dispatch_uid="liptako")


def _signed_in(user: Person, **_: object) -> None:
    actions.record_audit(this_node(), "sign_in", subject=user.code)


def _signed_out(user: Person | None, **_: object) -> None:
    if user is not None:
        actions.record_audit(this_node(), "sign_out", subject=user.code)


def _sign_in_failed(credentials: dict[str, str], **_: object) -> None:
    """Note a failed sign-in; of the account only if it exists: people type passwords there too."""
    typed = credentials.get("username", "")
    person = Person.objects.filter(username__iexact=typed).first()
    actions.record_audit(this_node(), "sign_in.failed", subject=person.code if person else "")


def _password_changed(user: Person, **_: object) -> None:
    actions.note_password_change(this_node(), user)


def _authenticator_added(user: Person, authenticator: Authenticator, **_: object) -> None:
    kind = str(authenticator.type)
    actions.record_audit(this_node(), "authenticator.add", subject=user.code, detail=kind)


def _authenticator_removed(user: Person, authenticator: Authenticator, **_: object) -> None:
    kind = str(authenticator.type)
    actions.record_audit(this_node(), "authenticator.remove", subject=user.code, detail=kind)


def _second_factor_failed(user: Person, authenticator: Authenticator, **_: object) -> None:
    kind = str(authenticator.type)
    actions.record_audit(this_node(), "sign_in.failed", subject=user.code, detail=kind)
