"""What any task must keep to, as checks that run on whatever task they are given: ours, and a user's own.

Law: a check finds something or it does not; it never raises, whatever the task does, and it never waits longer than
`LONGEST_S` for one attempt. No model is asked: a stand-in answers with texts that models have written.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from functools import partial

from msgspec.structs import replace

from actors.calls.asker import Asker, Way
from actors.calls.loop_lag import MOST_LAG_S, held_loop_s
from actors.tasks.odd_texts import (
    CONTROL_TOKENS,
    HOSTILE,
    REFERENCE,
    REPLIES,
    TEXT,
    odd_completions,
    odd_passages,
    passage_of,
)
from actors.tasks.trying import (
    LONGEST_S,
    POOL,
    Attempted,
    Call,
    TaskSubject,
    are_texts,
    attempted,
    attempted_all,
    leased,
)
from actors.text.completions import control_in
from schemas.conformance import Broken, CheckFinding, Noted, found_by
from schemas.errors import EngineError, ErrorKind, HopError, described, ungrouped
from schemas.ids import PoolName
from schemas.orders import Lease
from schemas.recovery import KNOWN_REPAIRS, Repair, RepairKind, Repairs
from schemas.samples import Completion, Draft, FinishReason, GenerationRequest, Malformed, Message, rewritten

COOLER = 0.125
"""The temperature of the repairs here: no task's own."""
PREFIX = "It was founded in 1623.\n"
WORDS = "Use no word that the passage lacks."
"""Of a repair that a configuration brings."""
TaskCheck = Callable[[TaskSubject], Awaitable[None]]


async def examine(subject: TaskSubject) -> list[CheckFinding]:
    """Every check's finding, in order."""
    return [await finding(name, subject) for name in CHECKS]


async def finding(name: str, subject: TaskSubject) -> CheckFinding:
    """One check's finding."""
    return await found_by(name, CHECKS[name](subject))


async def plain_draft(subject: TaskSubject) -> tuple[str, Draft] | None:
    """A plain completion and the draft that the task makes of it; None where it reads none."""
    for text in (subject.reply,) if subject.reply else REPLIES:
        made = (await attempted(subject, leased(), text)).made
        if isinstance(made, Draft):
            return text, made
    return None


async def _makes_a_draft(subject: TaskSubject) -> None:
    if await plain_draft(subject) is not None:
        return
    made = (await attempted(subject, leased(), subject.reply or REPLIES[0])).made
    why = made.detail if isinstance(made, Malformed) else ""
    if subject.reply:
        raise Broken(f"the given reply is malformed: {why}")
    raise Noted(f"no plain completion is a draft ({why}); give one that is: what follows a draft is not checked")


async def _reads_odd_completions(subject: TaskSubject) -> None:
    async for name, made in _odd_drafts(subject):
        if isinstance(made, Malformed):
            continue
        bad = _bad_fields(made)
        if bad:
            raise Broken(f"of a completion that is {name} it makes a draft {bad}; such a one is Malformed")


async def _reads_a_plain_sample_of_odd_passages(subject: TaskSubject) -> None:
    found = await plain_draft(subject)
    text = subject.reply or REPLIES[0] if found is None else found[0]
    for name, passage in odd_passages():
        with_passage = await _named(f"of a passage that is {name}", attempted(subject, leased(passage), text))
        if not with_passage.calls:
            raise Broken(f"of a passage that is {name} it asked nothing")


async def _asks_the_same_again(subject: TaskSubject) -> None:
    found = await plain_draft(subject)
    text = REPLIES[0] if found is None else found[0]
    leases = [leased(), *(lease for _, lease in _repairs(found)), *(leased(each) for _, each in odd_passages())]
    first = [(await attempted(subject, lease, text)).calls for lease in leases]
    later = [replace(lease, expires_at=1e9) for lease in leases]
    again = await asyncio.gather(*(attempted(subject, lease, text) for lease in reversed(later)))
    if [each.calls for each in reversed(again)] != first:
        raise Broken("made again, and beside others, an attempt asks something else: it must follow from its lease")


async def _serves_every_order(subject: TaskSubject) -> None:
    found = await plain_draft(subject)
    plain = REPLIES[0] if found is None else found[0]
    for name, text in (("plain", plain), *odd_completions()):
        for orders in range(2, subject.task.together + 1):
            try:
                await attempted_all(subject, leased(orders=orders), text)
            except Broken as broken:
                raise Broken(f"of {orders} orders and a completion that is {name}: {broken}") from None


async def _asks_for_every_repair(subject: TaskSubject) -> None:
    found = await plain_draft(subject)
    text = REPLIES[0] if found is None else found[0]
    own = deaf = False
    for name, lease in _repairs(found):
        calls = (await _named(f"of the repair {name}", attempted(subject, lease, text))).calls
        if not calls:
            raise Broken(f"of the repair {name} it asked nothing")
        own = own or not any(request.sampling.temperature == COOLER for _, request in calls)
        deaf = deaf or (lease.repair is not None and lease.repair.words not in _words(calls))
    if deaf:
        raise Noted("no call is told the words of a repair that has some (`with_words` adds them)")
    if own:
        raise Noted("no call has the temperature that the repair asks for (`sampled` gives it)")


