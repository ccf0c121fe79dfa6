"""Compares the quotes of verdicts with their passages. Law: a quote stands at its exact place, or it is a fault."""

from collections.abc import Mapping, Sequence

from actors.audit.book import Book
from actors.audit.findings import Findings
from schemas.audit import Check
from schemas.ids import OrderId, PassageId
from schemas.orders import Attempt
from schemas.verdicts import Errored, Quote


def check_quotes(
    book: Book, attempt: Attempt, texts: Mapping[PassageId, str], order_id: OrderId, findings: Findings
) -> None:
    """Checks an attempt's quotes. Quotes from another passage go into the book: that passage may be in any ledger."""
    for quote in _quotes(attempt):
        if quote.passage_id is not None:
            book.elsewhere.append((quote, order_id))
        else:
            _check_quote(book, quote, texts[book.passages[order_id]], order_id, findings)


def check_elsewhere(books: Sequence[Book], findings: Findings) -> None:
    """Checks quotes from passages other than their order's, which may be in any ledger of the run."""
    quotes = [(book, quote, order_id) for book in books for quote, order_id in book.elsewhere]
    spans = (span for book in books for spans in book.spans.values() for span in spans)
    texts = {span.passage_id: span.text for span in spans} if quotes else {}
    for book, quote, order_id in quotes:
        text = texts.get(quote.passage_id or book.passages[order_id])
        if text is None:
            what = "not checked: a quote in a passage that was found by a search and has not been planned"
            findings.warning(Check.PROVENANCE, what, f"order {order_id}")
        else:
            _check_quote(book, quote, text, order_id, findings)


def _check_quote(book: Book, quote: Quote, text: str, order_id: OrderId, findings: Findings) -> None:
    book.quotes += 1
    if text[quote.start : quote.end] != quote.text:
        what = f"a quote is not at characters {quote.start} to {quote.end} of its passage"
        findings.error(Check.PROVENANCE, what, f"order {order_id}", order_id)


def _quotes(attempt: Attempt) -> list[Quote]:
    return [
        claim.quote
        for verdict in attempt.verdicts
        if not isinstance(verdict, Errored)
        for claim in verdict.evidence.claims
        if claim.quote is not None
    ]
