"""What allauth asks of us: nobody signs up by themselves; sign-ins go into the audit trail."""

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.signals import password_changed
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import (
    authentication_failed,
    authenticator_added,
    authenticator_removed,
    authenticator_reset,
)
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from liptako.core.errors import NotAllowedError
from liptako.ledger.node import this_node
from liptako.members import actions
from liptako.members.models import Person


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

    def send_notification_mail(self, *args: object, **kwargs: object) -> None:
        """Send nothing: a node may have no mail, and the audit trail tells the same."""

    def send_mail(self, *args: object, **kwargs: object) -> None:
        """Send nothing."""


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
