"""What a key `model` names: a folder, or a model of the hub at a revision."""

import pytest

from schemas.config_engines import ModelSource


@pytest.mark.parametrize(
    ("model", "source"),
    [
        ("Qwen/Qwen3-8B", ModelSource("Qwen/Qwen3-8B")),
        ("Qwen/Qwen3-8B@main", ModelSource("Qwen/Qwen3-8B", "main")),
        ("org/name@refs/pr/3", ModelSource("org/name", "refs/pr/3")),
        ("gpt2@607a30d", ModelSource("gpt2", "607a30d")),
        ("/models/a@b", ModelSource("/models/a@b")),
        ("./a@b", ModelSource("./a@b")),
        ("~/a@b", ModelSource("~/a@b")),
        ("s3://bucket/a@b", ModelSource("s3://bucket/a@b")),
        ("org/name@", ModelSource("org/name@")),
    ],
)
def test_a_revision_stands_behind_the_name(model: str, source: ModelSource) -> None:
    """So a sample's lineage, which holds what the key says, names the very weights; a folder may be called anything."""
    assert ModelSource.of(model) == source
