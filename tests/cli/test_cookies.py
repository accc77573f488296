"""Cookies go over https only where people on other machines come by https only."""

import pytest

from tests.cli.shell import python

CODE = """
from liptako import settings as read
print({read.SESSION_COOKIE_SECURE, read.CSRF_COOKIE_SECURE, read.LANGUAGE_COOKIE_SECURE})
"""


def secure(home, listen):
    """Return what the settings of a node that serves these addresses say of its cookies."""
    environ = {"LIPTAKO_HOME": str(home), "LIPTAKO_MEMBER": "ML", "LIPTAKO_SECRET_KEY": "x" * 50}
    return python("-c", CODE, **environ, LIPTAKO_LISTEN=listen).out.strip()


@pytest.mark.parametrize(
    "listen",
    [
        "https://0.0.0.0:8443",
        "http://127.0.0.1:8000 https://0.0.0.0:8443",
        "HTTP://LOCALHOST:8000 HTTPS://0.0.0.0:8443",
        "https://[::]:8443 http://[::1]:8000 http://127.3.2.1:8000",
    ],
)
def test_plain_http_on_the_machine_itself_does_not_make_cookies_insecure(tmp_path, listen):
    assert secure(tmp_path, listen) == "{True}"


@pytest.mark.parametrize(
    "listen",
    [
        "http://127.0.0.1:8000",
        "http://0.0.0.0:8000 https://0.0.0.0:8443",
        "http://liptako.example:8000 https://0.0.0.0:8443",
        "http://127.example:8000 https://0.0.0.0:8443",
    ],
)
def test_whoever_comes_by_plain_http_can_still_sign_in(tmp_path, listen):
    assert secure(tmp_path, listen) == "{False}"
