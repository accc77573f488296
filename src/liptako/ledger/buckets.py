"""Files in a bucket of S3-compatible storage, through django-storages (`requirements/s3.txt`)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.base import File
from storages.backends.s3 import S3Storage

_CONFIG = Config(
    region_name="us-east-1",  # what a storage without regions expects in signatures
    signature_version="s3v4",
    s3={"addressing_style": "path"},
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
    connect_timeout=10,
    read_timeout=30,
    retries={"max_attempts": 3},
)


@contextmanager
def _as_os_error() -> Iterator[None]:
    """Let a fault of the storage be one of the system's, as a folder's is."""
    try:
        yield
    except (BotoCoreError, ClientError) as cause:
        raise OSError(str(cause)) from cause


class BucketStorage(S3Storage):  # type: ignore[misc]  # it ships no types
    """A bucket; an object appears there only once it is whole."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 (of django-storages)
        """Speak so that storages of other makers understand it too, and wait for none for long."""
        super().__init__(client_config=_CONFIG, file_overwrite=True, **settings)

    def _save(self, name: str, content: File[Any]) -> str:
        """Write an object."""
        with _as_os_error():
            kept: str = super()._save(name, content)
            return kept

    def _open(self, name: str, mode: str = "rb") -> File[Any]:
        """Open an object."""
        with _as_os_error():
            opened: File[Any] = super()._open(name, mode)
            return opened

    def exists(self, name: str) -> bool:
        """Say whether there is such an object."""
        with _as_os_error():
            return bool(super().exists(name))

    def delete(self, name: str) -> None:
        """Delete an object."""
        with _as_os_error():
            super().delete(name)

    def size(self, name: str) -> int:
        """Return how many bytes an object has."""
        with _as_os_error():
            return int(super().size(name))

    def read_part(self, name: str, offset: int, length: int) -> bytes:
        """Return some bytes of an object, fewer at its end."""
        with _as_os_error():
            found = self.bucket.Object(self._normalize_name(name))
            answer = found.get(Range=f"bytes={offset}-{offset + length - 1}")
            data: bytes = answer["Body"].read()
            return data
