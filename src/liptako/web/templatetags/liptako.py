"""What templates say in one word: times with their age, names in the person's language."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from liptako.core.geo import MICRO
from liptako.web.kinds import kind_word
from liptako.web.texts import named, reason_text
from liptako.web.zones import wall_time

register = template.Library()
register.filter("named", named)
register.filter("kind_word", kind_word)
register.simple_tag(reason_text, name="reason")

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_LONG_AGO = 60 * _DAY
_KILOMETRE = 1000


@register.filter
def age(moment: datetime) -> str:
    """Return how long ago a moment was, in words."""
    seconds = int((timezone.now() - moment).total_seconds())
    if seconds < 0:
        return _("in the future")
    if seconds < _MINUTE:
        return _("just now")
    if seconds < _HOUR:
        n = seconds // _MINUTE
        return ngettext("%(n)d minute ago", "%(n)d minutes ago", n) % {"n": n}
    if seconds < _DAY:
        n = seconds // _HOUR
        return ngettext("%(n)d hour ago", "%(n)d hours ago", n) % {"n": n}
    n = seconds // _DAY
    return ngettext("%(n)d day ago", "%(n)d days ago", n) % {"n": n}


@register.simple_tag(takes_context=True)
def when(context: dict[str, Any], moment: datetime | None, style: str = "both") -> SafeString:
    """Show a moment in local time and in UTC with Z, and its age unless that says little."""
    if moment is None:
        return SafeString("—")
    text = wall_time(moment, context.get("zone") or UTC)
    old = (timezone.now() - moment).total_seconds() > _LONG_AGO
    if style == "short" or old:
        return format_html('<time datetime="{}">{}</time>', moment.isoformat(), text)
    return format_html(
        '<time datetime="{}">{}</time> <span class="age">{}</span>',
        moment.isoformat(),
        text,
        age(moment),
    )


@register.simple_tag(takes_context=True)
def member(context: dict[str, Any], code: str) -> str:
    """Return the name of a member of the compact, or its id."""
    names = context.get("member_names", {})
    return str(names.get(code, code))


@register.simple_tag(takes_context=True)
def office_title(context: dict[str, Any], code: str) -> str:
    """Return the title of an office of this State, or its code."""
    titles = context.get("office_titles", {})
    return named(titles[code], code) if code in titles else code


@register.simple_tag(takes_context=True)
def query(context: dict[str, Any], **changes: object) -> str:
    """Return the address's query with some parameters changed; nothing removes one."""
    params = context["request"].GET.copy()
    for name, value in changes.items():
        params.pop(name, None)
        if value not in {None, ""}:
            params[name] = str(value)
    return f"?{params.urlencode()}"


@register.filter
def get(table: Mapping[str, object], key: str) -> object:
    """Return what a table holds under a key, or nothing."""
    return table.get(key)


@register.filter
def degrees(micro: int, axis: str) -> str:
    """Return micro-degrees as `14.3500° N`, in French as `1,5000° O`."""
    north = (pgettext("compass", "N"), pgettext("compass", "S"))
    east = (pgettext("compass", "E"), pgettext("compass", "W"))
    letter = (north if axis == "lat" else east)[micro < 0]
    return f"{number_format(round(abs(micro) / MICRO, 4), 4)}° {letter}"


@register.filter
def distance(metres: int) -> str:
    """Return metres as people say them: `400 m`, `25 km`."""
    if metres < _KILOMETRE:
        return f"{metres}\N{NO-BREAK SPACE}m"
    return f"{round(metres / _KILOMETRE)}\N{NO-BREAK SPACE}km"


@register.filter
def labelled(word: object) -> str:
    """Return a word with a colon after it, as the language sets it."""
    return _("%(label)s:") % {"label": word}


@register.filter(name="hex")
def hexadecimal(data: bytes) -> str:
    """Return bytes as hexadecimal digits."""
    return bytes(data).hex()
