"""Small files of every kind that is extracted, made here, and what becomes of them."""

import io
import zipfile
from collections.abc import Mapping, Sequence

from actors.corpus.extract.answers import Extracted, FileAsked, Unusable
from actors.corpus.extract.worker import extracted

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
CONTAINER = '<container><rootfiles><rootfile full-path="OPS/book.opf"/></rootfiles></container>'


def asked(name: str, *, most_characters: int = 1 << 20) -> FileAsked:
    return FileAsked("." + name.rsplit(".", 1)[1], most_characters, "utf-8")


def text_of(name: str, data: bytes) -> Extracted:
    """What a file of this name gives; its reason fails the test."""
    found = extracted(data, asked(name))
    assert isinstance(found, Extracted), found
    return found


def line_of(name: str, data: bytes) -> str:
    """Why a file gives no text."""
    found = extracted(data, asked(name))
    assert isinstance(found, Unusable), found
    assert "\n" not in found.detail
    return found.detail


def packed(parts: Mapping[str, str | bytes]) -> bytes:
    """A zip file of these parts."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in parts.items():
            file.writestr(name, data)
    return stream.getvalue()


def docx(body: str, parts: Mapping[str, str | bytes] | None = None) -> bytes:
    """A Word document with this body."""
    document = f'<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>'
    return packed({"[Content_Types].xml": "<Types/>", "word/document.xml": document, **(parts or {})})


def paragraph(text: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


def styles(**names: str) -> dict[str, str | bytes]:
    """The styles part: names by id."""
    each = "".join(f'<w:style w:styleId="{key}"><w:name w:val="{name}"/></w:style>' for key, name in names.items())
    return {"word/styles.xml": f'<w:styles xmlns:w="{WORD}">{each}</w:styles>'}


def epub(chapters: Sequence[str], *, rights: str = "", parts: Mapping[str, str | bytes] | None = None) -> bytes:
    """A book with these chapters, which stand in the zip file in the other order."""
    names = [f"c{number}.xhtml" for number in range(len(chapters))]
    items = "".join(f'<item id="{name}" href="{name}" media-type="application/xhtml+xml"/>' for name in reversed(names))
    spine = "".join(f'<itemref idref="{name}"/>' for name in names)
    package = (
        f'<package xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata><dc:rights>{rights}</dc:rights></metadata>'
        f"<manifest>{items}</manifest><spine>{spine}</spine></package>"
    )
    texts = {f"OPS/{name}": f"<html><body>{text}</body></html>" for name, text in zip(names, chapters, strict=True)}
    return packed({"META-INF/container.xml": CONTAINER, "OPS/book.opf": package, **texts, **(parts or {})})


def pdf(pages: Sequence[str | None], *, info: str = "", stream: bytes | None = None) -> bytes:
    """A PDF with a line of text on each page; None: a page with a drawing alone. `stream`: the first page's content in
    place of that, deflated."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"", b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    kids: list[int] = []
    for number, text in enumerate(pages):
        content = b"0 0 10 10 re f" if text is None else f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode()
        how = b""
        if stream is not None and number == 0:
            content, how = stream, b"/Filter /FlateDecode"
        objects.append(b"<< /Length %d %s >> stream\n%s\nendstream" % (len(content), how, content))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % len(objects)
        )
        kids.append(len(objects))
    each = b" ".join(b"%d 0 R" % kid for kid in kids)
    objects[1] = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(kids), each)
    objects.append(f"<< {info} >>".encode())
    out, places = b"%PDF-1.4\n", list[int]()
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    trailer = b"trailer << /Size %d /Root 1 0 R /Info %d 0 R >>\n" % (len(objects) + 1, len(objects))
    return out + head + table + trailer + b"startxref\n%d\n%%%%EOF" % len(out)
