"""The `corpus:` section: where documents come from, and how they are cut into passages."""

from typing import Annotated, Literal

from msgspec import Meta, field

from schemas.config_base import Config, Factory, Natural, Options, Positive, any_resume, never, section

ColumnName = Annotated[
    str,
    Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$", title="a name of letters, digits and _ that begins with a letter"),
]


class Chunking(Config, frozen=True):
    """Passages are cut on sentence and heading boundaries, at most `max_tokens` long."""

    max_tokens: Annotated[int, never("A longer document is cut; one that fits stays whole.", ge=8, le=32_768)] = 256
    by: Annotated[
        Literal["size", "headings", "blocks", "sentences", "whole"],
        never(
            "`size`: as much as fits; `headings`: no passage crosses a heading; `blocks`: a paragraph, a list, a table "
            "or a code block each; `sentences`: a sentence each. A part that is longer than `max_tokens` is cut on. "
            "`whole`: a document is one passage, however long."
        ),
    ] = "size"
    min_characters: Annotated[Natural, never("Passages shorter than this (white space aside) are not used.")] = 1
    tokenizer: Annotated[
        str | None,
        never(
            "A tokenizer.json, a model folder or a Hugging Face name; without one, words and punctuation are counted."
        ),
    ] = None


class CorpusReader(Config, frozen=True):
    """A reader of your own for the files of one suffix (docs/corpus.md)."""

    reader: Annotated[Factory, never("Given the file and this section; it gives texts.")]
    options: Annotated[Options, never("Given to it by name. No secrets: name an environment variable.")] = field(
        default_factory=dict
    )
    in_place_of: Annotated[
        Literal["ours"] | None, never("`ours`: the suffix is of a format that is read without it, and no more.")
    ] = None


class Corpus(Config, frozen=True):
    """Where documents come from: files, folders, or anything that fsspec opens; or nowhere."""

    paths: Annotated[
        tuple[str, ...],
        never("A relative path begins at `base`. Document uris keep paths as they are written here."),
    ] = ()
    none: Annotated[
        Positive | None,
        any_resume("No documents: so many orders of a prompt that shows no passage. A larger number adds orders."),
    ] = None
    include: Annotated[
        tuple[str, ...] | None,
        any_resume(
            "Which files of a folder are read (names matched as in the shell, suffixes in either case). Without it, "
            "all whose format is known but source code: `.jsonl`, `.ndjson`, `.json`, `.parquet`, `.csv`, `.tsv`, "
            "`.txt`, `.text`, `.md`, `.markdown`, `.rst`, `.adoc`, `.org`, `.pdf`, `.html`, `.htm`, `.xhtml`, `.epub`, "
            "`.docx`, each also as `.gz`, `.bz2`, `.xz` or `.zst`. A wider pattern adds documents, as a folder that "
            "grows does."
        ),
    ] = None
    exclude: Annotated[
        tuple[str, ...] | None,
        any_resume("Which files of a folder are not read, though `include` takes them; matched in the same way."),
    ] = None
    links: Annotated[
        Literal["inside", "anywhere"],
        any_resume("Links in a folder are followed to what lies in the same folder, or anywhere."),
    ] = "inside"
    text_field: Annotated[str, never("Field (JSON) or column (Parquet, CSV) of a record that holds its text.")] = "text"
    answer_field: Annotated[
        str | None,
        never(
            "Field or column that holds a problem's reference answer (math), or its tests (code); such a record is one "
            "passage, never cut."
        ),
    ] = None
    problems: Annotated[
        Literal["code"] | None,
        never(
            "`code`: records of JSON are programming problems with hidden tests, as HumanEval or MBPP has them "
            "(docs/tasks/code.md)."
        ),
    ] = None
    columns: Annotated[
        tuple[ColumnName, ...] | None,
        never(
            "Fields or columns of a record that are read in place of a text, as one JSON object; a prompted task names "
            "them as `row.NAME`. Such a record is one passage, never cut."
        ),
    ] = None
    id_field: Annotated[str, never("Field or column that names a record; without it, its place does.")] = "id"
    max_document_bytes: Annotated[Positive, never("Longer documents, and longer records of JSON, are refused.")] = (
        16 * 1024 * 1024
    )
    encoding: Annotated[
        str,
        never("Of texts and JSON, where no byte order mark says UTF-16 or UTF-32; what cannot be decoded is refused."),
    ] = "utf-8"
    licenses: Annotated[
        dict[str, str],
        never(
            "Licence or terms of the documents below a path, as their uris begin (`.`: all), where a document states "
            "none; each row carries it."
        ),
    ] = field(default_factory=dict)
    readers: Annotated[
        dict[str, CorpusReader],
        never('Readers of your own by suffix, such as `".csv": {reader: "my_readers:rows"}` (docs/corpus.md).'),
    ] = field(default_factory=dict)
    chunking: Annotated[Chunking, section("How documents are cut into passages.")] = Chunking()
    base: Annotated[
        str | None,
        any_resume(
            "Folder that relative paths begin at; without it, the folder of the configuration's file. No part of any "
            "uri."
        ),
    ] = None

    @property
    def has_answers(self) -> bool:
        """Whether each document is a problem with a reference answer."""
        return self.answer_field is not None or self.problems is not None
