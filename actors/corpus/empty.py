"""A corpus without documents: each order has a passage of its own that says nothing but its number.

So an order's id, its draw and its record follow from a passage as those of every other order do, and a larger number
adds orders as a folder that grows does.
"""

from collections.abc import Iterator
from hashlib import sha256

from schemas.corpus import Document
from schemas.ids import DocumentId


def numbered(orders: int) -> Iterator[Document]:
    """As many documents, each of one passage."""
    for number in range(1, orders + 1):
        text = f"Order {number}"
        digest = sha256(text.encode()).hexdigest()
        yield Document(id=DocumentId(f"none:{number}"), uri=f"none:{number}", sha256=digest, text=text)
