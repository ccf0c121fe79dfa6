"""A dataset of the Hugging Face Hub, through the Hub's own client library. The one place that talks to it.

Law: every call is bounded in time, and every error is one of ours. A commit names the commit that it was planned on:
if somebody else was faster, nothing is changed. The Hub keeps what it was sent by its content: after a cut it is not
sent again.
"""

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from hashlib import sha1, sha256
from pathlib import Path

from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationDelete,
    HfApi,
    get_session,
)
from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils import disable_progress_bars
from huggingface_hub.utils import logging as hub_logging
from msgspec import Struct

from deployments.engines.http_secrets import Redactor
from deployments.hub.errors import hub_boundary
from deployments.hub.token import check_token

KIND = "dataset"
MAIN = "main"
ANSWER_S = 300.0
"""The longest wait for one answer: a commit of thousands of files takes the Hub minutes."""
THREADS = 4


class FileThere(Struct, frozen=True):
    """A file of the repository, by its content: the sha256 of a large file, the git id of a small one."""

    sha256: str | None
    git_id: str

    def holds(self, content: bytes) -> bool:
        """Whether this is its content."""
        if self.sha256 is not None:
            return self.sha256 == sha256(content).hexdigest()
        return self.git_id == sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


class Standing(Struct, frozen=True):
    """A repository at one moment. `head`: the branch's last commit; None where there is no such branch, and `files` are
    those of `main`, from which it will be made."""

    exists: bool = False
    private: bool | None = None
    head: str | None = None
    files: Mapping[str, FileThere] = {}


class Addition(Struct, frozen=True):
    """A file to send. `content`: where it lies, or its bytes. `sha256`: its digest, where it is known."""

    path: str
    content: Path | bytes
    sha256: str | None = None


class HubRepository:
    """One branch of a dataset. Raises UserError and HubAwayError. Not thread-safe."""

    def __init__(self, repo: str, branch: str = MAIN) -> None:
        """Raises UserError where there is no token: it is asked for before anything is read or sent."""
        disable_progress_bars()
        hub_logging.set_verbosity_error()  # its warnings hold addresses that are signed
        token = check_token(repo)
        self.repo = repo
        self.branch = branch
        self._redact = Redactor([token])
        self._hub = HfApi(token=token)
        self._sent: list[CommitOperationAdd] = []

    @property
    def url(self) -> str:
        """Its page."""
        return f"{self._hub.endpoint}/datasets/{self.repo}"

    def standing(self) -> Standing:
        """The repository as it is now."""
        with self._asking():
            try:
                info = self._hub.dataset_info(self.repo, timeout=ANSWER_S)
            except RepositoryNotFoundError:
                return Standing()
            head = self._head(self.branch)
            from_main = head if head is not None or self.branch == MAIN else self._head(MAIN)
            tree = [] if from_main is None else self._tree(from_main)
        return Standing(True, info.private, head, {each.path: _there(each) for each in tree})

    def text(self, path: str, at: str) -> bytes:
        """A small file of the commit `at`."""
        with self._asking(), tempfile.TemporaryDirectory(prefix="gleaner-push-") as cache:
            found = self._hub.hf_hub_download(self.repo, path, repo_type=KIND, revision=at, cache_dir=cache)
            return Path(found).read_bytes()

    def create(self, *, public: bool) -> None:
        """Makes the dataset, private if it is not to be `public`."""
        with self._asking():
            self._hub.create_repo(self.repo, repo_type=KIND, private=not public)

    def branch_off(self) -> None:
        """Makes the branch, from `main`."""
        with self._asking():
            self._hub.create_branch(self.repo, branch=self.branch, repo_type=KIND, exist_ok=True)

    def send(self, files: Sequence[Addition]) -> frozenset[str]:
        """Sends contents, which the next commit names. Those that the Hub has are not sent again.

        Gives the paths whose contents are no longer needed here: small files are sent with the commit.
        """
        adding = [_adding(file) for file in files]
        with self._asking():
            self._hub.preupload_lfs_files(
                self.repo, adding, repo_type=KIND, revision=self.branch, num_threads=THREADS, free_memory=True
            )
        self._sent += adding
        return frozenset(each.path_in_repo for each in adding if each.path_or_fileobj == b"")

    def commit(self, remove: Sequence[str], *, title: str, body: str, onto: str | None) -> str:
        """Commits all that was sent, and removes paths, on top of the commit `onto`. Gives the new commit."""
        removing = [CommitOperationDelete(path, is_folder=False) for path in remove]
        with self._asking():
            made = self._hub.create_commit(
                self.repo,
                [*self._sent, *removing],
                commit_message=title,
                commit_description=body,
                repo_type=KIND,
                revision=self.branch,
                num_threads=THREADS,
                parent_commit=onto,
            )
        self._sent = []
        return made.oid

    def tag(self, name: str, commit: str) -> bool:
        """Gives a commit a tag; a tag that exists is left. Gives whether the tag now names that commit."""
        with self._asking():
            known = self._tags()
            if name not in known:
                self._hub.create_tag(self.repo, tag=name, revision=commit, repo_type=KIND, exist_ok=True)
                known = self._tags()
        return known.get(name) == commit

    def _head(self, branch: str) -> str | None:
        try:
            return self._hub.dataset_info(self.repo, revision=branch, timeout=ANSWER_S).sha
        except RevisionNotFoundError:
            return None

    def _tree(self, commit: str) -> list[RepoFile]:
        found = self._hub.list_repo_tree(self.repo, recursive=True, revision=commit, repo_type=KIND)
        return [each for each in found if isinstance(each, RepoFile)]

    def _tags(self) -> dict[str, str]:
        return {tag.name: tag.target_commit for tag in self._hub.list_repo_refs(self.repo, repo_type=KIND).tags}

    def _asking(self) -> AbstractContextManager[None]:
        get_session().timeout = ANSWER_S  # the client has no limit, and may have made a new session
        return hub_boundary(self.repo, self._redact)


def _there(file: RepoFile) -> FileThere:
    return FileThere(None if file.lfs is None else file.lfs.sha256, file.blob_id)


def _adding(file: Addition) -> CommitOperationAdd:
    adding = CommitOperationAdd(file.path, file.content)
    if file.sha256 is not None:
        adding.upload_info.sha256 = bytes.fromhex(file.sha256)
    return adding
