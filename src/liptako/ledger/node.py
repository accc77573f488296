"""The node: whose it is, the keys it signs and opens with, its clock and its dice.

A value that is handed to every action, so that several nodes can live in one test. The files are
written by `liptako init`.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from liptako.core.clock import Clock, Instant
from liptako.core.errors import MalformedError, SettingError
from liptako.core.keys import Signer, read_private_key, signer_from_seed
from liptako.core.log.sealed import recipient_of

SIGN_KEY = "keys/node.key"
SEAL_KEY = "keys/node.age"
TLS_KEY = "keys/tls.key"
TLS_CERT = "keys/tls.crt"
TLS_NEXT_KEY = "keys/tls-next.key"
TLS_NEXT_CERT = "keys/tls-next.crt"
ROOT_KEY = "keys/root.key"

Key = TypeVar("Key")


def system_clock() -> Instant:
    """Return the time of the machine."""
    return Instant(time.time_ns() // 1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A member's node.

    `identity` are the age secret keys that open what was sealed for it, one on each line: the
    present one, the next one, former ones. Files that go with a record may have at most
    `file_limit` bytes here.
    """

    member: str
    signer: Signer
    identity: str
    home: Path
    clock: Clock = system_clock
    random: Callable[[int], bytes] = secrets.token_bytes
    file_limit: int = 20 * 2**20

    @property
    def alone(self) -> frozenset[str]:
        """The default audience: the State itself."""
        return frozenset({self.member})


def open_node(home: Path, member: str) -> Node:
    """Return the node whose keys lie in a folder. Raises SettingError if they do not."""
    name, seed = read_key(home / SIGN_KEY, read_private_key)
    if name != f"{member}/node":
        raise SettingError(
            "LIPTAKO_MEMBER: expected the member of %(file)s, got %(got)s",
            file=str(home / SIGN_KEY),
            got=member,
        )
    identity = read_key(home / SEAL_KEY, age_identity)
    return Node(member=member, signer=signer_from_seed(seed), identity=identity, home=home)


@lru_cache(maxsize=1)
def this_node() -> Node:
    """Return the node that this process serves. For the outer edge only: views, jobs, commands."""
    from django.conf import settings  # noqa: PLC0415 (commands that need no Django import us too)

    node = open_node(settings.LIPTAKO.home, settings.LIPTAKO.member)
    return replace(node, file_limit=settings.LIPTAKO.attachment_bytes)


def age_identity(text: str) -> str:
    """Return age secret keys that have been checked. Raises MalformedError."""
    recipient_of(text.strip())
    return text.strip()


def read_key(path: Path, parse: Callable[[str], Key]) -> Key:
    """Return the key in a file. Raises SettingError, which tells nothing of the key."""
    try:
        return parse(path.read_text(encoding="utf-8"))
    except OSError as cause:
        raise SettingError(
            "LIPTAKO_HOME: the key %(file)s cannot be read; has `liptako init` been run?",
            file=str(path),
        ) from cause
    except (MalformedError, UnicodeDecodeError) as cause:
        raise SettingError("LIPTAKO_HOME: %(file)s is damaged", file=str(path)) from cause
