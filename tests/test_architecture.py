"""The few rules that hold everywhere: who imports whom, how large things are, what is documented, that examples decode.

Each failure names file and line.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from deployments.config.load import load

ROOT = Path(__file__).parent.parent
OURS = ("schemas", "actors", "deployments", "gleaner", "tests", "studies", "benchmarks")
LONGEST_FUNCTION = 60
LONGEST_FILE = 400

MAY_IMPORT = {
    "schemas": {"schemas", "msgspec"},
    "actors": {"schemas", "actors"},
    "deployments": {"schemas", "actors", "deployments"},
    "gleaner": {"schemas", "actors", "deployments", "gleaner"},
}
"""What each package may import: of ours, and for schemas altogether (beside the standard library)."""
NEVER_IN_ACTORS = {"ray", "torch", "vllm", "transformers"}
PRIVATE_DOORS = {
    "deployments/ray/cluster.py": {"ray._private.node.Node", "ray._private.services"},
    "deployments/ray/loopback.py": {
        "ray._common.tls_utils",
        "ray._private.ray_constants",
        "ray.serve._private.replica",
    },
    "deployments/ray/vigil.py": {"ray._private.worker"},
}
"""What reaches inside Ray; docs/decisions/0011-private-doors-of-ray.md says why, and until when."""
FLOORS = (
    {"protocols", "text"},
    {"calls", "counts"},
    {"ledger"},
    {"dataset"},
    {"audit", "corpus", "credit", "exports", "gates", "metrics", "probes", "queue", "recovery", "report", "scaling",
     "tasks"},
    {"conductor"},
)  # fmt: skip
"""The parts of actors/ from the lowest floor up: each imports itself and lower floors. Parts of one floor meet in
deployments/ and not here."""
SAME_FLOOR = {
    ("gates", "actors.tasks.prompts"),
    ("probes", "actors.tasks.prompts"),
    ("queue", "actors.credit"),
}
"""Part of actors/ and what else it may import."""
LOOSE = {"actors": 3, "deployments": 3}
ENTRIES = {"actors": 20, "deployments": 18}
"""Of the two packages: modules beside folders, `__init__` included, and everything there is."""


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Everything in a file, in the order of `ast.walk`; walked once for all rules."""
    return tuple(ast.walk(tree(path)))


def files(*packages: str) -> list[Path]:
    return sorted(path for package in packages for path in (ROOT / package).rglob("*.py"))


