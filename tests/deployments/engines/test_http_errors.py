"""Which status with which words is whose fault: one prompt's, perhaps the whole pool's, or one that passes."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.engines.http_errors import read_error, refusal
from deployments.engines.http_limit import CallEnd
from schemas.errors import ErrorKind

ONE, POOL, PASSES, WAIT = ErrorKind.PERMANENT, ErrorKind.REFUSED, ErrorKind.RETRYABLE, ErrorKind.OVERLOADED


def kind(status: int, error: Any, *, max_tokens: int = 256) -> ErrorKind:
    return refusal(status, read_error(msgspec.json.encode(error)), max_tokens=max_tokens).kind


def nested(message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message} | more}


@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        (401, nested("Incorrect API key provided"), POOL),
        (402, nested("Insufficient Balance"), POOL),
        (403, nested("Your key may not use this model"), POOL),
        (403, nested("Input was flagged by moderation", metadata={"reasons": ["violence"]}), ONE),
        (404, nested("The model `m` does not exist"), POOL),
        (404, nested("no such context length"), POOL),
        (405, {"detail": "Method Not Allowed"}, POOL),
        (400, nested("Unsupported parameter: 'top_p'", param="top_p"), POOL),
        (400, nested("max_tokens is too large: 20000. This model supports at most 16384 completion tokens"), POOL),
        (400, nested("something else"), POOL),
        (400, {}, POOL),
        (422, {"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs"}]}, POOL),
        (422, {"error": "Input validation error: `temperature` must be strictly positive"}, POOL),
        (400, nested("Conversation roles must alternate user/assistant/user/assistant/..."), POOL),
        (400, nested("Only user and assistant roles are supported!"), POOL),
        (400, nested("Developer instruction is not enabled for models/gemma-3"), POOL),
        (500, nested("System role not supported"), POOL),
        (413, {}, ONE),
        (451, {}, ONE),
        (400, nested("too long", code="context_length_exceeded"), ONE),
        (400, nested("x", code="string_above_max_length"), ONE),
        (400, nested("'max_tokens' is too large: 256. This model's maximum context length is 4096 tokens and your "
                     "request has 4000 input tokens"), ONE),
        (400, nested("Output data may contain inappropriate content", code="data_inspection_failed"), ONE),
        (500, nested("Context size has been exceeded.", type="server_error"), ONE),
        (429, nested("Request too large for gpt-5 on tokens per min (TPM): Limit 30000, Requested 50000"), ONE),
        (429, nested("You exceeded your current quota", code="insufficient_quota", type="insufficient_quota"), POOL),
        (429, nested("You exceeded your current quota, please check your plan and billing details"), WAIT),
        (429, nested("slow down"), WAIT),
        (429, "Too Many Requests", WAIT),
        (503, nested("Loading model"), WAIT),
        (503, {}, WAIT),
        (529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, WAIT),
        (500, nested("CUDA out of memory"), PASSES),
        (502, "Bad gateway", PASSES),
        (504, nested("upstream took too long to answer"), PASSES),
        (524, {}, PASSES),
        (408, nested("request took too long"), PASSES),
        (307, {}, POOL),
    ],
)  # fmt: skip
def test_whose_fault_it_is(status: int, error: Any, expected: ErrorKind) -> None:
    """One case a line; what is not known to be one prompt's may be the pool's."""
    assert kind(status, error) is expected


def test_a_context_that_the_completion_alone_would_fill() -> None:
    """`max_tokens: 4096` to a model of 4,096: every prompt is refused with the words for a long one."""
    said = nested("This model's maximum context length is 4096 tokens. However, you requested 4300 tokens")
    assert kind(400, said, max_tokens=4096) is POOL
    assert kind(400, said, max_tokens=4095) is ONE


@pytest.mark.parametrize(
    ("status", "end"),
    [(429, CallEnd.LIMITED), (503, CallEnd.BUSY), (529, CallEnd.BUSY), (500, CallEnd.UNKNOWN), (400, CallEnd.ANSWERED)],
)
def test_what_it_says_of_limits(status: int, end: CallEnd) -> None:
    """429 closes the server, 503 perhaps, others do not."""
    assert refusal(status, read_error(b"{}")).end is end


NAMES = st.sampled_from(["error", "message", "detail", "code", "type", "param", "loc", "metadata", "raw"])
LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text()
ERRORS = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4))


@given(st.integers(300, 599), st.binary(max_size=200) | ERRORS.map(msgspec.json.encode))
def test_any_body_has_a_kind(status: int, body: bytes) -> None:
    """Whatever a server sends, it is an error of ours and no bug."""
    said = refusal(status, read_error(body), max_tokens=256)
    assert isinstance(said.kind, ErrorKind)
    assert "\n" not in said.said
