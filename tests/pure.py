"""Proves that the core is pure: no Django to import, no network to reach, while its tests run.

Loaded by `make check` with `-p tests.pure`.
"""

import importlib.abc
import sys


class NoFrameworks(importlib.abc.MetaPathFinder):
    """Refuses to find Django and what belongs to it."""

    def find_spec(self, fullname, path, target=None):  # noqa: ARG002 (as importlib calls it)
        if fullname.partition(".")[0] in {"django", "allauth", "django_tasks"}:
            message = f"the core must not import {fullname}"
            raise ImportError(message)


def refuse_network(event, _arguments):
    """Refuse to connect anywhere."""
    if event in {"socket.connect", "socket.getaddrinfo"}:
        message = "the core must not use the network"
        raise RuntimeError(message)


sys.meta_path.insert(0, NoFrameworks())
sys.addaudithook(refuse_network)
