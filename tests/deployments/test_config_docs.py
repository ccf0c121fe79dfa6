"""The page about the configuration says what the types say."""

import re

from deployments.config.docs import PAGE, page


def test_the_page_is_up_to_date() -> None:
    """A setting that changes without its page: `python -m deployments.config.docs` writes it anew."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_setting_is_explained() -> None:
    """No row ends without words, but for those whose section speaks for itself."""
    silent = re.findall(r"^\| `(\w+)` .*\|  \|$", page(), flags=re.MULTILINE)
    assert set(silent) <= {"engine", "replicas"}
