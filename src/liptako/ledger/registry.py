"""Who reads which kind of record: each module says it once, when Django has loaded its apps.

A module hands in the types of its payloads and one function that folds threads into rows.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
from django.db import models

from liptako.core.errors import MalformedError
from liptako.core.records.fields import (
    Json,
    decode_exact,
    decode_fields,
    encode_fields,
    exact_decoder,
)
from liptako.core.records.payload import PAYLOAD_LIMIT
from liptako.ledger.records import Record, Rejection, Thread

Threads = Mapping[Thread, Sequence[Record]]
"""Whole threads, each with its records in the order of folding."""

Row = dict[str, Any] | models.Model
"""A row as the values of all its columns by attribute name, or as a model that is not stored."""

Rows = dict[type[models.Model], list[Row]]
"""Rows by the tables that they are for."""


class Folded(NamedTuple):
    """What threads come to: all their rows of each table, and the records that break a rule."""

    rows: Rows
    rejections: Sequence[Rejection] = ()


Fold = Callable[[Threads], Folded]
"""Pure: a thread comes to the same wherever and with whichever others it is folded."""

Settle = Callable[[Collection[Thread]], None]
"""Corrects the `local` columns of what was just drawn: all threads of objects that have several.

An object with one thread has nothing to be settled.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of record and the type of its payload."""

    name: str
    payload: type[msgspec.Struct]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A projected table. `local` columns differ between nodes and stay out of the digest.

    In a `single` table a thread has one row at most, under its own key, by which it is found.
    """

    model: type[models.Model]
    local: frozenset[str] = frozenset()
    single: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """What a module has registered."""

    name: str
    kinds: tuple[Kind, ...]
    tables: tuple[Table, ...]
    fold: Fold
    settle: Settle | None = None


_modules: dict[str, Module] = {}
_kinds: dict[str, tuple[Module, Kind]] = {}
_decoders: dict[str, msgspec.json.Decoder[msgspec.Struct]] = {}


def register(module: Module) -> None:
    """Take a module in. Called from `AppConfig.ready`; a second call replaces the first."""
    _modules[module.name] = module
    for kind in module.kinds:
        _kinds[kind.name] = (module, kind)
        _decoders[kind.name] = exact_decoder(kind.payload)


def modules() -> tuple[Module, ...]:
    """Return all modules, in the order of their names."""
    return tuple(_modules[name] for name in sorted(_modules))


def module_named(name: str) -> Module:
    """Return a module that is registered."""
    return _modules[name]


def module_of(kind: str) -> Module | None:
    """Return the module that reads a kind, or nothing for a kind of a later version."""
    found = _kinds.get(kind)
    return found[0] if found else None


def kinds() -> tuple[Kind, ...]:
    """Return all kinds, in the order of their names."""
    return tuple(_kinds[name][1] for name in sorted(_kinds))


def encode_payload(payload: msgspec.Struct) -> bytes:
    """Return the bytes of a payload. Raises MalformedError for what no record may hold."""
    fields: dict[str, Json] = msgspec.to_builtins(payload)
    data = encode_fields(fields)
    if len(data) > PAYLOAD_LIMIT:
        raise MalformedError(
            "payload: expected at most %(limit)d bytes, got %(got)d",
            limit=PAYLOAD_LIMIT,
            got=len(data),
        )
    return data


def decode_payload(kind: str, data: bytes) -> msgspec.Struct:
    """Return the payload of a known kind. Raises MalformedError for bytes that are none."""
    exact = decode_exact(data, _decoders[kind]) if len(data) <= PAYLOAD_LIMIT else None
    if exact is not None:
        return exact
    fields = decode_fields(data, limit=PAYLOAD_LIMIT)
    try:
        return msgspec.convert(fields, _kinds[kind][1].payload)
    except msgspec.ValidationError as cause:
        raise MalformedError("%(kind)s: %(cause)s", kind=kind, cause=str(cause)) from cause
