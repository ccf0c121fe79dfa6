"""What each address answers: read as a person without a mouse and without scripts reads it, and by a parser."""

from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from random import Random

import pytest

from actors.ledger.folder import Ledgers
from actors.ledger.history import Life, life_of
from actors.ledger.samples import EndKind, SampleRequest, chosen_samples
from actors.ledger.sqlite import SqliteLedger
from deployments.page.labels import NAME, labels_of
from deployments.page.lives import life_told, pair_of
from deployments.terminal.life import life_view
from deployments.terminal.screen import Screen
from schemas.flaws import FlawKind, Worth
from schemas.ledger import Record
from schemas.verdicts import Errored
from tests.deployments.page.asking import OPEN, ask, page_of
from tests.doubles.ledgers import Scale, plausible_run
from tests.doubles.replays import replayed
from tests.security.evil import BREAKOUTS, MARK, poisoned

ADDRESSES = ("/", "/samples", "/samples?text=a&end=accepted", "/labels", "/compare", "/nowhere/at/all")
RUN = replayed(list(plausible_run(6, Scale(passages=20))), Random(6), rounds=1)


def written(folder: Path, records: list[Record]) -> Path:
    with SqliteLedger(folder) as ledger:
        ledger.append(records)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("run"), RUN)


def lives(folder: Path, end: EndKind | None = None) -> list[Life]:
    with Ledgers(folder) as ledgers:
        found = chosen_samples(ledgers, SampleRequest(1000, end))
        return [life_of(each.order_id, ledgers.story(each.order_id)) for each in found]


class Read(HTMLParser):
    """Tags with their attributes, links, and the text that is read."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: Counter[str] = Counter()
        self.names: set[str] = set()
        self.links: list[str] = []
        self.said: list[str] = []
        self.controls: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.names |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action")]
        if tag in ("input", "select") and ("type", "hidden") not in attrs:
            self.controls.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.said.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.said).split())


async def read(app, address: str) -> Read:
    return Read((await ask(app, address)).text)


@pytest.mark.parametrize("evil", BREAKOUTS)
async def test_no_text_becomes_markup(tmp_path: Path, evil: str) -> None:
    """A forged ledger has tags and breakouts in every text and name: each page shows letters, and has the tags,
    attributes and links that it has for a harmless run."""
    pages = {}
    for kind, said in (("evil", evil), ("plain", "harmless")):
        run = tmp_path / kind
        run.mkdir()
        app = page_of(written(run, poisoned(said, names=True)), run)
        orders = [life.order.id for life in lives(run)]
        pages[kind] = [await read(app, address) for address in (*ADDRESSES, *(f"/samples/{each}" for each in orders))]
    for evil_page, plain in zip(pages["evil"], pages["plain"], strict=True):
        assert evil_page.tags == plain.tags
        assert evil_page.names == plain.names and not [name for name in evil_page.names if name.startswith("on")]
        assert all(link.startswith(("/", "#", "data:,")) for link in evil_page.links)
    assert sum("".join(page.said).count(evil) for page in pages["evil"]) > 100
    assert not [page for page in pages["evil"] if MARK in page.tags]


async def test_the_overview_is_whole_without_scripts(folder: Path) -> None:
    """A browser that runs no script is shown everything at the load: the bar, the tables, the newest samples."""
    page = await read(page_of(folder), "/")
    assert page.tags["svg"] >= 1 and page.tags["table"] >= 3 and page.tags["li"] >= 6
    assert "<" not in page.text and "of 60 issued" in page.text and "finished" in page.text


async def test_a_life_says_what_explain_says(folder: Path) -> None:
    """The same facts for every sample: texts, each verdict with its score, diagnosis, repair, why it was put back."""
    app = page_of(folder)
    for life in lives(folder):
        shown = (await read(app, f"/samples/{life.order.id}")).text
        for attempt in life.attempts:
            draft = attempt.candidate.draft if attempt.candidate else None
            texts = [] if draft is None else list(draft.fields.values())
            texts += [attempt.diagnosis.mode, *attempt.diagnosis.reasons] if attempt.diagnosis else []
            for said in attempt.verdicts:
                texts += [said.gate, said.detail] if isinstance(said, Errored) else [said.gate, f"{said.score:.3f}"]
                texts += [] if isinstance(said, Errored) else [claim.claim for claim in said.evidence.claims]
            missing = [text for text in texts if " ".join(text.split()) not in shown]
            assert missing == []
        assert shown.count("put back at") == len(life.put_back)
        assert life.passage.provenance.document_sha256 in shown


def test_the_words_are_the_terminals(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An attempt's directive and cost, letter by letter as `gleaner explain` prints them."""
    for life in lives(folder)[:30]:
        Screen(width=4000).print(life_view(life))
        explained = " ".join(capsys.readouterr().out.split())
        for told in life_told(life).attempts:
            assert told.directive in explained
            assert told.choice in explained


