"""Changes to good bytes: what an enemy, a bad stick or a broken program would make of them."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import msgspec

MOST_BYTES = 200_000

_PIECES = (
    b"", b"\0", b"\n", b"\n\n", b" ", b"\r\n", b"\xff", b"\xed\xa0\x80", b"\xc2\x85",
    b"\xef\xbb\xbf",
    b"0", b"-1", b"00", b"1e9", b"1.0", b"9007199254740992", b"99999999999999999999", b"true",
    b"null", b"{}", b"[]", b'"', b"\\u0000", b"\\ud800", b"=", b"+", b"/", b"%", b"%(x)s",
    "— ".encode(), "\u0661".encode(), "\u2028".encode(), "\U0001d7d8".encode(),
    b"\xdd\xff\xff\xff\xff",
    b"\xc6\xff\xff\xff\xff", b"\xd9\xff", b"\x91" * 64, b"[" * 64, b'{"a":' * 40,
)  # fmt: skip
_VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2**31, 2**53 - 1, 2**53, 2**63 - 1, -(2**63), 2**64 - 1, 1.5,
    "", "x", "ML", "\0", "\ud7ff", "٣", "a" * 70, "%s", "é" * 300,
    b"", b"x", b"\0" * 32, b"\0" * 64, b"\xff" * 70_000,
    [], {}, [[]], {"": None}, {"a": {"b": {"c": []}}}, ["ML", "ML"], [None] * 300,
)  # fmt: skip


def mutated(data: bytes, others: Sequence[bytes], chance: Random) -> bytes:
    """Return bytes with one to four changes."""
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 4))):
        data = chance.choice(_CHANGES)(data, others, chance)[:MOST_BYTES]
    return data


def _place(data: bytes, chance: Random) -> int:
    return chance.randint(0, len(data))


def _flip(data: bytes, _others: Sequence[bytes], chance: Random) -> bytes:
    if not data:
        return data
    place = chance.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :]


def _replace_byte(data: bytes, _others: Sequence[bytes], chance: Random) -> bytes:
    place = _place(data, chance)
    return data[:place] + bytes([chance.randrange(256)]) + data[place + 1 :]


def _insert(data: bytes, _others: Sequence[bytes], chance: Random) -> bytes:
    place, piece = _place(data, chance), chance.choice(_PIECES)
    return data[:place] + piece + data[place + chance.choice((0, 0, 1, len(piece))) :]


def _delete(data: bytes, _others: Sequence[bytes], chance: Random) -> bytes:
    place = _place(data, chance)
    return data[:place] + data[place + int(2 ** chance.uniform(0, 7)) :]


def _cut(data: bytes, _others: Sequence[bytes], chance: Random) -> bytes:
    return data[: _place(data, chance)]


def _repeat(data: bytes, _others: Sequence[bytes], chance: Random) -> bytes:
    place = _place(data, chance)
    part = data[place : place + int(2 ** chance.uniform(0, 6))]
    return data[:place] + part * chance.choice((2, 2, 3, 50)) + data[place + len(part) :]


def _splice(data: bytes, others: Sequence[bytes], chance: Random) -> bytes:
    other = chance.choice(others)
    return data[: _place(data, chance)] + other[_place(other, chance) :]


def _swap_lines(data: bytes, _others: Sequence[bytes], chance: Random) -> bytes:
    lines = data.split(b"\n")
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


_CHANGES: tuple[Callable[[bytes, Sequence[bytes], Random], bytes], ...] = (
    _flip, _flip, _replace_byte, _insert, _insert, _delete, _cut, _repeat, _splice, _swap_lines,
)  # fmt: skip


def mutated_value(value: Any, chance: Random) -> Any:
    """Return a tree of lists, mappings and values with one to three of its parts changed."""
    for _ in range(chance.choice((1, 1, 2, 3))):
        value = _changed(value, chance)
    return value


def _changed(value: Any, chance: Random) -> Any:
    """Return a tree with a change at a random depth."""
    if isinstance(value, list) and value and chance.random() < 0.85:
        return _changed_list(value, chance)
    if isinstance(value, dict) and value and chance.random() < 0.85:
        return _changed_mapping(value, chance)
    if isinstance(value, bytes) and chance.random() < 0.6:
        return mutated(value, [value], chance)
    if isinstance(value, str) and chance.random() < 0.6:
        return mutated(value.encode(), [b"x"], chance).decode(errors="replace")
    if isinstance(value, int) and chance.random() < 0.5:
        return min(max(value + chance.choice((-1, 1, 256, -256)), -(2**63)), 2**64 - 1)
    return chance.choice(_VALUES)


def _changed_list(value: list[Any], chance: Random) -> list[Any]:
    """Return a list with one of its parts changed, left out, given twice, or a new one."""
    place, how = chance.randrange(len(value)), chance.random()
    if how < 0.6:
        return [*value[:place], _changed(value[place], chance), *value[place + 1 :]]
    if how < 0.7:
        return value[:place] + value[place + 1 :]
    if how < 0.8:
        return value[:place] + [value[place]] * chance.choice((2, 300)) + value[place:]
    if how < 0.9:
        return [*value, chance.choice(_VALUES)]
    return chance.sample(value, len(value))


def _changed_mapping(value: dict[Any, Any], chance: Random) -> dict[Any, Any]:
    """Return a mapping with one of its fields changed, left out, or a new one."""
    key, how = chance.choice(list(value)), chance.random()
    if how < 0.75:
        return value | {key: _changed(value[key], chance)}
    if how < 0.85:
        return {name: item for name, item in value.items() if name != key}
    return value | {chance.choice(("later", "", "é", key + "x")): chance.choice(_VALUES)}


def mutated_json(data: bytes, others: Sequence[bytes], chance: Random) -> bytes:
    """Return JSON with its structure changed, or its bytes."""
    if chance.random() < 0.4:
        return mutated(data, others, chance)
    try:
        return msgspec.json.encode(mutated_value(msgspec.json.decode(data), chance))
    except (msgspec.MsgspecError, ValueError, TypeError, RecursionError):
        return mutated(data, others, chance)
