"""One sample's life as the page tells it: the same facts, and where they are sentences the same words, as
`gleaner explain`.

Pure: a Life in, texts out. Foreign text is only cut, and a cut says so; the page's templates escape it.
"""

from collections.abc import Iterator, Sequence
from io import StringIO

from msgspec import Struct
from rich.console import RenderableType

from actors.ledger.history import Life, ProbeLife
from actors.report.examples import Segment, marked_whole
from deployments.terminal.executions import code_view, execution_view
from deployments.terminal.life import cascaded_words, cost_words, directive, shown_words
from deployments.terminal.screen import Screen
from deployments.terminal.words import moment, plural
from schemas.credit import CreditLabel
from schemas.orders import Attempt, DeadLetter
from schemas.samples import Candidate, Message, ModelCall, texts_of
from schemas.verdicts import ClaimEvidence, Errored, Evidence, Passed, Rejected, Verdict

LONGEST = 20_000
"""Characters of one text that are shown."""
_PRE_WIDTH = 100
Lines = tuple[tuple[str, str], ...]
"""Named texts."""


class CallTold(Struct, frozen=True):
    """One call of a generator: what it was asked, and what it said where that is shown nowhere else."""

    told: str
    prompt: Lines
    reasoning: str
    text: str


class ClaimTold(Struct, frozen=True):
    """A claim of the draft, and the words of the source that a judge found for it."""

    supported: bool
    claim: str
    quote: str
    where: str


class VerdictTold(Struct, frozen=True):
    """What one gate said of an attempt. `pre`: programs that were executed, as the terminal shows them."""

    gate: str
    tone: str
    word: str
    figure: str
    cost: str
    claims: tuple[ClaimTold, ...] = ()
    notes: tuple[str, ...] = ()
    pre: str = ""
    asked: Lines = ()
    said: str = ""


class AttemptTold(Struct, frozen=True):
    """One attempt. `back`: that the order was put back from the dead letters before it, and why it had ended."""

    number: int
    directive: str
    calls: tuple[CallTold, ...]
    texts: Lines
    malformed: str
    completion: str
    verdicts: tuple[VerdictTold, ...]
    unjudged: tuple[str, ...]
    diagnosis: str
    reasons: tuple[str, ...]
    choice: str
    choice_why: str
    back: str
    is_rejected: bool


class CreditTold(Struct, frozen=True):
    """The credit of a rejected solution: for each step its number, Q, its interval, the right of all rollouts, its
    text."""

    head: str
    steps: tuple[tuple[str, ...], ...]


class LifeTold(Struct, frozen=True):
    """The whole life."""

    order_id: str
    task: str
    passage: tuple[Segment, ...]
    where: Lines
    drawn: Lines
    attempts: tuple[AttemptTold, ...]
    end: str
    tone: str
    end_told: str
    spent: str
    probe: str
    credits: tuple[CreditTold, ...]


class Pair(Struct, frozen=True):
    """An accepted and a rejected draft of one passage, each with its order and end."""

    accepted: "Side"
    rejected: "Side"


class Side(Struct, frozen=True):
    """One of a pair."""

    order_id: str
    end: str
    attempt: AttemptTold


def pair_of(life: Life, near: Sequence[Life]) -> Pair | None:
    """The last accepted and the last rejected draft of the order, or one of its own and one of its neighbours'; None
    where there is none to stand beside."""
    own = [Side(str(life.order.id), _end(life)[0], attempt_told(each)) for each in life.attempts[::-1]]
    others = [Side(str(of.order.id), _end(of)[0], attempt_told(of.attempts[-1])) for of in near if of.attempts]
    good = next((side for side in (*own[:1], *others) if side.end == "accepted" and not side.attempt.is_rejected), None)
    bad = next((side for side in (*own, *others) if side.attempt.is_rejected), None)
    if good is None or bad is None or str(life.order.id) not in (good.order_id, bad.order_id):
        return None
    return Pair(good, bad)