def test_the_marks_change_no_letter_of_the_passage(folder: Path) -> None:
    """Quotes and answers are marked where they are: together the pieces are the passage."""
    marked = 0
    for life in lives(folder):
        pieces = life_told(life).passage
        assert "".join(piece.text for piece in pieces) == life.passage.text
        marked += any(piece.mark for piece in pieces)
    assert marked > 30


def test_accepted_stands_beside_rejected(tmp_path: Path) -> None:
    """A recovered sample beside its own rejected draft; a dead letter beside what its passage did give."""
    found = lives(written(tmp_path, list(plausible_run(2, Scale(passages=80)))))
    recovered = [life for life in found if life.accepted_at is not None and len(life.attempts) > 1]
    for life in recovered:
        pair = pair_of(life, ())
        assert pair is not None and pair.accepted.order_id == pair.rejected.order_id == life.order.id
        assert pair.accepted.attempt.number > pair.rejected.attempt.number
    dead = [life for life in found if life.end is not None and life.attempts]
    paired = 0
    for life in dead:
        near = [each for each in found if each.passage.id == life.passage.id and each is not life]
        pair = pair_of(life, near)
        if pair is not None:
            paired += 1
            assert (pair.rejected.order_id, pair.accepted.end) == (life.order.id, "accepted")
    assert len(recovered) > 3 and paired > 0


async def test_a_label_is_given_changed_and_taken_back(folder: Path) -> None:
    """Good, then bad with a flaw and then the next sample, then none; the list and the labels' page show it."""
    app = page_of(folder)
    order_id = str(lives(folder, EndKind.ACCEPTED)[0].order.id)
    address, form = f"/samples/{order_id}/label", {"form": OPEN.form}
    first = await ask(app, address, form=form | {"worth": "good"})
    assert (first.status, first.headers["location"]) == (303, f"/samples/{order_id}?#label")
    more = {"worth": "bad", "flaw": "parametric", "gate": "faithfulness", "then": "1", "query": "end=accepted"}
    second = await ask(app, address, form=form | more)
    assert second.headers["location"].endswith("?end=accepted&then=1#label")
    assert order_id not in second.headers["location"]
    label = labels_of(folder)[order_id]
    assert (label.worth, label.flaw, label.gate) == (Worth.BAD, FlawKind.PARAMETRIC, "faithfulness")
    assert "labelled bad: parametric" in (await read(app, f"/samples/{order_id}")).text
    assert "1 sample is labelled: 0 good, 1 bad" in (await read(app, "/labels")).text
    assert (await ask(app, f"/{NAME}")).text.count("\n") == 1
    await ask(app, address, form=form | {"worth": "none"})
    assert labels_of(folder) == {}


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("/samples/zzzz", "no order in"),
        ("/samples?end=maybe", "end: there is no 'maybe'"),
        ("/samples?low=high", "low: 'high' is not a number"),
        ("/samples?page=-1", "page: '-1' is not a number"),
        ("/compare", "--beside OTHER"),
    ],
)
async def test_what_there_is_not_is_said(folder: Path, address: str, why: str) -> None:
    """An old link, a typed filter: one line, and a way back."""
    reply = await ask(page_of(folder), address)
    assert reply.status == 404 and why in Read(reply.text).text and 'href="/"' in reply.text


async def test_a_form_is_bounded(folder: Path) -> None:
    """A body of a megabyte is not read to its end."""
    order_id = str(lives(folder)[0].order.id)
    reply = await ask(page_of(folder), f"/samples/{order_id}/label", form={"form": "x" * (1 << 20)})
    assert "the form is too large" in reply.text


async def test_every_control_has_a_name_and_every_page_a_heading(folder: Path) -> None:
    """A screen reader says what each field is for, and where one is."""
    app = page_of(folder, folder)
    for address in (*ADDRESSES[:-1], f"/samples/{lives(folder)[0].order.id}"):
        page = await read(app, address)
        reply = (await ask(app, address)).text
        assert page.tags["h1"] == page.tags["main"] == 1 and page.tags["nav"] >= 1
        assert 'class="skip" href="#main"' in reply and '<html lang="en">' in reply
        for tag, attributes in page.controls:
            inside = attributes.get("type") == "checkbox"
            assert inside or f'<label for="{attributes["id"]}"' in reply, (tag, attributes)


async def test_both_runs_are_compared(folder: Path, tmp_path: Path) -> None:
    """The same figures as `gleaner compare`, and what is not known is said."""
    other = written(tmp_path, list(plausible_run(8, Scale(passages=10))))
    page = (await read(page_of(folder, other), "/compare")).text
    assert "Two runs side by side" in page and str(other) in page
    assert "issued 60 30" in page and "what was configured is not known" in page
