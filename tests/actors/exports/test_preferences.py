"""Rows of sft, dpo, kto and hard negatives, compared with the ledger's records one by one."""

from collections.abc import Iterable, Iterator
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.exports import ExportFormat, Form, LeftOut, View
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Planned, Reconfigured, Record, Rejoined
from schemas.orders import OrderKind
from schemas.recovery import FailureMode, Modes
from schemas.samples import Message, rewritten
from schemas.verdicts import DIVERSITY, FAITHFULNESS, PROVENANCE, REWARD, GateName, Passed, Raised, Rejected
from tests.actors.exports.runs import GROUNDED, Known, asked, exported, order_of
from tests.doubles.ledgers import Scale, plausible_run
from tests.doubles.replays import replayed

GROUNDED_FORMATS = (ExportFormat.SFT, ExportFormat.DPO, ExportFormat.KTO, ExportFormat.HARD_NEGATIVES)
RUN = list(plausible_run(7, Scale(passages=60)))


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 40),
    st.sampled_from(GROUNDED_FORMATS),
    st.sampled_from(View),
    st.floats(0, 0.6),
    st.floats(0.3, 1),
)
def test_every_row_is_what_the_ledger_says(
    seed: int, format: ExportFormat, view: View, share: float, finished: float
) -> None:
    """Runs with probes, replays and orders still open: each row's sides were accepted or rejected, none is of a probe,
    and both sides answer one prompt."""
    run = list(plausible_run(seed, Scale(passages=10, finished=finished)))
    records = list(probes_among(replayed(run, Random(seed), rounds=1), share))
    known = Known.of(records)
    rows, left = exported(records, asked(format, view=view))
    for row in rows:
        known.check(row)
    assert len({row["id"] for row in rows}) == len(rows)
    orders = [order for record in records if isinstance(record, Planned) for order in record.orders]
    assert left[LeftOut.MEASURED] == len(known.forbidden & {order.id for order in orders})
    if format is ExportFormat.DPO:
        assert all(row["chosen_origin"]["order_id"] == row["rejected_origin"]["order_id"] for row in rows)
        assert all(row["chosen_origin"]["attempt"] > row["rejected_origin"]["attempt"] for row in rows)
        assert all(row["chosen"] != row["rejected"] for row in rows)


def test_a_pair_answers_one_question_from_one_passage() -> None:
    """In the student's view the prompt holds the very passage, and both attempts asked this very question."""
    known = Known.of(RUN)
    rows, _ = exported(RUN, asked(ExportFormat.DPO))
    assert len(rows) >= 5
    for row in rows:
        (prompt,) = row["prompt"]
        assert prompt["role"] == "user"
        for side in ("chosen", "rejected"):
            origin = row[f"{side}_origin"]
            candidate = known.attempts[(origin["order_id"], origin["attempt"])].candidate
            assert candidate is not None and candidate.draft is not None
            assert prompt["content"] == f"{known.passages[origin['order_id']]}\n\n{candidate.draft.question}"
            assert row[side] == [{"role": "assistant", "content": candidate.draft.answer}]


def test_the_generators_view_holds_what_it_was_asked_at_first() -> None:
    """Repairs ask otherwise; the pair is set under the first request, and the answer is in the form asked there."""
    known = Known.of(RUN)
    rows, left = exported(RUN, asked(ExportFormat.DPO, view=View.SAMPLE))
    assert len(rows) > len(exported(RUN, asked(ExportFormat.DPO))[0])
    assert LeftOut.OTHER_QUESTION not in left
    for row in rows:
        first = known.attempts[(order_of(row), 1)].candidate
        assert first is not None
        assert row["prompt"] == [{"role": said.role, "content": said.content} for said in first.prompt]
        assert row["chosen"][0]["content"].startswith("Question: ")
        assert "Quote:" not in row["chosen"][0]["content"]


def test_another_question_is_no_pair_for_a_student() -> None:
    """The repair asked for another question: what was said to the first is no worse answer to the second."""
    orders = iter(order for record in RUN if isinstance(record, Planned) for order in record.orders)
    record = next(end for end in RUN if isinstance(end, AcceptedEnd) and end.attempt.number > 1)
    assert record.attempt.candidate is not None and record.attempt.candidate.draft is not None
    draft = rewritten(record.attempt.candidate.draft, question="What else?")
    attempt = replace(record.attempt, candidate=replace(record.attempt.candidate, draft=draft))
    changed = [replace(record, attempt=attempt) if each is record else each for each in RUN]
    rows, left = exported(changed, asked(ExportFormat.DPO))
    assert record.order_id in {order.id for order in orders}
    assert record.order_id not in {order_of(row) for row in rows}
    assert left[LeftOut.OTHER_QUESTION] >= 1


def test_what_is_accepted_for_a_prompt_is_rejected_for_it_nowhere() -> None:
    """A noisy judge accepts an answer once and rejects it once: no trainer gets both."""
    rows, left = exported(RUN, asked(ExportFormat.KTO))
    said = [(str(row["prompt"]), str(row["completion"]).casefold(), row["label"]) for row in rows]
    good = {(prompt, completion) for prompt, completion, label in said if label}
    bad = {(prompt, completion) for prompt, completion, label in said if not label}
    assert good and bad and not good & bad
    assert len(good) + len(bad) == len(said)
    assert left[LeftOut.SAME_TEXT] >= 1


