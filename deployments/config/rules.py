"""Rules beyond types: values must fit each other, strings must hold no secret, models must exist."""

import math
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from deployments.config.corpus_rules import broken_corpus
from deployments.config.faults import at, below, nearest, shown
from deployments.config.gate_rules import broken_gates
from deployments.config.identity import plain
from deployments.config.prompted_rules import broken_prompted, broken_quotas, on_one_line
from deployments.config.publish_rules import broken_publish
from deployments.config.recovery_rules import broken_recovery
from deployments.config.secrets import has_credentials, holds_a_secret, names_a_secret
from deployments.config.servers import ENVIRONMENT_NAME, broken_http
from deployments.config.task_calls import longest_call
from schemas.config import FRESH_POOL, Math, RunConfig, deployed
from schemas.config_deployed import Engine
from schemas.config_engines import (
    HttpEngine,
    PoolEngine,
    SpeculationMethod,
    TransformersEngine,
    VllmEngine,
    VllmModelArgument,
)
from schemas.config_gates import CustomGate, GateModel, Retrieved, code_tests_of, executes, verifier_of
from schemas.config_tasks import Code, CustomTask, GroundedAnswer, Prompted, Sql
from schemas.errors import ModelError
from schemas.until_dry import UntilDry, orders_of_passage

_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?(@[\w./-]+)?")
_POOL_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_RAY_ADDRESS = re.compile(r"auto|local|(ray://)?[\w.-]+:\d{1,5}|(ray://)?\[[0-9a-fA-F:]+\]:\d{1,5}")


def broken_rule(config: RunConfig) -> str | None:
    """The configuration's first fault, as `path: what is wrong`; None if it can be run."""
    return next(_broken(config), None)


def engines(config: RunConfig) -> Iterator[tuple[str, Engine]]:
    """Every engine with the path of its key."""
    for each in deployed(config):
        yield f"{each.path}.engine", each.part.engine
        if (
            isinstance(each.part, GateModel)
            and isinstance(each.part.provenance, Retrieved)
            and each.part.provenance.encoder is not None
        ):
            yield f"{each.path}.provenance.encoder", each.part.provenance.encoder


def is_local(model: str) -> bool:
    """Whether a model's name is a path of the file system; a name like `org/name` or `org/name@revision` is one of the
    Hugging Face hub."""
    if "://" in model:
        return False
    return model.startswith((".", "/", "~")) or _HUB_NAME.fullmatch(model) is None


def check_models(config: RunConfig) -> None:
    """Raises `ModelError` for the first local model or tokenizer of a resolved configuration that does not exist."""
    for path, engine in engines(config):
        if isinstance(engine, VllmEngine | TransformersEngine) and is_local(engine.model):
            _must_hold(f"{path}.model", engine.model, "config.json")
    tokenizer = config.corpus.chunking.tokenizer
    if tokenizer is not None and (is_local(tokenizer) or tokenizer.endswith(".json")):
        _must_hold("corpus.chunking.tokenizer", tokenizer, "tokenizer.json")


def _must_hold(path: str, name: str, file: str) -> None:
    place = Path(os.path.expanduser(name))
    if place.is_file() and file == "tokenizer.json":
        return
    if not place.exists():
        parent = next(folder for folder in place.absolute().parents if folder.is_dir())
        gone = place.absolute().relative_to(parent).parts[0]
        hint = nearest(gone, sorted(os.listdir(parent)))
        raise ModelError(f"{path}: {name} does not exist: there is no '{gone}' in {parent}{hint}")
    if not (place / file).is_file():
        raise ModelError(f"{path}: {name} is not a model folder: it holds no {file}")


def _broken(config: RunConfig) -> Iterator[str]:
    values = plain(config)
    if isinstance(config.task, Prompted):  # templates have lines, as other texts of a configuration have not
        values = {**values, "task": on_one_line(values["task"])}
    yield from _broken_values(values, "")
    for name in config.pools:
        if not _POOL_NAME.fullmatch(name):
            rule = "a pool's name is of lower-case letters, digits, _ and -, beginning with a letter"
            yield at(below("pools", name), rule)
    if FRESH_POOL not in config.pools:
        yield f"pools: there is no pool '{FRESH_POOL}', where fresh orders go{nearest(FRESH_POOL, config.pools)}"
    yield from broken_corpus(config)
    yield from _broken_task(config)
    yield from _broken_replicas(config)
    for path, engine in engines(config):
        yield from _broken_engine(path, engine, config)
    yield from broken_recovery(config)
    if config.ray_address is not None and not _RAY_ADDRESS.fullmatch(config.ray_address):
        yield at("ray_address", f"must be auto, host:port or ray://host:port, not {shown(config.ray_address)}")
    yield from _broken_shards(config)
    yield from broken_gates(config)
    yield from _broken_options(config)
    yield from _broken_probes(config)
    yield from _broken_credit(config)
    yield from broken_publish(config.publish)


