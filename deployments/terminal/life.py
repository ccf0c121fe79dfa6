"""One sample's life as a person reads it: where it comes from, what was tried, what each gate said, how it ended.

Pure: a Life (or one Attempt) in, a renderable out. All foreign text goes through `words.printable`.
"""

from collections.abc import Iterator, Sequence

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.rule import Rule
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from actors.ledger.history import Life, ProbeLife, PutBack
from deployments.terminal.executions import code_view, execution_view
from deployments.terminal.parts import BAD, DIM, GOOD, WARN, facts
from deployments.terminal.words import moment, number, one_line, plural, printable, short, spoken
from schemas.corpus import Passage
from schemas.credit import CreditLabel
from schemas.flaws import Worth
from schemas.orders import Attempt, DeadLetter
from schemas.recovery import Choice, Diagnosis, Repair
from schemas.samples import Candidate, Cost, FinishReason, Message, ModelCall, texts_of
from schemas.verdicts import Cascaded, ClaimEvidence, Errored, Evidence, GateName, Passed, Rejected, Shown, Verdict

INDENT = (0, 0, 0, 2)
_WORTH = {Worth.BAD: "known to be bad", Worth.GOOD: "known to be good", Worth.UNKNOWN: "not verified"}


class Prompts:
    """Shows what was asked, each message in full the first time only: the system's is mostly the same."""

    def __init__(self) -> None:
        self._shown: set[Message] = set()

    def of(self, asked: Sequence[Message]) -> Iterator[RenderableType]:
        """A request's messages."""
        for message in asked:
            role = Text(message.role, style=f"bold {DIM}")
            if message in self._shown:
                yield Padding(role.append(": as above", style=f"not bold {DIM}"), (1, 0, 0, 2))
            else:
                self._shown.add(message)
                yield Padding(Group(role, Quoted(message.content)), (1, 0, 0, 2))


def life_view(life: Life, *, prompts: Prompts | None = None) -> RenderableType:
    """The whole life, oldest attempt first; with `prompts`, what was asked too."""
    order = life.order
    head = Text.assemble(("Order ", "bold"), (order.id, "bold cyan"), f"   {order.task} · slot {order.slot}")
    parts: list[RenderableType] = [head, passage_view(life.passage)]
    if order.vary:
        parts.insert(1, facts(*((printable(name), Text(printable(value))) for name, value in order.vary.items())))
    if life.probed is not None:
        parts.insert(1, _probe(life.probed))
    for attempt in life.attempts:
        parts += [_put_back(back) for back in life.put_back if back.attempts_before == attempt.number - 1]
        parts.append(attempt_view(attempt, prompts=prompts))
        parts += [credit_view(label, attempt) for label in life.credits if label.attempt == attempt.number]
    parts += [_put_back(back) for back in life.put_back if back.attempts_before == len(life.attempts)]
    parts += [Text(), _end(life)]
    return Group(*parts)


def _probe(probed: ProbeLife) -> RenderableType:
    """What a probe is, and what each of its texts is worth."""
    flaw = next((f", {facts.flaw.value}" for facts in probed.facts if facts.flaw is not None), "")
    told = f"a probe, meant to be {probed.label.value}{flaw}, of {printable(probed.origin)}; never exported"
    worths = "; ".join(f"attempt {number}: {_WORTH[of.worth]}" for number, of in enumerate(probed.facts, 1))
    return Group(Text(told, style=WARN), Text(worths, style=DIM))


def passage_view(passage: Passage) -> RenderableType:
    """A passage with the exact place it was cut from."""
    where = passage.provenance
    span = f"characters {where.start:,}–{where.end:,} of document {printable(where.document_id)}"
    said = {"place": where.place, "licence": where.license, "text by": where.extractor}
    rows = facts(
        ("Passage", Text(printable(where.uri))),
        ("", Text(span, style=DIM)),
        *((name, Text(printable(value), style=DIM)) for name, value in said.items() if value is not None),
        ("sha256", Text(where.document_sha256, style=DIM)),
        ("cut by", Text(printable(where.chunker), style=DIM)),
    )
    return Group(rows, Padding(Quoted(passage.text), (1, 0, 0, 2)))


