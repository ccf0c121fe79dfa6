"""The loop of a generator: requests enter, every row takes a step, finished rows leave. It runs on the model's thread.

Law: a completion is answered in the step that ends it. If its caller has left, a request takes no further step.
"""

from collections import deque
from typing import Any

from msgspec import Struct

from deployments.engines.decoding import DecodingBatch, DecodingRow
from deployments.engines.drawing import uniforms
from deployments.engines.model_thread import Inbox, Job
from schemas.samples import Completion, FinishReason, GenerationRequest, LikelyToken

ENTER_SHARE = 8
"""Waiting rows enter when an eighth of the batch is free, or no row is running, or after `ENTER_STEPS` steps: one pass
over several prompts costs little more than one over a single prompt."""
ENTER_STEPS = 4


class Generating(Job):
    """A request on its way. `limit`: the most tokens of its completion."""

    def __init__(self, request: GenerationRequest, prompt: list[int], limit: int) -> None:
        super().__init__()
        self.request = request
        self.prompt = prompt
        self.limit = limit


class Place(Struct, frozen=True, eq=False):
    """A row with its job."""

    row: DecodingRow
    job: Generating


class Generation:
    """A generator's batch, and the jobs in it or waiting for it."""

    def __init__(self, batch: DecodingBatch, tokenizer: Any, *, end_ids: frozenset[int], max_batch: int) -> None:
        self._batch = batch
        self._tokenizer = tokenizer
        self._end_ids = end_ids
        self._max_batch = max_batch
        self._waiting: deque[Place] = deque()
        self._running: dict[int, Place] = {}
        """By the identity of the row."""
        self._held = 0
        """Steps since rows could have entered."""

    @property
    def passes(self) -> int:
        """Passes through the model so far."""
        return self._batch.passes

    def serve(self, inbox: Inbox[Generating]) -> None:
        """Until the inbox closes."""
        while (arrived := inbox.take(wait=not self._batch.rows and not self._waiting)) is not None:
            for job in arrived:
                self._waiting.append(_place(job))
            self._enter()
            if self._batch.rows:
                self._batch.step()
                self._leave()

    def _enter(self) -> None:
        while self._waiting and self._waiting[0].job.cancelled:
            self._waiting.popleft()
        room = self._max_batch - len(self._batch.rows)
        wanted = min(len(self._waiting), room)
        if not wanted or not self._worth_it(wanted):
            self._held += bool(wanted)
            return
        self._held = 0
        entering = [place for place in (self._waiting.popleft() for _ in range(wanted)) if not place.job.cancelled]
        if entering:
            self._running.update((id(place.row), place) for place in entering)
            self._batch.admit([place.row for place in entering])
            self._leave()

    def _worth_it(self, wanted: int) -> bool:
        return not self._batch.rows or wanted * ENTER_SHARE >= self._max_batch or self._held >= ENTER_STEPS

    def _leave(self) -> None:
        leaving = []
        for number, row in enumerate(self._batch.rows):
            place = self._running[id(row)]
            completion = None if place.job.cancelled else self._completion(place)
            if completion is not None:
                place.job.answer(completion)
            if completion is not None or place.job.cancelled:
                leaving.append(number)
                del self._running[id(row)]
        if leaving:
            self._batch.remove(leaving)

    def _completion(self, place: Place) -> Completion | None:
        """The row's completion if its newest token ends it."""
        row, request = place.row, place.job.request
        ended = row.tokens[-1] in self._end_ids
        full = len(row.tokens) >= place.job.limit
        stop_near = bool(request.stop) and not ended and self._stop_near(row.tokens, request.stop)
        if not (ended or full or stop_near):
            return None
        text = self._text(row.tokens[:-1] if ended else row.tokens)
        cut = min((at for at in map(text.find, request.stop) if at >= 0), default=None)
        if cut is None and not (ended or full):
            return None
        return Completion(
            request_id=request.id,
            text=text[:cut],
            finish=FinishReason.STOP if ended or cut is not None else FinishReason.LENGTH,
            prompt_tokens=len(row.prompt),
            completion_tokens=len(row.tokens),
            logprobs=tuple(row.logprobs) if request.logprobs else None,
            first_tokens=self._first(row) if request.top_logprobs else None,
        )

    def _stop_near(self, tokens: list[int], stops: tuple[str, ...]) -> bool:
        """Whether the newest tokens have a stop string. A character is at most four tokens."""
        tail = self._text(tokens[-4 * max(map(len, stops)) - 4 :])
        return any(stop in tail for stop in stops)

    def _first(self, row: DecodingRow) -> tuple[LikelyToken, ...]:
        return tuple(LikelyToken(self._tokenizer.decode([token]), logprob) for token, logprob in row.first)

    def _text(self, tokens: list[int]) -> str:
        return self._tokenizer.decode(tokens, skip_special_tokens=True)


def _place(job: Generating) -> Place:
    request = job.request
    draws = uniforms(request.sampling.seed, job.limit)
    row = DecodingRow(job.prompt, request.sampling, draws, request.logprobs, keep_first=request.top_logprobs)
    return Place(row, job)