def place(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def imports(path: Path) -> Iterator[tuple[ast.AST, str]]:
    """Every module that a file names in an import, wherever it stands; `from a.b import c` counts as `a.b.c`."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{place(path, node)}: a relative import; name the module in full"
            yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)


def test_no_class_name_means_two_things() -> None:
    """Whoever reads a name in one file has read its meaning in all."""
    found: dict[str, list[str]] = {}
    for path in files("actors", "deployments", "schemas"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, []).append(place(path, node))
    assert {name: places for name, places in found.items() if len(places) > 1} == {}


def test_nobody_else_reaches_inside_ray() -> None:
    """A private module of Ray's moves with its next version: each use is named, with what would make it needless."""
    found: dict[str, set[str]] = {}
    for path in files("actors", "deployments", "schemas"):
        for _, name in imports(path):
            if name.startswith("ray.") and any(part.startswith("_") for part in name.split(".")):
                found.setdefault(path.relative_to(ROOT).as_posix(), set()).add(name)
    assert found == PRIVATE_DOORS


def top(module: str) -> str:
    return module.split(".", 1)[0]


def part(module: str) -> str | None:
    """The part of actors/ that a module is or lies in; None for other packages."""
    parts = module.split(".")
    return parts[1] if parts[0] == "actors" and len(parts) > 1 else None


def floor(of: str) -> int:
    return next(number for number, parts in enumerate(FLOORS) if of in parts)


def entries(package: str) -> list[Path]:
    """What lies in it; not the empty file that says to type checkers that it has types."""
    return [path for path in (ROOT / package).iterdir() if path.name not in ("__pycache__", "py.typed")]


def within(module: str, allowed: str) -> bool:
    return module == allowed or module.startswith(allowed + ".")


def none_of(broken: list[str]) -> None:
    """Fails with every line that breaks the rule, one below the other."""
    if broken:
        pytest.fail("\n".join(broken), pytrace=False)


def test_every_package_imports_only_what_it_may() -> None:
    """schemas import nothing of ours, actors schemas, deployments both; nothing imports tests, studies, benchmarks."""
    broken = [
        f"{place(path, node)}: {package} imports {module}"
        for package, allowed in MAY_IMPORT.items()
        for path in files(package)
        for node, module in imports(path)
        if top(module) in OURS and top(module) not in allowed
    ]
    none_of(broken)


def test_schemas_are_light() -> None:
    """A configuration is read without torch, ray or anything else heavy: the standard library and msgspec alone."""
    allowed = MAY_IMPORT["schemas"] | sys.stdlib_module_names
    broken = [
        f"{place(path, node)}: schemas import {module}"
        for path in files("schemas")
        for node, module in imports(path)
        if top(module) not in allowed
    ]
    none_of(broken)


def test_actors_know_no_engine() -> None:
    """What is decided is decided without Ray and without a model library, so that it runs anywhere in milliseconds."""
    broken = [
        f"{place(path, node)}: actors import {module}"
        for path in files("actors")
        for node, module in imports(path)
        if top(module) in NEVER_IN_ACTORS
    ]
    none_of(broken)


def test_every_part_of_actors_has_its_floor() -> None:
    """A new folder is put on a floor, and one that has gone is taken from it."""
    there = {entry.stem for entry in entries("actors")} - {"__init__"}
    assert there == set().union(*FLOORS)


def test_parts_of_actors_import_lower_floors() -> None:
    """There is no circle, and no arrow back up: who reads one part needs those below it and no other."""
    broken = [
        f"{place(path, node)}: {here} imports {module}"
        for path in files("actors")
        if (here := part(module_of(path))) is not None and here != "__init__"
        for node, module in imports(path)
        if (there := part(module)) is not None
        and there != here
        and floor(there) >= floor(here)
        and not any(here == who and within(module, what) for who, what in SAME_FLOOR)
    ]
    none_of(broken)


def test_what_proves_the_queue_is_not_the_queue() -> None:
    """`gleaner verify` counts by a fold of its own: a bug of the queue's or the counts' cannot hide itself."""
    broken = [
        f"{place(path, node)}: audit imports {module}"
        for path in files("actors/audit")
        for node, module in imports(path)
        if part(module) in ("queue", "counts")
    ]
    none_of(broken)


def test_exceptions_are_used() -> None:
    """An exception that nobody needs any more is taken out of the table."""
    used = {
        (who, what)
        for who, what in SAME_FLOOR
        for path in files("actors")
        if part(module_of(path)) == who and any(within(module, what) for _, module in imports(path))
    }
    assert used == SAME_FLOOR


@pytest.mark.parametrize("package", ["actors", "deployments"])
def test_packages_hold_folders_and_little_else(package: str) -> None:
    """A folder is a noun; a loose module beside folders is the first thing of a drawer."""
    assert sum(path.suffix == ".py" for path in entries(package)) <= LOOSE[package]
    assert len(entries(package)) <= ENTRIES[package]


def test_functions_are_short() -> None:
    """A function fits on one screen."""
    long = [
        f"{place(path, node)}: {node.name} has {length} lines, at most {LONGEST_FUNCTION}"
        for path in files(*OURS)
        for node in nodes(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > LONGEST_FUNCTION
    ]
    none_of(long)


def test_files_are_short() -> None:
    """A file holds one idea."""
    lengths = {path: len(path.read_text().splitlines()) for path in files(*OURS)}
    long = [
        f"{path.relative_to(ROOT)}: {length} lines, at most {LONGEST_FILE}"
        for path, length in lengths.items()
        if length > LONGEST_FILE
    ]
    none_of(long)


def test_modules_say_what_they_are() -> None:
    """Every module that holds code opens with its law."""
    silent = [
        f"{path.relative_to(ROOT)}:1: no module docstring"
        for path in files("schemas", "actors", "deployments")
        if tree(path).body and ast.get_docstring(tree(path)) is None
    ]
    none_of(silent)


def test_public_names_are_documented() -> None:
    """Whoever reads schemas or actors learns what each public class and function is for where it stands."""
    silent = [
        f"{place(path, node)}: {node.name} has no docstring"
        for path in files("schemas", "actors")
        for node in tree(path).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and not node.name.startswith("_")
        and ast.get_docstring(node) is None
    ]
    none_of(silent)


EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_decodes(path: Path) -> None:
    """An example that a reader copies is a configuration that runs."""
    assert load(path).pools


def test_there_are_examples() -> None:
    """The test above has something to decode."""
    assert "quickstart" in [path.stem for path in EXAMPLES]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "unneeded"),
    [
        ("deployments.ray.actors", "ray.serve scipy torch"),  # queue, reader, writer
        ("deployments.ray.conductor", "scipy torch"),
    ],
)
def test_a_process_of_a_run_loads_what_it_needs(module: str, unneeded: str) -> None:
    """Serve takes a second of CPU, SciPy a fifth, at every start and restart of each process."""
    loaded = f"import sys, {module}; sys.exit(' '.join(set({unneeded.split()}) & set(sys.modules)) or None)"
    found = subprocess.run([sys.executable, "-c", loaded], cwd=ROOT, check=False, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