def _only(gate: GateName, mode: FailureMode) -> list[Record]:
    """The run with every rejection made by one gate alone, diagnosed alike."""
    changed: list[Record] = []
    for record in RUN:
        if isinstance(record, Rejoined | DeadLetteredEnd) and record.attempt is not None and record.attempt.diagnosis:
            verdicts = (Passed(PROVENANCE, 1.0, 1.0), Rejected(gate, 0.1, 0.5))
            diagnosis = replace(record.attempt.diagnosis, mode=mode)
            record = replace(record, attempt=replace(record.attempt, verdicts=verdicts, diagnosis=diagnosis))
        changed.append(record)
    return changed


@pytest.mark.parametrize(
    ("gate", "mode", "why"),
    [
        (DIVERSITY, Modes.NEAR_DUPLICATE, LeftOut.DUPLICATE),
        (REWARD, Modes.INSTRUCTION_QUALITY, LeftOut.OTHER_FAULT),
        (PROVENANCE, Modes.UNKNOWN, LeftOut.OTHER_FAULT),
        (REWARD, Modes.RESPONSE_QUALITY, None),
        (FAITHFULNESS, Modes.INSTRUCTION_QUALITY, None),
    ],
)
def test_a_good_answer_is_no_negative(gate: GateName, mode: FailureMode, why: LeftOut | None) -> None:
    """Rejected because another sample asks the same, or for its question: the answer itself is not worse."""
    rows, left = exported(_only(gate, mode), asked(ExportFormat.KTO))
    negatives = [row for row in rows if not row["label"]]
    if why is None:
        assert negatives
    else:
        assert not negatives and left[why] >= 10
    assert any(row["label"] for row in rows)


def test_an_error_is_no_rejection() -> None:
    """A dead letter whose gate errored is in no format: no gate said that it is bad."""
    ended = [end for end in plausible_run(3, Scale(passages=400)) if isinstance(end, DeadLetteredEnd)]
    errored = {end.order_id for end in ended if end.attempt is not None and end.attempt.diagnosis is None}
    assert errored
    for format in GROUNDED_FORMATS[1:]:
        rows, left = exported(plausible_run(3, Scale(passages=400)), asked(format))
        last = {(end.order_id, end.attempt.number) for end in ended if end.attempt and end.order_id in errored}
        named = [row.get(name) for row in rows for name in ("origin", "rejected_origin")]
        assert not last & {(of["order_id"], of["attempt"]) for of in named if of}
        assert format is ExportFormat.DPO or left[LeftOut.NOT_JUDGED] + left[LeftOut.NO_TEXT] >= 1


def test_rejections_of_earlier_gates_are_no_negatives() -> None:
    """The threshold was lowered and dead letters came back: what the old gates rejected, today's might accept. The hard
    negatives keep it and say so."""
    cut = len(RUN) // 2
    at = RUN[cut].at
    changed = ("gates.faithfulness.threshold: 0.6 → 0.5",)
    records = [*RUN[:cut], Reconfigured(at + 1e-6, "", {}, changed), *RUN[cut:]]
    earlier = {
        (record.order_id, record.attempt.number)
        for record in RUN
        if isinstance(record, Rejoined | DeadLetteredEnd) and record.attempt is not None and record.at <= at
    }
    for format in (ExportFormat.DPO, ExportFormat.KTO):
        rows, left = exported(records, asked(format))
        origins = [row["rejected_origin"] if format is ExportFormat.DPO else row["origin"] for row in rows]
        bad = {(of["order_id"], of["attempt"]) for of in origins if of["rejected_by"]}
        assert bad and not bad & earlier
        assert left[LeftOut.JUDGED_OTHERWISE] >= 1
    rows, _ = exported(records, asked(ExportFormat.HARD_NEGATIVES))
    for row in rows:
        assert row["gates_changed"] == ((row["origin"]["order_id"], row["origin"]["attempt"]) in earlier)
    other = [replace(record, changed=("pools.generator.model: a → b",)) if isinstance(record, Reconfigured) else record
             for record in records]  # fmt: skip
    assert exported(other, asked(ExportFormat.KTO))[1][LeftOut.JUDGED_OTHERWISE] == 0


def test_what_only_the_raised_bar_rejected_is_no_negative() -> None:
    """The gate itself passed it: at a first attempt it would have been a sample. The hard negatives keep it."""
    spared: set[tuple[str, int]] = set()

    def spare(record: Record) -> Record:
        if not isinstance(record, Rejoined | DeadLetteredEnd) or record.attempt is None:
            return record
        verdicts = record.attempt.verdicts
        rejected = [said for said in verdicts if isinstance(said, Rejected)]
        if [said.gate for said in rejected] != [FAITHFULNESS]:
            return record
        (last,) = rejected
        spared.add((record.order_id, record.attempt.number))
        held = replace(last, evidence=replace(last.evidence, raised=Raised(last.score, record.attempt.number)))
        changed = tuple(held if said is last else said for said in verdicts)
        return replace(record, attempt=replace(record.attempt, verdicts=changed))

    records = [spare(record) for record in RUN]
    rows, left = exported(records, asked(ExportFormat.KTO))
    bad = {(row["origin"]["order_id"], row["origin"]["attempt"]) for row in rows if not row["label"]}
    assert bad and spared and not bad & spared
    assert left[LeftOut.UNDER_RAISED_BAR] >= 1
    kept, _ = exported(records, asked(ExportFormat.HARD_NEGATIVES))
    assert spared & {(row["origin"]["order_id"], row["origin"]["attempt"]) for row in kept}


