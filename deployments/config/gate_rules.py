"""Rules for gates beyond types: names that clash, forms that do not fit a name or a task, expressions that cannot be
read. Law: an expression is refused here, or it can be evaluated."""

import re
from collections.abc import Collection, Iterator

from actors.gates.fields import OF_EVERY_TASK, TEXTS
from actors.gates.first_token import plainly, sides
from actors.gates.rules import BadRule, read_rule
from deployments.config.cascade_rules import broken_cascades
from deployments.config.faults import at, below, nearest, shown
from schemas.config import Math, Replicas, RunConfig
from schemas.config_cascade import Cascade, cascades, judging, steps
from schemas.config_engines import CustomEngine, Engine, HttpEngine, PoolEngine, VllmEngine
from schemas.config_gates import (
    RESERVED,
    USUAL_KINDS,
    Classifier,
    CodeTests,
    CustomGate,
    Exact,
    GateConfig,
    GateModel,
    LikelihoodJudge,
    LlmJudge,
    Pooling,
    QueryExecution,
    Retrieved,
    RuleGate,
    TokenJudge,
    Unseen,
    Verifier,
    is_function,
    kind_of,
    shares,
)
from schemas.config_tasks import Code, CustomTask, Prompted, Sql
from schemas.vectors import EMBEDDER
from schemas.verdicts import FAITHFULNESS, REWARD, VERIFIER

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


def broken_gates(config: RunConfig) -> Iterator[str]:
    """The faults of all gates, as `path: what is wrong`."""
    repairs: dict[str, str] = {}
    for name, gate in config.gates.items():
        path = below("gates", name)
        yield from (at(path, problem) for problem in _broken_name(name, config))
        yield from _broken_kind(path, name, gate)
        yield from _broken_task(path, name, gate, config)
        match gate:
            case RuleGate() | CustomGate():
                yield from _broken_modes(path, gate, repairs)
        if isinstance(gate, RuleGate):
            yield from _broken_rule(path, gate, config)
        if isinstance(gate, QueryExecution):
            yield from _broken_execution(path, gate, config)
        if isinstance(gate, CodeTests) and not isinstance(config.task, Code):
            yield at(path, "executes tests of a function, and only task.kind code writes some")
        if isinstance(gate, GateModel | QueryExecution):
            yield from _broken_calls(path, name, gate, config)
    yield from broken_cascades(config)
    yield from _broken_embedder(config)
    yield from _broken_shares(config)


def _broken_calls(path: str, name: str, gate: GateModel | QueryExecution, config: RunConfig) -> Iterator[str]:
    """The faults of a gate that asks models: of what they are shown, how often, and what they reply."""
    if isinstance(gate, GateModel):
        yield from _broken_provenance(path, name, gate)
        yield from _broken_sharing(path, gate, config)
    if isinstance(gate, LlmJudge) and gate.drafts_per_call > 1 and not isinstance(gate.provenance, Exact):
        rule = "drafts share a call to be judged against their own passage; leave it out with this provenance.mode"
        yield at(f"{path}.drafts_per_call", rule)
    if isinstance(gate, LlmJudge | QueryExecution):
        yield from _broken_length(path, gate, config)
    if isinstance(gate, Classifier) and gate.reads != "text":
        yield from _broken_pairs(path, name, gate)
    if isinstance(gate, TokenJudge):
        yield from _broken_labels(path, gate)
        yield from _broken_preset(path, name, gate)


def _broken_shares(config: RunConfig) -> Iterator[str]:
    """The faults of gates that judge a share of the orders: what the others say must not depend on what they say."""
    sampled = shares(config.gates)
    if sampled and config.judging.short_circuit:
        for name in sampled:
            if name != judging(config.gates)[-1]:
                rule = "with judging.short_circuit a gate that judges a share must come last, after all others"
                yield at(f"{below('gates', name)}.share", rule)
    for name, gate in config.gates.items():
        if isinstance(gate, RuleGate) and not is_function(gate.check):
            read = _scores_read(gate)
            for other in sampled:
                if other in read:
                    rule = f"reads the score of '{other}', which has none for orders outside its share"
                    yield at(f"{below('gates', name)}.check", rule)
            for other in (*cascades(config.gates), *steps(config.gates)):
                if other in read:
                    rule = f"reads the score of '{other}', but which gate of a cascade scores depends on the draft"
                    yield at(f"{below('gates', name)}.check", rule)


