"""Documents that are printed and kept: text stays text, and PDF/A where fonts allow."""

import io
from datetime import UTC, datetime

import pytest
from pypdf import PdfReader

from liptako.web.documents import as_answer, pdf

AT = datetime(2026, 11, 28, 4, 45, 30, 123_456, tzinfo=UTC)
WATCH = ("liptako.situation", "watch.typ")


def content(**changes):
    fields = {
        "language": "fr",
        "title": "Quart – Permanence",
        "facts": [["Tenu par", "Awa Traoré"]],
        "text": "Gué coupé à Ansongo\nRien au nord",
        "words": {"must_know": "À savoir", "open": "Ouvert", "nothing": "Rien", "signatures": "S"},
        "columns": ["Référence", "Résumé", "Alors", "Maintenant"],
        "items": [["ML-1", "Crue", "Signalé", "Clos"]],
        "more": "",
        "signatures": [["Remis", "Awa Traoré"]],
        "hands": ["Remis par", "Accepté par"],
        "footer": "Liptako · Mali",
    }
    return fields | changes


def read(data):
    """Return what somebody else's program reads in a document: its text, and which PDF/A it is."""
    reader = PdfReader(io.BytesIO(data))
    text = "\n".join(page.extract_text() for page in reader.pages)
    known = reader.xmp_metadata
    kept = (known.pdfaid_part, known.pdfaid_conformance) if known else (None, None)
    return text, kept, reader


def test_a_document_is_pdf_a_with_tags_its_language_and_its_title():
    text, kept, reader = read(pdf(WATCH, content(), AT))
    assert kept == ("2", "A")
    root = reader.trailer["/Root"]
    assert (root["/Lang"], root["/MarkInfo"]["/Marked"]) == ("fr", True)
    assert reader.metadata.title == "Quart – Permanence"
    assert reader.metadata.creation_date == AT.replace(microsecond=0)
    for part in ("Awa Traoré", "Gué coupé à Ansongo", "Crue", "Liptako · Mali", "1 / 1"):
        assert part in text


def test_the_same_content_gives_the_same_bytes():
    assert pdf(WATCH, content(), AT) == pdf(WATCH, content(), AT)


@pytest.mark.parametrize(
    "words",
    ["#panic(1)", "*gras* _italique_ = titre", '#read("/etc/passwd")', "$x$ @ref <label> \\ //"],
)
def test_what_people_write_is_no_command(words):
    text, _, _ = read(pdf(WATCH, content(text=words), AT))
    assert words.replace(" ", "") in text.replace(" ", "").replace("\n", "")


def test_a_character_that_nothing_prints_does_not_stop_a_document():
    text, kept, _ = read(pdf(WATCH, content(text="Avant\x07\u202eaprès\tfin"), AT))
    assert "Avant" in text
    assert "après" in text
    assert kept == ("2", "A")


def test_where_no_font_has_a_character_the_document_is_made_all_the_same():
    text, kept, _ = read(pdf(WATCH, content(text="Avant \U000f0000 après"), AT))
    assert ("Avant" in text, "après" in text, kept) == (True, True, (None, None))


def test_many_rows_go_over_many_pages_with_their_head():
    rows = [[f"ML-{number}", "Crue " * 12, "Signalé", "Clos"] for number in range(200)]
    _, kept, reader = read(pdf(WATCH, content(items=rows), AT))
    pages = [page.extract_text() for page in reader.pages]
    assert (len(pages) > 3, kept) == (True, ("2", "A"))
    assert all("Référence" in page for page in pages[1:-1])


def test_a_document_is_shown_and_kept_by_nobody_on_the_way():
    answer = as_answer(b"%PDF", "quart.pdf")
    assert (answer["Content-Type"], answer["Cache-Control"]) == (
        "application/pdf", "private, no-store"
    )  # fmt: skip