def _broken_credit(config: RunConfig) -> Iterator[str]:
    if config.credit is not None and not isinstance(config.task, Math):
        yield "credit: steps are credited by their final answers; task.kind must be math"
    if config.credit is not None and verifier_of(config.gates) is None:
        yield "credit: rollouts are verified; gates needs one of form verifier"


def _broken_shards(config: RunConfig) -> Iterator[str]:
    shards = config.queue.shards
    for path, least in (("conductors.count", config.conductors.count), ("queue.capacity", config.queue.capacity)):
        if least < shards:
            yield f"{path}: {least} is fewer than queue.shards ({shards}); each shard has its part"


def _broken_options(config: RunConfig) -> Iterator[str]:
    """Faults of sinks' names and of options. Options are shown with the configuration, so none may be a secret."""
    if isinstance(config.task, CustomTask):
        yield from _secret_options("task.options", config.task.options)
    for name, sink in config.dataset.sinks.items():
        path = below("dataset.sinks", name)
        if not _POOL_NAME.fullmatch(name):
            yield at(path, "a sink's name is of lower-case letters, digits, _ and -, beginning with a letter")
        yield from _secret_options(f"{path}.options", sink.options)
    for suffix, reader in config.corpus.readers.items():
        yield from _secret_options(f"{below('corpus.readers', suffix)}.options", reader.options)
    for name, gate in config.gates.items():
        if isinstance(gate, CustomGate):
            yield from _secret_options(f"{below('gates', name)}.options", gate.options)


def _broken_probes(config: RunConfig) -> Iterator[str]:
    probes = config.probes
    if not all(name.strip() for name in probes.labelled):
        yield "probes.labelled: with an empty entry"
    if probes.rate and not probes.labelled and isinstance(config.task, Math | Sql | Code):
        kind = config.task.__struct_config__.tag
        yield f"probes.labelled: missing; probes of {kind} are rows of a labelled file"
    elif probes.rate and not probes.labelled and not probes.spoils:
        yield "probes.labelled: missing; name labelled files, or a probes.injector"
    if probes.rate and probes.labelled and probes.spoils:
        yield "probes.injector: probes are rows of probes.labelled, or made by an injector; leave one of them out"
    if probes.rate and not any(probes.weights.values()):
        yield f"probes.kinds: every weight is 0, but probes.rate is {probes.rate:g}"
    yield from _broken_injector(config)


def _broken_injector(config: RunConfig) -> Iterator[str]:
    injector = config.probes.injector
    yield from _secret_options("probes.injector.options", injector.options)
    if injector.verifier is None:
        return
    where, pool = "probes.injector.verifier", config.pools.get(injector.verifier)
    if injector.factory is not None:
        yield f"{where}: is for the place of a factory; leave one of them out"
    elif pool is None:
        yield f"{where}: there is no pool '{injector.verifier}'{nearest(injector.verifier, config.pools)}"
    elif injector.verifier == FRESH_POOL:
        rule = "writes the flaws, so it cannot check them; name another pool"
        yield f"{where}: the pool '{injector.verifier}' {rule}"
    elif not pool.replicas.min:
        rule = "autoscaling does not see its checks, so it needs one replica at all times"
        yield f"{where}: the pool '{injector.verifier}' has replicas.min 0; {rule}"
    elif config.probes.good:
        yield f"probes.good: {config.probes.good:g}, but a verifier vouches for no good sample; it must be 0"


def _secret_options(path: str, options: Mapping[str, object]) -> Iterator[str]:
    for name, value in options.items():
        if names_a_secret(name) and not isinstance(value, bool):
            yield at(below(path, name), "looks like a secret; pass the name of an environment variable instead")


def _broken_values(value: Any, path: str) -> Iterator[str]:
    """Numbers must be finite, strings printable and free of credentials, whatever the key."""
    match value:
        case dict():
            for key, item in value.items():
                yield from _broken_values(item, below(path, key))
        case list():
            for index, item in enumerate(value):
                yield from _broken_values(item, f"{path}[{index}]")
        case float() if not math.isfinite(value):
            yield at(path, f"must be a finite number, not {value}")
        case str() if holds_a_secret(value):
            yield at(path, "holds what looks like a secret (not shown here); name an environment variable instead")
        case str() if has_credentials(value):
            yield at(path, "an address with credentials; they do not belong in a configuration")
        case str() if not value.isprintable():
            yield at(path, f"{shown(value, path)} holds a character that cannot be printed")