def _scores_read(gate: RuleGate) -> Collection[str]:
    try:
        return read_rule(gate.check, texts=None).scores
    except BadRule:  # said already
        return ()


def _broken_embedder(config: RunConfig) -> Iterator[str]:
    """The faults of the embedder: its role's name must not be that of a pool or gate, for example."""
    embedder = config.judging.embedder
    if embedder is None:
        return
    for section, names in (("pools", config.pools), ("gates", config.gates)):
        if EMBEDDER in names:
            yield at(below(section, EMBEDDER), "is the name of judging.embedder's role; it needs another")
    if isinstance(config.task, Math) or (isinstance(config.task, Code) and config.corpus.has_answers):
        kind = config.task.__struct_config__.tag
        yield f"judging.embedder: has nothing to compare when task.kind is {kind}: a problem is asked again on purpose"
    yield from _broken_encoder("judging.embedder", "engine", embedder.engine, embedder.pooling)


def _broken_encoder(path: str, key: str, engine: Engine, pooling: Pooling | None) -> Iterator[str]:
    if isinstance(engine, CustomEngine):
        yield at(f"{path}.{key}.kind", "must be transformers, vllm or http; an engine of your own makes no vectors")
    if isinstance(engine, PoolEngine):
        yield at(f"{path}.{key}.kind", "must be transformers, vllm or http; a pool makes no vectors")
    if isinstance(engine, HttpEngine) and pooling is not None:
        yield at(f"{path}.pooling", "a server pools in its own way; leave it out")


def _broken_sharing(path: str, gate: GateModel, config: RunConfig) -> Iterator[str]:
    """The faults of a gate that shares a pool: it has no replicas, and a pool neither classifies nor scores."""
    engine = gate.engine
    if not isinstance(engine, PoolEngine):
        return
    if not isinstance(gate, LlmJudge | TokenJudge):
        yield at(f"{path}.engine", "a pool writes; only a gate of form llm or token can share one")
    if engine.pool not in config.pools:
        hint = nearest(engine.pool, config.pools) or f"; the pools are {', '.join(config.pools)}"
        yield at(f"{path}.engine.pool", f"there is no pool {shown(engine.pool)}{hint}")
    if gate.replicas != Replicas():
        yield at(f"{path}.replicas", f"the gate has none: the pool '{engine.pool}' answers for it; leave them out")
    if isinstance(gate.provenance, Retrieved):
        rule = "a search needs replicas of the gate's own, and this one shares a pool; give it an engine"
        yield at(f"{path}.provenance", rule)


def _broken_length(path: str, gate: LlmJudge | QueryExecution, config: RunConfig) -> Iterator[str]:
    """The fault of a gate whose longest reply leaves its model no room for a prompt, where its length is known."""
    drafts = gate.drafts_per_call if isinstance(gate, LlmJudge) else 1
    engine = gate.engine if isinstance(gate, LlmJudge) else PoolEngine(gate.pool)
    if isinstance(engine, PoolEngine):
        if engine.pool not in config.pools:
            return
        engine = config.pools[engine.pool].engine
    if isinstance(engine, VllmEngine) and engine.max_model_len is not None:
        longest = drafts * gate.max_tokens
        if longest >= engine.max_model_len:
            several = (
                f"drafts_per_call ({drafts}) times max_tokens ({gate.max_tokens:,})" if drafts > 1 else "max_tokens"
            )
            rule = f"{several} is {longest:,}, and its model's max_model_len ({engine.max_model_len:,})"
            yield at(f"{path}.max_tokens", f"{rule} leaves no room for a prompt")


