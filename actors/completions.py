"""What chat models put around what they were asked for: a thinking block before it, a code fence around it.

Law: nothing inside the asked text is touched; every function takes any text and never raises.
"""

import re

_THINKING = re.compile(r"\s*<think>(.*?)(</think>|\Z)", re.DOTALL | re.IGNORECASE)
_CODE_FENCE = re.compile(r"\s*```[\w-]*[ \t]*\n(.*?)\n?[ \t]*```\s*\Z", re.DOTALL)


def without_thinking(text: str) -> str | None:
    """The text after a thinking block that it begins with. None: the thinking never ended."""
    found = _THINKING.match(text)
    if found is None:
        return text
    return text[found.end() :] if found[2] else None


def without_code_fence(text: str) -> str:
    """The inside of a code fence that holds the whole text; any other text as it is."""
    found = _CODE_FENCE.match(text)
    return found[1] if found else text
