"""What a reply says, in every form in which it was met: no good answer is lost, and no half answer counts as whole."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.engines.http_reply import (
    MOST_TOKENS,
    ServerRefusal,
    UnknownForm,
    estimated_tokens,
    read_classes,
    read_completion,
    read_usage,
)
from schemas.errors import ErrorKind
from schemas.samples import ClassificationRequest, Completion, FinishReason, GenerationRequest, Message, Sampling

USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
PROMPT = "Who lit it?"
TEXT = "It was lit in 1871."


def read(*choices: Any, **reply: Any) -> Completion:
    body = {"choices": list(choices), "usage": USAGE} | reply
    request = GenerationRequest("r", (Message("user", PROMPT),), Sampling(max_tokens=64))
    return read_completion(msgspec.json.encode(body), request, most_characters=2048)


def choice(content: Any = TEXT, finish: Any = "stop", **more: Any) -> dict[str, Any]:
    return {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": finish} | more


def refused(*choices: Any, **reply: Any) -> tuple[ErrorKind, str]:
    with pytest.raises(ServerRefusal) as raised:
        read(*choices, **reply)
    return raised.value.refusal.kind, raised.value.refusal.said


@pytest.mark.parametrize(
    ("usage", "prompt", "completion"),
    [
        (USAGE, 11, 7),
        ({"prompt_tokens": 11.0, "completion_tokens": "7"}, 11, 7),
        ({"input_tokens": 11, "output_tokens": 7}, 11, 7),
        ({"prompt_tokens": 11, "completion_tokens": None, "total_tokens": 18}, 11, 7),
        ({"completion_tokens": 7, "total_tokens": 18}, 11, 7),
        ({"prompt_tokens": 11}, 11, None),
        ({"prompt_tokens": 0, "completion_tokens": 0}, 0, 0),
        ({"prompt_tokens": -1, "completion_tokens": 7}, None, 7),
        ({"prompt_tokens": 10**19, "completion_tokens": 7}, None, 7),
        ({"prompt_tokens": 2**62, "completion_tokens": 7}, None, 7),
        ({"prompt_tokens": 1e300, "completion_tokens": 7.5}, None, None),
        ({"prompt_tokens": "many", "completion_tokens": True}, None, None),
        ({"prompt_tokens": [11], "completion_tokens": {}}, None, None),
        ({"prompt_tokens": MOST_TOKENS + 1, "completion_tokens": MOST_TOKENS}, None, MOST_TOKENS),
        (None, None, None),
        ("18", None, None),
        ([], None, None),
    ],
)
def test_odd_counts_of_tokens_lose_no_answer(usage: Any, prompt: int | None, completion: int | None) -> None:
    """What the server counted is taken; what it did not, or cannot be true, is an estimate, and says so: never 0."""
    found = read_usage(usage)
    assert (found.prompt, found.completion) == (prompt, completion)
    read_back = read(choice(), usage=usage)
    assert read_back.text == TEXT
    expected = [estimated_tokens(PROMPT) if prompt is None else prompt]
    expected.append(estimated_tokens(TEXT) if completion is None else completion)
    assert [read_back.prompt_tokens, read_back.completion_tokens] == expected
    estimates = (expected[0] if prompt is None else 0) + (expected[1] if completion is None else 0)
    assert read_back.estimated_tokens == estimates
    assert (estimates > 0) == (prompt is None or completion is None)


@pytest.mark.parametrize(
    ("details", "cached"),
    [
        ({"cached_tokens": 8}, 8),
        ({"cached_tokens": 99}, 11),
        ({"cached_tokens": -1}, 0),
        ({"cached_tokens": None}, 0),
        ({"audio_tokens": 3}, 0),
        ("8", 0),
        (None, 0),
    ],
)
def test_tokens_from_the_servers_cache_are_told_apart(details: Any, cached: int) -> None:
    """They are part of the prompt's, and never more than it has; a server that does not say took none."""
    usage = {"prompt_tokens": 11, "completion_tokens": 7, "prompt_tokens_details": details}
    found = read(choice(), usage=usage)
    assert (found.prompt_tokens, found.cached_tokens, found.cost.cached_tokens) == (11, cached, cached)
    assert found.cost.tokens == 18