def _broken_name(name: str, config: RunConfig) -> Iterator[str]:
    if not _NAME.fullmatch(name):
        yield "a gate's name is of lower-case letters, digits and _, beginning with a letter"
    if name in RESERVED:
        yield "is the name of something that every run has; a gate needs another"
    if name in config.pools:
        yield "is the name of a pool too; a gate needs another"


def _broken_kind(path: str, name: str, gate: GateConfig) -> Iterator[str]:
    """Faults of form and kind: the usual names keep their meaning, for reports and for the diagnoser."""
    if name == VERIFIER and not isinstance(gate, Verifier):
        yield at(f"{path}.form", "must be verifier, as the name says")
    if isinstance(gate, LikelihoodJudge):
        if name == REWARD:
            yield at(f"{path}.form", "must be classifier, token or llm, as the name says: a likelihood is of a source")
    elif isinstance(gate, GateModel | Cascade):
        if gate.kind is None and name not in USUAL_KINDS:
            yield at(f"{path}.kind", f"missing; it must be one of {', '.join(USUAL_KINDS)}{nearest(name, USUAL_KINDS)}")
        elif name in USUAL_KINDS and gate.kind not in (None, name):
            yield at(f"{path}.kind", f"must be {name}, as the name says")
    elif name in USUAL_KINDS:
        yield at(f"{path}.form", "must be classifier, token, likelihood, llm or cascade, as the name says")


def _broken_task(path: str, name: str, gate: GateConfig, config: RunConfig) -> Iterator[str]:
    task = str(config.task.__struct_config__.tag)
    refused = kind_of(name, gate) == (FAITHFULNESS if isinstance(config.task, Math) else VERIFIER)
    if refused:
        yield at(path, f"has nothing to check when task.kind is {task}")
    retrieves = isinstance(gate, GateModel) and isinstance(gate.provenance, Retrieved)
    if config.corpus.none is not None and (retrieves or kind_of(name, gate) == FAITHFULNESS):
        yield at(path, "judges against passages, and with corpus.none there are none")


def texts_of_task(config: RunConfig) -> Collection[str] | None:
    """The texts that rules may name; None for a task whose fields only its code knows."""
    match config.task:
        case CustomTask():
            return None
        case Prompted(all_fields=fields, vary=vary):
            return (*(field.name for field in fields), *vary, *OF_EVERY_TASK)
        case Code() if not config.corpus.has_answers:
            return (*TEXTS, "tests")
        case _:
            return TEXTS


def _broken_execution(path: str, gate: QueryExecution, config: RunConfig) -> Iterator[str]:
    if not isinstance(config.task, Sql):
        yield at(path, "executes queries, and only task.kind sql writes some")
    if gate.pool not in config.pools:
        hint = nearest(gate.pool, config.pools) or f"; the pools are {', '.join(config.pools)}"
        yield at(f"{path}.pool", f"there is no pool {shown(gate.pool)}{hint}")


def _broken_rule(path: str, gate: RuleGate, config: RunConfig) -> Iterator[str]:
    if is_function(gate.check):
        return
    values = config.task.vary if isinstance(config.task, Prompted) else {}
    try:
        read_rule(gate.check, texts_of_task(config), values=values)
    except BadRule as bad:
        yield at(f"{path}.check", str(bad))
    if len(gate.modes) > 1:
        yield at(f"{path}.modes", "an expression's rejections carry one failure mode; a function's may carry several")


def _broken_modes(path: str, gate: RuleGate | CustomGate, repairs: dict[str, str]) -> Iterator[str]:
    for mode, repair in gate.modes.items():
        if not _NAME.fullmatch(mode):
            rule = "a failure mode's name is of lower-case letters, digits and _, beginning with a letter"
            yield at(below(f"{path}.modes", mode), rule)
        if repairs.setdefault(mode, repair) != repair:
            yield at(below(f"{path}.modes", mode), f"another gate has it repaired by {repairs[mode]}")


