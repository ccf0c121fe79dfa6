"""`gleaner samples`: some of a run's samples to read, accepted or not. No model, no Ray; safe beside a run that writes.

Law: each is a few lines of 80 columns; what is cut shows it. The whole of one is `gleaner explain`.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from actors.ledger.folder import Ledgers
from actors.ledger.samples import EndedSample, EndKind, SampleRequest, chosen_refusals, chosen_samples
from deployments.config.faults import known_name
from deployments.terminal.parts import BAD, DIM, GOOD, WARN, facts
from deployments.terminal.reading import run_folder
from deployments.terminal.screen import Screen, put_document
from deployments.terminal.words import plural, printable, quoted
from schemas.corpus import DocumentRefused
from schemas.recovery import KNOWN_REPAIRS, FailureMode, RepairKind
from schemas.verdicts import Errored, Passed, Rejected, Verdict

LONGEST_TEXT = 700
"""Characters of one text that are shown."""


class Typed(Struct, frozen=True):
    """The filter as it was typed."""

    limit: int
    end: EndKind | None = None
    refused: bool = False
    mode: str | None = None
    repair: str | None = None
    seed: int | None = 0


def show_samples(folder: Path, typed: Typed, *, json: bool) -> None:
    """Chooses and shows. Raises UserError for a mode or a repair that there is not."""
    output = run_folder(folder)
    wanted = _request(output, typed)
    with Ledgers(output) as ledgers, ledgers.frozen():
        if typed.refused:
            refusals = chosen_refusals(ledgers, seed=typed.seed, limit=typed.limit)
            found: Sequence[EndedSample | DocumentRefused] = refusals
            view = refusals_view(refusals)
        else:
            samples = chosen_samples(ledgers, wanted)
            found, view = samples, samples_view(samples, folder)
    if not json:
        Screen().print(view)
    for each in found if json else ():
        put_document(msgspec.json.encode(each).decode())


def samples_view(samples: Sequence[EndedSample], folder: Path) -> RenderableType:
    """A few lines for each sample, and how to see one whole."""
    if not samples:
        return Padding(Text("no such sample has ended", style=DIM), (1, 1))
    hint = f"gleaner explain {quoted(folder)} {samples[0].order_id[:12]}"
    last = Text.assemble((hint, "cyan"), ("  one of them whole", DIM))
    return Padding(Group(*(part for each in samples for part in (_sample(each), Text())), last), (1, 1))


def refusals_view(refusals: Sequence[DocumentRefused]) -> RenderableType:
    """Each document that could not be used, and why."""
    if not refusals:
        return Padding(Text("no document was refused", style=DIM), (1, 1))
    each = (facts((one.reason.value, Text(printable(one.uri))), ("", Text(printable(one.detail)))) for one in refusals)
    return Padding(Group(*each), (1, 1))


def _request(output: Path, typed: Typed) -> SampleRequest:
    wanted = SampleRequest(typed.limit, typed.end, seed=typed.seed)
    if typed.mode is None and typed.repair is None:
        return wanted
    from actors.dataset.manifest import read_config  # not above: it takes a second, and most need no names
    from deployments.folder.replay import known_modes

    if typed.mode is not None:
        wanted = replace(wanted, mode=FailureMode(known_name("--mode", typed.mode, known_modes(output))))
    if typed.repair is not None:
        config = read_config(output)
        repairs = (*KNOWN_REPAIRS, *(() if config is None else config.recovery.own_repairs))
        wanted = replace(wanted, repair=RepairKind(known_name("--repair", typed.repair, repairs)))
    return wanted


def _sample(sample: EndedSample) -> RenderableType:
    rows = [(name.capitalize(), Text(_cut(text))) for name, text in sample.fields.items()]
    if not sample.fields:
        said = Text(sample.malformed or "no generator answered", style=BAD)
        rows = [("Malformed" if sample.malformed else "Text", said)]
        rows += [("", Text(_cut(sample.completion)))] if sample.completion else []
    where = sample.passage.provenance
    place = where.place or f"characters {where.start:,}–{where.end:,}"
    rows.append(("Source", Text(f"{where.uri}, {place}", style=DIM)))
    recovery = [sample.mode, None if sample.repair is None else f"last attempt under {sample.repair}"]
    if told := [each for each in recovery if each is not None]:
        rows.append(("Mode", Text(", ".join(told), style=WARN)))
    if sample.verdicts:
        rows.append(("Scores", Text(" · ").join(_score(verdict) for verdict in sample.verdicts)))
    rows += [("" if number else "Why", Text(line, style=DIM)) for number, line in enumerate(_why(sample))]
    return Group(_head(sample), Padding(facts(*rows), (0, 0, 0, 2)))


def _head(sample: EndedSample) -> Text:
    if sample.end is EndKind.ACCEPTED:
        head = Text.assemble(("✓ accepted", f"bold {GOOD}"), f"  {sample.order_id[:12]}")
    else:
        head = Text.assemble(("✗ dead-lettered", f"bold {BAD}"), f"  {sample.order_id[:12]}")
    return head.append(f"  {plural(sample.attempts, 'attempt')}", style=DIM)


def _score(verdict: Verdict) -> Text:
    match verdict:
        case Passed():
            return Text.assemble(f"{verdict.gate} ", (f"{verdict.score:.2f}≥{verdict.threshold:.3g}", GOOD))
        case Rejected():
            return Text.assemble(f"{verdict.gate} ", (f"{verdict.score:.2f}<{verdict.threshold:.3g}", BAD))
        case Errored():
            return Text.assemble(f"{verdict.gate} ", (f"errored ({verdict.error.value})", WARN))


def _why(sample: EndedSample) -> Iterator[str]:
    """Why it was rejected, or could not be judged."""
    if sample.why is not None:
        by = f" by {', '.join(sample.why.gates)}" if sample.why.gates else ""
        yield f"{sample.why.reason.value}{by}" + (f": {sample.why.detail}" if sample.why.detail else "")
    for verdict in sample.verdicts:
        if isinstance(verdict, Errored):
            yield f"{verdict.gate}: {verdict.detail}"
        elif isinstance(verdict, Rejected):
            notes = [claim.claim for claim in verdict.evidence.claims if not claim.supported]
            yield from (f"{verdict.gate}: not supported: {_cut(note)}" for note in notes)
            if verdict.evidence.note:
                yield f"{verdict.gate}: {_cut(verdict.evidence.note)}"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT].rstrip() + " …"
