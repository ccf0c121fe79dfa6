"""Problems with worked solutions, of a file. Law: no held-out problem is among those that are trained on.

`gsm8k` is read in the folder that GLEANER_STUDY_DATA names: `gsm8k/train.jsonl` and `gsm8k/test.jsonl` as its own
repository has them, or the sample `gsm8k/train_1000.jsonl`.
"""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from actors.text.final_answer import reference_answer
from schemas.corpus import Passage, Provenance
from schemas.errors import ConfigError
from schemas.ids import DocumentId, content_id
from studies.frame.given import DATA

GSM8K = "gsm8k"
FILES = (("gsm8k/train.jsonl", "gsm8k/test.jsonl"), ("gsm8k/train_1000.jsonl", ""))
"""Training and held-out problems; "": the last of the training file are held out."""
HELD_OUT_SHARE = 0.2
_CALCULATOR = re.compile(r"<<[^<>\n]*>>")


@dataclass(frozen=True)
class WorkedProblem:
    """A problem as the product's math task takes it; its reference is the worked solution."""

    passage: Passage

    @property
    def text(self) -> str:
        return self.passage.text

    @property
    def worked(self) -> str:
        """The solution to be taught, one step a line."""
        return self.passage.reference or ""


@dataclass(frozen=True)
class ProblemSet:
    """`train` and `held_out` share no problem."""

    train: list[WorkedProblem]
    held_out: list[WorkedProblem]


def read(name: str, held_out_file: str, *, train: int, held_out: int) -> ProblemSet:
    """The first problems of a set, so many of each side (0: all). `name`: `gsm8k`, or a file of JSON lines with
    `question` and `answer`. `held_out_file`: another such file; "": the last fifth of the first. Raises ConfigError."""
    file, other = (Path(name), held_out_file) if name != GSM8K else _gsm8k()
    first = _of_file(file)
    if held_out_file or other:
        kept, rest = first, _of_file(Path(held_out_file or other))
    else:
        cut = len(first) - max(1, round(HELD_OUT_SHARE * len(first)))
        kept, rest = first[:cut], first[cut:]
    taken = {one.text for one in kept}
    found = ProblemSet(kept[: train or None], [one for one in rest if one.text not in taken][: held_out or None])
    if not found.train or not found.held_out:
        raise ConfigError(f"{file}: too few problems to train on some and hold out others")
    return found


def _gsm8k() -> tuple[Path, str]:
    folder = Path(os.environ.get(DATA, ""))
    for train, test in FILES:
        if os.environ.get(DATA) and (folder / train).is_file() and (not test or (folder / test).is_file()):
            return folder / train, str(folder / test) if test else ""
    wanted = " with ".join(FILES[0])
    raise ConfigError(f"{wanted}: not there; name the folder that holds both in {DATA}")


def _of_file(file: Path) -> list[WorkedProblem]:
    """Each different problem once, in the file's order."""
    if not file.is_file():
        raise ConfigError(f"{file}: there is no such file")
    found: dict[str, WorkedProblem] = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            question, answer = str(row["question"]).strip(), _CALCULATOR.sub("", str(row["answer"])).strip()
        except (ValueError, TypeError, KeyError) as error:
            raise ConfigError(f"{file}:{number}: not a JSON object with `question` and `answer`") from error
        if not reference_answer(answer).strip():
            raise ConfigError(f"{file}:{number}: the worked solution has no final answer")
        found.setdefault(question, WorkedProblem(Passage.of(question, _whole(question), answer)))
    return list(found.values())


def _whole(text: str) -> Provenance:
    """The place of a problem that is a document of its own."""
    sha = content_id("problem", text)
    return Provenance(
        uri=f"problem#{sha}", document_id=DocumentId(sha), document_sha256=sha, start=0, end=len(text), chunker="none"
    )
