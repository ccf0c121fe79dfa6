"""Rules for `publish` beyond types: splits that are none."""

from collections.abc import Iterator

from actors.exports.splits import TRAIN, is_split_name
from deployments.config.faults import below
from schemas.config_publish import Publish


def broken_publish(publish: Publish | None) -> Iterator[str]:
    """Every fault, as `path: what is wrong`."""
    if publish is None:
        return
    for name in publish.splits:
        if not is_split_name(name):
            yield f"{below('publish.splits', name)}: is no name of a split beside {TRAIN}, such as test"
    if sum(publish.splits.values()) >= 1:
        yield f"publish.splits: the shares leave nothing for {TRAIN}"
