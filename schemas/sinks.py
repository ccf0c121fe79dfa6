"""The interface of sinks: a shard of accepted rows on its way to a user's own storage."""

from msgspec import Struct


class OutgoingShard(Struct, frozen=True):
    """A closed shard of the dataset, durable and recorded. It may come again with the same name and the same rows. So
    the sink replaces whatever it has under that name."""

    name: str
    """The same if the shard comes again; no other shard of any folder has it."""
    path: str
    """The Parquet file in the run's folder. Read it, and do not keep it open."""
    rows: int
    sha256: str
    """Digest of the file."""
