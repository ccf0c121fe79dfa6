"""HTML pages as Markdown: what a reader sees, block by block."""

import pytest

from tests.actors.corpus.extract.made import line_of, text_of


def page(body: str) -> str:
    return text_of("a.html", f"<!DOCTYPE html><title>No</title><body>{body}".encode()).text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<h1>One <b>two</b></h1><p>Three\n  four<p>five<br>six", "# One two\n\nThree four\n\nfive\nsix"),
        ("<ul><li>a<li>b<ol><li>c<li><p>d</p></ol></ul>after", "- a\n- b\n  1. c\n  2. d\n\nafter"),
        (
            "<table><thead><tr><th>A|x<th>B<tbody><tr><td>1\n000<td>2<sup>-3</sup><tr><td>only</table>",
            "| A\\|x | B |\n| --- | --- |\n| 1 000 | 2^-3 |\n| only |  |",
        ),
        (
            "<table><tr><td><h2>Layout</h2><table><tr><td>a<td>b</table></table>",
            "## Layout\n\n| a | b |\n| --- | --- |",
        ),
        ("<pre>def f():\n    <b>return</b> 1<br># ```\n</pre>", "````\ndef f():\n    return 1\n# ```\n````"),
        ("10<sup>5</sup> km<sup>2</sup>, so<sup>[1]</sup>", "10^5 km^2, so[1]"),
        ("<math alttext='x^2'><mi>x</mi></math> and <math><mi>y</mi></math>", "$x^2$ and [formula]"),
        ("<h2>Part <a href='#part'>¶</a></h2><a href='#x'>kept</a>", "## Part\n\nkept"),
        ("a &lt;b&gt; &amp;amp; &nbsp;c &#x41;", "a <b> &amp; \xa0c A"),
        ("<menu><li>a<li>b</menu>", "- a\n- b"),
        (
            "<table><caption>C<sup>2</sup></caption><tr hidden><td>x<tbody hidden><tr><td>y"
            "<tbody><tr><td hidden>z<td>a</table>",
            "C^2\n\n| a |\n| --- |",
        ),
        ("<table><caption hidden>x</caption><tr><td>a<td>b<td hidden>c</table>", "| a | b |\n| --- | --- |"),
        ("<nav>x</nav><script>x</script><style>x</style><p hidden>x<p>seen<button>x</button>", "seen"),
        (
            "<p style='color: red;DISPLAY :none !important'>x<div style='display:none'><p>x</div>"
            "<p style='display:none; display: block'>a<p style='--display:none'>b<p style=\"color:'display:none'\">c",
            "a\n\nb\n\nc",
        ),
        ("<table><tr><td>a<td style='display:none'>x<tr style='display: none'><td>x</table>", "| a |\n| --- |"),
        ("<div>out<main><p>in</main>out</div>", "in"),
        (
            "<details><summary>S</summary>D</details><blockquote>Q</blockquote><dl><dt>T<dd>E</dl>",
            "S\n\nD\n\nQ\n\nT\n\nE",
        ),
        ("<p>un<b>closed <i>mis</b>nested</i> <foo>unknown</foo>", "unclosed misnested\n\nunknown"),
    ],
)
def test_blocks(body: str, text: str) -> None:
    """As they stand on the page."""
    assert page(body) == text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<p/><p>a</p>", "a"),
        ("<title/><script src='x' /><style\n/><p>a<br/>b</p>", "a\nb"),
        ("<h2><a href='#x' title='a > b'/>A</h2><p>b <i/>c</p>", "## A\n\nb c"),
        ("<div hidden='hidden'/><ul><li/><li>a</li></ul>", "- a"),
        ("<pre><![CDATA[a<b />&amp;]]></pre><!-- <title/> --><p>c &lt;p/> d", "```\na<b />&amp;\n```\n\nc <p/> d"),
        ("<p>a <br/>b<img src='x'/><m:x/>, 1 < 2 <a href=/x/>c</a><script>unclosed", "a\nb\n\n, 1 < 2 c"),
    ],
)
def test_pages_of_xml(body: str, text: str) -> None:
    """An element that ends where it begins, which HTML does not know, holds nothing of what follows."""
    whole = f"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><head><title/></head><body>{body}"
    assert text_of("a.xhtml", whole.encode()).text == text


def test_pages_of_html_are_read_as_html() -> None:
    """There `<title/>` begins a title, as in every browser."""
    assert text_of("a.html", b"<p>a</p><title/>b").text == "a"


def test_elements_are_numbered() -> None:
    """A passage can say which of the page's blocks it is."""
    found = text_of("a.html", b"<h1>A</h1><p>b<p>c")
    assert [found.text[start:].split("\n")[0] for start in found.places.starts] == ["# A", "b", "c"]
    assert found.places.within(5, len(found.text)) == "elements 2–3"
    assert found.places.within(0, 3) == "element 1"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("<p>naïve".encode(), "naïve"),
        ("<meta charset=iso-8859-1><p>naïve €".encode("cp1252"), "naïve €"),
        ("\ufeff<p>naïve".encode("utf-16-le"), "naïve"),
        ('<?xml version="1.0" encoding="koi8-r"?><p>да'.encode("koi8-r"), "да"),
        ("<meta http-equiv=Content-Type content='text/html; charset=shift_jis'><p>日本".encode("shift_jis"), "日本"),
    ],
)
def test_encodings(data: bytes, text: str) -> None:
    """Of the byte order mark, of the page itself, or the configuration's."""
    assert text_of("a.html", data).text == text


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("<p>naïve".encode("latin-1"), "not utf-8: byte 0xef at byte 5"),
        (b"<meta charset=rot13><p>a", "it names an encoding that is not known: rot13"),
        (b"<p>a\0b", "a NUL character at character 4"),
        (b"\x89PNG\r\n", "named '.html', but its first bytes are those of a picture"),
        (b"%PDF-1.4 ...", "named '.html', but its first bytes are those of a PDF"),
        (b" \n", "nothing but white space"),
    ],
)
def test_what_is_no_page(data: bytes, says: str) -> None:
    """In one line with the place."""
    assert line_of("a.html", data).startswith(says)


@pytest.mark.parametrize(
    ("head", "terms"),
    [
        (
            "<link rel=license href=https://creativecommons.org/licenses/by/4.0/>",
            "https://creativecommons.org/licenses/by/4.0/",
        ),
        ("<meta name=DCTERMS.license content='CC0  1.0'>", "CC0 1.0"),
        ("<meta name=copyright content='© A. Author'>", "© A. Author"),
        ("<meta name=author content='A. Author'>", None),
    ],
)
def test_licences(head: str, terms: str | None) -> None:
    """As the page states them, for every row that is made of it."""
    assert text_of("a.html", f"<head>{head}</head><p>Text.".encode()).license == terms
