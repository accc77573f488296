"""A card of the home page: something that waits for the person who looks, and where to do it.

Modules make cards; `home` puts them together. A card with nothing in it is not shown.
"""

from dataclasses import dataclass, field
from datetime import datetime

from django.utils.functional import Promise

Text = str | Promise


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that waits: what it is, where it leads, what is said beside it, since when."""

    text: Text
    url: str
    note: Text = ""
    at: datetime | None = None
    urgent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A group of things that wait. `count` is how many there are in all, not only those shown."""

    title: Text
    url: str
    count: int
    lines: tuple[Line, ...] = field(default=())
    more: Text = ""
