"""What is answered to each address. A browser without scripts is shown the same at each load as one that is told of
changes. Law: nothing is ever written but a label; what cannot be answered is said in one line."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from actors.ledger.folder import Ledgers
from actors.ledger.history import Life, life_of
from deployments.page.access import Access, Door
from deployments.page.asked import filter_of, label_form, page_of, query_of
from deployments.page.feed import Feed
from deployments.page.index import PAGE
from deployments.page.labels import NAME as LABELS_NAME
from deployments.page.labels import content_of, labels_of, row_of, set_label
from deployments.page.lives import Pair, life_told, pair_of
from deployments.page.render import HERE, rendered
from deployments.terminal.comparing import CountedRun, compared
from deployments.terminal.reading import find_order
from schemas.errors import LedgerError, UserError
from schemas.flaws import FlawKind
from schemas.ids import OrderId
from schemas.verdicts import ALWAYS_ASKED

Answer = Callable[[Request], Awaitable[Response]]
SIBLINGS = 12
STATIC = {"page.css": "text/css", "page.js": "text/javascript"}


class Site:
    """The page of the feed's run."""

    def __init__(self, feed: Feed, access: Access) -> None:
        self._feed = feed
        self._run = feed.run
        self._access = access

    def app(self) -> ASGIApp:
        """The whole application, behind its door."""
        routes = [
            Route("/", self._page(self._overview)),
            Route("/samples", self._page(self._samples)),
            Route("/samples/{order_id}", self._page(self._life)),
            Route("/samples/{order_id}/label", self._page(self._label), methods=["POST"]),
            Route("/labels", self._page(self._labels)),
            Route(f"/{LABELS_NAME}", self._page(self._labels_file)),
            Route("/compare", self._page(self._compare)),
            Route("/events", self._page(self._events)),
            Route("/static/{name}", self._page(self._static)),
        ]
        return Door(Starlette(routes=routes), self._access)

    def _page(self, answer: Answer) -> Answer:
        """The answer, or in one line why there is none."""

        async def answered(request: Request) -> Response:
            try:
                return await answer(request)
            except (UserError, LedgerError) as error:
                return self._html("fault", tab="", status=404, why=" ".join(str(error).split()))

        return answered

    def _html(self, template: str, *, tab: str, status: int = 200, **values: Any) -> Response:
        run = self._run
        page = rendered(
            template,
            tab=tab,
            name=run.folder.resolve().name if run.config is None else run.config.name,
            folder=str(run.folder),
            has_other=self._feed.beside is not None,
            **values,
        )
        return Response(page.encode("utf-8", errors="replace"), status, media_type="text/html; charset=utf-8")

    async def _overview(self, request: Request) -> Response:
        return self._html("overview", tab="overview", **self._feed.now())

    async def _samples(self, request: Request) -> Response:
        index, query = self._run.index, request.query_params
        wanted, page = filter_of(query), page_of(query)
        found = index.found(wanted, page)
        return self._html(
            "samples",
            tab="samples",
            wanted=wanted,
            found=found,
            page=min(page, max(0, found.total - 1) // PAGE),
            pages=max(1, -(-found.total // PAGE)),
            query=query_of(query),
            choices={column: index.values(column) for column in ("mode", "repair", "gate")},
            labels=labels_of(self._run.folder),
            reading=self._run.reading,
            ended=index.counted,
        )

    async def _life(self, request: Request) -> Response:
        run, query = self._run, request.query_params
        life = self._life_of(request.path_params["order_id"])
        near = [each for each in run.index.of_passage(life.passage.id, SIBLINGS) if each.order_id != life.order.id]
        return self._html(
            "life",
            tab="samples",
            life=life_told(life),
            label=labels_of(run.folder).get(str(life.order.id)),
            pair=self._pair(life, [each.order_id for each in near]),
            near=near,
            next=run.index.next_of(life.order.id, filter_of(query)),
            query=query_of(query),
            then=bool(query.get("then")),
            form=self._access.form,
            flaws=[flaw.value for flaw in FlawKind],
            gates=[row.gate for row in run.summary.verdicts if row.gate not in ALWAYS_ASKED],
            can_label=life.draft is not None and life.probed is None,
        )

    def _life_of(self, prefix: str) -> Life:
        with Ledgers(self._run.folder) as ledgers, ledgers.frozen():
            order_id = find_order(ledgers, prefix, self._run.folder)
            return life_of(order_id, ledgers.story(order_id))

    def _pair(self, life: Life, near: list[OrderId]) -> Pair | None:
        pair = pair_of(life, ())
        return pair or pair_of(life, [self._life_of(order_id) for order_id in near])

    async def _label(self, request: Request) -> Response:
        given = await label_form(request)
        if not self._access.is_form(given.form):
            raise UserError("the form is of a page that has ended; load this one anew")
        life, folder = self._life_of(request.path_params["order_id"]), self._run.folder
        order_id = life.order.id
        row = None if given.label is None else row_of(life, given.label, at=time.time())
        set_label(folder, str(order_id), row)
        query = QueryParams(given.query)
        next_id = self._run.index.next_of(order_id, filter_of(query)) if given.then else None
        more = {"then": 1} if given.then else {}
        return RedirectResponse(f"/samples/{next_id or order_id}?{query_of(query, **more)}#label", status_code=303)

    async def _labels(self, request: Request) -> Response:
        path = self._run.folder / LABELS_NAME
        return self._html("labels", tab="labels", labels=labels_of(self._run.folder), path=str(path))

    async def _labels_file(self, request: Request) -> Response:
        headers = {"content-disposition": f'attachment; filename="{LABELS_NAME}"'}
        return Response(content_of(self._run.folder), media_type="application/jsonl", headers=headers)

    async def _compare(self, request: Request) -> Response:
        run, beside = self._run, self._feed.beside
        if beside is None:
            raise UserError("give a second folder to compare with: `gleaner page DIR --beside OTHER`")
        left, right = (CountedRun(each.folder, each.summary, each.config, each.bill) for each in (run, beside))
        whole = run.reading.is_whole and beside.reading.is_whole
        return self._html("compare", tab="compare", found=compared(left, right), whole=whole, why=beside.fault)

    async def _static(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in STATIC:
            raise UserError(f"{name[:80]}: there is no such file")
        return FileResponse(HERE / name, media_type=STATIC[name])

    async def _events(self, request: Request) -> Response:
        if self._feed.is_full:
            return Response("too many browsers watch this page\n", 503)
        return StreamingResponse(self._feed.stream(), media_type="text/event-stream")