def attempt_view(attempt: Attempt, *, prompts: Prompts | None = None) -> RenderableType:
    """One attempt: how it was asked (with `prompts`, in what words), its text, the verdicts, what was decided."""
    title = Text(f"attempt {attempt.number}", style="bold")
    title.append(f" · {directive(attempt.repair)}", style="default")
    parts: list[RenderableType] = [Text(), Rule(title, align="left", style=DIM)]
    for call in attempt.earlier:
        parts += [*_asked(call, prompts), Padding(Quoted(call.text), (1, 0, 1, 2))]
    if attempt.candidate is None:
        parts.append(Padding(Text("no generator answered", style=BAD), INDENT))
    else:
        parts += _candidate(attempt.candidate, prompts)
    if attempt.verdicts:
        parts.append(Padding(_verdicts(attempt.verdicts, attempt.unjudged), (1, 0, 0, 2)))
        parts += [Padding(part, (0, 0, 0, 4)) for verdict in attempt.verdicts for part in _evidence(verdict, prompts)]
    decided = [*_diagnosis(attempt.diagnosis), *_choice(attempt.choice)]
    if decided:
        parts.append(Padding(facts(*decided), (1, 0, 0, 2)))
    return Group(*parts)


def credit_view(label: CreditLabel, attempt: Attempt) -> RenderableType:
    """A rejected solution step by step: what rollouts said of each, and where it broke."""
    draft = None if attempt.candidate is None else attempt.candidate.draft
    table = Table.grid(padding=(0, 2, 0, 0))
    for justify in ("right", "left", "left", "right"):
        table.add_column(justify=justify)
    table.add_column(overflow="fold")
    for before, value in zip((None, *label.values), label.values, strict=False):
        q = "–" if value.q is None else f"{value.q:.2f}"
        within = f"{value.low:.2f}–{value.high:.2f}" if value.n else ""
        text = "the problem itself"
        if before is not None and draft is not None:
            text = draft.answer[before.end : value.end].strip()
        style = BAD if value.steps == label.first_pit else "default"
        shown = Text(printable(text), style=style)
        table.add_row(str(value.steps), Text(f"Q {q}", style="bold"), within, f"{value.k}/{value.n}", shown)
    pit = "no first pit" if label.first_pit is None else f"first pit: step {label.first_pit}"
    told = f"{pit} ({label.probability:.0%}, {label.stopped.value}; {label.rule.value} Q, {label.strategy})"
    paid = f"{plural(label.asked, 'rollout')} of {printable(label.policy)} · {cost_words(label.cost)}"
    head = facts(("Credit", Text(told)), ("", Text(paid, style=DIM)))
    return Group(Padding(head, (1, 0, 0, 2)), Padding(table, (0, 0, 0, 4)))


def _put_back(back: PutBack) -> RenderableType:
    """Where one life ended and the next began, and what was changed in between."""
    title = Text("put back", style=f"bold {WARN}").append(f" at {moment(back.at)}", style="default")
    changed = [("" if place else "Changed", Text(printable(line))) for place, line in enumerate(back.changed)]
    rows = facts(("Was", _dead(back.end)), *changed)
    return Group(Text(), Rule(title, align="left", style=WARN), Padding(rows, INDENT))


def directive(repair: Repair | None) -> str:
    """What an attempt was told to do, in words."""
    if repair is None:
        return "fresh"
    escalated = f" in pool {repair.pool}" if repair.pool else ""
    origin = f" of attempt {repair.origin}" if repair.origin else ""
    told = f", told: {one_line(repair.words, width=60)}" if repair.words else ""
    return f"{repair.kind}{origin}{escalated} at T {repair.temperature:g}{told}"


