"""What allauth is told: no sign-up, no mail; and what the audit trail hears of its signals."""

import pytest
from allauth.account.adapter import get_adapter
from django.contrib.auth import logout, signals
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.core import mail
from django.test import RequestFactory

from liptako.members import accounts
from liptako.members.models import AuditEvent

pytestmark = pytest.mark.django_db


def test_nobody_signs_up_by_themselves(rf):
    adapter = get_adapter()
    assert type(adapter) is accounts.Adapter
    assert adapter.is_open_for_signup(rf.get("/")) is False


def test_no_mail_is_ever_sent(person):
    adapter = get_adapter()
    adapter.send_mail("account/email/password_reset", "awa@example.org", {})
    adapter.send_notification_mail("account/email/password_changed", person("awa"))
    assert mail.outbox == []


def test_the_end_of_a_session_that_was_nobodys_is_not_noted():
    request = RequestFactory().get("/")
    request.user, request.session = AnonymousUser(), SessionStore()
    logout(request)
    assert AuditEvent.objects.count() == 0


def test_listening_twice_notes_once(person):
    awa = person("awa")
    accounts.listen()
    signals.user_logged_in.send(sender=type(awa), request=None, user=awa)
    assert AuditEvent.objects.filter(event="sign_in").count() == 1


def test_a_failed_sign_in_without_the_name_of_an_account_is_noted_about_nobody(person):
    person("awa")
    signals.user_login_failed.send(sender="passkey", credentials={}, request=None)
    assert AuditEvent.objects.get(event="sign_in.failed").subject == ""