def life_told(life: Life) -> LifeTold:
    """The life in the page's form."""
    order = life.order
    end, tone, told = _end(life)
    back = {
        each.attempts_before + 1: f"put back at {moment(each.at)}; it was dead-lettered: {_reason(each.end)}"
        for each in life.put_back
    }
    return LifeTold(
        order_id=str(order.id),
        task=f"{order.task} · slot {order.slot}",
        passage=tuple(marked_whole(life)),
        where=tuple((name, said) for name, said in _where(life) if said),
        drawn=tuple(order.vary.items()),
        attempts=tuple(attempt_told(each, back.get(each.number, "")) for each in life.attempts),
        end=end,
        tone=tone,
        end_told=told,
        spent=f"generator {cost_words(life.generator_cost) or '–'} · gates {cost_words(life.gates_cost) or '–'}",
        probe="" if life.probed is None else _probe(life.probed),
        credits=tuple(_credit(label, life) for label in life.credits),
    )


def attempt_told(attempt: Attempt, back: str = "") -> AttemptTold:
    """One attempt in the page's form."""
    candidate, diagnosis, choice = attempt.candidate, attempt.diagnosis, attempt.choice
    draft = None if candidate is None else candidate.draft
    texts = () if draft is None else texts_of(draft)
    if draft is not None and draft.quote is not None:
        texts = (("Quote", draft.quote), *texts)
    calls = [_call(call, call.text) for call in attempt.earlier]
    calls += [] if candidate is None else [_call(candidate, "")]
    malformed = "no generator answered" if candidate is None else candidate.malformed or "it does not parse"
    return AttemptTold(
        number=attempt.number,
        directive=directive(attempt.repair),
        calls=tuple(calls),
        texts=tuple((name, cut(text)) for name, text in texts),
        malformed="" if draft is not None else malformed,
        completion=cut(candidate.text) if candidate is not None and draft is None else "",
        verdicts=tuple(map(_verdict, attempt.verdicts)),
        unjudged=tuple(attempt.unjudged),
        diagnosis="" if diagnosis is None else f"{diagnosis.mode} (confidence {diagnosis.confidence:.2f})",
        reasons=() if diagnosis is None else tuple(map(cut, diagnosis.reasons)),
        choice="" if choice is None else "stop" if choice.repair is None else directive(choice.repair),
        choice_why="" if choice is None else f"policy {choice.policy}, probability {choice.probability:g}",
        back=back,
        is_rejected=draft is None or any(isinstance(said, Rejected) for said in attempt.verdicts),
    )


