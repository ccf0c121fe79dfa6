"""`HubStore`: what a Hugging Face Hub holds, in memory: repositories with branches, tags and commits, and large files
by their content. No HTTP: `hub_server` has that.

Law: as on the Hub, a commit is whole or not there, names its parent, and may name only large files that were uploaded.
"""

from base64 import b64decode
from dataclasses import dataclass, field
from hashlib import sha1, sha256
from threading import Lock
from typing import Any

INITIAL = b"*.parquet filter=lfs diff=lfs merge=lfs -text\n"
LARGE = (".parquet", ".bin", ".safetensors")


class Refused(Exception):
    """An answer of the Hub's that is no 200: status, its code for the client, its words."""

    def __init__(self, status: int, code: str = "", words: str = "") -> None:
        super().__init__(status, code, words)
        self.status, self.code, self.words = status, code, words


@dataclass(frozen=True)
class Blob:
    """A file in a tree: `content` of a small one, digest and size of a large one."""

    content: bytes = b""
    sha256: str | None = None
    size: int = 0

    @property
    def git_id(self) -> str:
        data = self.content if self.sha256 is None else f"pointer to {self.sha256}".encode()
        return sha1(b"blob %d\0" % len(data) + data).hexdigest()

    def entry(self, path: str) -> dict[str, Any]:
        """As the tree's listing has it."""
        told: dict[str, Any] = {
            "type": "file",
            "path": path,
            "oid": self.git_id,
            "size": self.size or len(self.content),
        }
        return (
            told if self.sha256 is None else told | {"lfs": {"oid": self.sha256, "size": self.size, "pointerSize": 134}}
        )


@dataclass
class Repository:
    """One dataset. `commits`: trees by the commit's id."""

    private: bool
    kind: str = "dataset"
    commits: dict[str, dict[str, Blob]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.add({".gitattributes": Blob(INITIAL)}, "main", "initial commit")

    def add(self, tree: dict[str, Blob], branch: str, message: str) -> str:
        """A new commit with this tree."""
        oid = sha1(f"{len(self.commits)} {message}".encode()).hexdigest()
        self.commits[oid] = dict(tree)
        self.branches[branch] = oid
        self.messages.append(message)
        return oid

    def at(self, revision: str) -> str:
        """The commit that a branch, a tag or an id names."""
        named = self.branches.get(revision) or self.tags.get(revision) or revision
        if named not in self.commits:
            raise Refused(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return named


@dataclass
class HubStore:
    """`tokens`: what each may do, `read` or `write`. `large`: contents by their sha256. `requests`: method and path of
    each, as they came. `cut_after`: so many uploads are taken, and the connection of the next ones is cut."""

    tokens: dict[str, str] = field(default_factory=dict)
    repositories: dict[str, Repository] = field(default_factory=dict)
    large: dict[str, bytes] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    uploads: list[str] = field(default_factory=list)
    xorbs: list[str] = field(default_factory=list)
    """Blocks of chunks that came by Xet, by their hash, each time that they came."""
    shards: list[bytes] = field(default_factory=list)
    """What Xet said of files: their sha256 and the blocks that they are in."""
    commits_fail_with: int | None = None
    cut_after: int | None = None
    fails_with: int | None = None
    """Every request is refused with this status."""
    uploading: Lock = field(default_factory=Lock)
    """Files come at the same time: whether one is still taken, and that it was, is one step."""

    def may(self, token: str | None, right: str) -> None:
        """Raises Refused where the token has not this right."""
        if token is not None and token not in self.tokens:
            raise Refused(401, "", "Invalid credentials in Authorization header")
        if right == "write" and self.tokens.get(token or "") != "write":
            raise Refused(403, "", f"You do not have the right to write: {token}")

    def repository(self, name: str, token: str | None) -> Repository:
        """A dataset that the token sees."""
        found = self.repositories.get(name)
        if found is None or found.kind != "dataset" or (found.private and token is None):
            raise Refused(404, "RepoNotFound", "Repository not found")
        return found

    def create(self, name: str, *, kind: str, private: bool) -> Repository:
        """A new repository."""
        if name in self.repositories:
            raise Refused(409, "", "You already created this repo")
        self.repositories[name] = Repository(private, kind)
        return self.repositories[name]

    def commit(self, repository: Repository, branch: str, lines: list[dict[str, Any]]) -> str:
        """What the lines of a commit say."""
        if self.commits_fail_with is not None:
            raise Refused(self.commits_fail_with, "", "try again later")
        head = repository.at(branch)
        header = lines[0]["value"]
        if header.get("parentCommit", head) != head:
            raise Refused(412, "", "A commit has happened since. Please refresh and try again.")
        tree = dict(repository.commits[head])
        for line in lines[1:]:
            match line["key"], line["value"]:
                case "file", value:
                    tree[value["path"]] = Blob(b64decode(value["content"]))
                case "lfsFile", value:
                    if not self.has(value["oid"]):
                        raise Refused(400, "", f"The content of {value['path']} was not uploaded")
                    tree[value["path"]] = Blob(sha256=value["oid"], size=value["size"])
                case "deletedFile", value:
                    if tree.pop(value["path"], None) is None:
                        raise Refused(404, "EntryNotFound", "A file with this name doesn't exist")
                case key, _:
                    raise Refused(400, "", f"unknown line {key}")
        return repository.add(tree, branch, header["summary"])

    def has(self, oid: str) -> bool:
        """Whether a large file's content came, by LFS or by Xet, which writes a digest as four little-endian words."""
        words = b"".join(bytes.fromhex(oid[at : at + 16])[::-1] for at in range(0, 64, 16))
        return oid in self.large or any(words in shard for shard in self.shards)

    def upload(self, oid: str, content: bytes) -> bool:
        """Takes a large file's content, unless as many as it takes were taken already."""
        if sha256(content).hexdigest() != oid:
            raise Refused(400, "", "the content is not what was announced")
        with self.uploading:
            if self.cut_after is not None and len(self.uploads) >= self.cut_after:
                return False
            self.large[oid] = content
            self.uploads.append(oid)
        return True

    def content(self, blob: Blob) -> bytes:
        """A file's content."""
        return blob.content if blob.sha256 is None else self.large[blob.sha256]
