"""The client against a real server of S3, and the lines for what users get wrong."""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deployments.cli import app
from deployments.storage import session
from deployments.storage.address import address_of, is_address
from deployments.storage.fence import check_conditions
from deployments.storage.objects import ChangedError
from deployments.storage.restore import fetch
from deployments.storage.s3 import S3
from deployments.storage.session import session as opened
from schemas.errors import OutputError, StoreAwayError, UserError
from tests.doubles.ports import free_port
from tests.doubles.s3_server import BUCKET, ENVIRONMENT, POLITE, Rudeness, RudeS3, s3_server
from tests.faults.lives import CONFIG

ADDRESS = address_of(f"s3://{BUCKET}/runs/week")


@pytest.fixture(scope="module")
def server() -> Iterator[RudeS3]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with s3_server() as running:
        yield running


@pytest.fixture
def s3(server: RudeS3, monkeypatch: pytest.MonkeyPatch) -> S3:
    for name, value in (ENVIRONMENT | {"AWS_ENDPOINT_URL": server.url}).items():
        monkeypatch.setenv(name, value)
    server.manners, server.expired = POLITE, False
    return S3(ADDRESS)


def test_objects_come_and_go_and_conditions_hold(s3: S3, tmp_path: Path) -> None:
    """All that a store must be able to do, with a file that is sent in parts."""
    assert s3.get("a") is None
    etag = s3.put_if("a", b"1", None)
    with pytest.raises(ChangedError):
        s3.put_if("a", b"2", None)
    second = s3.put_if("a", b"2", etag)
    with pytest.raises(ChangedError):
        s3.put_if("a", b"3", etag)
    found = s3.get("a")
    assert found is not None
    assert (found.content, found.etag) == (b"2", second)
    s3.delete("a")
    s3.delete("a")
    with pytest.raises(ChangedError):
        s3.put_if("a", b"3", second)
    large = tmp_path / "large"
    large.write_bytes(bytes(range(256)) * (12 << 12))
    s3.put("deep/large", large)
    found = s3.get("deep/large")
    assert found is not None
    assert found.content == large.read_bytes()
    check_conditions(s3, str(ADDRESS), "t")


def test_a_rude_server_is_asked_again(s3: S3, server: RudeS3) -> None:
    """A tenth of the requests fails in each way: the client's own two retries do for the most, and what is left is
    told as a store that is away."""
    server.manners = Rudeness(refused=0.1, unanswered=0.1, cut=0.1)
    away = 0
    for number in range(30):
        try:
            s3.put(f"rude/{number}", b"x" * 1000)
        except StoreAwayError:
            away += 1
    assert away < 10
    assert all(server.met[each] for each in ("refused", "unanswered", "cut"))
    assert not server.met["listed"]


def test_expired_credentials_are_no_mistake_of_the_user_s(s3: S3, server: RudeS3) -> None:
    """In the middle of a week: the run goes on, and the line says why the store takes nothing."""
    server.expired = True
    with pytest.raises(StoreAwayError, match="the credentials have expired"):
        s3.put("a", b"1")


def test_what_users_get_wrong_is_one_line(s3: S3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Before anything starts: no such bucket, nothing at the address, no credentials, no run to fetch."""
    monkeypatch.setattr(session, "FIRST_S", 0.0)

    def said(bucket: str = BUCKET) -> str:
        address = address_of(f"s3://{bucket}/runs/week")
        with pytest.raises(UserError) as caught, opened(address, S3(address), tmp_path / "run", 10.0, print):
            raise AssertionError("it was opened")
        assert "secret" not in str(caught.value)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert "there is no such bucket" in said("other-bucket")
    with pytest.raises(OutputError, match="holds no run"):
        fetch(s3, str(ADDRESS), tmp_path / "fetched")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    assert "is AWS_ENDPOINT_URL right" in said()
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    assert "there are no credentials" in said()
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("gs://bucket/run", "gs:// is not supported"),
        ("s3://bucket", "is not s3://BUCKET/PREFIX"),
        ("s3://bucket/a/../b", "is not s3://BUCKET/PREFIX"),
        ("s3://Bucket/run", "is not s3://BUCKET/PREFIX"),
    ],
)
def test_other_addresses_are_refused_by_name(output: str, said: str) -> None:
    assert is_address(output)
    with pytest.raises(OutputError, match=said):
        address_of(output)


def test_a_folder_is_no_address(tmp_path: Path) -> None:
    assert not is_address(str(tmp_path))
    assert not is_address("runs/s3")
    assert str(address_of("s3://bucket/a/b/")) == "s3://bucket/a/b"


def mistake(result: Result) -> str:
    """The one line on stderr of a user's mistake."""
    assert result.exit_code == 2
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("gleaner: error: "), result.stderr
    assert "docs/storage.md" in lines[0]
    return lines[0].removeprefix("gleaner: error: ")


def test_mistakes_at_the_command_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: RudeS3, s3: S3) -> None:
    """No extra, another store, a folder with --work, an address where a folder belongs, a bucket that is not there."""
    config = tmp_path / "run.yaml"
    config.write_text(CONFIG)
    invoke = CliRunner().invoke

    def run(output: str, *more: str) -> str:
        return mistake(invoke(app, ["run", str(config), "--output", output, *more]))

    assert "az:// is not supported" in run("az://container/run")
    assert "--work: is for runs with --output s3://" in run(str(tmp_path / "run"), "--work", str(tmp_path / "work"))
    assert "there is no such bucket" in run("s3://nowhere/run", "--work", str(tmp_path / "work"))
    said = mistake(invoke(app, ["status", "s3://bucket/run"]))
    assert "`gleaner fetch s3://BUCKET/PREFIX DIR` brings a run down" in said
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    assert "pip install 'gleaner[s3]'" in run("s3://bucket/run")
    assert not (tmp_path / "work").exists()
