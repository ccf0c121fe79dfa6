"""Reads the corpus of a configuration, with our readers and the user's own. Law: own readers are imported here, before
any file is read; a reader that cannot be found or used is the user's mistake."""

import inspect
from collections.abc import Iterator, Mapping
from functools import partial

from actors.corpus.files import Skipped
from actors.corpus.own import OwnReader, Reader
from actors.corpus.reader import read
from deployments.build.own_code import factory_of
from schemas.config import Corpus
from schemas.config_corpus import CorpusReader
from schemas.corpus import Document, DocumentRefused
from schemas.errors import ConfigError


def read_corpus(corpus: Corpus, skipped: Skipped | None = None) -> Iterator[Document | DocumentRefused]:
    """As `actors.corpus.reader.read`. Raises ConfigError for a reader that cannot be found or used."""
    return read(corpus, skipped=skipped, own=own_readers(corpus))


def own_readers(corpus: Corpus) -> Mapping[str, Reader]:
    """The readers that the configuration names, by suffix. Raises ConfigError."""
    return {suffix: own_reader(f"corpus.readers.{suffix}", config) for suffix, config in corpus.readers.items()}


def own_reader(where: str, config: CorpusReader) -> OwnReader:
    """The reader of `module:function`. Raises ConfigError."""
    return OwnReader(config.reader, reader_function(where, config))


def reader_function(where: str, config: CorpusReader) -> Reader:
    """The function itself, with its options. Raises ConfigError."""
    try:
        function = partial(factory_of(config.reader), **config.options)
        inspect.signature(function).bind(None, None)
    except ImportError as error:
        raise ConfigError(f"{where}: {config.reader} cannot be imported: {error}") from error
    except AttributeError as error:
        raise ConfigError(f"{where}: {config.reader} is not there: {error}") from error
    except (TypeError, ValueError) as error:
        what = f"it is given the file, the corpus section and its options ({error})"
        raise ConfigError(f"{where}: {config.reader} cannot be used: {what}") from error
    return function
