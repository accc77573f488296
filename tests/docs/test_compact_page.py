"""The page about the compact: its examples hold by nothing but the page and another library."""

import hashlib
import json
import re
from base64 import b64decode
from pathlib import Path

from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

from liptako.core.compact import delegation, document, dossier, envelope
from liptako.core.compact.dossier import read_dossier

PAGE = (Path(__file__).parents[2] / "docs" / "spec" / "compact.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
VERSION, SIGNED, DELEGATION, LINE = (block.strip() for block in BLOCKS)
ROOTS = {
    member["id"]: b64decode(member["root"]["keys"][0]) for member in json.loads(VERSION)["members"]
}


def key(public):
    keyid = hashlib.sha256(public).digest()[:16].hex()
    return SSlibKey(keyid, "ed25519", "ed25519", {"public": public.hex()})


def phrase(payload):
    digest = hashlib.sha512(b"liptako fingerprint v1" + hashlib.sha256(payload).digest()).digest()
    number, groups = int.from_bytes(digest, "big"), []
    for _ in range(8):
        number, group = divmod(number, 100_000)
        groups.append(f"{group:05}")
    return " ".join(groups)


def test_another_library_finds_the_version_signed_by_both_members():
    found = Envelope.from_dict(json.loads(SIGNED))
    assert found.payload.decode() == VERSION
    assert found.payload_type == "application/vnd.liptako.compact+json"
    assert len(found.verify([key(public) for public in ROOTS.values()], 2)) == 2


def test_another_library_finds_the_delegations_signed_and_chained():
    first, second = (Envelope.from_dict(json.loads(line)) for line in LINE.splitlines())
    for found in (first, second):
        assert found.payload_type == "application/vnd.liptako.delegation+json"
        assert len(found.verify([key(ROOTS["ML"])], 1)) == 1
    assert second.payload.decode() == DELEGATION
    fields = json.loads(DELEGATION)
    assert b64decode(fields["previous"]) == hashlib.sha256(first.payload).digest()
    assert fields["revoked"][0]["key"] == json.loads(first.payload)["sign"]


def test_the_phrase_of_the_page_is_computed_as_it_says():
    assert f"The phrase of that version is `{phrase(VERSION.encode())}`." in PAGE


def test_our_reader_takes_the_examples():
    found = read_dossier(f"{SIGNED}\n{LINE}\n".encode())
    assert [item.document.version for item in found.versions] == [1]
    assert [item.delegation.serial for item in found.line("ML")] == [1, 2]


def test_the_page_names_the_limits_that_are_held():
    limits = {
        f"at most {envelope.ENVELOPE_LIMIT >> 20} MiB, with": "envelope",
        f"{envelope.SIGNATURES_LIMIT:,} signatures": "signatures",
        f"the payload at most {document.DOCUMENT_LIMIT >> 20} MiB": "version",
        f"the payload at most {delegation.DELEGATION_LIMIT >> 10} KiB": "delegation",
        f"1 to {delegation.KEYS_LIMIT} age recipients": "keys",
        f"at most {delegation.ADVICE_DAYS} days": "advice",
        f"most {dossier.DOSSIER_LIMIT >> 20} MiB. It is what travels": "dossier",
    }
    text = " ".join(PAGE.split())
    assert [what for words, what in limits.items() if words not in text] == []
