"""The compact that this node has adopted, as the core reads it."""

from functools import lru_cache

from liptako.core.clock import Clock
from liptako.core.compact.members import Compact, read_compact
from liptako.core.errors import RefusedError
from liptako.ledger.models import CompactVersion

_NONE = Compact(version=0, names={}, members=(), audiences=())


def document() -> bytes:
    """Return the bytes of the compact in force; none on a node that stands alone."""
    latest = CompactVersion.objects.order_by("-version").values_list("document", flat=True).first()
    return bytes(latest or b"")


def current() -> Compact:
    """Return the compact in force, or one without members on a node that stands alone."""
    found = document()
    return _read(found) if found else _NONE


@lru_cache(maxsize=8)
def _read(found: bytes) -> Compact:
    return read_compact(found)


def adopt(found: bytes, member: str, clock: Clock) -> Compact:
    """Keep a compact that has been compared aloud, and return it.

    Raises MalformedError, or RefusedError if this member is not in it or it is no newer one.
    """
    compact = read_compact(found)
    compact.member(member)
    if compact.version <= current().version:
        raise RefusedError(
            "compact: expected a version above %(held)d, got %(got)d",
            held=current().version,
            got=compact.version,
        )
    CompactVersion.objects.create(
        version=compact.version, document=found.strip(), adopted_at=clock().moment()
    )
    return compact