def test_the_model_is_the_one_of_its_time() -> None:
    """The generator was replaced half way: each row names the model that wrote it."""
    at = RUN[len(RUN) // 2].at
    cut = Reconfigured(at + 1e-6, "", {"generator": "earlier", "strong": "earlier-strong"}, ("pools.generator",))  # type: ignore[dict-item]
    rows, _ = exported([*RUN, cut], asked(ExportFormat.SFT))
    when = {end.order_id: end.at for end in RUN if isinstance(end, AcceptedEnd)}
    for row in rows:
        assert row["origin"]["model"].startswith("earlier") == (when[order_of(row)] <= at)


def test_probes_have_no_row() -> None:
    """An order that is a probe measures the gates: accepted or rejected, it is in no export."""
    probes = {order.id for record in RUN if isinstance(record, Planned) for order in record.orders if order.slot == 1}
    records: list[Record] = [
        replace(record, orders=tuple(
            replace(order, kind=OrderKind.PROBE) if order.id in probes else order for order in record.orders
        )) if isinstance(record, Planned) else record
        for record in RUN
    ]  # fmt: skip
    for format in GROUNDED_FORMATS:
        rows, left = exported(records, asked(format))
        assert rows and not probes & {order_of(row) for row in rows}
        assert left[LeftOut.MEASURED] == len(probes)


def probes_among(records: Iterable[Record], share: float) -> Iterator[Record]:
    """The same run with a share of its orders being probes: what would be so if one were ever planned."""
    for record in records:
        if isinstance(record, Planned):
            kinds = (
                OrderKind.PROBE if int(order.id[:8], 16) / 2**32 < share else order.kind for order in record.orders
            )
            orders = tuple(replace(order, kind=kind) for order, kind in zip(record.orders, kinds, strict=True))
            record = replace(record, orders=orders)
        yield record


def test_no_word_of_a_probe_is_exported() -> None:
    """Not as a sample, not as a negative, not as what recovered it: the texts themselves are looked for."""
    records = list(probes_among(RUN, 0.5))
    known = Known.of(records)
    clean = known.texts_of(known.ended - known.forbidden)
    only_probes = known.texts_of(known.forbidden) - clean
    assert only_probes
    for format in GROUNDED_FORMATS:
        for view in (View.ANSWER, View.SAMPLE):
            rows, _ = exported(records, asked(format, view=view, form=Form.TEXT))
            texts = "\n".join(str(row) for row in rows)
            assert rows and not any(repr(text)[1:-1] in texts for text in only_probes)


def test_hard_negatives_say_who_rejected_them_and_why() -> None:
    """Each rejected attempt of the run once, with the verdicts as they stand in the ledger."""
    known = Known.of(RUN)
    rows, left = exported(RUN, asked(ExportFormat.HARD_NEGATIVES))
    rejected = [a for key, a in known.attempts.items() if any(isinstance(said, Rejected) for said in a.verdicts)]
    assert len(rows) == len(rejected) and sum(left.values()) < 5
    for row in rows:
        attempt = known.attempts[(row["origin"]["order_id"], row["origin"]["attempt"])]
        said = [each for each in attempt.verdicts if isinstance(each, Rejected)]
        assert [(each["gate"], each["score"], each["threshold"]) for each in row["rejections"]] == [
            (each.gate, each.score, each.threshold) for each in said
        ]
        assert attempt.diagnosis is not None and row["failure_mode"] == attempt.diagnosis.mode
        assert row["passage"] == known.passages[order_of(row)]
        assert row["recovered"] == any(order_id == order_of(row) for order_id, _ in known.accepted)
    assert {row["failure_mode"] for row in rows} >= {"parametric", "near_duplicate", "malformed"}


def test_a_sample_made_beside_others_answers_the_prompt_for_one() -> None:
    """What asked for three at once would teach to write one; what was malformed answers no prompt for one."""
    alone = (Message("user", "Write one."),)
    wording = replace(GROUNDED, alone=lambda passage: alone)
    usual, _ = exported(RUN, asked(ExportFormat.KTO, view=View.SAMPLE))
    rows, _ = exported(RUN, asked(ExportFormat.KTO, view=View.SAMPLE), wording)
    assert {row["prompt"][0]["content"] for row in rows} == {"Write one."}
    unread = [row for row in usual if row["origin"]["failure_mode"] == "malformed" and not row["origin"]["repair"]]
    assert unread and not {row["id"] for row in unread} & {row["id"] for row in rows}