@given(st.recursive(st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(), st.lists))
def test_no_count_whatever_it_is_loses_an_answer(value: Any) -> None:
    """Any value in the place of a count."""
    found = read(choice(), usage={"prompt_tokens": value, "completion_tokens": value, "total_tokens": value})
    assert 0 <= found.prompt_tokens <= MOST_TOKENS
    assert 0 <= found.completion_tokens <= MOST_TOKENS


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (TEXT, TEXT),
        ([{"type": "text", "text": TEXT}], TEXT),
        ([{"type": "thinking", "thinking": [{"type": "text", "text": "no"}]}, {"type": "text", "text": TEXT}], TEXT),
        ([{"type": "text", "text": "It was "}, {"type": "output_text", "text": "lit in 1871."}], TEXT),
        ([TEXT], TEXT),
        ([{"type": "reference", "reference_ids": [1]}], ""),
        ([], ""),
        (None, ""),
    ],
)
def test_content_in_parts(content: Any, text: str) -> None:
    """Text in parts is one text, without thoughts and references; a model that only thought said nothing."""
    assert read(choice(content)).text == text


def test_what_stands_beside_the_content() -> None:
    """A reasoning model's thoughts and a tool call are no answer, and nothing of them is missed."""
    message = {"content": TEXT, "reasoning_content": "Hm.", "refusal": None, "tool_calls": [{"id": "1"}], "audio": None}
    assert read({"message": message, "finish_reason": "tool_calls"}).text == TEXT


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_thoughts_that_a_server_tells_apart_are_kept_apart(name: str) -> None:
    """Under either name; what is no text, or said twice, loses no answer."""
    message = {"content": TEXT, name: "Question: Who?\nAnswer: Nobody"}
    found = read({"message": message, "finish_reason": "stop"})
    assert (found.text, found.reasoning) == (TEXT, "Question: Who?\nAnswer: Nobody")
    both = read({"message": {"content": TEXT, "reasoning_content": "", "reasoning": "Hm."}, "finish_reason": "stop"})
    assert both.reasoning == "Hm."
    odd = read({"message": {"content": TEXT, name: {"text": "Hm."}}, "finish_reason": "stop"})
    assert (odd.text, odd.reasoning) == (TEXT, "")


def test_thoughts_are_paid_for() -> None:
    """A server that counts nothing is estimated by all that the model wrote."""
    message = {"content": "a" * 40, "reasoning_content": "b" * 400}
    found = read({"message": message, "finish_reason": "stop"}, usage=None)
    assert found.completion_tokens == 110 and found.estimated_tokens >= 110


@pytest.mark.parametrize("index", [0, None, "0", 0.0, -5, 10**19, [0], ...])
def test_an_odd_place_loses_no_answer(index: Any) -> None:
    """Choices without a place, or with one that cannot be, stand as they stand."""
    odd = choice()
    odd["index"] = index
    if index is ...:
        del odd["index"]
    assert read(odd).text == TEXT


def test_of_several_choices_the_first_counts() -> None:
    """A server that gives more than it was asked for."""
    assert read(choice("b"), choice("a")).text == "b"


@pytest.mark.parametrize("finish", ["stop", "eos", "eos_token", "end_turn", "tool_calls", None])
def test_words_for_a_whole_answer(finish: Any) -> None:
    """These alone say that the model was done."""
    assert read(choice(finish=finish)).finish == FinishReason.STOP


@pytest.mark.parametrize("finish", ["length", "max_tokens", "MAX_TOKENS", "model_length"])
def test_words_for_a_cut_answer(finish: str) -> None:
    """The limit cut it off, in the words of four servers."""
    assert read(choice(finish=finish)).finish == FinishReason.LENGTH


@pytest.mark.parametrize("finish", ["stop_soon", "STOP", "", "recitation", 0, {"type": "abort"}, ["stop"]])
def test_an_unknown_word_is_an_error_with_its_name(finish: Any) -> None:
    """A word that we do not know is no success: it is told, and may be the whole pool's."""
    kind, said = refused(choice(finish=finish))
    assert kind is ErrorKind.REFUSED
    assert said.endswith(finish if isinstance(finish, str) else msgspec.json.encode(finish).decode())


