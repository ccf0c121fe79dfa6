"""Ten kinds of servers: how each answers and refuses, from what their projects' issues and manuals report."""

from typing import Any

from tests.doubles.openai_servers import Manner, Reply


def _openai_error(message: str, *, kind: str = "invalid_request_error", **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": None} | more}


def _flat_error(message: Any, *, kind: str = "BadRequestError", code: Any = 400) -> dict[str, Any]:
    return {"object": "error", "message": message, "type": kind, "param": None, "code": code}


def _message(text: Any, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": text} | more


def _completion(choice: dict[str, Any], **more: Any) -> dict[str, Any]:
    whole = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    return whole | {"usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}} | more


def _choice(text: Any, *, finish: Any = "stop", **more: Any) -> dict[str, Any]:
    return {"index": 0, "message": _message(text), "finish_reason": finish} | more


def _forbidden(name: str) -> Reply:
    """Mistral's, which lists places."""
    detail = [{"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs are not permitted", "input": 5}]
    return 422, _flat_error({"detail": detail}, kind="invalid_request_error", code=None)


def _unsupported(name: str, message: str) -> Reply:
    return 400, _openai_error(message, param=name, code="unsupported_value")


VLLM = Manner(
    "vllm",
    lambda text: _completion(
        {
            "index": 0,
            "message": _message(text, reasoning_content=None, tool_calls=[], refusal=None),
            "logprobs": None,
            "finish_reason": "stop",
            "stop_reason": None,
            "token_ids": None,
        },
        prompt_logprobs=None,
        kv_transfer_params=None,
    ),
    too_long=(
        400,
        _flat_error(
            "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (4744 in the "
            "messages, 256 in the completion). Please reduce the length of the messages or completion."
        ),
    ),
    role=(400, _flat_error("System role not supported")),
)
SGLANG = Manner(
    "sglang",
    lambda text: _completion(_choice(text, matched_stop=151645), metadata={"weight_version": "default"}),
    too_long=(400, _flat_error("The input (5000 tokens) is longer than the model's context length (4096 tokens).")),
    overloaded=(503, _flat_error("The request queue is full.", kind="ServiceUnavailableError", code=503)),
)
LLAMA_CPP = Manner(
    "llama.cpp",
    lambda text: _completion(
        {"finish_reason": "stop", "index": 0, "message": _message(text)},
        timings={"prompt_n": 11, "prompt_ms": 3.2},
    ),
    too_long=(
        400,
        {
            "error": {
                "code": 400,
                "message": "request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it",
                "type": "exceed_context_size_error",
                "n_prompt_tokens": 5000,
                "n_ctx": 4096,
            }
        },
    ),
    role=(
        500,
        {"error": {"code": 500, "message": "Jinja Exception: System role not supported", "type": "server_error"}},
    ),
    overloaded=(503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}),
    models=(
        200,
        {"object": "list", "data": [{"id": "m", "meta": {"n_params": 1}}], "models": [{"name": "m", "model": "m"}]},
    ),
)
OLLAMA = Manner(
    "ollama",
    lambda text: _completion(_choice(text), system_fingerprint="fp_ollama"),
    too_long=(
        400,
        {"error": {"message": "prompt too long; exceeded max context length by 4 tokens", "type": "api_error"}},
    ),
    models=(200, {"object": "list", "data": [{"id": "m:latest", "object": "model", "owned_by": "library"}]}),
)
TGI = Manner(
    "tgi",
    lambda text: _completion(_choice(text, finish="eos_token", logprobs=None), object="text_completion"),
    too_long=(
        422,
        {
            "error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 4900 `inputs` "
            "tokens and 256 `max_new_tokens`",
            "error_type": "validation",
        },
    ),
    overloaded=(429, {"error": "Model is overloaded", "error_type": "overloaded"}),
    models=(404, {}),
)
LITELLM = Manner(
    "litellm",
    lambda text: _completion(
        {"finish_reason": "stop", "index": 0, "message": _message(text, tool_calls=None, function_call=None)},
        usage={
            "completion_tokens": 7,
            "prompt_tokens": 11,
            "total_tokens": 18,
            "completion_tokens_details": None,
            "prompt_tokens_details": None,
        },
    ),
    too_long=(
        400,
        {
            "error": {
                "message": "litellm.ContextWindowExceededError: litellm.BadRequestError: prompt is too long",
                "type": None,
                "param": None,
                "code": "400",
            }
        },
    ),
    overloaded=(
        429,
        {"error": {"message": "litellm.RateLimitError: none left", "type": "throttling_error", "code": "429"}},
    ),
    models=(200, {"object": "list", "data": [{"id": "*", "object": "model"}]}),
)
AZURE = Manner(
    "azure",
    lambda text: _completion(
        _choice(text, content_filter_results={"hate": {"filtered": False, "severity": "safe"}}),
        prompt_filter_results=[{"prompt_index": 0}],
    ),
    too_long=(
        400,
        _openai_error("maximum context length is 8192 tokens", code="context_length_exceeded", param="messages"),
    ),
    moderated=(
        400,
        _openai_error(
            "The response was filtered due to the prompt triggering our content management policy.",
            kind=None,  # type: ignore[arg-type]
            code="content_filter",
            param="prompt",
            innererror={"code": "ResponsibleAIPolicyViolation"},
        ),
    ),
    models=(404, {"error": {"code": "404", "message": "Resource not found"}}),
    prefix="/openai/deployments/d",
)
MISTRAL = Manner(
    "mistral",
    lambda text: _completion(
        _choice(
            [
                {"type": "thinking", "thinking": [{"type": "text", "text": "Let me see."}]},
                {"type": "text", "text": text},
            ]
        ),
    ),
    too_long=(
        400,
        _flat_error(
            "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
            kind="invalid_request_prompt",
            code="3051",
        ),
    ),
    parameters={"seed": _forbidden("seed")},
    overloaded=(429, {"object": "error", "message": "Service tier capacity exceeded for this model.", "code": "3505"}),
)  # fmt: skip
TOGETHER = Manner(
    "together",
    lambda text: _completion(
        {"finish_reason": "eos", "seed": 5, "logprobs": None, "message": _message(text, tool_calls=[])},
        prompt=[],
    ),
    too_long=(
        422,
        _openai_error(
            "`inputs` tokens + `max_new_tokens` must be <= 4097. Given: 4900 `inputs` tokens", param="max_tokens"
        ),
    ),
    models=(200, [{"id": "m", "object": "model", "type": "chat"}, {"id": "other"}]),
)
OPENAI = Manner(
    "openai",
    lambda text: _completion(
        {
            "index": 0,
            "message": _message(text, refusal=None, annotations=[]),
            "finish_reason": "stop",
        },
        usage={
            "prompt_tokens": 11,
            "completion_tokens": 7,
            "total_tokens": 18,
            "completion_tokens_details": {"reasoning_tokens": 0},
        },
        service_tier="default",
    ),
    too_long=(
        400,
        _openai_error(
            "This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 tokens.",
            code="context_length_exceeded",
            param="messages",
        ),
    ),
    parameters={
        "max_tokens": _unsupported(
            "max_tokens",
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' "
            "instead.",
        ),
        "temperature": _unsupported(
            "temperature",
            "Unsupported value: 'temperature' does not support 0.8 with this model. Only the default (1) value is "
            "supported.",
        ),
        "top_p": _unsupported("top_p", "Unsupported parameter: 'top_p' is not supported with this model."),
    },
    overloaded=(
        429,
        _openai_error("Rate limit reached for m on tokens per min", kind="tokens", code="rate_limit_exceeded"),
    ),
    models=(200, {"object": "list", "data": [{"id": "m"}, {"id": "gpt-5"}, {"id": "gpt-5-mini"}]}),
)  # fmt: skip
MANNERS = (VLLM, SGLANG, LLAMA_CPP, OLLAMA, TGI, LITELLM, AZURE, MISTRAL, TOGETHER, OPENAI)