def cut(text: str) -> str:
    """The text, or its beginning with a sign that there is more."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} … (cut; `gleaner explain` shows all)"


def _call(call: ModelCall | Candidate, text: str) -> CallTold:
    sampling = call.sampling
    told = f"pool {call.pool} · T {sampling.temperature:g} · top-p {sampling.top_p:g} · seed {sampling.seed}"
    told += f" · {spent}" if (spent := cost_words(call.cost)) else ""
    if isinstance(call, Candidate) and call.paid_by is not None:
        told += f" · the same completion as order {call.paid_by}, which paid for it"
    return CallTold(f"{told} · ended by {call.finish.value}", _messages(call.prompt), cut(call.reasoning), cut(text))


def _messages(prompt: Sequence[Message]) -> Lines:
    return tuple((message.role, cut(message.content)) for message in prompt)


def _verdict(said: Verdict) -> VerdictTold:
    cost = cost_words(said.cost)
    if isinstance(said, Errored):
        figure = f"{said.error.value}: {cut(said.detail)}"
        asked = _messages(said.asked)
        return VerdictTold(said.gate, "rejected", "errored", figure, cost, asked=asked, said=cut(said.said))
    evidence, passed = said.evidence, isinstance(said, Passed)
    views = [execution_view(each, second=at > 0) for at, each in enumerate(evidence.executions)]
    views += [code_view(evidence.code)] if evidence.code is not None else []
    return VerdictTold(
        said.gate,
        "accepted" if passed else "dead",
        "passed" if passed else "rejected",
        f"{said.score:.3f} {'≥' if passed else '<'} {said.threshold:.3g}",
        cost,
        tuple(map(_claim, evidence.claims)),
        tuple(_notes(evidence, said.threshold)),
        _plain(views),
    )


def _claim(claim: ClaimEvidence) -> ClaimTold:
    where = []
    if claim.quote is not None:
        other = "" if claim.quote.passage_id is None else f" of passage {claim.quote.passage_id}"
        where.append(f"characters {claim.quote.start:,}–{claim.quote.end:,}{other}")
    where += [claim.discounted] if claim.discounted is not None else []
    quote = "" if claim.quote is None else cut(claim.quote.text)
    return ClaimTold(claim.supported, cut(claim.claim), quote, "; ".join(where))


def _notes(evidence: Evidence, threshold: float) -> Iterator[str]:
    if evidence.dimensions:
        yield " · ".join(f"{name} {score:.2f}" for name, score in evidence.dimensions.items())
    if evidence.note:
        yield cut(evidence.note)
    if evidence.cascade is not None:
        yield cascaded_words(evidence.cascade)
    if evidence.raised is not None:
        raised = evidence.raised
        yield f"the bar was raised from {raised.configured:g} to {threshold:.3g} at attempt {raised.attempt}"
    if evidence.shown is not None:
        yield shown_words(evidence.shown)


def _plain(views: Sequence[RenderableType]) -> str:
    """What the terminal shows, without its colours."""
    out = StringIO()
    for view in views:
        Screen(file=out, width=_PRE_WIDTH, force_terminal=False).print(view)
    return cut(out.getvalue().rstrip())


def _where(life: Life) -> Iterator[tuple[str, str]]:
    where = life.passage.provenance
    yield "document", where.uri
    yield "place", where.place or ""
    yield "characters", f"{where.start:,}–{where.end:,} of document {where.document_id}"
    yield "sha256", where.document_sha256
    yield "cut by", where.chunker
    yield "licence", where.license or ""
    yield "text by", where.extractor or ""
    yield "reference answer", cut(life.passage.reference or "")


def _end(life: Life) -> tuple[str, str, str]:
    """The end in a word, its tone, and what is said of it."""
    attempts = plural(len(life.attempts), "attempt")
    if life.probed is not None:
        end = "outstanding" if life.probed.end is None else life.probed.end.value
        return end, "idle", life.probed.detail
    if life.accepted_at is not None:
        return "accepted", "accepted", f"{moment(life.accepted_at)}, after {attempts}"
    if life.end is not None:
        return "dead-lettered", "dead", f"{_reason(life.end)}, after {attempts}"
    if life.not_needed_at is not None:
        return "not needed", "idle", "the run wanted no more samples"
    return "outstanding", "rejected", f"it has not ended yet, after {attempts}"


def _reason(end: DeadLetter) -> str:
    by = f" by {', '.join(end.gates)}" if end.gates else ""
    return f"{end.reason.value}{by}" + (f" ({cut(end.detail)})" if end.detail else "")


def _probe(probed: ProbeLife) -> str:
    flaw = next((f", {facts.flaw.value}" for facts in probed.facts if facts.flaw is not None), "")
    return f"a probe, meant to be {probed.label.value}{flaw}, of {probed.origin}; never exported"


def _credit(label: CreditLabel, life: Life) -> CreditTold:
    pit = "no first pit" if label.first_pit is None else f"first pit: step {label.first_pit}"
    head = f"attempt {label.attempt}: {pit} ({label.probability:.0%}, {label.stopped.value})"
    tried = next((each.candidate for each in life.attempts if each.number == label.attempt), None)
    draft = None if tried is None else tried.draft
    steps = []
    for before, value in zip((None, *label.values), label.values, strict=False):
        text = "the problem itself"
        if before is not None and draft is not None:
            text = cut(draft.answer[before.end : value.end].strip())
        within = f"{value.low:.2f}–{value.high:.2f}" if value.n else ""
        q = "–" if value.q is None else f"{value.q:.2f}"
        steps.append((str(value.steps), q, within, f"{value.k}/{value.n}", text))
    return CreditTold(head, tuple(steps))
