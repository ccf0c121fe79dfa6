"""Facts in a file's name: its format's suffix, its compression, and its form in a uri."""

from pathlib import PurePosixPath

TEXTS = (".txt", ".text", ".md", ".markdown", ".rst", ".adoc", ".org")
"""Suffixes of files that are one text each. Markdown is cut at its headings."""
JSON_LINES = (".jsonl", ".ndjson")
JSON = ".json"
PARQUET = ".parquet"
TABLES = (".csv", ".tsv")
PDF = ".pdf"
XHTML = ".xhtml"
HTML = (".html", ".htm", XHTML)
EPUB = ".epub"
DOCX = ".docx"
EXTRACTED = (PDF, *HTML, EPUB, DOCX)
"""Suffixes of files whose text is extracted from them."""
CODE = (
    ".py", ".pyi", ".js", ".mjs", ".jsx", ".ts", ".tsx", ".java", ".kt", ".scala", ".c", ".h", ".cc", ".cpp", ".hpp",
    ".cs", ".go", ".rs", ".swift", ".m", ".rb", ".php", ".pl", ".pm", ".lua", ".r", ".jl", ".hs", ".ml", ".ex", ".erl",
    ".clj", ".lisp", ".el", ".sh", ".bash", ".ps1", ".sql", ".proto", ".zig", ".nim", ".dart", ".f90", ".cu", ".tex",
)  # fmt: skip
"""Suffixes of source code. It is one text, and is read only where it is named: documentation lies beside much code."""
OLD = frozenset((*TEXTS, *JSON_LINES, JSON, PARQUET))
"""Formats that a reader of a user's own reads in their place only if it says so."""
KNOWN = OLD | {*TABLES, *EXTRACTED}
"""Suffixes of the formats that are read in a folder, in lower case."""
COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz", ".zst": "zstd"}
_SHOWN_CHARACTERS = 20


def name_parts(name: str) -> tuple[str, str | None]:
    """The format's suffix, in lower case ("" for none), and the compression (None for none)."""
    path = PurePosixPath(name.split("?", 1)[0] if name.startswith(("http://", "https://")) else name)
    compression = COMPRESSIONS.get(path.suffix.lower())
    return (PurePosixPath(path.stem) if compression else path).suffix.lower(), compression


def suffix_of(uri: str) -> str:
    """The format's suffix of a document's file."""
    return name_parts(uri.split("#", 1)[0])[0]


def shown_suffix(name: str) -> str:
    """A file name's suffix as users are shown it, with its compression's suffix."""
    path = PurePosixPath(name)
    suffixes = path.suffixes[-2:] if path.suffix.lower() in COMPRESSIONS else path.suffixes[-1:]
    return uri_of("".join(suffixes).lower()[:_SHOWN_CHARACTERS]) or "no suffix"


def with_lower_suffix(relative: str) -> str:
    """The path with the file name's suffixes in lower case, so that `*.jsonl.gz` matches `A.JSONL.GZ`."""
    folder, slash, name = relative.rpartition("/")
    stem, dot, rest = name.lstrip(".").partition(".")
    leading = name[: len(name) - len(name.lstrip("."))]
    return folder + slash + leading + stem + dot + rest.lower()


def is_remote(path: str) -> bool:
    """Whether a configured path is a uri for fsspec and not a local path."""
    return "://" in path


def is_on_this_machine(path: str) -> bool:
    """Whether a configured path can only name files of this machine: no server, and no chain that may lead to one
    (`file:///a::http://b/c`)."""
    return not is_remote(path) or (path.startswith(("file://", "local://")) and "::" not in path)


def uri_of(name: str) -> str:
    """A file name in the form that it has in a uri."""
    if name.isprintable() and name.isascii() and "%" not in name and "#" not in name:
        return name
    return "".join(_quoted(character) for character in name)


def _quoted(character: str) -> str:
    if character.isprintable() and character not in "%#":
        return character
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogateescape"))
