"""What a corpus may not bring in: files from elsewhere by links, secrets in addresses, texts as ids."""

from pathlib import Path

import pytest

from actors.corpus.reader import read
from schemas.config import Corpus
from schemas.corpus import Document, DocumentRefused, RefusalReason
from schemas.errors import CorpusError
from tests.actors.corpus.conftest import Write


@pytest.mark.parametrize("form", ["docs", "file://{base}/docs"])
def test_links_are_followed_inside_alone(write: Write, tmp_path: Path, form: str) -> None:
    """A corpus from an archive links to a private key: the link is refused and reported, unless its owner allows
    links."""
    write("secret/id_rsa.txt", "private")
    write("docs/sub/a.txt", "A.")
    links = {"key.txt": "../secret/id_rsa.txt", "all": "../secret", "absolute.txt": str(tmp_path / "secret/id_rsa.txt")}
    links |= {"again.txt": "sub/a.txt", "sub/up.txt": "../sub/a.txt", "ignored.png": "../secret/id_rsa.txt"}
    links["chain.txt"] = "key.txt"
    for name, target in links.items():
        (tmp_path / "docs" / name).symlink_to(target)
    path = form.format(base=tmp_path)
    found = list(read(Corpus(paths=(path,)), tmp_path))
    assert {item.text for item in found if isinstance(item, Document)} == {"A."}
    assert {item.uri.rsplit("/", 1)[1] for item in found if isinstance(item, Document)} == {
        "a.txt",
        "again.txt",
        "up.txt",
    }
    refused = [item for item in found if isinstance(item, DocumentRefused)]
    assert {item.uri.rsplit("/", 1)[1] for item in refused} == {"key.txt", "all", "absolute.txt", "chain.txt"}
    assert {item.reason for item in refused} == {RefusalReason.LEADS_OUT}
    anywhere = list(read(Corpus(paths=(path,), links="anywhere"), tmp_path))
    assert sum(isinstance(item, Document) and item.text == "private" for item in anywhere) == 4


def test_what_the_configuration_names_is_followed(write: Write, tmp_path: Path) -> None:
    """The user's own path may be a link: to a folder on another disk, to a file of a cache."""
    write("disk/docs/a.txt", "A.")
    (tmp_path / "docs").symlink_to("disk/docs")
    (tmp_path / "b.txt").symlink_to("disk/docs/a.txt")
    found = [item for item in read(Corpus(paths=("docs", "b.txt")), tmp_path) if isinstance(item, Document)]
    assert [item.uri for item in found] == ["docs/a.txt", "b.txt"]


def test_a_neighbour_with_a_longer_name_is_outside(write: Write, tmp_path: Path) -> None:
    """`docs-private` begins like `docs` and is another folder."""
    write("docs-private/a.txt", "private")
    write("docs/b.txt", "B.")
    (tmp_path / "docs/a.txt").symlink_to("../docs-private/a.txt")
    refused, document = read(Corpus(paths=("docs",)), tmp_path)
    assert (type(refused), type(document)) == (DocumentRefused, Document)


@pytest.mark.parametrize(
    "query",
    [
        "X-Amz-Algorithm=AWS4&X-Amz-Signature=5ec2e7",
        "x-amz-security-token=5ec2e7",
        "AWSAccessKeyId=5ec2e7&Expires=1",
        "X-Goog-Signature=5ec2e7",
        "se=2027&sig=5ec2e7",
        "access_token=5ec2e7",
        "a=1&api_key=5ec2e7",
        "auth=5ec2e7",
        "PASSWORD=5ec2e7",
    ],
)
def test_an_address_with_a_secret_is_refused(query: str) -> None:
    """A presigned URL would stand in every row of the dataset: refused at once, in one line that does not repeat it."""
    with pytest.raises(CorpusError, match=r"^corpus\.paths: https://host/a\.jsonl\?…: [^\n]+$") as raised:
        read(Corpus(paths=(f"https://host/a.jsonl?{query}",)), Path("/"))
    assert "5ec2e7" not in str(raised.value)


def test_other_queries_are_no_secret() -> None:
    """A plain download link is opened (and its target does not exist)."""
    for query in ("download=true", "revision=main&design=1", "name=monkey"):
        with pytest.raises(CorpusError, match=r"does not exist|cannot be opened"):
            read(Corpus(paths=(f"memory://host/a.jsonl?{query}",)), Path("/"))


def test_an_id_is_short(write: Write, tmp_path: Path) -> None:
    """An id is written with each record of an order's life: one of a megabyte would make a ledger of gigabytes."""
    write("a.jsonl", [{"text": "x", "id": "y" * 1024}, {"text": "x", "id": "é" * 513}, {"text": "x", "id": 10**1100}])
    first, second, third = read(Corpus(paths=("a.jsonl",)), tmp_path)
    assert isinstance(first, Document)
    for item, size in ((second, "1,026"), (third, "1,101")):
        assert isinstance(item, DocumentRefused)
        assert item.reason is RefusalReason.BAD_RECORD
        assert f"has {size} bytes or more; an id has at most 1,024" in item.detail
