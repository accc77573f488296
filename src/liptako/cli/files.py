"""Files that are read or written whole; what the disk says becomes an error of ours."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from liptako.core.errors import MalformedError, StorageError
from liptako.core.reasons import why_of

_MINE, _EVERYBODY = 0o600, 0o666  # the latter less what the umask takes


def read_file(path: Path) -> bytes:
    """Return the bytes of a file. Raises MalformedError if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as cause:
        raise cannot_read(path, cause) from cause


def cannot_read(path: Path, cause: OSError) -> MalformedError:
    """Return the error for a file that cannot be read."""
    return MalformedError("%(file)s cannot be read: %(why)s", file=str(path), why=why_of(cause))


def cannot_write(path: Path, cause: Exception) -> StorageError:
    """Return the error for a file that cannot be written."""
    why = getattr(cause, "strerror", None) or str(cause)
    return StorageError("%(file)s cannot be written: %(why)s", file=str(path), why=why)


def write_file(path: Path, data: bytes, *, private: bool = False) -> None:
    """Write a file; a private one is for its owner only. Raises StorageError."""
    with whole_file(path, private=private) as file:
        file.write(data)


@contextmanager
def whole_file(path: Path, *, private: bool = False) -> Iterator[BinaryIO]:
    """Give a file to write that bears its name only once it is whole and on the disk.

    Nothing is left of an unfinished one. Raises StorageError.
    """
    part = path.parent / f"{path.name}.part"
    try:
        part.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(part, flags, _MINE if private else _EVERYBODY), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as cause:
        raise cannot_write(path, cause) from cause
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
