"""What a pool or gate runs on, named in the YAML by `kind`: a model in the replica, a server, or your own code."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta, field

from schemas.config_base import Config, Factory, Options, Positive, Seconds, any_resume, replay

Address = Annotated[str, Meta(pattern=r"^https?://[^\s@]+$")]


class VllmEngine(Config, frozen=True, tag="vllm", tag_field="kind"):
    """vLLM inside the replica (`AsyncLLM`; pooling for classifiers)."""

    model: Annotated[str, replay("A model folder (relative to this file) or a Hugging Face name.")]
    dtype: Annotated[
        Literal["auto", "bfloat16", "float16", "float32"],
        replay("Of weights and activations; `auto`: the checkpoint's."),
    ] = "auto"
    max_model_len: Annotated[
        Positive | None, any_resume("Tokens of prompt and completion together; without it, the model's own limit.")
    ] = None
    max_num_seqs: Annotated[Positive | None, any_resume("Sequences computed at once; without it, vLLM's choice.")] = (
        None
    )
    tensor_parallel_size: Annotated[
        Positive, any_resume("GPUs that share one copy of the model; give `replicas.num_gpus` as many.")
    ] = 1
    gpu_memory_utilization: Annotated[
        float, any_resume("Share of the GPU's memory for weights and KV cache.", gt=0, le=1)
    ] = 0.9
    enforce_eager: Annotated[bool, any_resume("No CUDA graphs, no compilation: starts sooner, runs slower.")] = False
    kv_cache_gib: Annotated[Positive | None, any_resume("Room for the KV cache on a CPU build, in GiB.")] = None
    prefix_caching: Annotated[bool, any_resume("Prompts of one passage share its computed beginning.")] = True
    revision: Annotated[str | None, replay("Branch, tag or commit of a Hugging Face model.")] = None
    system_role: Annotated[
        Literal["keep", "merge"],
        replay(
            "`merge`: the system's text begins the user's turn, for chat templates that refuse the role (Gemma's, say)."
        ),
    ] = "keep"
    chat_template_kwargs: Annotated[
        Options,
        replay("Variables of the model's chat template, such as `enable_thinking: false`."),
    ] = field(default_factory=dict)


class TransformersEngine(Config, frozen=True, tag="transformers", tag_field="kind"):
    """Hugging Face transformers inside the replica, with continuous batching."""

    model: Annotated[str, replay("A model folder (relative to this file) or a Hugging Face name.")]
    dtype: Annotated[
        Literal["auto", "bfloat16", "float16", "float32"],
        replay("Of weights and activations; `auto`: the checkpoint's."),
    ] = "auto"
    device: Annotated[str, any_resume("`cpu`, `cuda`, `cuda:1`…; `auto`: a GPU where there is one.")] = "auto"
    max_batch: Annotated[int, any_resume("Sequences computed at once.", ge=1, le=1024)] = 64
    threads: Annotated[
        Positive | None, any_resume("CPU threads of torch; without it, the replica's num_cpus (at least 1).")
    ] = None
    revision: Annotated[str | None, replay("Branch, tag or commit of a Hugging Face model.")] = None
    system_role: Annotated[
        Literal["keep", "merge"],
        replay(
            "`merge`: the system's text begins the user's turn, for chat templates that refuse the role (Gemma's, say)."
        ),
    ] = "keep"
    chat_template_kwargs: Annotated[
        Options,
        replay("Variables of the model's chat template, such as `enable_thinking: false`."),
    ] = field(default_factory=dict)


Omissible = Literal["seed", "temperature", "top_p", "max_tokens"]


class HttpEngine(Config, frozen=True, tag="http", tag_field="kind"):
    """Any OpenAI-compatible server (docs/servers.md tells what yours needs)."""

    gone: ClassVar = {
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
        int,
        any_resume(
            "Requests under way at once from one replica; fewer for a while after the server has said 429.",
            ge=1,
            le=4096,
        ),
    ] = 64
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


class CustomEngine(Config, frozen=True, tag="custom", tag_field="kind"):
    """An engine of your own: `module:function`, called with the options, gives an object with the engine protocol."""

    factory: Annotated[Factory, replay("Importable on every node.")]
    model: Annotated[str, replay("The model's name in lineage and reports.")] = "custom"
    options: Annotated[
        Options,
        replay("Given to the factory by name. No secrets: name an environment variable."),
    ] = field(default_factory=dict)


Engine = VllmEngine | TransformersEngine | HttpEngine | CustomEngine
