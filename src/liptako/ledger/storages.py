"""Where the bytes of files may lie: a folder of this machine. Another one is in `buckets`.

Both write a file whole or not at all, read a part of one, and tell any fault as an `OSError`.
"""

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage


class FolderStorage(FileSystemStorage):
    """A folder in which a file bears its name only once it is whole and on the disk."""

    def _save(self, name: str, content: File[Any]) -> str:
        """Write under another name first."""
        path = Path(self.path(name))
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, part = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                for piece in content.chunks():
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            Path(part).replace(path)
        finally:
            with suppress(OSError):
                Path(part).unlink(missing_ok=True)
        return name

    def read_part(self, name: str, offset: int, length: int) -> bytes:
        """Return some bytes of a file, fewer at its end."""
        with self.open(name) as file:
            file.seek(offset)
            data: bytes = file.read(length)
            return data
