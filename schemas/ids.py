"""Identity comes from content and plan, never from arrival: the same corpus, task and seed give the same ids."""

from hashlib import blake2b
from typing import NewType

DocumentId = NewType("DocumentId", str)
PassageId = NewType("PassageId", str)
OrderId = NewType("OrderId", str)
PoolName = NewType("PoolName", str)


def content_id(*parts: str | int) -> str:
    """32 hex characters that depend on every part and on where each part ends."""
    digest = blake2b(digest_size=16)
    for part in parts:
        encoded = str(part).encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big"))
        digest.update(encoded)
    return digest.hexdigest()


def derived_seed(*parts: str | int) -> int:
    """A 31-bit random seed for one attempt, the same in every run that repeats it."""
    return int(content_id("seed", *parts)[:8], 16) & 0x7FFF_FFFF
