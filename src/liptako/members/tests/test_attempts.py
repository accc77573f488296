"""Tries to sign in are counted by all processes together, and counting never breaks a sign-in."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import cache

SIGN_IN = "/account/sign-in/"
TRIES = """
import django
django.setup()
from allauth.account.adapter import get_adapter
from django.test import RequestFactory
for _ in range(5):
    request = RequestFactory().post("/account/sign-in/")
    get_adapter(request).pre_authenticate(request, username="awa")
"""


@pytest.fixture
def folder():
    """The folder where tries are counted."""
    return Path(settings.CACHES["default"]["LOCATION"])


def sign_in(client, password, **more):
    """Try to sign in; return the status and whether it was the right password at a right time."""
    answer = client.post(SIGN_IN, {"login": "awa", "password": password}, **more)
    return answer.status_code, "_auth_user_id" in client.session


@pytest.mark.django_db
def test_two_processes_count_the_tries_together(client, person, password):
    person("awa")
    subprocess.run([sys.executable, "-c", TRIES], check=True, env=os.environ)  # noqa: S603 (ours)
    assert sign_in(client, password) == (200, False)


@pytest.mark.django_db
def test_tries_for_one_account_count_together_at_every_address(client, person, password):
    person("awa")
    for number in range(5):
        sign_in(client, "wrong", headers={"host": f"localhost:{number}"})
    assert sign_in(client, password) == (200, False)


@pytest.mark.django_db
def test_tries_for_another_account_do_not_count(client, person, password):
    person("awa")
    for _ in range(5):
        client.post(SIGN_IN, {"login": "moussa", "password": "wrong"})
    assert sign_in(client, password) == (302, True)


def test_of_many_who_keep_a_value_at_one_moment_only_one_does():
    with ThreadPoolExecutor(8) as pool:
        for number in range(20):
            kept = list(pool.map(lambda key: cache.add(key, "y"), [f"code-{number}"] * 8))
            assert sum(kept) == 1


def test_only_the_node_reads_what_is_counted(folder):
    cache.set("a", 1)
    modes = {path.stat().st_mode & 0o777 for path in folder.glob("*.djcache")}
    assert (folder.stat().st_mode & 0o777, modes) == (0o700, {0o600})


@pytest.mark.django_db
@pytest.mark.parametrize(
    "left", [b"", b"\0" * 40, b"\x80\x05N."], ids=["empty", "zeros", "cut short"]
)
def test_what_a_power_cut_has_spoilt_keeps_nobody_out(client, person, password, folder, left):
    person("awa")
    sign_in(client, "wrong")
    files = list(folder.glob("*.djcache"))
    for path in files:
        path.write_bytes(left)
    assert len(files) >= 2
    assert sign_in(client, password) == (302, True)


@pytest.mark.django_db
def test_a_folder_that_was_deleted_is_made_again(client, person, password, folder):
    person("awa")
    (folder / "lock").unlink(missing_ok=True)
    folder.rmdir()
    assert sign_in(client, password) == (302, True)


@pytest.mark.django_db
def test_a_folder_that_cannot_be_written_is_told_in_words(client, person, password, folder):
    person("awa")
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
    (folder / "lock").unlink(missing_ok=True)
    (folder / "lock").mkdir()
    answer = client.post(SIGN_IN, {"login": "awa", "password": password})
    (folder / "lock").rmdir()
    assert answer.status_code == 507
    assert "tries to sign in cannot be counted" in answer.content.decode()


def test_only_what_no_limit_looks_back_to_is_forgotten(folder):
    cache.set("old", 1)
    (old,) = folder.glob("*.djcache")
    cache.set("new", 2)
    os.utime(old, (0, time.time() - 2 * 3600))
    cache.set("other", 3)
    assert [cache.get(key) for key in ("old", "new", "other")] == [None, 2, 3]
