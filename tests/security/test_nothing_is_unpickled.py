"""Nothing read from a disk or a network is unpickled, and no model brings code of its own: a rule over our sources."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_architecture import files, imports, nodes, none_of, place, top

OURS = ("actors", "deployments", "schemas", "studies", "benchmarks", "examples")
UNPICKLES = {"pickle", "_pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal", "jsonpickle", "datasets"}
"""Modules whose loading runs what it reads, or that cache in pickles."""
IN_MEMORY = ("datasets.Dataset", "Dataset.from_dict")
"""What may be imported of them, and its one use: a trainer takes rows as this class, and `from_dict` reads no file."""
SAFE_YAML = {"SafeLoader", "CSafeLoader", "StrictLoader"}


def name_of(node: ast.expr) -> str:
    """`a.b.c` of a call's function, as far as it is one."""
    if isinstance(node, ast.Attribute):
        return f"{name_of(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def calls(path: Path) -> Iterator[tuple[ast.Call, str]]:
    for node in nodes(path):
        if isinstance(node, ast.Call):
            yield node, name_of(node.func)


def said(call: ast.Call, keyword: str) -> object:
    """The constant that a call is given under a keyword; None without one, the node where it is no constant."""
    for given in call.keywords:
        if given.arg == keyword:
            return given.value.value if isinstance(given.value, ast.Constant) else given.value
    return None


def unpickles(call: ast.Call, name: str) -> bool:
    if name == "torch.load":
        return said(call, "weights_only") is not True
    return name.endswith("read_pickle") or said(call, "allow_pickle") not in (None, False)


def makes_any_object(call: ast.Call, name: str) -> bool:
    """yaml with a loader that calls what the text names."""
    if name in ("yaml.load", "yaml.load_all"):
        loader = call.args[1] if len(call.args) > 1 else said(call, "Loader")
        return not isinstance(loader, ast.expr) or name_of(loader).rsplit(".", 1)[-1] not in SAFE_YAML
    return re.fullmatch(r"yaml\.(unsafe|full)_load(_all)?", name) is not None


def trusts_a_model(call: ast.Call, name: str) -> bool:
    """Weights that may be pickles, code that comes with a model, or a question on the terminal whether to run it."""
    if name.endswith("AsyncEngineArgs"):
        return (said(call, "load_format"), said(call, "trust_remote_code")) != ("safetensors", False)
    if not name.endswith(".from_pretrained"):
        return False
    weights = re.search("Tokenizer|Config", name) is None
    code = "auto" in name.lower()
    return (weights and said(call, "use_safetensors") is not True) or (
        code and said(call, "trust_remote_code") is not False
    )


def reads_a_dataset(call: ast.Call, name: str) -> bool:
    """The class that may hold rows in memory has also ways to load them from a disk."""
    return name.startswith("Dataset.") and name not in IN_MEMORY


def runs_text(call: ast.Call, name: str) -> bool:
    return name in ("eval", "exec", "compile")


RULES = (unpickles, makes_any_object, trusts_a_model, reads_a_dataset, runs_text)


RUNS_PROGRAMS = "deployments/sandbox/inside/python.py"
"""What a model wrote runs here, in a process that is shut in for it (docs/sandbox.md), and nowhere else."""


def faults(path: Path) -> Iterator[str]:
    """Every place of a file that could run what it reads."""
    for node, module in imports(path):
        if top(module) in UNPICKLES and module not in IN_MEMORY:
            yield f"{place(path, node)}: imports {module}"
    rules = [rule for rule in RULES if rule is not runs_text or not path.as_posix().endswith(RUNS_PROGRAMS)]
    for call, name in calls(path):
        yield from (f"{place(path, call)}: {name}: {rule.__name__}" for rule in rules if rule(call, name))


@pytest.mark.parametrize("package", OURS)
def test_nothing_of_ours_runs_what_it_reads(package: str) -> None:
    """A ledger, a shard, a corpus, a model folder or a server's reply from a stranger is data, whatever it holds."""
    none_of([fault for path in files(package) for fault in faults(path)])


HARMFUL = """
import pickle
import yaml, torch
from joblib import load
yaml.load(open("x"), Loader=yaml.Loader)
yaml.load(open("x"))
yaml.unsafe_load("x")
torch.load("x")
torch.load("x", weights_only=False)
eval("1")
AutoModelForCausalLM.from_pretrained("x", use_safetensors=True, trust_remote_code=True)
AutoModelForCausalLM.from_pretrained("x", trust_remote_code=False)
numpy.load("x", allow_pickle=True)
pandas.read_pickle("x")
AutoTokenizer.from_pretrained("x")
AsyncEngineArgs(model="x")
from datasets import load_dataset
import datasets
Dataset.from_file("x")
Dataset.load_from_disk("x")
"""
HARMLESS = """
import yaml, torch, msgspec
yaml.load(open("x"), Loader=yaml.SafeLoader)
yaml.safe_load("x")
torch.load("x", weights_only=True)
model.eval()
re.compile("x")
AutoModelForCausalLM.from_pretrained("x", use_safetensors=True, trust_remote_code=False)
AutoTokenizer.from_pretrained("x", trust_remote_code=False)
AsyncEngineArgs(model="x", load_format="safetensors", trust_remote_code=False)
from datasets import Dataset
Dataset.from_dict({"prompt": [[1]]})
"""


def test_the_rule_finds_what_it_is_there_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that finds nothing anywhere would hold for anything."""
    monkeypatch.setattr("tests.test_architecture.ROOT", tmp_path)
    (tmp_path / "harmful.py").write_text(HARMFUL)
    (tmp_path / "harmless.py").write_text(HARMLESS)
    lines = {int(fault.split(":")[1]) for fault in faults(tmp_path / "harmful.py")}
    assert lines == set(range(2, len(HARMFUL.splitlines()) + 1)) - {3}
    assert list(faults(tmp_path / "harmless.py")) == []