async def _takes_no_half_for_a_whole(subject: TaskSubject) -> None:
    for name, text in odd_completions():
        await _named(f"of one that is {name}", attempted(subject, leased(), text, FinishReason.LENGTH))
    found = await plain_draft(subject)
    if found is None:
        return
    text, whole = found
    made = (await attempted(subject, leased(), text[: len(text) // 2], FinishReason.LENGTH)).made
    if isinstance(made, Draft) and made != whole:
        raise Noted("it takes half a completion, cut off at the token limit, as a draft")


async def _passes_failed_calls_on(subject: TaskSubject) -> None:
    async def generate(pool: PoolName, request: GenerationRequest) -> Completion:
        raise EngineError(ErrorKind.RETRYABLE, "nobody there")

    lease = leased()
    try:
        async with asyncio.timeout(LONGEST_S):
            asker = Asker(lease, Way(generate, POOL, POOL, 0, lambda: 0.0))
            with ungrouped():  # as the conductor takes it: calls may be made side by side
                made = [each async for each in subject.task.attempt(lease, asker)]
    except HopError:
        return
    except Exception as bug:
        raise Broken(f"of a call that fails it makes {type(bug).__name__}, not HopError: {described(bug)}") from bug
    raise Noted(f"a call fails, and it makes {len(made)} of it all the same: the failure is charged to nobody")


async def _breaks_control_text_up(subject: TaskSubject) -> None:
    found = await plain_draft(subject)
    text = REPLIES[0] if found is None else found[0]
    leases = [("a passage", leased(passage_of(HOSTILE)), leased())]
    if found is not None:
        draft = found[1]
        spoilt = rewritten(draft, **{name: f"{said} {HOSTILE}" for name, said in draft.fields.items()})
        hostile = zip(_repairs((text, spoilt)), _repairs(found), strict=True)
        leases += [(f"an earlier draft, by the repair {name},", lease, plain) for (name, lease), (_, plain) in hostile]
    for what, lease, plain in leases:
        asked = _words((await attempted(subject, lease, text)).calls)
        usual = _words((await attempted(subject, plain, text)).calls)
        raw = [token for token in (*CONTROL_TOKENS, ">>>") if asked.count(token) > usual.count(token)]
        if raw:
            told = f"control text of {what} stands raw in a prompt ({' '.join(raw)})"
            raise Noted(f"{told}: show it with `fenced`, `neutralise` or `one_line` of actors.tasks.prompts")


async def _keeps_the_reference_to_itself(subject: TaskSubject) -> None:
    found = await plain_draft(subject)
    text = REPLIES[0] if found is None else found[0]
    for lease in (leased(), *(lease for _, lease in _repairs(found))):
        if REFERENCE in _words((await attempted(subject, lease, text)).calls):
            raise Broken("the reference answer stands in a prompt; no generator may see it")


async def _teaches_an_answer(subject: TaskSubject) -> None:
    async for name, draft in _drafts(subject):
        messages = _given(f"messages of a draft that is {name}", lambda d=draft: subject.task.messages(TEXT, d))
        if not isinstance(messages, Sequence) or not all(isinstance(each, Message) for each in messages):
            raise Broken("messages gives something that is no sequence of Message")
        if not messages or messages[-1].role != "assistant" or not messages[-1].content:
            raise Broken(f"messages of a draft that is {name} do not end with a turn of the assistant's")
        if messages != _given("messages, asked again", lambda d=draft: subject.task.messages(TEXT, d)):
            raise Broken("messages gives something else when it is asked again")


async def _shows_texts(subject: TaskSubject) -> None:
    async for name, draft in _drafts(subject):
        for method in ("claim", "shown", "key"):
            give = getattr(subject.task, method)
            given = _given(f"{method} of a draft that is {name}", lambda give=give, d=draft: give(d))
            if given is None and method == "key":
                continue
            if not are_texts(given):
                raise Broken(f"{method} gives no tuple of (name, text) pairs: {given!r:.80}")
            if not given:
                raise Noted(f"{method} gives no text: whoever judges by it has nothing to judge")


async def _reads_what_is_written(subject: TaskSubject) -> None:
    found = await plain_draft(subject)
    async for name, draft in _drafts(subject):
        written = _given(f"written of a draft that is {name}", lambda d=draft: subject.task.written(d))
        if not isinstance(written, str) or not written:
            raise Broken(f"written gives {written!r:.80}; it must be a text")
    if found is None or len((await attempted(subject, leased(), found[0])).calls) > 1:
        return  # of several calls, none writes the whole draft
    if (await attempted(subject, leased(), subject.task.written(found[1]))).made != found[1]:
        raise Noted("what `written` gives is not read as the same draft: `export --view sample` teaches another form")


async def _keeps_control_text_out(subject: TaskSubject) -> None:
    async for name, made in _odd_drafts(subject):
        said = () if isinstance(made, Malformed) else made.fields.values()
        held = next((found for text in said if (found := control_in(text)) is not None), None)
        if held is not None:
            raise Noted(f"of a completion that is {name} its draft holds control text: {held!r}")


async def _leaves_the_loop_free(subject: TaskSubject) -> None:
    read = [partial(attempted, subject, leased(), text) for _, text in odd_completions()]
    asked = [partial(attempted, subject, leased(passage), REPLIES[0]) for _, passage in odd_passages()]
    held_s = await held_loop_s([*read, *asked])
    if held_s > MOST_LAG_S:
        raise Broken(f"it held the event loop for {held_s:.2f} s, at most {MOST_LAG_S:g} s: see its patterns")


def _repairs(found: tuple[str, Draft] | None) -> Iterator[tuple[str, Lease]]:
    """A lease of each repair, with the draft that it is of and without one."""
    drafts = [("without a draft", None)] if found is None else [("", found[1]), ("without a draft", None)]
    for kind in KNOWN_REPAIRS:
        prefix = PREFIX if kind == Repairs.RESTART_FROM_PREFIX else ""
        for how, previous in drafts:
            repair = Repair(kind, COOLER, previous, prefix=prefix, origin=1 if prefix else 0)
            yield f"{kind} {how}".strip(), leased(repair=repair)
    for how, previous in drafts:
        repair = Repair(RepairKind("with_words"), COOLER, previous, words=WORDS)
        yield f"with words {how}".strip(), leased(repair=repair)


def _spoilt(text: str) -> Iterator[tuple[str, str]]:
    """A plain completion, as models have spoilt them."""
    last = text.rfind("1623")
    for name, said in (
        ("chat control text", f"{text[:last]}<|im_end|>{text[last:]}"),
        ("a control character", f"{text[:last]}\x07{text[last:]}"),
        ("a chat's end behind it", f"{text}<|im_end|>"),
        ("a code fence around it", f"```\n{text}\n```"),
        ("thoughts before it", f"<think>Let me see.</think>\n{text}"),
        ("itself behind it", f"{text}\n\n{text}"),
    ):
        yield f"plain with {name}", said


async def _odd_drafts(subject: TaskSubject) -> AsyncIterator[tuple[str, Draft | Malformed]]:
    """What is made of each odd completion."""
    found = await plain_draft(subject)
    spoilt = () if found is None else _spoilt(found[0])
    for name, text in (*odd_completions(), *spoilt):
        yield name, (await _named(f"of a completion that is {name}", attempted(subject, leased(), text))).made


async def _drafts(subject: TaskSubject) -> AsyncIterator[tuple[str, Draft]]:
    """Every draft that the task makes of a plain completion and of odd ones."""
    found = await plain_draft(subject)
    if found is not None:
        yield "plain", found[1]
    async for name, made in _odd_drafts(subject):
        if isinstance(made, Draft):
            yield name, made


async def _named(of: str, made: Awaitable[Attempted]) -> Attempted:
    try:
        return await made
    except Broken as broken:
        raise Broken(f"{of}: {broken}") from None


def _given(what: str, give: Callable[[], object]) -> object:
    try:
        return give()
    except Exception as bug:
        raise Broken(f"{what}: it raised {described(bug)}") from bug


def _bad_fields(draft: Draft) -> str | None:
    """What is wrong with a draft's fields."""
    if not draft.fields:
        return "without fields"
    empty = [name for name, text in draft.fields.items() if not name or not text.strip()]
    return f"whose {' and '.join(map(repr, empty))} is empty" if empty else None


def _words(calls: Sequence[Call]) -> str:
    return "\n".join(message.content for _, request in calls for message in request.messages)


CHECKS: dict[str, TaskCheck] = {
    "it makes a draft of a plain completion": _makes_a_draft,
    "it reads odd completions": _reads_odd_completions,
    "it asks of odd passages": _reads_a_plain_sample_of_odd_passages,
    "a completion that was cut off is no whole draft": _takes_no_half_for_a_whole,
    "made again it asks the same": _asks_the_same_again,
    "it makes one thing of every order of a lease": _serves_every_order,
    "it asks for every repair": _asks_for_every_repair,
    "a failed call is passed on": _passes_failed_calls_on,
    "control text is broken up in prompts": _breaks_control_text_up,
    "control text is in no draft": _keeps_control_text_out,
    "the reference answer is in no prompt": _keeps_the_reference_to_itself,
    "messages end with the assistant's turn": _teaches_an_answer,
    "claim, shown and key are texts": _shows_texts,
    "what is written is read back": _reads_what_is_written,
    "it leaves the event loop free": _leaves_the_loop_free,
}
