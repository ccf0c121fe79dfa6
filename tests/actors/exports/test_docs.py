"""docs/exports.md names what there is: every format's columns in their words, every reason for having no row."""

from pathlib import Path

import pytest

from actors.exports.columns import ID, PLACE
from actors.exports.formats import FORMATS
from schemas.exports import ExportFormat, Form, LeftOut

PAGE = (Path(__file__).parents[3] / "docs" / "exports.md").read_text()
LINEAGE = {ID.name, *(column.name for column in PLACE), "origin", "chosen_origin", "rejected_origin", "credit"}


@pytest.mark.parametrize("format", ExportFormat)
def test_every_column_is_documented(format: ExportFormat) -> None:
    """In its format's own section, as the cards say it, with an example row."""
    (section,) = [part for part in PAGE.split("\n##") if part.startswith(f"# `{format.value}`\n")]
    for column in FORMATS[format].columns(Form.MESSAGES):
        if column.name not in LINEAGE:
            assert f"| `{column.name}` | {column.holds} |" in section
            assert f'"{column.name}": ' in section
    assert all(f"`{name}`" in PAGE for name in LINEAGE - {"chosen_origin", "rejected_origin", "origin"})


def test_every_reason_is_documented() -> None:
    """What a count in export.json means can be looked up."""
    assert [why.value for why in LeftOut if f"`{why.value}`" not in PAGE] == []
