"""A foreign reader, part 7: kinds.md. Which records of a thread are rejected by their kind."""

import re

from tests.foreign.payloads import HARMS, ROLES
from tests.foreign.spelling import FARTHEST, audience_of, whole

_CODE = re.compile(r"[a-z_]{1,32}")
_OFFICE = re.compile(r"[a-z][a-z0-9-]{1,31}")
_OBJECT = re.compile(r"[0-9a-f][0-9a-hjkmnp-tv-z]{12}")
_BLANK = {
    *range(0x09, 0x0E), *range(0x1C, 0x21), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B),
    0x2028, 0x2029, 0x202F, 0x205F, 0x3000,
}  # fmt: skip


def blank(said):
    return all(ord(character) in _BLANK for character in said)


def bare(said):
    """Return a text without the blanks around it."""
    return said.strip("".join(map(chr, _BLANK)))


def instant(value):
    return whole(value, 0, FARTHEST)


def code(said):
    return _CODE.fullmatch(said) is not None


def _object_or_none(said):
    return said == "" or _OBJECT.fullmatch(said) is not None


def _place(said):
    lat, lon = said["lat"], said["lon"]
    if (lat is None) != (lon is None):
        return False
    if lat is None and not said["area"] and blank(said["words"]):
        return False
    if lat is not None and not (abs(lat) <= 90_000_000 and abs(lon) <= 180_000_000):
        return False
    short = len(said["area"]) <= 64 and len(said["words"]) <= 8_000
    return short and 0 <= said["radius_m"] <= 2_000_000


def _count(said):
    best = said["best"]
    low, high = (best if said.get(name) is None else said[name] for name in ("low", "high"))
    return 0 <= low <= best <= high


def _after(begins, ends, *, later):
    return ends is None or (instant(ends) and (ends > begins if later else ends >= begins))


def _incident(said, thread):
    period = {"ends": None} | said["period"]
    empty = {"lat": None, "lon": None, "radius_m": 0, "area": "", "words": ""}
    source, before = said["source"], thread.get("reference")
    return all((
        1 <= len(said["reference"]) <= 64,
        before in {None, said["reference"]},
        all(map(code, (said["kind"], *said["affected"], *said["needs"]))),
        not blank(said["summary"]) and len(said["summary"]) <= 160,
        len(said["text"]) <= 8_000,
        1 <= said["severity"] <= 4 and 0 <= said["credibility"] <= 6,
        said["reliability"] in {"", *"ABCDEF"},
        instant(period["begins"]) and _after(period["begins"], period["ends"], later=False),
        _place(empty | said["place"]),
        all(_count(said["harm"][name]) for name in HARMS if said["harm"].get(name)),
        len(said["handled_by"]) <= 64 and len(source.get("id", "")) <= 64,
    ))  # fmt: skip


def _fold_incident(kind, said, thread):
    if kind == "situation.incident/1":
        good = _incident(said, thread)
        thread |= {"reference": said["reference"]} if good else {}
        return good
    released = thread.setdefault("released", set())
    if kind == "situation.release/1":
        good = all((
            "reference" in thread,
            not blank(said["basis"]),
            said["audience"] == audience_of(said["members"]),
            said["until"] is None or instant(said["until"]),
        ))  # fmt: skip
        released |= {said["audience"]} if good else set()
        return good
    good = said["audience"] in released and 1 <= len(bare(said["reason"])) <= 2_000
    thread["released"] = released - ({said["audience"]} if good else set())
    return good


def _fold_journal(_kind, said, thread):
    good = all((
        "first" not in thread,
        not blank(said["text"]) and len(said["text"]) <= 4_000,
        _object_or_none(said["incident"]) and _object_or_none(said["corrects"]),
        instant(said["at"]),
    ))  # fmt: skip
    thread |= {"first": said} if good else {}
    return good


def _fold_office(_kind, said, thread):
    good = all((
        _OFFICE.fullmatch(said["code"]) is not None,
        thread.get("code") in {None, said["code"]},
        set(said["roles"]) <= ROLES,
        any(not blank(title) for title in said["titles"].values()),
    ))  # fmt: skip
    thread |= {"code": said["code"]} if good else {}
    return good


def _fold_mandate(kind, said, thread):
    if kind == "members.mandate_end/1":
        good = "given" in thread and "ended" not in thread and not blank(said["reason"])
        thread |= {"ended": said} if good else {}
        return good
    good = all((
        "given" not in thread,
        _OFFICE.fullmatch(said["office"]) is not None and said["subjects"] != [],
        instant(said["begins"]) and _after(said["begins"], said["ends"], later=True),
    ))  # fmt: skip
    thread |= {"given": said} if good else {}
    return good


def _fold_audit(_kind, said, thread):
    good = "first" not in thread
    thread |= {"first": said} if good else {}
    return good


def _fold_freely(_kind, _said, _thread):
    return True


GROUPS = {
    "exchange.destroyed/1": _fold_freely,
    "exchange.files/1": _fold_freely,
    "exchange.recall/1": _fold_freely,
    "exchange.test/1": _fold_freely,
    "situation.incident/1": _fold_incident,
    "situation.release/1": _fold_incident,
    "situation.recalled/1": _fold_incident,
    "situation.attachment/1": _fold_freely,
    "situation.journal/1": _fold_journal,
    "members.office/1": _fold_office,
    "members.mandate/1": _fold_mandate,
    "members.mandate_end/1": _fold_mandate,
    "members.audit/1": _fold_audit,
}


def rejected_of(records):
    """Give the records of a thread, in the order of folding, that the rules of their kinds reject.

    Each one comes as (kind, fields, record). Every group of kinds sees only its own.
    """
    threads = {fold: {} for fold in GROUPS.values()}
    for kind, said, record in records:
        fold = GROUPS[kind]
        if not fold(kind, said, threads[fold]):
            yield record
