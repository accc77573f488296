"""Where files lie: a folder, and a bucket that is spoken to over real HTTP, behave alike."""

import os
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages

from liptako.ledger import files
from liptako.ledger.buckets import BucketStorage
from liptako.ledger.file_models import StoredFile
from liptako.ledger.storages import FolderStorage

NAME = "ml/ab/abcdef"


class Bucket(BaseHTTPRequestHandler):
    """As much of S3 as a bucket of ours is asked for: put, get, a part, head, delete."""

    protocol_version = "HTTP/1.1"
    objects: dict[str, bytes]

    def log_message(self, *_args):
        """Say nothing."""

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in ({"Content_Length": str(len(body))} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_PUT(self):
        assert "AWS4-HMAC-SHA256 Credential=KEY/" in self.headers["Authorization"]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.objects[self.path] = body
        self.answer(200, ETag='"0"')

    def do_GET(self):
        if self.path not in self.objects:
            self.answer(404)
            return
        whole = self.objects[self.path]
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        part = whole[int(wanted[1]) : int(wanted[2]) + 1] if wanted else whole
        size = str(len(whole if self.command == "HEAD" else part))
        more = {"Content_Length": size, "Last_Modified": "Mon, 21 Sep 2026 14:13:20 GMT"}
        self.answer(206 if wanted else 200, part, ETag='"0"', **more)

    do_HEAD = do_GET  # noqa: N815 (the name that the server looks for)

    def do_DELETE(self):
        self.objects.pop(self.path, None)
        self.answer(204)


@pytest.fixture
def server():
    handler = type("Handler", (Bucket,), {"objects": {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def bucket_at(port):
    return BucketStorage(
        endpoint_url=f"http://127.0.0.1:{port}",
        bucket_name="liptako",
        access_key="KEY",
        secret_key="SECRET",  # noqa: S106 (of a test)
    )


@pytest.fixture(params=["folder", "bucket"])
def storage(request, tmp_path, server):
    """Return a storage of either kind."""
    if request.param == "folder":
        yield FolderStorage(location=tmp_path / "files")
        return
    bucket = bucket_at(server.server_port)
    yield bucket
    bucket.connection.meta.client.close()


def test_a_file_is_written_read_in_parts_and_deleted(storage):
    data = os.urandom(300_000)
    assert storage.save(NAME, ContentFile(data)) == NAME
    assert (storage.exists(NAME), storage.size(NAME)) == (True, 300_000)
    with storage.open(NAME) as file:
        assert file.read() == data
    assert storage.read_part(NAME, 1000, 50) == data[1000:1050]
    assert storage.read_part(NAME, 299_990, 50) == data[299_990:]
    storage.delete(NAME)
    assert not storage.exists(NAME)
    storage.delete(NAME)


def test_a_file_that_is_not_there_is_a_fault_of_the_system(storage):
    with pytest.raises(OSError):  # noqa: PT011 (each storage has words of its own)
        storage.read_part(NAME, 0, 1)
    with pytest.raises(OSError), storage.open(NAME) as file:  # noqa: PT011 (as above)
        file.read()


def test_a_folder_holds_nothing_of_a_file_that_could_not_be_written_whole(tmp_path):
    class Full(ContentFile):
        def chunks(self, chunk_size=None):
            del chunk_size
            yield b"half"
            raise OSError(28, "No space left on device")

    storage = FolderStorage(location=tmp_path)
    with pytest.raises(OSError, match="No space"):
        storage.save(NAME, Full(b"half and half"))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_bucket_that_does_not_answer_is_told(tmp_path, server):
    bucket = bucket_at(server.server_port)
    server.shutdown()
    server.server_close()
    for ask in (
        lambda: bucket.save(NAME, ContentFile(b"x")),
        lambda: bucket.exists(NAME),
        lambda: bucket.size(NAME),
        lambda: bucket.delete(NAME),
        lambda: bucket.read_part(NAME, 0, 1),
    ):
        with pytest.raises(OSError):  # noqa: PT011 (botocore's words)
            ask()
    bucket.connection.meta.client.close()


@pytest.mark.django_db
def test_a_node_keeps_its_files_in_a_bucket(node, server, settings):
    settings.STORAGES = settings.STORAGES | {
        files.STORAGE: {
            "BACKEND": "liptako.ledger.buckets.BucketStorage",
            "OPTIONS": {
                "endpoint_url": f"http://127.0.0.1:{server.server_port}",
                "bucket_name": "liptako",
                "access_key": "KEY",
                "secret_key": "SECRET",
            },
        }
    }
    kept = files.keep(node, b"%PDF-", type_="application/pdf", name="a.pdf")
    digest = kept.hash.hex()
    assert list(server.RequestHandlerClass.objects) == [f"/liptako/ml/{digest[:2]}/{digest}"]
    assert files.read_part(node, digest, 1, 3) == b"PDF"
    StoredFile.objects.update(named=True)
    assert list(files.check_files(node)) == []
    server.RequestHandlerClass.objects[f"/liptako/ml/{digest[:2]}/{digest}"] = b"other"
    assert [str(fault) for fault in files.check_files(node)] == [
        f"attachment {digest}: it was changed"
    ]
    storages[files.STORAGE].connection.meta.client.close()
