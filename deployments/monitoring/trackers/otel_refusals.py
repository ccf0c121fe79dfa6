"""Why an exporter of OpenTelemetry did not deliver: it gives no reason, and logs one."""

import logging
from typing import Self

EXPORTERS = "opentelemetry"
"""The logger that all of them are below."""


class HeardRefusals(logging.Handler):
    """Inside the block, hears what exporters log."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._heard: list[str] = []

    def __enter__(self) -> Self:
        logging.getLogger(EXPORTERS).addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger(EXPORTERS).removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps the first lines: the reason comes before the giving up."""
        if len(self._heard) < 3:
            self._heard.append(record.getMessage())

    @property
    def words(self) -> str:
        """Why it failed, in the exporter's own words."""
        return self._heard[0] if self._heard else "the exporter failed and did not say why"
