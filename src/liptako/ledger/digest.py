"""The digest of the tables: one hash over the canonical rows of all projected tables.

A rebuild leaves it as it was. It depends on the version of the program: what partners of any
version compare is in `tally`.
"""

import hashlib

import msgspec
from django.db import models

from liptako.ledger import registry

_encoder = msgspec.json.Encoder(order="sorted", enc_hook=bytes)


def state_digest() -> str:
    """Return the SHA-256 (hex) over the rows of every projected table, local columns left out."""
    digest = hashlib.sha256()
    for module in registry.modules():
        for table in sorted(module.tables, key=lambda table: table.model._meta.label):
            digest.update(_table_digest(table))
    return digest.hexdigest()


def _table_digest(table: registry.Table) -> bytes:
    """Return the SHA-256 over the rows of a table, in the order of their canonical bytes."""
    meta = table.model._meta
    names = sorted(
        field.attname for field in meta.concrete_fields if field.attname not in table.local
    )
    digest = hashlib.sha256(f"{meta.label} {' '.join(names)}\n".encode())
    rows: models.QuerySet[models.Model] = table.model._default_manager.all()
    hashes = [
        hashlib.sha256(_encoder.encode(row)).digest()
        for row in rows.values_list(*names).iterator(chunk_size=5_000)
    ]
    digest.update(b"".join(sorted(hashes)))
    return digest.digest()
