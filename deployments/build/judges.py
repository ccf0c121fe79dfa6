"""Versions of judges, so that the measurements of two different judges are never added up.

Law: the version changes with the model's files, with the threshold and every other key that changes verdicts (as
`config_identity` says), and with the words of the prompt; not with the place of the model's folder.
"""

from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path

import msgspec
from msgspec.structs import replace

from actors.gates import execution, faithfulness, first_token, likelihood, pairs, reward
from actors.gates.evidence import Grounds
from actors.tasks import prompts
from deployments.config.identity import keys
from deployments.config.rules import is_local
from schemas.config import RunConfig
from schemas.config_base import Change
from schemas.config_cascade import Cascade
from schemas.config_engines import CustomEngine, Engine, HttpEngine, PoolEngine, TransformersEngine, VllmEngine
from schemas.config_gates import (
    Classifier,
    EmbedderModel,
    GateConfig,
    GateModel,
    LikelihoodJudge,
    LlmJudge,
    QueryExecution,
    TokenJudge,
    Verifier,
    kind_of,
    shared_pools,
)
from schemas.corpus import Passage, Provenance
from schemas.ids import DocumentId, content_id
from schemas.samples import answered, qa
from schemas.verdicts import FAITHFULNESS, REWARD, GateName, GateRequest, Shown

EDGE_BYTES = 64 * 1024
"""Bytes read at each end of a model's files: retrained weights differ there, and a large model is not read twice."""
_SHOWN = Passage.of("P", Provenance("u", DocumentId("d"), "s", 0, 1, "c"))
_ASKED = GateRequest("i", _SHOWN, answered("Q", "A"))


def judges(config: RunConfig) -> dict[GateName, str]:
    """The version of each gate that probes measure, as `model@digest`."""
    return {name: _version(config, name, config.gates[name]) for name in map(GateName, config.gates)}


def embedder_version(config: EmbedderModel) -> str:
    """The version of an embedder, as `model@digest`: only vectors of one version are compared. It depends on weights,
    pooling and prefix, and not on the engine or on the similarity of near-duplicates."""
    model = config.engine.model
    local = isinstance(config.engine, TransformersEngine | VllmEngine) and is_local(model)
    folders = [Path(model, part) for part in (".", "1_Pooling") if Path(model, part).is_dir()] if local else []
    files = map(_fingerprint, folders) if folders else [model]
    return _named(model, content_id(str(config.pooling), str(config.prefix), *files))


def _named(model: str, digest: str) -> str:
    return f"{model.rstrip('/').rsplit('/', 1)[-1]}@{digest[:8]}"


def _version(config: RunConfig, name: GateName, gate: GateConfig) -> str:
    settings = _settings(config, name)
    match gate:
        case Classifier() | TokenJudge() | LikelihoodJudge() | LlmJudge():
            engine = _engine(config, gate)
            digest = content_id(settings, _words(name, gate), _weights(engine))
            return _named(engine.model, digest)
        case Cascade(cheap=cheap, judge=judge):
            of = [_version(config, GateName(step), config.gates[step]) for step in (cheap, judge)]
            return _named(f"{cheap}+{judge}", content_id(settings, *of))
        case QueryExecution():
            model = config.pools[gate.pool].engine.model
            words = f"{execution.SYSTEM}\n{execution.ASK}"
            digest = content_id(settings, words, _weights(config.pools[gate.pool].engine), version("gleaner"))
            return _named(model, digest)
        case Verifier():
            digest = content_id(settings, version("sympy"), version("gleaner"))
            return f"computed@{digest[:8]}"
    return f"{gate.__struct_config__.tag}@{content_id(settings, version('gleaner'))[:8]}"


def _weights(engine: Engine) -> str:
    """A digest of a local model's files; the name of any other."""
    local = not isinstance(engine, HttpEngine | CustomEngine) and is_local(engine.model)
    return _fingerprint(Path(engine.model)) if local else engine.model


def _engine(config: RunConfig, gate: GateModel) -> Engine:
    """The engine of the gate's verdicts: its own, or that of the pool that it asks."""
    return config.pools[gate.engine.pool].engine if isinstance(gate.engine, PoolEngine) else gate.engine


def _settings(config: RunConfig, gate: GateName) -> str:
    """Every key that changes the gate's verdicts, without the model's place: its files count instead."""
    pool = shared_pools(config.gates).get(gate)
    begins = (f"gates.{gate}.",) if pool is None else (f"gates.{gate}.", f"pools.{pool}.engine.")
    known = {
        key.path: key.value
        for key in keys(config)
        if key.change is not Change.ANY_RESUME
        and key.path.startswith(begins)
        and key.path not in (f"gates.{gate}.engine.model", f"pools.{pool}.engine.model")
    }
    return msgspec.json.encode(known, order="sorted").decode()


def _words(name: GateName, model: GateModel) -> str:
    """The prompts for a fixed sample: they change with every change of a prompt."""
    kind = kind_of(name, model)
    grounds = (Grounds((_SHOWN,)), Grounds((_SHOWN,), Shown(searched=True)), Grounds(()))
    match model:
        case Classifier(reads="pair" | "sentences"):
            asked = pairs.claims(name, model, _ASKED, grounds[0])
        case Classifier():
            shown = prompts.judged("P", qa("Q", "A"))
            return shown if kind == FAITHFULNESS else prompts.rewarded(qa("Q", "A"))
        case TokenJudge():
            asked = [first_token.messages(name, model, _ASKED, each) for each in grounds]
        case LikelihoodJudge():
            asked = [likelihood.messages(_ASKED, each.passages) for each in grounds]
        case LlmJudge() if kind == REWARD:
            asked = [reward.question(_ASKED, model.dimensions)]
        case LlmJudge():
            again = replace(_ASKED, tries=2)
            asked = [
                faithfulness.question(request, each, faithfulness.asked_of(model.max_tokens, tries=request.tries))
                for request in (_ASKED, again)
                for each in grounds
            ]
    return msgspec.json.encode(asked).decode()


def _fingerprint(folder: Path) -> str:
    """A digest of names, sizes and both ends of a model's files; for a missing folder, its name."""
    if not folder.is_dir():
        return str(folder)
    digest = blake2b(digest_size=16)
    for path in sorted((*folder.glob("*.json"), *folder.glob("*.jinja"), *folder.glob("*.safetensors"))):
        size = path.stat().st_size
        digest.update(f"{path.name} {size} ".encode())
        with path.open("rb") as file:
            digest.update(file.read(EDGE_BYTES))
            file.seek(max(EDGE_BYTES, size - EDGE_BYTES))
            digest.update(file.read(EDGE_BYTES))
    return digest.hexdigest()
