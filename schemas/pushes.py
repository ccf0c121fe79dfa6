"""A run's samples as a dataset of the Hugging Face Hub: what is asked for, what push.json says, what a push came to."""

from enum import Enum

from msgspec import Struct

from schemas.exports import SplitShare


class PushRequest(Struct, frozen=True, kw_only=True):
    """Where a run's samples go, and in which form. Equal ledgers and equal requests give equal files."""

    repo: str
    """`ORG/NAME`."""
    branch: str = "main"
    public: bool = False
    """Whether a repository that is made now can be seen by all. One that exists keeps its visibility."""
    splits: tuple[SplitShare, ...] = ()
    seed: int = 0
    """Seed of the splits."""
    license: str | None = None
    """Identifier of the dataset's licence, as the Hub knows it."""
    replace: bool = False
    """Also where the repository holds another run, other splits, or what no push made."""


class PushedFile(Struct, frozen=True):
    """A file of samples in the repository. `shard`: the shard of the run's folder that its rows come from."""

    path: str
    split: str
    rows: int
    sha256: str
    shard: str


class PushRecord(Struct, frozen=True, kw_only=True):
    """push.json in the repository: whose samples it holds, and how they were split."""

    format: int = 1
    folder: str
    """The id of the run's folder. No other run has it."""
    manifest_sha256: str
    splits: tuple[SplitShare, ...]
    seed: int
    files: tuple[PushedFile, ...]


class PushEnd(Enum):
    """What a push came to."""

    PUSHED = "pushed"
    NOTHING_NEW = "nothing_new"
    """The repository has all of it."""
    PLANNED = "planned"
    """It was only asked what would be sent (`--dry-run`)."""


class PushSplit(Struct, frozen=True):
    """One split of what a repository holds after a push."""

    name: str
    rows: int
    documents: int


class Pushed(Struct, frozen=True, kw_only=True):
    """A push. `add`, `remove`: paths in the repository, sent or to be sent."""

    end: PushEnd
    repo: str
    url: str
    branch: str
    created: bool
    """Whether the repository was made, or would be."""
    private: bool | None
    """Whether only its members see the repository; None where the Hub does not say."""
    splits: tuple[PushSplit, ...]
    add: tuple[str, ...]
    remove: tuple[str, ...]
    bytes: int
    """Of the files to add."""
    revision: str
    """The sha256 of manifest.json, which is the commit's tag."""
    commit: str | None
    """The branch's last commit; None where nothing was pushed yet."""
    tagged: bool
    """Whether the tag names that commit. A tag is never moved."""
