"""What a pool or gate runs on, named in the YAML by `kind`: a model in the replica, a server, or your own code."""

from typing import Annotated, Literal

from msgspec import Meta, field

from schemas.config_base import Config, Positive, Seconds


class VllmEngine(Config, frozen=True, tag="vllm", tag_field="kind"):
    """vLLM inside the replica (`AsyncLLM`; pooling for classifiers)."""

    model: str
    """A model folder (relative to this file) or a Hugging Face name."""
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    """Of weights and activations; `auto`: the checkpoint's."""
    max_model_len: Positive | None = None
    """Tokens of prompt and completion together; without it, the model's own limit."""
    max_num_seqs: Positive | None = None
    """Sequences computed at once; without it, vLLM's choice."""
    tensor_parallel_size: Positive = 1
    """GPUs that share one copy of the model; give `replicas.num_gpus` as many."""
    gpu_memory_utilization: Annotated[float, Meta(gt=0, le=1)] = 0.9
    """Share of the GPU's memory for weights and KV cache."""
    enforce_eager: bool = False
    """No CUDA graphs, no compilation: starts sooner, runs slower."""
    kv_cache_gib: Annotated[int, Meta(ge=1)] | None = None
    """Room for the KV cache on a CPU build, in GiB."""
    prefix_caching: bool = True
    """Prompts of one passage share its computed beginning."""
    revision: str | None = None
    """Branch, tag or commit of a Hugging Face model."""
    system_role: Literal["keep", "merge"] = "keep"
    """`merge`: the system's text begins the user's turn, for chat templates that refuse the role (Gemma's, say)."""
    chat_template_kwargs: dict[str, str | int | float | bool] = field(default_factory=dict)
    """Variables of the model's chat template, such as `enable_thinking: false`."""


class TransformersEngine(Config, frozen=True, tag="transformers", tag_field="kind"):
    """Hugging Face transformers inside the replica, with continuous batching."""

    model: str
    """A model folder (relative to this file) or a Hugging Face name."""
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    """Of weights and activations; `auto`: the checkpoint's."""
    device: str = "auto"
    """`cpu`, `cuda`, `cuda:1`…; `auto`: a GPU where there is one."""
    max_batch: Annotated[int, Meta(ge=1, le=1024)] = 64
    """Sequences computed at once."""
    threads: Positive | None = None
    """CPU threads of torch; without it, the replica's num_cpus (at least 1)."""
    revision: str | None = None
    """Branch, tag or commit of a Hugging Face model."""
    system_role: Literal["keep", "merge"] = "keep"
    """`merge`: the system's text begins the user's turn, for chat templates that refuse the role (Gemma's, say)."""
    chat_template_kwargs: dict[str, str | int | float | bool] = field(default_factory=dict)
    """Variables of the model's chat template, such as `enable_thinking: false`."""


GONE_KEYS = {
    "breaker_failures": "no longer a key: leave it out; a pool that fails is paused by its conductors",
    "breaker_open_s": "no longer a key: leave it out; a pool that fails is paused by its conductors",
}
"""Keys of earlier versions that are refused with these words, and passed over in the folder of an earlier run."""
Omissible = Literal["seed", "temperature", "top_p", "max_tokens"]


class HttpEngine(Config, frozen=True, tag="http", tag_field="kind"):
    """Any OpenAI-compatible server (docs/servers.md tells what yours needs)."""

    base_url: Annotated[str, Meta(pattern=r"^https?://[^\s@]+$")]
    """What stands before /chat/completions: mostly up to and including /v1. Credentials do not belong here."""
    model: str
    """The name under which the server offers the model."""
    api_key_env: str | None = None
    """Name of the environment variable that holds the key, which is sent as `Authorization: Bearer`."""
    headers: dict[str, str] = field(default_factory=dict)
    """Sent with every call. `env:NAME` is the value of that environment variable, the only place for a secret;
    `{passage_id}` stands for the passage, so that a gateway can send its calls to one server."""
    query: dict[str, str] = field(default_factory=dict)
    """Added to every address behind a `?`, as Azure's `api-version`."""
    concurrency: Annotated[int, Meta(ge=1, le=4096)] = 64
    """Requests under way at once from one replica; fewer for a while after the server has said 429."""
    timeout_s: Seconds = 120.0
    """Longest wait for one answer, in seconds."""
    check_models: bool = True
    """Look at the start whether /models lists the model; a server without that list is taken as it is."""
    structured_output: Literal["json_schema", "json_object", "none"] = "json_schema"
    """What the server understands of `response_format`."""
    output_limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """What the server calls the limit of generated tokens; OpenAI's newer models know only `max_completion_tokens`."""
    omit: tuple[Omissible, ...] = ()
    """Parameters that are not sent, since the server refuses them: it uses its own values."""
    system_role: Literal["keep", "merge"] = "keep"
    """`merge`: the system message becomes the beginning of the user's, for models that refuse the role."""


class CustomEngine(Config, frozen=True, tag="custom", tag_field="kind"):
    """An engine of your own: `module:function`, called with the options, gives an object with the engine protocol."""

    factory: Annotated[str, Meta(pattern=r"^[\w.]+:\w+$")]
    """Importable on every node."""
    model: str = "custom"
    """The model's name in lineage and reports."""
    options: dict[str, str | int | float | bool] = field(default_factory=dict)
    """Given to the factory by name. No secrets: name an environment variable."""
