"""A configuration with a secret in it is refused before it is written anywhere, and the secret is not shown."""

import pytest

from deployments.config.load import load_text
from schemas.errors import ConfigError

RUN = """
corpus: {paths: ["PATH"]}
task: {kind: grounded_answer}
pools: {generator: {engine: ENGINE}}
gates:
  faithfulness: {form: classifier, engine: {kind: custom, factory: "a:b", options: {OPTION}}}
  reward: {form: classifier, engine: {kind: custom, factory: "a:b"}}
"""
SERVER = "{kind: http, base_url: 'https://h/v1', model: m}"


def run(*, path: str = "./docs", engine: str = "", option: str = "size: 1") -> str:
    keys = SERVER.removesuffix("}") + (f", {engine}" if engine else "") + "}"
    return RUN.replace("PATH", path).replace("ENGINE", keys).replace("OPTION", option)


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as raised:
        load_text(text)
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize(
    "name",
    ["authToken", "hfToken", "bearer", "auth", "pwd", "secret_value", "aws_access_key_id", "AWS_SECRET_ACCESS_KEY",
     "apiKey", "api-key", "APIKEY", "token", "password2", "x_credentials", "private_key", "sas"],
)  # fmt: skip
def test_an_option_called_like_a_secret(name: str) -> None:
    """However the word is written, and in the middle of a name as well."""
    assert "hunter2" not in refusal(run(option=f"{name}: hunter2hunter2"))


@pytest.mark.parametrize(
    "option",
    ["max_tokens: 5", "api_key_env: NAME", "token_limit: 5", "password_file: a", "keyboard: x", "monkey: x",
     "tokenizer: t", "auth: false", "author: x", "secretary_env: x", "key_id: 4"],
)  # fmt: skip
def test_an_option_that_only_sounds_like_one(option: str) -> None:
    """Numbers of tokens, and where a secret is to be found, are none."""
    load_text(run(option=option))


@pytest.mark.parametrize(
    "text",
    [
        run(option='note: "Bearer sk-hunter2hunter2"'),
        run(option="note: sk-proj-hunter2hunter2"),
        run(option="note: hf_hunter2hunter2hunter2"),
        run(path="https://bucket/x.jsonl?X-Amz-Algorithm=A&X-Amz-Signature=hunter2hunter2"),
        run(path="https://account/x.jsonl?sv=2024&sig=hunter2hunter2"),
        run(path="https://h/x.jsonl?access_token=hunter2"),
        run(engine="headers: {api-key: hunter2hunter2}"),
        run(engine="headers: {X-Auth-Token: hunter2hunter2}"),
        run(engine="headers: {Authorization: Basic hunter2hunter2}"),
        run(engine='headers: {x: "Bearer hunter2hunter2"}'),
        run(engine="query: {key: hunter2}"),
        run(engine="headers: {x: 5, api-key: [hunter2]}"),
        run().replace("https://h/v1", "http://h/v1?key=sk-hunter2"),
        run().replace("https://h/v1", "http://h/v1?api-version=1&api_key=hunter2"),
    ],
)
def test_a_secret_in_a_value_or_an_address(text: str) -> None:
    """A signed link as a corpus would stand in every row's provenance, a key behind a `?` in every error."""
    assert "hunter2" in text
    assert "hunter2" not in refusal(text)


def test_what_a_server_may_need_is_taken() -> None:
    """Azure's version (which YAML would read as a date), a key in a header of another name, a gateway's pin."""
    engine = (
        "query: {api-version: 2024-10-21}, omit: [seed], system_role: merge, check_models: false, "
        "headers: {api-key: env:AZURE_KEY, x-session: 'p-{passage_id}', x-team: data}"
    )
    taken = load_text(run(engine=engine)).pools["generator"].engine
    assert getattr(taken, "query", None) == {"api-version": "2024-10-21"}


@pytest.mark.parametrize(
    ("engine", "says"),
    [
        ("breaker_failures: 3", "breaker_failures: no longer a key: leave it out"),
        ("breaker_open_s: 1.0", "breaker_open_s: no longer a key: leave it out"),
        ("headers: {api-key: 'env:two words'}", "must be followed by the name of an environment variable"),
        ("headers: {Host: x}", "is set by the client itself"),
        ("headers: {'a b': x}", "is no name of a header"),
        ("headers: {x: '{order_id}'}", "the only thing that may stand in braces is {passage_id}"),
        ("headers: {Authorization: env:A}, api_key_env: B", "Authorization is what api_key_env sends"),
        ("body: {max_tokens: 9}", "body.max_tokens: is set by the client itself"),
        ("body: {api_key: abc}", "looks like a secret; send it as a header"),
        ("omit: [temprature]", "did you mean 'temperature'?"),
        ("omit: temperature", "must be a list"),
    ],
)
def test_what_is_refused_says_why(engine: str, says: str) -> None:
    """One line with the key's path; a key of an earlier version says that it is gone."""
    assert says in refusal(run(engine=engine))