@pytest.mark.parametrize("finish", ["error", "abort", "insufficient_system_resource"])
def test_an_answer_that_the_server_gave_up_is_none(finish: str) -> None:
    """Half an answer is not accepted as a whole one; another try may do better, if others were answered."""
    with pytest.raises(UnknownForm, match=finish):
        read(choice(finish=finish))


def test_a_filtered_answer_is_that_orders_alone() -> None:
    """The provider's filter withholds one completion."""
    assert refused(choice("", finish="content_filter"))[0] is ErrorKind.PERMANENT


@pytest.mark.parametrize(
    ("reply", "kind", "says"),
    [
        ({"error": {"message": "Insufficient credits"}}, ErrorKind.REFUSED, "Insufficient credits"),
        ({"error": {"message": "Insufficient credits", "code": 402}}, ErrorKind.REFUSED, "Insufficient credits"),
        ({"error": {"message": "Rate limit exceeded", "code": 429}}, ErrorKind.OVERLOADED, "Rate limit"),
        ({"error": {"message": "slow down", "type": "rate_limit_exceeded"}}, ErrorKind.OVERLOADED, "slow down"),
        ({"error": {"message": "Overloaded", "type": "overloaded_error"}}, ErrorKind.OVERLOADED, "Overloaded"),
        ({"error": {"message": "Provider returned error", "code": 502}}, ErrorKind.RETRYABLE, "Provider"),
        ({"error": {"message": "x", "type": "server_error"}}, ErrorKind.RETRYABLE, "x"),
        ({"error": {"message": "maximum context length is 4096", "code": 400}}, ErrorKind.PERMANENT, "4096"),
        ({"error": "model not loaded"}, ErrorKind.REFUSED, "model not loaded"),
        ({"object": "error", "message": "no such model", "code": 404}, ErrorKind.REFUSED, "no such model"),
        ({"detail": "Not authenticated", "code": "401"}, ErrorKind.REFUSED, "Not authenticated"),
    ],
)
def test_an_error_with_status_200(reply: dict[str, Any], kind: ErrorKind, says: str) -> None:
    """A gateway answers 200 and puts the error inside: it is told, and is what its code says."""
    for body in (reply, {"choices": None, "usage": None} | reply, {"choices": []} | reply):
        with pytest.raises(ServerRefusal) as raised:
            read_completion(msgspec.json.encode(body), GenerationRequest("r", (), Sampling()), most_characters=99)
        assert raised.value.refusal.kind is kind
        assert says in raised.value.refusal.said


def test_errors_in_other_places() -> None:
    """Inside a choice (a provider behind a gateway failed), in a list (Gemini's), of a classifier."""
    assert refused(choice(finish="error", error={"code": 502, "message": "gone"}))[0] is ErrorKind.RETRYABLE
    listed = msgspec.json.encode([{"error": {"code": 429, "message": "m", "status": "RESOURCE_EXHAUSTED"}}])
    for read_it in (
        lambda: read_completion(listed, GenerationRequest("r", (), Sampling()), most_characters=9),
        lambda: read_classes(listed, ClassificationRequest("c", "text")),
    ):
        with pytest.raises(ServerRefusal) as raised:
            read_it()
        assert raised.value.refusal.kind is ErrorKind.OVERLOADED


def test_a_classifier_that_counts_no_tokens() -> None:
    """Its answer counts all the same."""
    body = msgspec.json.encode({"data": [{"probs": [0.25, 0.75]}]})
    found = read_classes(body, ClassificationRequest("c", "some text"))
    assert (found.probabilities, found.prompt_tokens) == ((0.25, 0.75), estimated_tokens("some text"))


def test_a_completion_longer_than_asked_for_is_none() -> None:
    """A server that does not know our limit's name writes on: it would fill the disk."""
    with pytest.raises(UnknownForm, match="output_limit"):
        read(choice("x" * 2049))
