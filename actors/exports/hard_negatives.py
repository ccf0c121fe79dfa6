"""Rows of `hard_negatives`: every rejected attempt with all that is known of why. Law: a gate's words stand there as it
gave them; nothing is judged again."""

import pyarrow as pa

from actors.dataset.rows import EVIDENCE
from actors.exports.columns import ID, PLACE, Column, Row, origin, place
from actors.exports.families import Child, Family, Told
from actors.exports.faults import rejections
from actors.exports.preferences import Rows, origin_of
from actors.exports.wording import ExportWording
from schemas.exports import ExportFormat, ExportRequest, Form, LeftOut
from schemas.ids import content_id
from schemas.verdicts import Rejected

_REJECTION = pa.struct(
    [("gate", pa.string()), ("score", pa.float64()), ("threshold", pa.float64()), ("note", pa.string())]
)
_CLAIM = pa.struct([("gate", pa.string()), *EVIDENCE])


def hard_negative_columns(form: Form) -> tuple[Column, ...]:
    """The columns, the same in every form, because no column is a prompt."""
    return (
        Column("passage", pa.string(), "the exact text that was judged against; for math, the problem"),
        Column("question", pa.string(), "what was asked; null where the text could not be read"),
        Column("answer", pa.string(), "what was rejected; null where the text could not be read"),
        Column("text", pa.string(), "as the generator wrote it"),
        Column("malformed", pa.string(), "why it could not be read; else null"),
        Column("failure_mode", pa.string(), "the diagnosis; null where none was made"),
        Column("reasons", pa.list_(pa.string()), "what spoke for the diagnosis"),
        Column("rejections", pa.list_(_REJECTION), "each gate that rejected it: score, threshold, what it noted"),
        Column("claims", pa.list_(_CLAIM), "claims with their quotes, each at its place in the passage"),
        Column("gates_changed", pa.bool_(), "the gates were reconfigured later; today's might pass it"),
        Column("recovered", pa.bool_(), "the order was accepted at a later attempt"),
        Column("accepted_question", pa.string(), "of that attempt; else null"),
        Column("accepted_answer", pa.string(), "of that attempt; else null"),
        ID,
        *PLACE,
        origin("origin", "`text`"),
    )


def hard_negatives(family: Family, asked: ExportRequest, wording: ExportWording) -> Rows:
    """Every attempt that a gate rejected, with malformed and repeated ones."""
    for child in family.children:
        for told in child.rejected:
            found = rejections(told)
            if told.attempt.candidate is None:
                yield LeftOut.NO_TEXT
            elif not found:
                yield LeftOut.NOT_JUDGED
            else:
                yield _row(child, told, found)


def _row(child: Child, told: Told, found: tuple[Rejected, ...]) -> Row:
    candidate, diagnosis = told.attempt.candidate, told.attempt.diagnosis
    draft = candidate.draft if candidate else None
    better = child.life.draft if child.accepted is not None else None
    return {
        "passage": told.life.passage.text,
        "question": draft.fields.get("question") if draft else None,
        "answer": draft.fields.get("answer") if draft else None,
        "text": candidate.text if candidate else None,
        "malformed": candidate.malformed if candidate else None,
        "failure_mode": diagnosis.mode if diagnosis else None,
        "reasons": list(diagnosis.reasons) if diagnosis else [],
        "rejections": [
            {"gate": said.gate, "score": said.score, "threshold": said.threshold, "note": said.evidence.note}
            for said in found
        ],
        "claims": [claim for said in found for claim in _claims(said)],
        "gates_changed": told.gates_changed,
        "recovered": better is not None,
        "accepted_question": better.fields.get("question") if better else None,
        "accepted_answer": better.fields.get("answer") if better else None,
        "id": content_id(ExportFormat.HARD_NEGATIVES.value, told.key),
        **place(told.life.passage, told.life.order.task),
        "origin": origin_of(told),
    }


def _claims(said: Rejected) -> list[Row]:
    return [
        {
            "gate": said.gate,
            "claim": claim.claim,
            "supported": claim.supported,
            "quote": claim.quote.text if claim.quote else None,
            "start": claim.quote.start if claim.quote else None,
            "end": claim.quote.end if claim.quote else None,
            "passage_id": claim.quote.passage_id if claim.quote else None,
        }
        for claim in said.evidence.claims
    ]
