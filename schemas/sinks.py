"""The seam of sinks: a shard of accepted rows on its way to where a user wants it."""

from msgspec import Struct


class OutgoingShard(Struct, frozen=True):
    """A closed shard of the dataset, durable and recorded. It may come again, under the same name and with the same
    rows: what is written under its name takes the place of what was."""

    name: str
    """The same whenever it comes again, and no other shard's of any folder."""
    path: str
    """The Parquet file in the run's folder. It is to be read, and not to be kept open."""
    rows: int
    sha256: str
    """Of the file."""