def _asked(call: ModelCall | Candidate, prompts: Prompts | None) -> Iterator[RenderableType]:
    sampling = call.sampling
    asked = (
        f"pool {call.pool} · T {sampling.temperature:g} · top-p {sampling.top_p:g} · seed {sampling.seed} · "
        f"{cost_words(call.cost)}"
    )
    if isinstance(call, Candidate) and call.paid_by is not None:
        asked += f"the same completion as order {short(call.paid_by)}, which paid for it"
    if call.finish is FinishReason.LENGTH:
        asked += f" · cut at {sampling.max_tokens:,} tokens"
    yield Padding(Text(asked, style=DIM), INDENT)
    if prompts is not None:
        yield from prompts.of(call.prompt)
        if call.reasoning:
            yield Padding(Text("and thought:", style=DIM), INDENT)
            yield Padding(Quoted(call.reasoning), (0, 0, 0, 2))


def _candidate(candidate: Candidate, prompts: Prompts | None) -> Iterator[RenderableType]:
    yield from _asked(candidate, prompts)
    draft = candidate.draft
    if draft is None:
        yield Padding(Text(f"malformed: {printable(candidate.malformed or 'it does not parse')}", style=BAD), INDENT)
        yield Padding(Quoted(candidate.text), (1, 0, 0, 2))
        return
    rows = [(name, Text(printable(text))) for name, text in texts_of(draft)]
    if draft.quote is not None:
        rows.insert(0, ("Quote", Text(printable(draft.quote), style="italic")))
    yield Padding(facts(*rows), (1, 0, 0, 2))


class Quoted:
    """Foreign text behind a bar that runs down all its lines, wrapped ones too."""

    def __init__(self, text: str) -> None:
        self._text = Text(printable(text), overflow="fold")

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        bar = Segment("│ ", console.get_style(DIM))
        for line in console.render_lines(self._text, options.update(width=max(8, options.max_width - 2)), pad=False):
            yield bar
            yield from line
            yield Segment.line()


def _verdicts(verdicts: tuple[Verdict, ...], unjudged: tuple[GateName, ...]) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(4):
        table.add_column()
    for verdict in verdicts:
        table.add_row(verdict.gate, *_said(verdict), Text(cost_words(verdict.cost), style=DIM))
    for gate in unjudged:
        table.add_row(gate, Text("unjudged", style=DIM), Text("the order is not in its share", style=DIM))
    return table


def _said(verdict: Verdict) -> tuple[Text, Text]:
    match verdict:
        case Passed():
            return Text("passed", style=GOOD), Text(f"{verdict.score:.3f} ≥ {verdict.threshold:g}")
        case Rejected():
            return Text("rejected", style=BAD), Text(f"{verdict.score:.3f} < {verdict.threshold:g}")
        case Errored():
            return Text("errored", style=WARN), Text(f"{verdict.error.value}: {printable(verdict.detail)}")


def _evidence(verdict: Verdict, prompts: Prompts | None) -> Iterator[RenderableType]:
    if isinstance(verdict, Errored):
        yield from _heard(verdict, prompts)
        return
    evidence: Evidence = verdict.evidence
    yield from (_claim(claim) for claim in evidence.claims)
    if evidence.dimensions:
        scores = " · ".join(f"{printable(name)} {score:.2f}" for name, score in evidence.dimensions.items())
        yield Text(f"{verdict.gate}: {scores}", style=DIM)
    if evidence.note:
        yield Text(f"{verdict.gate}: {printable(evidence.note)}", style=DIM)
    yield from (execution_view(each, second=at > 0) for at, each in enumerate(evidence.executions))
    if evidence.cascade is not None:
        yield Text(f"{verdict.gate}: {cascaded_words(evidence.cascade)}", style=DIM)
    if evidence.code is not None:
        yield code_view(evidence.code)
    if evidence.raised is not None:
        raised = evidence.raised
        told = f"the bar was raised from {raised.configured:g} to {verdict.threshold:g} at attempt {raised.attempt}"
        yield Text(f"{verdict.gate}: {told}", style=DIM)
    if evidence.shown is not None:
        yield Text(f"{verdict.gate}: {shown_words(evidence.shown)}", style=DIM)