def _broken_labels(path: str, gate: TokenJudge) -> Iterator[str]:
    """Faults of labels. Those of different worth must differ in their first letter: a token may be no longer."""
    if gate.scale is not None:
        plain = TokenJudge(gate.engine)
        if gate.positive != plain.positive or gate.negative != plain.negative:
            yield at(f"{path}.scale", "stands in place of positive and negative; leave one of them out")
        if len(gate.scale) < 2:
            yield at(f"{path}.scale", "must have two labels or more, from the worst to the best")
    keys = ("positive", "negative") if gate.scale is None else ("scale",) * len(gate.scale)
    first: dict[str, str] = {}
    for key, (given, _) in zip(keys, sides(gate), strict=True):
        if not given or not all(map(plainly, given)):
            yield at(f"{path}.{key}", "empty, or with an empty entry; it must be a label or several")
        for label in given:
            if plainly(label)[:1] in first:
                rule = f"{label!r} begins with the letter of {first[plainly(label)[:1]]!r}"
                more = "and the first token may hold no more of it; ask for labels with different first letters"
                yield at(f"{path}.{key}", f"{rule}, {more}")
        first |= {plainly(label)[:1]: label for label in given}


def _broken_pairs(path: str, name: str, gate: Classifier) -> Iterator[str]:
    if isinstance(gate.engine, HttpEngine):
        yield at(f"{path}.reads", f"{gate.reads}: a server's /classify reads one text, no pairs")
    if gate.reads == "sentences" and kind_of(name, gate) != FAITHFULNESS:
        yield at(f"{path}.reads", "sentences: each is held against a source; kind must be faithfulness, or reads: pair")
    if isinstance(gate.provenance, Unseen):
        yield at(f"{path}.provenance.mode", f"must be exact or retrieved; reads: {gate.reads} needs a source")


def _broken_preset(path: str, name: str, gate: TokenJudge) -> Iterator[str]:
    """Faults of a preset: a published judge was trained with its own words and labels, and with a source."""
    if gate.preset is None:
        return
    plain = TokenJudge(gate.engine)
    for key in ("positive", "negative", "scale", "ask", "system"):
        if getattr(gate, key) != getattr(plain, key):
            yield at(f"{path}.{key}", f"preset: {gate.preset} has its own; leave one of them out")
    if kind_of(name, gate) != FAITHFULNESS:
        yield at(f"{path}.preset", f"{gate.preset} judges against a source; kind must be faithfulness")
    if isinstance(gate.provenance, Unseen):
        yield at(f"{path}.provenance.mode", f"must be exact or retrieved; preset: {gate.preset} is shown a source")


def _broken_provenance(path: str, name: str, gate: GateModel) -> Iterator[str]:
    provenance = gate.provenance
    if kind_of(name, gate) != FAITHFULNESS and not isinstance(provenance, Exact):
        yield at(f"{path}.provenance", "says what a faithfulness judge is shown, and this is none")
    if isinstance(gate, LikelihoodJudge) and isinstance(provenance, Unseen):
        yield at(f"{path}.provenance.mode", "must be exact or retrieved; form: likelihood weighs what a source adds")
    if not isinstance(provenance, Retrieved):
        return
    if provenance.retriever == "embedding" and provenance.encoder is None:
        rule = "missing; retriever: embedding needs a model that encodes passages"
        yield at(f"{path}.provenance.encoder", rule)
    if provenance.encoder is not None:
        yield from _broken_encoder(f"{path}.provenance", "encoder", provenance.encoder, provenance.pooling)
    if provenance.retriever == "bm25" and provenance.encoder is not None:
        rule = "retriever: bm25 asks no model; did you mean retriever: embedding?"
        yield at(f"{path}.provenance.encoder", rule)
    for key in ("pooling", "query_prefix", "passage_prefix"):
        if provenance.retriever == "bm25" and getattr(provenance, key) is not None:
            rule = "retriever: bm25 makes no vectors; did you mean retriever: embedding?"
            yield at(f"{path}.provenance.{key}", rule)
