"""SignedEngine: an InstantEngine whose answers say which model made them, so that lineage can be held against text."""

from msgspec import convert

from tests.doubles.engines import InstantEngine, InstantOptions

MARK = " Signed: "


class SignedEngine(InstantEngine):
    """Every text that can be read ends in the model's name."""

    def __init__(self, model: str, options: InstantOptions) -> None:
        super().__init__(options)
        self._model = model

    def _text(self, key: str) -> str:
        return f"{super()._text(key)}{MARK}{self._model}"


def signed(model: str, **options: str | float | bool) -> SignedEngine:
    """Factory for a configuration's `engine: {kind: custom, factory: "tests.doubles.signed:signed"}`."""
    return SignedEngine(model, convert(options, InstantOptions, strict=False))


def signature(text: str) -> str:
    """Which model made the text. Raises ValueError for one that none of them made."""
    _, mark, model = text.rpartition(MARK)
    if not mark:
        raise ValueError(f"nobody has signed {text!r}")
    return model