def cascaded_words(cascade: Cascaded) -> str:
    """Which gate decided, and why it was its to decide."""
    first = cascade.steps[0]
    band = "no band yet: too few probes" if cascade.band is None else f"the band is {cascade.band}"
    said = f"could not judge ({first.error.value})" if first.error is not None else f"said {first.score:.4g}"
    return f"{cascade.decided_by} decided; {first.gate} {said}, {band}"


def _heard(verdict: Errored, prompts: Prompts | None) -> Iterator[RenderableType]:
    """With `prompts`, what a model was asked and how its last answer begins, where that was no verdict."""
    if prompts is None or not verdict.asked:
        return
    yield Text(f"{verdict.gate} was asked:", style=DIM)
    yield from prompts.of(verdict.asked)
    yield Text("and said:" if verdict.said else "and said nothing", style=DIM)
    if verdict.said:
        yield Quoted(verdict.said)


def shown_words(shown: Shown) -> str:
    """What a judge read in place of the sample's own passage."""
    if not shown.passages:
        return "no passage was shown"
    place = "not among them" if shown.rank is None else f"number {shown.rank} of them"
    return f"{plural(len(shown.passages), 'passage')} found by a search; the sample's own was {place}"


def _claim(claim: ClaimEvidence) -> Text:
    line = Text.assemble(("✓ ", GOOD) if claim.supported else ("✗ ", BAD), printable(claim.claim))
    if claim.quote is not None:
        where = "" if claim.quote.passage_id is None else f" of passage {short(claim.quote.passage_id)}"
        line.append(f"  “{printable(claim.quote.text)}” at {claim.quote.start}–{claim.quote.end}{where}", style=DIM)
    if claim.discounted is not None:
        line.append(f"  {printable(claim.discounted)}", style=WARN)
    return line


def _diagnosis(diagnosis: Diagnosis | None) -> Iterator[tuple[str, Text]]:
    if diagnosis is None:
        return
    yield "Diagnosis", Text.assemble((diagnosis.mode, "bold"), f" (confidence {diagnosis.confidence:.2f})")
    yield from (("", Text(printable(reason), style=DIM)) for reason in diagnosis.reasons)


def _choice(choice: Choice | None) -> Iterator[tuple[str, Text]]:
    if choice is None:
        return
    what = "stop" if choice.repair is None else directive(choice.repair)
    yield (
        "Repair",
        Text.assemble((what, "bold"), f" (policy {choice.policy}, probability {choice.probability:g})"),
    )
    if choice.reason:
        yield "", Text(printable(choice.reason), style=DIM)


def _end(life: Life) -> RenderableType:
    if life.probed is not None and life.probed.end is not None:
        end = Text.assemble((life.probed.end.value, f"bold {WARN}"), f" {printable(life.probed.detail)}".rstrip())
    elif life.accepted_at is not None:
        end = Text.assemble(("accepted", f"bold {GOOD}"), f" at {moment(life.accepted_at)}")
    elif life.end is not None:
        end = _dead(life.end)
    elif life.not_needed_at is not None:
        at = moment(life.not_needed_at)
        end = Text.assemble(("not needed", f"bold {WARN}"), f" at {at}: the run wanted no more samples")
    else:
        end = Text.assemble(("outstanding", f"bold {WARN}"), ": it has not ended yet")
    spent = f"{plural(len(life.attempts), 'attempt')} · generator {cost_words(life.generator_cost)} · gates "
    return facts(("End", end), ("Cost", Text(spent + cost_words(life.gates_cost))))


def _dead(end: DeadLetter) -> Text:
    gates = f" by {', '.join(gate for gate in end.gates)}" if end.gates else ""
    text = Text.assemble(("dead-lettered", f"bold {BAD}"), f": {end.reason.value}{gates}")
    return text.append(f" ({printable(end.detail)})", style=DIM) if end.detail else text


def cost_words(cost: Cost) -> str:
    """Tokens and seconds; "" for none."""
    if not cost.tokens:
        return spoken(cost.seconds) if cost.seconds >= 0.005 else ""
    tokens = number(cost.prompt_tokens)
    if cost.completion_tokens:
        tokens += f" + {number(cost.completion_tokens)}"
    return f"{tokens} tokens in {spoken(cost.seconds)}"
