"""Who sees the page and who changes something: a page on loopback, one on a network, and those who try to get in."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from actors.ledger.sqlite import SqliteLedger
from deployments.cli import app
from deployments.page.access import Access
from deployments.page.labels import NAME
from deployments.page.serve import ListenAt, bound, is_loopback
from schemas.errors import UserError
from tests.deployments.page.asking import HOST, OPEN, Reply, ask, page_of
from tests.doubles.ledgers import Scale, plausible_run

TOKEN = "t" * 43
GUARDED = Access(TOKEN, OPEN.form)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    with SqliteLedger(folder) as ledger:
        ledger.append(list(plausible_run(4, Scale(passages=5))))
    return folder


@pytest.mark.parametrize(
    ("host", "status"),
    [
        (HOST, 200),
        ("localhost:8000", 200),
        ("[::1]:9465", 200),
        ("evil.example", 403),
        ("127.0.0.1.evil.example:9465", 403),
        ("[", 403),
        ("", 403),
    ],
)
async def test_on_loopback_the_name_must_be_loopbacks(folder: Path, host: str, status: int) -> None:
    """A site points its own name at 127.0.0.1 to have a browser read the page for it (DNS rebinding)."""
    reply = await ask(page_of(folder), "/", headers={"host": host})
    assert reply.status == status


async def test_with_a_token_nothing_is_shown_without_it(folder: Path) -> None:
    """Every address, also the style and the stream of events, and also with a token that is nearly right."""
    app = page_of(folder, access=GUARDED)
    for address in (
        "/",
        "/samples",
        "/labels.jsonl",
        "/static/page.css",
        "/events",
        "/nowhere",
        "/?token=" + TOKEN[1:],
    ):
        reply = await ask(app, address)
        assert reply.status == 403 and "token" in reply.text and len(reply.text) < 200
    for wrong in ("gleaner_page=" + "u" * 43, "gleaner_page=", "=;,", f"other={TOKEN}"):
        assert (await ask(app, "/", headers={"cookie": wrong})).status == 403
    assert (await ask(app, "/", headers={"authorization": f"Basic {TOKEN}"})).status == 403


async def test_the_printed_address_lets_in_and_leaves_no_token_behind(folder: Path) -> None:
    """The token moves from the address into a cookie that no script and no other site can use."""
    app = page_of(folder, access=GUARDED)
    reply = await ask(app, f"/?token={TOKEN}", headers={"host": "gpu7:9465"})
    cookie = reply.headers["set-cookie"]
    assert reply.status == 303 and reply.headers["location"] == "/"
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie
    for shown in ({"cookie": cookie.split(";")[0]}, {"authorization": f"Bearer {TOKEN}"}):
        reply = await ask(app, "/", headers={"host": "gpu7:9465", **shown})
        assert reply.status == 200 and TOKEN not in reply.text


async def labelled(folder: Path, **headers: str) -> Reply:
    order_id = next(line for line in (await ask(page_of(folder), "/samples")).text.split('"') if "/samples/" in line)
    return await ask(page_of(folder), f"{order_id}/label", headers=headers, form={"form": OPEN.form, "worth": "good"})


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
async def test_another_site_labels_nothing(folder: Path, headers: dict[str, str]) -> None:
    """A page that the user has open elsewhere sends our form: it is refused, and nothing is written."""
    assert (await labelled(folder, **headers)).status == 403
    assert not (folder / NAME).exists()


async def test_a_form_without_its_secret_labels_nothing(folder: Path) -> None:
    """A browser that says nothing of where a form came from is not believed either."""
    reply = await ask(page_of(folder), "/samples/0/label", form={"worth": "good", "form": "x"})
    assert reply.status == 404 and "load this one anew" in reply.text
    assert not (folder / NAME).exists()


async def test_every_answer_forbids_what_the_page_does_not_need(folder: Path) -> None:
    """No inline script, no other site's frame, no cache: on pages, files, refusals and what there is not."""
    for address in ("/", "/static/page.js", "/nowhere", "/samples?low=x"):
        reply = await ask(page_of(folder), address)
        policy = reply.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; ") and "unsafe" not in policy
        assert reply.headers["cache-control"] == "no-store" and reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["cross-origin-resource-policy"] == "same-origin"
        assert reply.headers["referrer-policy"] == "same-origin", "with no-referrer a browser says Origin: null"


async def test_only_its_own_files_are_served(folder: Path) -> None:
    """Neither the source beside them nor a file of the run."""
    for name in ("access.py", "..%2faccess.py", "../../../ledger.sqlite", "templates/base.html.j2"):
        assert (await ask(page_of(folder), f"/static/{name}")).status == 404


def test_only_this_machines_addresses_are_loopback() -> None:
    """A name is trusted to be loopback only if it is the one that always is."""
    assert [is_loopback(host) for host in ("127.0.0.1", "127.9.9.9", "::1", "localhost")] == [True] * 4
    assert [is_loopback(host) for host in ("0.0.0.0", "::", "10.0.0.1", "127.0.0.1.evil.example", "")] == [False] * 5


def test_a_port_that_is_taken_is_said_in_one_line() -> None:
    """The port that was named is another program's; without a name any other is taken."""
    with bound(ListenAt(port=0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"--port {port}: .*name another"):
            bound(ListenAt(port=port))
    with pytest.raises(UserError, match=r"--host nowhere\.invalid"):
        bound(ListenAt(host="nowhere.invalid", port=0))


@pytest.mark.parametrize("of", [["nowhere"], [".", "--beside", "nowhere"], [".", "--host", "nowhere.invalid"]])
def test_what_cannot_be_shown_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of: list[str]) -> None:
    """A folder that there is not, an address of no machine: nothing is served."""
    monkeypatch.chdir(tmp_path)
    found = CliRunner().invoke(app, ["page", *of])
    assert (found.exit_code, found.stderr.count("\n")) == (2, 1)
    assert "nowhere" in found.stderr
