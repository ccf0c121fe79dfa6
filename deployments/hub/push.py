"""A push from start to end: what the folder holds, what the repository has, and one commit for the difference.

Law: a commit is whole: its files, card, manifest and push.json agree. A push removes nothing but files that pushes made
(with `replace`: all of `data/`). The same folder pushed again changes nothing.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import groupby
from pathlib import Path

import msgspec
from msgspec import Struct

from actors.ledger.files import sha256_of
from actors.report.manifest import encode
from deployments.hub.card import CardFacts, card
from deployments.hub.holding import HeldSamples, held_samples
from deployments.hub.parts import FOLDER, SplitPart, Splitting, make
from deployments.hub.repository import MAIN, Addition, HubRepository, Standing
from schemas.errors import HubAwayError, OutputError, UserError
from schemas.exports import SplitShare
from schemas.pushes import Pushed, PushedFile, PushEnd, PushRecord, PushRequest

CARD, MANIFEST, RECORD = "README.md", "manifest.json", "push.json"
AT_ONCE = 8
"""Files that are made and sent together, and told of when they are there."""
BY_HAND = frozenset({CARD, ".gitattributes", ".gitignore", "LICENSE", "LICENSE.md", "LICENSE.txt"})
"""What a repository may hold before its first push: somebody made it on the Hub's site."""


class PushProgress(Struct, frozen=True):
    """How far a push is: files of samples, and the bytes of those that are done."""

    files: int
    of: int
    bytes: int


class Changes(Struct, frozen=True):
    """What a push changes. `texts`: small files by path; `remove`: files of earlier pushes. `bytes`: of the shards that
    the parts come from, and of the texts."""

    parts: tuple[SplitPart, ...]
    texts: Mapping[str, bytes]
    remove: tuple[str, ...]
    bytes: int

    @property
    def is_empty(self) -> bool:
        return not (self.parts or self.texts or self.remove)


def push(
    run: Path, asked: PushRequest, *, told: Callable[[PushProgress], None] = lambda sent: None, dry_run: bool = False
) -> Pushed:
    """Brings a repository to what the folder holds. With `dry_run` nothing is made, changed or sent.

    Raises UserError, OutputError and HubAwayError.
    """
    hub = HubRepository(asked.repo, asked.branch)
    splitting = Splitting(asked.splits, asked.seed if asked.splits else 0)
    going = _Push(run, asked, hub, splitting, held_samples(run, splitting), hub.standing())
    plan = going.plan()
    commit, tagged = going.there.head, False
    if not dry_run:
        commit = going.carry_out(plan, told)
        tagged = hub.tag(going.revision, commit)
    there = going.there
    return Pushed(
        end=PushEnd.PLANNED if dry_run else PushEnd.NOTHING_NEW if plan.is_empty else PushEnd.PUSHED,
        repo=asked.repo,
        url=hub.url,
        branch=asked.branch,
        created=not there.exists,
        private=there.private if there.exists else not asked.public,
        splits=going.held.splits,
        add=(*(part.path for part in plan.parts), *plan.texts),
        remove=plan.remove,
        bytes=plan.bytes,
        revision=going.revision,
        commit=commit,
        tagged=tagged,
    )


