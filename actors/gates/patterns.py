"""Regular expressions for rules. Law: a search takes time in proportion to the text's length, for any pattern.

RE2 searches with automata; patterns that need more (back references, look-around) are refused.
"""

import re2

MOST_BYTES = 1 << 20
"""The most memory of a pattern's automaton."""


class BadPattern(ValueError):
    """A pattern that RE2 cannot read."""


class Pattern:
    """Searches texts. Raises BadPattern for a pattern that RE2 cannot read."""

    def __init__(self, pattern: str) -> None:
        options = re2.Options()
        options.log_errors = False  # the reader of the rule reports them
        options.max_mem = MOST_BYTES
        try:
            self._compiled = re2.compile(pattern, options)
        except re2.error as error:
            raise BadPattern(error.args[0].decode(errors="replace")) from error
        except UnicodeEncodeError as error:
            raise BadPattern(str(error)) from error

    def is_in(self, text: str) -> bool:
        """Whether the pattern matches anywhere in the text. Half a surrogate pair is read as a question mark."""
        return self._compiled.search(text.encode("utf-8", "replace").decode()) is not None
