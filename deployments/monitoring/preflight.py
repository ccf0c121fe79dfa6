"""Advice from a run's first completions and verdicts, logged once.

Law: advice that was known when this process began was logged by an earlier process. Each role gets advice once, even if
more is seen of it later.
"""

import logging

from actors.counts.advice import advice_of
from schemas.firsts import Advice
from schemas.progress import Summary

log = logging.getLogger("gleaner.run")


class FirstLook:
    """Follows a run's summary and logs each advice."""

    def __init__(self) -> None:
        self._known: set[str] | None = None
        self._said: tuple[Advice, ...] = ()

    def said(self, summary: Summary | None) -> tuple[Advice, ...]:
        """All advice that this process has logged so far."""
        if summary is None:
            return ()
        found = advice_of(summary)
        if self._known is None:
            self._known = {advice.role for advice in found}
        for advice in found:
            if advice.role not in self._known:
                self._known.add(advice.role)
                self._said += (advice,)
                log.warning("the first calls: %s", advice.words, extra={"of": advice.role})
        return self._said
