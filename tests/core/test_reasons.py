"""Errors as people read them: in one language, kept or not, one inside another."""

import errno
import json
from pathlib import Path

import pytest

from liptako.core.errors import LiptakoError, RefusedError
from liptako.core.reasons import in_words, is_disk_full, kept_in_words, plain, why_of


def shouted(text):
    return text.upper().replace("%(WHY)S", "%(why)s").replace("%(LINE)D", "%(line)d")


def test_an_error_inside_an_error_is_said_in_the_same_language():
    error = LiptakoError("line %(line)d: %(why)s", line=3, why=RefusedError("no such day"))
    assert in_words(error, shouted) == "LINE 3: NO SUCH DAY"
    assert in_words(RefusedError("100 % of it"), str) == "100 % of it"


def test_an_error_that_was_kept_as_json_is_said_as_it_would_have_been():
    inner = RefusedError("%(why)s", why=Path("a"))
    error = LiptakoError("line %(line)d: %(why)s", line=3, why=inner)
    kept = json.loads(json.dumps(plain(error)))
    assert kept_in_words(kept["template"], kept["params"], shouted) == "LINE 3: a"


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(errno.ENOSPC, ""), True),
        (OSError(errno.EDQUOT, ""), True),
        (OSError(errno.EACCES, ""), False),
        (ValueError(errno.ENOSPC), False),
    ],
)
def test_a_full_disk_is_told_apart(error, full):
    assert is_disk_full(error) is full


def test_what_the_system_says_of_an_error_names_no_file():
    assert (
        why_of(OSError(errno.EROFS, "Read-only file system", "/srv/x")) == "Read-only file system"
    )
    assert why_of(OSError("it is gone")) == "it is gone"
