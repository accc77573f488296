"""One exchange with a partner at a time, however many processes there are.

Two at once would send one backlog twice over a thin line, and take more of it than its cap allows.
A process that is killed gives its turn back: the operating system or the database server holds it.
"""

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from liptako.ledger.node import Node


@contextmanager
def turn(node: Node, member: str) -> Iterator[bool]:
    """Say whether it is our turn with a partner: nobody else's while what is inside lasts."""
    shared = connection.vendor == "postgresql"  # processes of several machines meet there
    with _on_server(member) if shared else _on_disk(node, member) as ours:
        yield ours


@contextmanager
def _on_server(member: str) -> Iterator[bool]:
    """Take a lock of the session at the database server, if it is free."""
    digest = hashlib.sha256(f"exchange with {member}".encode()).digest()
    key = int.from_bytes(digest[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        ours = bool(cursor.fetchone()[0])
    try:
        yield ours
    finally:
        if ours:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


@contextmanager
def _on_disk(node: Node, member: str) -> Iterator[bool]:
    """Take a lock of the operating system in the node's folder, if it is free."""
    folder = node.home / "turns"
    folder.mkdir(exist_ok=True)
    with (folder / member).open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
