"""`gleaner new`: the files to begin with a task, gate, repair, reader or sink of a user's own. Law: nothing that is
there is written over, and either every file is written or none. The templates (`deployments/templates/KIND`) are files
that work as they stand, under names that begin with `my_`; only these names and the folder are replaced.
"""

import keyword
import os
import re
from importlib.util import find_spec
from pathlib import Path

from deployments.config.load import load_text
from deployments.terminal.boundary import say
from deployments.terminal.reading import put_json
from schemas.conformance import Seam
from schemas.errors import UserError

TEMPLATES = Path(__file__).parents[1] / "templates"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,38}")
_NEXT = {
    Seam.TASK: "gleaner check {name}:{Name}",
    Seam.GATE: "gleaner check {name}:check",
    Seam.REPAIR: "gleaner check {name} --config {name}.yaml",
    Seam.READER: "gleaner check {name}:read --sample sample.{name}",
    Seam.SINK: "gleaner check {name} --config {name}.yaml",
}
"""What shows that it keeps to what every one of its kind must."""


def show_new(seam: Seam, name: str, folder: Path, *, json: bool) -> None:
    """Writes the files into the folder and says what to do next. Raises UserError."""
    files = rendered(seam, name, folder)
    written = write(files, folder)
    check = _NEXT[seam].format(name=name, Name=class_name(name))
    if json:
        put_json({"files": written, "check": check})
        return
    for each in written:
        say(f"wrote {each}")
    say(f"next: {check}")


def rendered(seam: Seam, name: str, folder: Path) -> dict[str, str]:
    """The texts of the files, by name. Raises UserError for a name that cannot be used."""
    _check_name(name, folder)
    words = {f"my_{seam.value}": name, f"My{seam.value.capitalize()}": class_name(name), "/your/folder": str(folder)}
    templates = sorted(path for path in (TEMPLATES / seam.value).iterdir() if path.is_file())
    files = {_replaced(path.name, words): _replaced(path.read_text(encoding="utf-8"), words) for path in templates}
    load_text(files[f"{name}.yaml"], f"{name}.yaml")  # a name that has another meaning there is refused by its words
    return files


def write(files: dict[str, str], folder: Path) -> list[str]:
    """The names of the files that were written. Raises UserError where one is there already, and writes none then."""
    there = sorted(name for name in files if os.path.lexists(folder / name))
    if there:
        raise UserError(f"{', '.join(there)}: there already; nothing was written. Choose another name or folder")
    written: list[str] = []
    try:
        for name, text in files.items():
            with (folder / name).open("x", encoding="utf-8") as file:
                written.append(name)
                file.write(text)
    except OSError as error:
        for name in written:
            (folder / name).unlink()
        raise UserError(f"{folder}: cannot be written: {error.strerror or error}") from error
    return written


def class_name(name: str) -> str:
    """`own_words` as a class: `OwnWords`."""
    return "".join(part.capitalize() for part in name.split("_"))


def _check_name(name: str, folder: Path) -> None:
    if not _NAME.fullmatch(name) or keyword.iskeyword(name) or keyword.issoftkeyword(name):
        rule = "must be a Python name of lower-case letters, digits and _, beginning with a letter, of at most 39"
        raise UserError(f"{name}: {rule}; such as `own_words`")
    spec = find_spec(name)
    origin = "" if spec is None else spec.origin or ""
    if spec is not None and Path(origin).parent != folder:
        raise UserError(f"{name}: Python has a module of this name, which would be imported in place; choose another")


def _replaced(text: str, words: dict[str, str]) -> str:
    for old, new in words.items():
        text = text.replace(old, new)
    return text