class _Push:
    """One push: what is held, and what was there when it began."""

    def __init__(
        self,
        run: Path,
        asked: PushRequest,
        hub: HubRepository,
        splitting: Splitting,
        held: HeldSamples,
        there: Standing,
    ) -> None:
        self._run = run
        self._asked = asked
        self._hub = hub
        self._splitting = splitting
        self.held = held
        self.there = there
        self._manifest = encode(held.manifest)
        self.revision = sha256(self._manifest).hexdigest()

    def plan(self) -> Changes:
        """The difference. Raises UserError where the repository holds what this push must not replace."""
        there = self.there
        known = self._known()
        if not self._asked.replace:
            self._refuse_other(known)
        parts = tuple(part for part in self.held.parts if part.path not in there.files)
        texts = {CARD: self._card(), MANIFEST: self._manifest}
        stays = {part.path for part in self.held.parts}
        ours = {file.path for file in known.files} if known is not None else set()
        lie_there = {path for path in there.files if path in ours or self._asked.replace}
        shards = {part.shard.name for part in parts}
        return Changes(
            parts,
            {
                path: text
                for path, text in texts.items()
                if path not in there.files or not there.files[path].holds(text)
            },
            tuple(sorted(path for path in lie_there - stays if path.startswith(f"{FOLDER}/"))),
            sum((self._run / shard).stat().st_size for shard in shards) + sum(map(len, texts.values())),
        )

    def carry_out(self, plan: Changes, told: Callable[[PushProgress], None]) -> str:
        """Sends and commits; gives the branch's last commit."""
        head = self._with_branch()
        sums = self._send(plan.parts, told)
        record = self._record(sums)
        known = self.there.files.get(RECORD)
        texts = dict(plan.texts) if known is not None and known.holds(record) else {**plan.texts, RECORD: record}
        if not (plan.parts or plan.remove or texts):
            return head
        self._hub.send([Addition(path, text) for path, text in texts.items()])
        return self._hub.commit(plan.remove, title=self._title(), body=self._body(), onto=head)

    def _known(self) -> PushRecord | None:
        """The last push's push.json. None where there is none that can be read."""
        if RECORD not in self.there.files:
            return None
        at = self.there.head or MAIN
        try:
            return msgspec.json.decode(self._hub.text(RECORD, at), type=PushRecord)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None

    def _refuse_other(self, known: PushRecord | None) -> None:
        repo, splitting = self._asked.repo, self._splitting
        if known is None:
            foreign = sorted(self.there.files.keys() - BY_HAND)
            if foreign:
                raise UserError(f"{repo}: holds {foreign[0]}, which no push made; name another, or add --replace")
            return
        if known.folder != self.held.folder:
            raise UserError(f"{repo}: holds the samples of another run; name another, or add --replace")
        if (known.splits, known.seed) != (splitting.splits, splitting.seed):
            before = _as_options(known.splits, known.seed)
            raise UserError(
                f"{repo}: was pushed {before}; give the same, or add --replace, and documents change their split"
            )

    def _with_branch(self) -> str:
        """Makes what is missing of repository and branch; gives the branch's last commit."""
        head = self.there.head
        if head is None:
            if not self.there.exists:
                self._hub.create(public=self._asked.public)
            if self._asked.branch != MAIN:
                self._hub.branch_off()
            head = self._hub.standing().head
        if head is None:
            raise HubAwayError(f"{self._asked.repo}: the Hub does not show the branch {self._asked.branch} yet")
        return head

    def _send(self, parts: Sequence[SplitPart], told: Callable[[PushProgress], None]) -> dict[str, str]:
        """Makes and sends the files, some at a time; gives their digests."""
        sums: dict[str, str] = {}
        size = 0
        with tempfile.TemporaryDirectory(prefix="gleaner-push-") as place:
            for some in _in_turn(parts):
                made: dict[str, Path] = {}
                for _, of_shard in groupby(some, key=lambda part: part.shard.name):
                    made |= make(self._run, list(of_shard), self._splitting, Path(place))
                digests = {path: _digest(file) for path, file in made.items()}
                sums |= digests
                size += sum(file.stat().st_size for file in made.values())
                sent = self._hub.send([Addition(path, file, digests[path]) for path, file in made.items()])
                for path, file in made.items():
                    if path in sent and file.parent == Path(place):
                        file.unlink()
                told(PushProgress(len(sums), len(parts), size))
        return sums

    def _record(self, sums: Mapping[str, str]) -> bytes:
        files = [
            PushedFile(
                part.path,
                part.split,
                part.rows,
                sums.get(part.path) or self.there.files[part.path].sha256 or "",
                part.shard.name,
            )
            for part in self.held.parts
        ]
        record = PushRecord(
            folder=self.held.folder,
            manifest_sha256=self.revision,
            splits=self._splitting.splits,
            seed=self._splitting.seed,
            files=tuple(files),
        )
        return msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"

    def _card(self) -> bytes:
        there = (
            self._hub.text(CARD, self.there.head or MAIN).decode("utf-8", "replace") if CARD in self.there.files else ""
        )
        held = self.held
        facts = CardFacts(
            repo=self._asked.repo,
            revision=self.revision,
            manifest=held.manifest,
            config=held.config,
            splitting=self._splitting,
            splits=held.splits,
            licenses=held.licenses,
            shared_passages=held.shared_passages,
            schema=held.schema,
            license=self._asked.license,
        )
        return card(facts, there).encode()

    def _title(self) -> str:
        rows = sum(split.rows for split in self.held.splits)
        return f"{rows:,} samples of {self.held.manifest.name}"

    def _body(self) -> str:
        splits = ", ".join(f"{split.name} {split.rows:,}" for split in self.held.splits)
        state = "" if self.held.manifest.complete else "\n\nThe run goes on."
        return f"{splits}\n\nmanifest.json: {self.revision}{state}"


def _in_turn(parts: Sequence[SplitPart]) -> Iterator[list[SplitPart]]:
    """The parts in their order, `AT_ONCE` at a time or a few more: those of one shard stay together."""
    some: list[SplitPart] = []
    for _, of_shard in groupby(parts, key=lambda part: part.shard.name):
        some += of_shard
        if len(some) >= AT_ONCE:
            yield some
            some = []
    if some:
        yield some


def _digest(file: Path) -> str:
    digest = sha256_of(file)
    if digest is None:
        raise OutputError(f"{file}: vanished while it was pushed")
    return digest


def _as_options(splits: Sequence[SplitShare], seed: int) -> str:
    if not splits:
        return "without --split"
    return " ".join(["with", *(f"--split {split.name}={split.share:g}" for split in splits), f"--seed {seed}"])
