"""The payloads of every kind that is registered: read, and folded as a projection folds them."""

from collections.abc import Iterator

import msgspec

from liptako.ledger import registry
from tests.fuzz.mutating import mutated_json
from tests.fuzz.targets import Target


def targets() -> Iterator[Target]:
    """Give a target for each kind, beginning from a payload with all of its fields."""
    for kind in registry.kinds():
        yield Target(
            name=kind.name,
            seeds=(_sample(kind.payload),),
            read=_reader(kind.name),
            change=mutated_json,
        )


def _reader(name: str):
    """Return what reads a payload of a kind."""

    def read(data: bytes) -> None:
        payload = registry.decode_payload(name, data)
        assert registry.decode_payload(name, registry.encode_payload(payload)) == payload

    return read


def _sample(payload: type[msgspec.Struct]) -> bytes:
    """Return a payload with a value in every field."""
    schema = msgspec.json.schema(payload)
    found = _value(schema, schema.get("$defs", {}), 0)
    return msgspec.json.encode(found)


def _value(schema, defs, depth: int):  # noqa: PLR0911 (one for each type of JSON)
    """Return a value that fits a schema."""
    if "$ref" in schema:
        return _value(defs[schema["$ref"].rpartition("/")[2]], defs, depth + 1)
    if "anyOf" in schema:
        return _value(schema["anyOf"][0], defs, depth)
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        named = schema.get("properties")
        if named is None:
            return {"fr": "Texte"}
        return {name: _value(part, defs, depth) for name, part in named.items()}
    if kind == "array":
        return [_value(schema.get("items", {}), defs, depth)]
    return {"string": "texte", "integer": 5, "boolean": True}.get(kind)
