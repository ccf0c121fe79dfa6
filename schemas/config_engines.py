"""Engines of pools and gates, chosen in the YAML by `kind`: a model in the replica, a server, your own code, or a
pool."""

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct, field

from schemas.config_base import Config, Factory, Options, Positive, Seconds, any_resume, replay

_AT_REVISION = re.compile(r"(?P<name>[\w-][\w.-]*(/[\w.-]+)?)@(?P<revision>[\w./-]+)")
ADDRESS_WORDS = "an http:// or https:// address without credentials"
Address = Annotated[str, Meta(pattern=r"^https?://[^\s@]+$", title=ADDRESS_WORDS)]


VllmArgument = Literal[
    "tensor_parallel_size",
    "pipeline_parallel_size",
    "enable_expert_parallel",
    "gpu_memory_utilization",
    "kv_cache_memory_bytes",
    "cpu_offload_gb",
    "max_num_seqs",
    "max_num_batched_tokens",
    "enable_prefix_caching",
    "enforce_eager",
    "block_size",
    "disable_custom_all_reduce",
]
"""vLLM's own names of arguments that change where and how fast it computes, and no text."""
VllmModelArgument = Literal["quantization", "kv_cache_dtype", "speculative_config"]
"""vLLM's own names of arguments that change texts too: a replay may change them, a resume may not."""
SpeculationMethod = Literal["ngram", "ngram_gpu", "suffix"]
"""Methods of speculation that load no second model, since the files of a draft model would go unchecked."""
_KEEPS = {name: "it is model_args." + name for name in ("quantization", "kv_cache_dtype", "speculative_config")}
VLLM_REFUSED: Mapping[str, str] = {
    **_KEEPS,
    "trust_remote_code": "code beside a model is never run",
    "tokenizer": "prompts are made with the model's own, which keeps contents apart from markup",
    "chat_template": "prompts are made with the model's own; chat_template_kwargs are its variables",
    "seed": "each request has a seed of its own, from the run's",
    "hf_overrides": "a model is what its folder says; change its config.json",
    "load_format": "weights are safetensors, which hold no code",
    "model": "it is the key `model` beside engine_args",
    "dtype": "it is the key `dtype` beside engine_args",
    "max_model_len": "it is the key `max_model_len` beside engine_args",
    "scheduling_policy": "requests are served as they come",
}
"""vLLM's names that are not passed through, each with the reason or with the key to use."""


class ModelSource(Struct, frozen=True):
    """The source of a model's files: a folder, or a name on the Hugging Face hub, perhaps with a revision."""

    name: str
    revision: str | None = None

    @staticmethod
    def of(model: str) -> "ModelSource":
        """The source that a key `model` names."""
        found = _AT_REVISION.fullmatch(model)
        return ModelSource(model) if found is None else ModelSource(found["name"], found["revision"])


LocalModel = Annotated[
    str,
    replay(
        "A model folder (relative to this file) or a Hugging Face name; `org/name@REVISION` is a branch, tag or "
        "commit of one."
    ),
]
Dtype = Annotated[
    Literal["auto", "bfloat16", "float16", "float32"], replay("Of weights and activations; `auto`: the checkpoint's.")
]
SystemRole = Annotated[
    Literal["keep", "merge"],
    replay(
        "`merge`: the system's text begins the user's turn, for chat templates that refuse the role (Gemma's, say)."
    ),
]
TemplateVariables = Annotated[
    Options, replay("Variables of the model's chat template, such as `enable_thinking: false`.")
]


class VllmEngine(Config, frozen=True, tag="vllm", tag_field="kind"):
    """vLLM inside the replica (`AsyncLLM`; pooling for classifiers)."""

    gone: ClassVar[Mapping[str, str]] = {
        "revision": "it is model: org/name@REVISION",
        "tensor_parallel_size": "it is engine_args.tensor_parallel_size",
        "max_num_seqs": "it is engine_args.max_num_seqs",
        "gpu_memory_utilization": "it is engine_args.gpu_memory_utilization",
        "enforce_eager": "it is engine_args.enforce_eager",
        "kv_cache_gib": "it is engine_args.kv_cache_memory_bytes, 1073741824 for each GiB",
        "prefix_caching": "it is engine_args.enable_prefix_caching",
    }

    model: LocalModel
    dtype: Dtype = "auto"
    max_model_len: Annotated[
        Positive | None, any_resume("Tokens of prompt and completion together; without it, the model's own limit.")
    ] = None
    system_role: SystemRole = "keep"
    chat_template_kwargs: TemplateVariables = field(default_factory=dict)
    engine_args: Annotated[
        dict[VllmArgument, int | float | bool],
        any_resume(
            "Passed to vLLM as it stands: memory, batches and the GPUs that share one copy of the model (then "
            "`replicas.num_gpus` is as many)."
        ),
    ] = field(default_factory=dict)

    model_args: Annotated[
        dict[VllmModelArgument, str | dict[str, str | int | float | bool]],
        replay(
            "Passed to vLLM as it stands, of what changes the texts: how weights and KV cache are stored "
            "(`quantization: fp8`, `kv_cache_dtype: fp8`), and speculation without a second model "
            "(`speculative_config: {method: ngram, num_speculative_tokens: 4, prompt_lookup_max: 4}`)."
        ),
    ] = field(default_factory=dict)

    @property
    def gpus(self) -> int:
        """GPUs that share one copy of the model."""
        args = self.engine_args
        return int(args.get("tensor_parallel_size", 1)) * int(args.get("pipeline_parallel_size", 1))

    @property
    def max_num_seqs(self) -> int | None:
        """Sequences computed at once; None: vLLM chooses."""
        chosen = self.engine_args.get("max_num_seqs")
        return None if chosen is None else int(chosen)


