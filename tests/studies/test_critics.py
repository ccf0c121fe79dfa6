"""Critics of steps: what is asked, what is read, and how it is counted."""

import asyncio
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.config import HttpEngine
from schemas.errors import ConfigError
from schemas.samples import Completion, FinishReason, GenerationRequest, LikelyToken
from studies.critics.critics import QUESTION, Answered, Draws, by_token, critique, most_named, read_step
from studies.critics.measures import first_below, is_for_tuning, table, threshold
from studies.critics.solutions import NO_STEP, Solution, read_solutions

WRONG = [Solution(f"w{number}", f"problem {number}", ["a", "b", "c", "d"], number % 4) for number in range(80)]
RIGHT = [Solution(f"r{number}", f"sum {number}", ["a", "b"], NO_STEP) for number in range(40)]
ALL = [*WRONG, *RIGHT]
ENGINE = HttpEngine(base_url="http://127.0.0.1:1/v1", model="critic")


class Critic:
    """A model that says of each prompt what `says` gives."""

    def __init__(self, *says: str) -> None:
        self._says = says
        self.asked: list[GenerationRequest] = []

    async def generate(self, request: GenerationRequest) -> Completion:
        text = self._says[len(self.asked) % len(self._says)]
        self.asked.append(request)
        yes, no = (-3.0, -0.1) if "a slip" in request.messages[-1].content.rpartition(QUESTION)[2] else (-0.1, -3.0)
        likely = (LikelyToken("Yes", yes), LikelyToken("No", no))
        return Completion(
            request_id=request.id, text=text, finish=FinishReason.STOP, prompt_tokens=9, completion_tokens=5,
            first_tokens=likely if request.top_logprobs else None,
        )  # fmt: skip


def of(found: dict[str, list[Answered]], critic: str) -> tuple[float, float, float]:
    figures = {each.critic: each for each in table(ALL, found).figures}
    each = figures[critic]
    return each.on_wrong.value, each.on_right.value, each.f1.value


@pytest.mark.parametrize(
    ("text", "step"),
    [
        (r"so the answer is \boxed{2}", 2),
        (r"first \boxed{0}, no: \boxed{ -1 }.", -1),
        (r"\boxed{\text{1}}", 1),
        (r"\boxed{4}", None),
        (r"\boxed{-2}", None),
        (r"\boxed{two}", None),
        ("paragraph 2 is wrong", None),
        ("", None),
    ],
)
def test_the_last_boxed_step_is_what_it_named(text: str, step: int | None) -> None:
    assert read_step(text, steps=4) == step


@given(st.text())
def test_whatever_a_critic_writes_is_read(text: str) -> None:
    assert read_step(text, steps=3) in (None, -1, 0, 1, 2)


def test_the_most_named_step_wins_and_of_equals_the_first() -> None:
    assert most_named([1, None, 2, 2]) == 2
    assert most_named([2, 1, None, 1, 2]) == 2
    assert most_named([None]) is None


def test_a_critic_reads_the_whole_solution() -> None:
    model = Critic(r"\boxed{1}", r"\boxed{2}", "nothing", r"\boxed{2}")
    found = asyncio.run(critique(model, WRONG[0], Draws(times=4, max_tokens=64), seed=0))
    assert (found.named, found.unread, found.tokens) == (2, 1, 20)
    (message,) = model.asked[0].messages
    assert all(f"<paragraph_{at}>\n{step}\n</paragraph_{at}>" in message.content for at, step in enumerate("abcd"))
    assert len({asked.sampling.seed for asked in model.asked}) == 4
    assert {asked.sampling.temperature for asked in model.asked} == {0.7}


def test_the_token_gate_sees_what_stands_before_a_step() -> None:
    model = Critic("Yes")
    solution = Solution("s", "How much?", ["right step one", "a slip", "right step three"], 1)
    found = asyncio.run(by_token(model, ENGINE, solution))
    scores = [score for score in found.scores if score is not None]
    assert [score > 0.5 for score in scores] == [True, False, True]
    second = model.asked[1].messages[-1].content
    assert "right step one" in second and "right step three" not in second


def test_critics_that_are_known_get_their_figures() -> None:
    perfect = [Answered(one.id, one.label) for one in ALL]
    silent = [Answered(one.id, NO_STEP) for one in ALL]
    unread = [Answered(one.id, None, unread=1) for one in ALL]
    found = {"perfect": perfect, "silent": silent, "unread": unread}
    assert of(found, "perfect") == (1, 1, 1)
    assert of(found, "silent") == (0, 1, 0)
    assert of(found, "unread") == (0, 0, -1)
    chance, *_ = of(found, "random")
    assert chance == 0.25
    verdicts = {(each.critic, each.control): each.verdict for each in table(ALL, found).contrasts}
    assert verdicts["perfect", "place"] == verdicts["perfect", "random"] == "supported"
    assert verdicts["silent", "random"] == "refuted"


def test_without_right_solutions_there_is_no_f1() -> None:
    figures = table(WRONG, {"perfect": [Answered(one.id, one.label) for one in WRONG]}).figures
    assert {(each.on_right.value, each.f1.value) for each in figures} == {(-1, -1)}


def test_a_threshold_is_chosen_on_the_other_half_alone() -> None:
    """The halves want different thresholds: the counted one is judged by the other's."""

    def scored(one: Solution) -> Answered:
        low, high = (0.1, 0.2) if is_for_tuning(one) else (0.8, 0.9)
        return Answered(one.id, scores=tuple(low if at == one.label else high for at in range(len(one.steps))))

    answers = [scored(one) for one in WRONG]
    (figure, *_) = table(WRONG, {"token": answers}).figures
    assert figure.chosen == 0.2
    assert figure.on_wrong.value == 0
    tuning = [at for at, one in enumerate(WRONG) if is_for_tuning(one)]
    assert 20 < len(tuning) < 60
    assert threshold([WRONG[at] for at in tuning], [answers[at] for at in tuning]) == 0.2


def test_a_step_without_a_score_is_passed_over() -> None:
    assert first_below(Answered("s", scores=(None, 0.9, 0.1)), 0.5) == 2
    assert first_below(Answered("s", scores=(None,)), 0.5) == NO_STEP


@pytest.mark.parametrize(
    "content", ["", "{}", '[{"id": "a"}]', json.dumps([{"id": "a", "problem": "p", "steps": ["s"], "label": 1}])]
)
def test_another_file_is_told(tmp_path: Path, content: str) -> None:
    file = tmp_path / "rows.json"
    file.write_text(content)
    with pytest.raises(ConfigError, match=r"rows\.json"):
        read_solutions(file)
    with pytest.raises(ConfigError, match="No such file"):
        read_solutions(tmp_path / "none.json")
