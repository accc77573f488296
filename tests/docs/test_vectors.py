"""The test vector: it follows the code, and whoever has only docs/spec reads it.

The reader below is written from the pages of docs/spec and imports nothing of the program.
"""

import hashlib
import json
import re
from base64 import b32encode, b64decode, b64encode
from pathlib import Path

import msgspec.msgpack
import pytest
import zstandard
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from tests.docs.vectors import FILE, vectors_page

SPEC = FILE.parent
CASE = json.loads(FILE.read_text(encoding="utf-8"))
PUBLIC = bytes.fromhex(CASE["key"]["public"])
ORIGIN = CASE["log"]["origin"]


class UnreadableError(Exception):
    """It is not as the pages say."""


def need(condition, what):
    if not condition:
        raise UnreadableError(what)


# record.md


def spelling(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def read_json(data):
    value = json.loads(data)
    need(spelling(value) == data, "one spelling")
    return value


def salt_of(seed, place):
    return hashlib.sha256(b"liptako salt v1" + seed + place.to_bytes(8, "big")).digest()[:16]


def audience_of(roster):
    text = "\n".join(["liptako audience v1", *sorted(set(roster))])
    return b32encode(hashlib.sha256(text.encode()).digest()[:10]).decode().lower()


# log.md


def leaf_of(header):
    return hashlib.sha256(b"\0" + header).digest()


def tree_of(leaves):
    """Return the root as RFC 6962, section 2.1, defines it."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    left, right = tree_of(leaves[:split]), tree_of(leaves[split:])
    return hashlib.sha256(b"\1" + left + right).digest()


def is_prefix(old, new, proof):
    """Say whether a proof leads from (size, root) to (size, root): RFC 9162, section 2.1.4.2."""
    (old_size, old_root), (new_size, new_root) = old, new
    if old_size == new_size:
        return (not proof) and old_root == new_root
    path = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    fn, sn = old_size - 1, new_size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for step in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = (hashlib.sha256(b"\1" + step + side).digest() for side in (fr, sr))
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = hashlib.sha256(b"\1" + sr + step).digest()
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and (fr, sr) == (old_root, new_root)


def open_note(note, name):
    """Return the lines of a note that the key of the case has signed under a name."""
    text, _, line = note.decode().rpartition("\n\n")
    text += "\n"
    dash, signer, encoded = line.removesuffix("\n").split(" ")
    raw = b64decode(encoded, validate=True)
    need(b64encode(raw).decode() == encoded, "one spelling of base64")
    key_id = hashlib.sha256(name.encode() + b"\n\x01" + PUBLIC).digest()[:4]
    need((dash, signer, raw[:4]) == ("—", name, key_id), "signature line")
    try:
        VerifyKey(PUBLIC).verify(text.encode(), raw[4:])
    except BadSignatureError as cause:
        raise UnreadableError("signature") from cause
    return text.splitlines()


# state.md


def digest_of(words):
    """Return both parts of the digest over words of a case."""
    sums = {
        part: hashlib.sha256(f"liptako {part} v1".encode()).digest() for part in ("basis", "state")
    }
    for word in words:
        part = "basis" if word.endswith(("no-payload", "no-kind")) else "state"
        pairs = zip(sums[part], hashlib.sha256(f"{word}\n".encode()).digest(), strict=True)
        sums[part] = bytes(a ^ b for a, b in pairs)
    return {part: found[:8].hex() for part, found in sums.items()}


# bundle.md


def frames_of(bundle):
    """Return the frames of a bundle that was opened."""
    magic = b"liptako bundle 1\n"
    need(bundle.startswith(magic), "magic")
    stream = zstandard.ZstdDecompressor().decompressobj().decompress(bundle[len(magic) :])
    found = []
    while stream:
        length = int.from_bytes(stream[:4], "big")
        found.append((stream[: 4 + length], msgspec.msgpack.decode(stream[4 : 4 + length])))
        stream = stream[4 + length :]
    return found


def restored(header, digest):
    """Return a header with the hash of the payload that came along."""
    empty = b'"payload":{"hash":""'
    need(header.count(empty) == 1, "stripped hash")
    return header.replace(empty, empty[:-1] + b64encode(digest) + b'"')


def read_package(frame, at):
    """Return headers and payloads of a package as their author wrote them."""
    _, start, headers, bodies, seed, salts, proof = frame
    need(start == at and len(headers) == len(bodies) > 0, "package")
    need((len(seed), len(salts)) in {(16, 0), (0, len(headers))}, "salts")
    found = []
    for i, (header, body) in enumerate(zip(headers, bodies, strict=True)):
        salt = salt_of(seed, start + i) if seed else salts[i]
        if body is None:
            found.append((header, None))
            continue
        digest = hashlib.sha256(salt + body).digest()
        whole = restored(header, digest)
        said = read_json(whole)["payload"]
        need((b64decode(said["hash"]), said["size"]) == (digest, len(body)), "payload")
        found.append((whole, body))
    return found, proof


def read_bundle(bundle):
    """Return the entries of the one log in a bundle, all of them proved."""
    heads, channel, *packages, end = [frame for _, frame in frames_of(bundle)]
    tags = [frame[0] for frame in (heads, channel, *packages)]
    need(tags == ["heads", "channel", *(["package"] * len(packages))], "tags")
    need(end == ["end", 2 + len(packages)], "end")
    first, sender, recipient, age, *logs = open_note(heads[1], "ML/node")
    need(re.fullmatch("[1-9][0-9]* [0-9]+ [0-9a-f]{16}", age), "age")
    need((first, sender, recipient) == ("liptako.heads/1", "ML", "BF"), "heads")
    _, origin, roster, lane, checkpoint, start, frontier = channel
    name, size, root = open_note(checkpoint, origin)
    need((name, logs) == (origin, [f"{origin} {size} {root} BF=2 NE=0"]), "checkpoint")
    need((start, frontier, lane) == (0, b"", "bulk"), "channel")
    entries = []
    for package in packages:
        new, proof = read_package(package, len(entries))
        entries += new
        leaves = [leaf_of(header) for header, _ in entries]
        signed = (int(size), b64decode(root))
        need(is_prefix((len(leaves), tree_of(leaves)), signed, proof), "proof")
    need(len(entries) == int(size), "complete")
    for header, _ in entries:
        fields = read_json(header)
        need((fields["author"], fields["audience"]) == ("ML", audience_of(roster)), "header")
    return entries


def entry_bytes(entry, name):
    return bytes.fromhex(entry[name])


# The tests


def test_the_vector_is_what_the_code_makes():
    assert FILE.read_text(encoding="utf-8") == vectors_page(), "run `make docs`"


def test_the_key_is_that_of_the_seed():
    assert bytes(SigningKey(bytes.fromhex(CASE["key"]["seed"])).verify_key) == PUBLIC
    number = int.from_bytes(hashlib.sha512(b"liptako fingerprint v1" + PUBLIC).digest(), "big")
    groups = [f"{number // 100_000**i % 100_000:05}" for i in range(8)]
    assert " ".join(groups) == CASE["key"]["fingerprint"]


def test_the_receipt_is_a_cosignature_by_its_member():
    public = bytes.fromhex(CASE["receipt"]["public"])
    text, _, line = CASE["receipt"]["note"].partition("\n\n")
    raw = b64decode(line.removeprefix("— BF/node ").strip(), validate=True)
    assert raw[:4] == hashlib.sha256(b"BF/node\n\x04" + public).digest()[:4]
    message = f"cosignature/v1\ntime {int.from_bytes(raw[4:12], 'big')}\n{text}\n".encode()
    assert VerifyKey(public).verify(message, raw[12:]) == message
    assert CASE["checkpoint"].startswith(f"{text}\n\n")


def test_the_bytes_of_a_file_are_those_that_a_header_names():
    case = CASE["attachment"]
    file, header = bytes.fromhex(case["file"]), bytes.fromhex(case["header_bytes"])
    digest = hashlib.sha256(file).digest()
    named = read_json(header)
    assert (header.decode(), named["kind"]) == (case["header"], "situation.attachment/1")
    assert named["attachments"] == [
        {
            "hash": b64encode(digest).decode(),
            "size": len(file),
            "type": "image/jpeg",
            "name": "ML-2026-7K3F-1.jpg",
        }
    ]
    frames = [msgspec.msgpack.decode(bytes.fromhex(frame)[4:]) for frame in case["frames"]]
    want, *chunks = frames
    assert want == ["want", named["audience"], digest, 0]
    whole = b""
    for tag, audience, hash_, offset, data in chunks:
        assert (tag, audience, hash_, offset) == ("chunk", named["audience"], digest, len(whole))
        whole += data
    assert whole == file


@pytest.mark.parametrize("entry", CASE["entries"], ids=lambda entry: str(entry["place"]))
def test_hashes_and_salts_of_an_entry_follow_from_its_bytes(entry):
    header, payload = entry_bytes(entry, "header_bytes"), entry_bytes(entry, "payload_bytes")
    assert (header.decode(), payload.decode()) == (entry["header"], entry["payload"])
    salt = salt_of(bytes.fromhex(CASE["log"]["salt_seed"]), entry["place"])
    digest = hashlib.sha256(salt + payload).digest()
    said = read_json(header)["payload"]
    assert read_json(payload)
    assert (salt.hex(), digest.hex()) == (entry["salt"], entry["payload_hash"])
    assert said == {"hash": b64encode(digest).decode(), "size": len(payload), "type": "json"}
    assert leaf_of(header).hex() == entry["leaf_hash"]


@pytest.mark.parametrize("name", ["nothing", "bundle", "page"])
def test_a_digest_is_that_of_its_words(name):
    case = CASE["digests"][name]
    assert {"words": case["words"], **digest_of(case["words"])} == case


def test_a_reference_names_the_first_half_of_a_leaf_hash():
    refs = json.loads(CASE["entries"][1]["header"])["refs"]
    leaf = entry_bytes(CASE["entries"][0], "leaf_hash")
    assert refs == [[ORIGIN, 0, b64encode(leaf[:16]).decode()]]


def test_the_root_is_that_of_the_leaves_and_is_signed():
    leaves = [entry_bytes(entry, "leaf_hash") for entry in CASE["entries"]]
    root = tree_of(leaves)
    assert (root.hex(), audience_of(CASE["log"]["roster"])) == (
        CASE["root"],
        CASE["log"]["audience"],
    )
    assert (tree_of(leaves[:2]) + leaves[2]).hex() == CASE["compact_range"]
    lines = open_note(CASE["checkpoint"].encode(), ORIGIN)
    assert lines == [ORIGIN, "3", b64encode(root).decode()]


def test_a_bundle_is_read_with_the_pages_alone():
    bundle = bytes.fromhex(CASE["bundle"])
    assert [raw.hex() for raw, _ in frames_of(bundle)] == CASE["frames"]
    whole = [
        (entry_bytes(e, "header_bytes"), entry_bytes(e, "payload_bytes")) for e in CASE["entries"]
    ]
    withheld = (whole[2][0], None)
    assert read_bundle(bundle) == [*whole[:2], withheld]


def changed_bundle(number, position):
    """Return the bundle with one bit of a frame turned round."""
    frames = [bytearray.fromhex(frame) for frame in CASE["frames"]]
    frames[number][position] ^= 1
    stream = b"".join(map(bytes, frames))
    return b"liptako bundle 1\n" + zstandard.ZstdCompressor().compress(stream)


@pytest.mark.parametrize("number", range(4))
def test_the_reader_would_notice_any_changed_byte(number):
    """So that the tests above can fail."""
    size = len(bytes.fromhex(CASE["frames"][number]))
    taken = []
    for position in range(4, size):
        try:
            read_bundle(changed_bundle(number, position))
        except Exception:  # noqa: BLE001, S112 (whatever breaks, it was not taken)
            continue
        taken.append(position)
    assert taken == []


def test_the_examples_of_the_pages_are_those_of_the_vector():
    record, log = ((SPEC / name).read_text(encoding="utf-8") for name in ("record.md", "log.md"))
    first = CASE["entries"][0]
    for words in (first["header"], first["payload"], first["salt"], first["payload_hash"]):
        assert words in record
    assert CASE["checkpoint"] in log
    state, digest = (SPEC / "state.md").read_text(encoding="utf-8"), CASE["digests"]["page"]
    for words in (*digest["words"], digest["basis"], digest["state"]):
        assert words in state


def test_the_reader_imports_nothing_of_the_program():
    imported = re.findall(r"^(?:from|import) (\w+)", Path(__file__).read_text(), re.MULTILINE)
    assert "liptako" not in imported