class TransformersEngine(Config, frozen=True, tag="transformers", tag_field="kind"):
    """Hugging Face transformers inside the replica, with continuous batching. It uses `num_cpus` CPU threads (at least
    1)."""

    gone: ClassVar[Mapping[str, str]] = {
        "revision": "it is model: org/name@REVISION",
        "threads": "leave it out; there are as many as replicas.num_cpus (at least 1)",
    }

    model: LocalModel
    dtype: Dtype = "auto"
    device: Annotated[str, any_resume("`cpu`, `cuda`, `cuda:1`…; `auto`: a GPU where there is one.")] = "auto"
    max_batch: Annotated[int, any_resume("Sequences computed at once.", ge=1, le=1024)] = 64
    system_role: SystemRole = "keep"
    chat_template_kwargs: TemplateVariables = field(default_factory=dict)


RequestsAtOnce = Annotated[int, Meta(ge=1, le=4096)]
Omissible = Literal["seed", "temperature", "top_p", "max_tokens"]


class HttpEngine(Config, frozen=True, tag="http", tag_field="kind"):
    """Any OpenAI-compatible server (docs/servers.md lists the keys that each needs)."""

    gone: ClassVar[Mapping[str, str]] = {
        "breaker_failures": "leave it out; a pool that fails is paused by its conductors",
        "breaker_open_s": "leave it out; a pool that fails is paused by its conductors",
    }

    base_url: Annotated[
        Address,
        any_resume(
            "What stands before /chat/completions: mostly up to and including /v1. Credentials do not belong here."
        ),
    ]
    model: Annotated[str, replay("The name under which the server offers the model.")]
    api_key_env: Annotated[
        str | None,
        any_resume("Name of the environment variable that holds the key, which is sent as `Authorization: Bearer`."),
    ] = None
    headers: Annotated[
        dict[str, str],
        any_resume(
            "Sent with every call. `env:NAME` is the value of that environment variable, the only place for "
            "a secret; `{passage_id}` stands for the passage, so that a gateway can send its calls to one "
            "server."
        ),
    ] = field(default_factory=dict)
    query: Annotated[dict[str, str], any_resume("Added to every address behind a `?`, as Azure's `api-version`.")] = (
        field(default_factory=dict)
    )
    concurrency: Annotated[
        RequestsAtOnce | None,
        any_resume(
            "Requests under way at once from one replica; fewer for a while after the server has said 429. Without it, "
            "as many as the server is found to compute at once, up to 4096, while it runs (docs/servers.md)."
        ),
    ] = None
    timeout_s: Annotated[Seconds, any_resume("Longest wait for one answer, in seconds.")] = 120.0
    check_models: Annotated[
        bool,
        any_resume("Look at the start whether /models lists the model; a server without that list is taken as it is."),
    ] = True
    structured_output: Annotated[
        Literal["json_schema", "json_object", "none"], any_resume("What the server understands of `response_format`.")
    ] = "json_schema"
    output_limit: Annotated[
        Literal["max_tokens", "max_completion_tokens"],
        any_resume(
            "What the server calls the limit of generated tokens; OpenAI's newer models know only "
            "`max_completion_tokens`."
        ),
    ] = "max_tokens"
    omit: Annotated[
        tuple[Omissible, ...],
        any_resume("Parameters that are not sent, since the server refuses them: it uses its own values."),
    ] = ()
    system_role: Annotated[
        Literal["keep", "merge"],
        any_resume("`merge`: the system message becomes the beginning of the user's, for models that refuse the role."),
    ] = "keep"
    chat_template_kwargs: Annotated[
        Options,
        replay("Variables of the model's chat template, such as `enable_thinking: false`; vLLM and SGLang read them."),
    ] = field(default_factory=dict)
    body: Annotated[
        Options, replay("Sent with every chat besides, such as `reasoning_effort: low` or `top_k: 20`. No secrets.")
    ] = field(default_factory=dict)


class CustomEngine(Config, frozen=True, tag="custom", tag_field="kind"):
    """An engine of your own: `module:function`, called with the options, returns an object with the engine protocol."""

    factory: Annotated[Factory, replay("Importable on every node.")]
    model: Annotated[str, replay("The model's name in lineage and reports.")] = "custom"
    options: Annotated[
        Options,
        replay("Given to the factory by name. No secrets: name an environment variable."),
    ] = field(default_factory=dict)


class PoolEngine(Config, frozen=True, tag="pool", tag_field="kind"):
    """Of a gate of form `llm` or `token`: a pool of the run answers for it (short: `engine: {pool: NAME}`). No model is
    loaded for the gate, and it takes no replicas."""

    pool: Annotated[str, replay("The pool that the gate asks; its model is the gate's.")]

    @property
    def model(self) -> str:
        """A name for the pool's model, for callers that do not know the pool."""
        return f"the pool {self.pool}"


Engine = VllmEngine | TransformersEngine | HttpEngine | CustomEngine | PoolEngine
