"""Checks passages against the texts that are kept with the run. Law: a kept text is what its name says: its own sha256.

No library reads the file again, so a passage can be checked wherever the corpus is and whatever has become of it.
"""

import re
from hashlib import sha256
from pathlib import Path

from actors.audit.book import KnownPassage
from actors.audit.bounded import TooLarge, read_bounded
from actors.audit.findings import Findings
from schemas.audit import Check

_FOLDER = "documents"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_MOST_BYTES = 1 << 28
Spans = dict[str, list[KnownPassage]]


def check_kept(output: Path, by_uri: Spans, findings: Findings) -> tuple[Spans, int]:
    """The passages whose text is not kept, by the uri of their documents, and how many others were compared."""
    left: Spans = {}
    checked = 0
    for uri, spans in by_uri.items():
        for digest in dict.fromkeys(span.document_sha256 for span in spans):
            of_text = [span for span in spans if span.document_sha256 == digest]
            name = f"{_FOLDER}/{digest}.txt"
            if _DIGEST.fullmatch(digest) is None or not (output / name).exists():
                left.setdefault(uri, []).extend(of_text)
                continue
            checked += len(of_text)
            _compare(output, name, of_text, findings)
    return left, checked


def _compare(output: Path, name: str, spans: list[KnownPassage], findings: Findings) -> None:
    try:
        data = read_bounded(output / name, _MOST_BYTES)
    except (TooLarge, OSError) as error:
        findings.error(Check.PROVENANCE, f"cannot be read: {error}", name)
        return
    if sha256(data).hexdigest() != spans[0].document_sha256:
        findings.error(Check.PROVENANCE, "is not the text that was kept under this name", name)
        return
    text = data.decode()
    for span in spans:
        if text[span.start : span.end] != span.text:
            what = f"characters {span.start} to {span.end} are not passage {span.passage_id}"
            findings.error(Check.PROVENANCE, what, name)
