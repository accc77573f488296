"""A foreign reader, part 1: what record.md says. Nothing here comes from the program."""

import hashlib
import json
import re
from base64 import b32encode, b64decode, b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass, field

LIMIT = 65_535
FARTHEST = 253_402_300_799_999  # the last millisecond of the year 9999
MEMBER = re.compile(r"[A-Z][A-Z0-9]{1,11}")
ORIGIN = re.compile(r"([A-Z][A-Z0-9]{1,11})/c/[0-9a-f]{16}/e([1-9][0-9]{0,8})")
_KIND = re.compile(r"[a-z]+\.[a-z_]+/[1-9][0-9]{0,3}")
_AUDIENCE = re.compile(r"[a-z2-7]{16}")
_OBJECT = re.compile(r"[0-9a-f][0-9a-hjkmnp-tv-z]{12}")
_LEVELS = 32
_SAFE = 2**53 - 1
URGENT = {"flash", "immediate"}
PRECEDENCES = URGENT | {"priority", "routine"}


class RefusedError(Exception):
    """It is not as the pages say."""


def need(condition, what):
    """Refuse what the pages do not allow."""
    if not condition:
        raise RefusedError(what)


def whole(value, low=0, high=_SAFE):
    """Say whether a value is an integer within bounds; true and false are none."""
    return type(value) is int and low <= value <= high


def text(value, longest=None):
    return isinstance(value, str) and (longest is None or len(value) <= longest)


def matches(pattern, value):
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def from_base64(said, size=None):
    """Return the bytes of base64 in its one spelling."""
    need(isinstance(said, str), "base64 as text")
    try:
        raw = b64decode(said, validate=True)
    except (Base64Error, ValueError) as cause:
        raise RefusedError("base64") from cause
    need(b64encode(raw).decode() == said, "one spelling of base64")
    need(size is None or len(raw) == size, "number of bytes")
    return raw


def spelled(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _once(pairs):
    found = dict(pairs)
    need(len(found) == len(pairs), "a key twice")
    return found


def _no_fraction(said):
    raise RefusedError(f"not an integer: {said[:20]}")


def _check(value, level):
    need(level <= _LEVELS or not isinstance(value, (dict, list)), "levels")
    if isinstance(value, dict):
        for key, inner in value.items():
            _check(key, level)
            _check(inner, level + 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, level + 1)
    elif isinstance(value, str):
        need("\0" not in value, "U+0000")
    elif type(value) is int:
        need(abs(value) <= _SAFE, "number")


def read_object(data, limit=LIMIT):
    """Return the one JSON object that these bytes spell."""
    need(len(data) <= limit, "size")
    try:
        value = json.loads(
            data.decode(),
            object_pairs_hook=_once,
            parse_float=_no_fraction,
            parse_constant=_no_fraction,
        )
        need(isinstance(value, dict), "an object")
        _check(value, 1)
        need(spelled(value).encode() == data, "one spelling")
    except (ValueError, RecursionError) as cause:
        raise RefusedError("JSON") from cause
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """A record that another one names."""

    origin: str
    place: int
    leaf: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a header says, as far as this reader uses it."""

    kind: str
    author: str
    audience: str
    object: str
    lamport: int
    digest: bytes
    size: int
    precedence: str = "routine"
    retain: int | None = None
    refs: tuple[Ref, ...] = field(default=())

    @property
    def lane(self):
        return "urgent" if self.precedence in URGENT else "bulk"

    @property
    def thread(self):
        return self.author, self.object, self.audience


def _instant(value):
    return whole(value, 0, FARTHEST)


def _ref(said):
    need(isinstance(said, list) and len(said) == 3, "ref")
    origin, place, leaf = said
    need(matches(ORIGIN, origin) and whole(place), "ref")
    return Ref(origin=origin, place=place, leaf=from_base64(leaf, 16))


def read_header(data):
    """Return what a header says, or refuse it as one that cannot be read."""
    said = read_object(data)
    absent = object()
    got = {name: said.get(name, absent) for name in _REQUIRED} | _DEFAULTS
    got |= {name: said[name] for name in _DEFAULTS if name in said}
    for name, good in (_REQUIRED | _OPTIONAL).items():
        need(got[name] is not absent and good(got[name]), name)
    stub = got["payload"]
    need({"hash", "size", "type"} <= stub.keys(), "payload")
    need(whole(stub["size"], 0, LIMIT) and text(stub["type"]), "payload")
    return Header(
        digest=from_base64(stub["hash"], 32),
        size=stub["size"],
        refs=tuple(map(_ref, got["refs"])),
        **{
            name: got[name]
            for name in (
                "kind", "author", "audience", "object", "lamport", "precedence", "retain"
            )
        },
    )  # fmt: skip


_REQUIRED = {
    "v": lambda value: whole(value, 1, 1),
    "kind": lambda value: matches(_KIND, value) and len(value) <= 64,
    "author": lambda value: matches(MEMBER, value),
    "office": lambda value: text(value, 64),
    "audience": lambda value: matches(_AUDIENCE, value),
    "compact": whole,
    "object": lambda value: matches(_OBJECT, value),
    "lamport": lambda value: whole(value, 1),
    "time": _instant,
    "payload": lambda value: isinstance(value, dict),
}
_OPTIONAL = {
    "precedence": lambda value: isinstance(value, str) and value in PRECEDENCES,
    "marking": lambda value: text(value, 64),
    "retain": lambda value: value is None or _instant(value),
    "refs": lambda value: isinstance(value, list),
}
_DEFAULTS = {"precedence": "routine", "marking": "", "retain": None, "refs": []}


def salt_of(seed, place):
    return hashlib.sha256(b"liptako salt v1" + seed + place.to_bytes(8, "big")).digest()[:16]


def payload_hash(salt, body):
    return hashlib.sha256(salt + body).digest()


def audience_of(members):
    said = "\n".join(["liptako audience v1", *sorted(set(members))])
    return b32encode(hashlib.sha256(said.encode()).digest()[:10]).decode().lower()