def _broken_task(config: RunConfig) -> Iterator[str]:
    """Faults of the task's own section, and of reference answers: math needs them, code may have tests for them, and no
    other task has them."""
    if isinstance(config.task, Prompted):
        yield from broken_prompted(config.task, config)
    yield from broken_quotas(config)
    if isinstance(config.task, GroundedAnswer):
        yield from _broken_sharing(config.task)
    if isinstance(config.task, Sql):
        yield from _broken_sql(config)
    if isinstance(config.task, Code) and code_tests_of(config.gates) is None:
        yield "gates: task.kind code needs one of form tests"
    if isinstance(config.task, Math) and config.corpus.answer_field is None:
        yield "corpus.answer_field: missing; it must be the field that holds the problems' reference answers"
    if not isinstance(config.task, Math | Code) and config.corpus.has_answers:
        yield "corpus.answer_field: only problems (task.kind math or code) have reference answers"


def _broken_sql(config: RunConfig) -> Iterator[str]:
    """A cut script makes no database, and a query that nothing executes is worth nothing."""
    if config.corpus.chunking.by != "whole":
        yield "corpus.chunking.by: a passage is a whole SQL script with task.kind sql; it must be whole"
    if not executes(config.gates):
        yield "gates: task.kind sql needs one of form execution"


def _broken_sharing(task: GroundedAnswer) -> Iterator[str]:
    path, count = "task.samples_per_call", task.samples_per_call
    orders = orders_of_passage(task.samples_per_passage)
    most = orders.at_most if isinstance(orders, UntilDry) else orders
    if count > most:
        yield f"{path}: {count} is more than task.samples_per_passage ({most})"
    if count > 1 and task.prompts == "embedded":
        yield f"{path}: must be 1 with prompts: embedded, whose models were trained to write one sample at a time"


def task_name(config: RunConfig) -> str:
    """The name of the task in orders: its kind, or for a user's own task its `module:function`."""
    return config.task.task if isinstance(config.task, CustomTask) else str(config.task.__struct_config__.tag)


def _broken_replicas(config: RunConfig) -> Iterator[str]:
    replicated = {each.path: each.part.replicas for each in deployed(config)}
    for path, replicas in replicated.items():
        if replicas.min > replicas.max:
            yield f"{path}.replicas.min: {replicas.min} is more than replicas.max ({replicas.max})"
    if config.scaling.accelerators is not None:
        kind = "num_gpus" if any(each.num_gpus for each in replicated.values()) else "num_cpus"
        least = sum(
            (each.num_gpus if kind == "num_gpus" else each.cpus) * max(1, each.min) for each in replicated.values()
        )
        if least > config.scaling.accelerators + 1e-6:
            rule = f"one replica of each pool and gate (or its min) takes {least:g} by their {kind}"
            yield f"scaling.accelerators: {config.scaling.accelerators:g} is too small: {rule}"
    if config.budget.cost is not None and all(each.part.price is None for each in deployed(config)):
        yield "budget.cost: no pool and no gate has a price"


def _broken_engine(path: str, engine: Engine, config: RunConfig) -> Iterator[str]:
    if not engine.model.strip():
        yield f"{path}.model: empty; name a model folder or a Hugging Face model"
    match engine:
        case HttpEngine(api_key_env=str(name)) if not ENVIRONMENT_NAME.fullmatch(name):
            yield f"{path}.api_key_env: not the name of an environment variable (the key itself does not belong here)"
        case HttpEngine():
            yield from broken_http(path, engine)
        case PoolEngine():
            yield f"{path}.kind: only gates can ask a pool; name a model, a server or code of your own here"
        case VllmEngine(model_args=args) if args and (broken := _broken_model_args(args)) is not None:
            yield f"{path}.model_args.{broken}"
        case VllmEngine(max_model_len=int(length)) if path.startswith("pools."):
            call = longest_call(config, path.split(".")[1])
            if call is not None and call.longest >= length:
                rule = f"{length} leaves no room for a prompt beside {call.limit} ({call.longest})"
                yield f"{path}.max_model_len: {rule}"
    yield from _secret_options(f"{path}.options", getattr(engine, "options", {}))


def _broken_model_args(args: Mapping[VllmModelArgument, str | Mapping[str, object]]) -> str | None:
    """The first fault, as `name: what is wrong`. A draft model is refused, since its files would go unchecked."""
    for name, value in args.items():
        if (name == "speculative_config") != isinstance(value, dict):
            return f"{name}: must be {'a section' if name == 'speculative_config' else 'text'}, as vLLM has it"
        if not isinstance(value, dict):
            continue
        known = get_args(SpeculationMethod)
        if value.get("method") not in known:
            return f"{name}.method: must be one of {', '.join(known)}, which load no second model"
        if "model" in value:
            return f"{name}.model: a second model is not loaded; leave it out"
    return None
