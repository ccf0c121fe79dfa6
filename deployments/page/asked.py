"""What a browser asks for, read from an address or a form. Law: a value that does not fit is refused in one line."""

from urllib.parse import parse_qsl, urlencode

from msgspec import Struct
from starlette.datastructures import QueryParams
from starlette.requests import Request

from actors.ledger.samples import EndKind
from deployments.page.index import SampleFilter
from deployments.page.labels import GivenLabel
from schemas.errors import UserError
from schemas.flaws import FlawKind, Worth

LONGEST_FORM = 8192
"""In bytes."""
_KEYS = ("end", "mode", "repair", "gate", "low", "high", "text")


class LabelForm(Struct, frozen=True):
    """A form that was sent. `label`: None takes the label back; `then`: the next sample is wanted."""

    form: str
    label: GivenLabel | None
    then: bool
    query: str


def filter_of(query: QueryParams) -> SampleFilter:
    """The filter in an address. Raises UserError."""
    end = query.get("end") or None
    if end is not None and end not in {each.value for each in EndKind}:
        raise UserError(f"end: there is no {end[:40]!r}; accepted or dead_lettered")
    return SampleFilter(
        end=None if end is None else EndKind(end),
        mode=query.get("mode") or None,
        repair=query.get("repair") or None,
        gate=query.get("gate") or None,
        low=_number(query, "low"),
        high=_number(query, "high"),
        text=query.get("text", "")[:1000],
    )


def page_of(query: QueryParams) -> int:
    """The page's number in an address, counted from 1 there and from 0 here. Raises UserError."""
    given = query.get("page") or "1"
    if not given.isascii() or not given.isdecimal() or len(given) > 9:
        raise UserError(f"page: {given[:40]!r} is not a number")
    return max(0, int(given) - 1)


def query_of(query: QueryParams, **more: object) -> str:
    """The filter of an address as the end of another one."""
    return urlencode({key: query[key] for key in _KEYS if query.get(key)} | more)


async def label_form(request: Request) -> LabelForm:
    """The form in a request's body. Raises UserError."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LONGEST_FORM:
            raise UserError("the form is too large")
    try:
        given = dict(parse_qsl(body.decode(), max_num_fields=20))
        worth = given.get("worth", "")
        flaw = FlawKind(given["flaw"]) if given.get("flaw") else None
        label = None if worth == "none" else GivenLabel(Worth(worth), flaw, given.get("gate") or None)
    except ValueError as error:
        raise UserError(f"the form holds what no label is: {error}") from error
    if label is not None and label.worth is Worth.UNKNOWN:
        raise UserError("a label is good or bad")
    return LabelForm(given.get("form", ""), label, "then" in given, given.get("query", ""))


def _number(query: QueryParams, name: str) -> float | None:
    given = query.get(name, "").strip()
    if not given:
        return None
    try:
        return float(given)
    except ValueError as error:
        raise UserError(f"{name}: {given[:40]!r} is not a number") from error
