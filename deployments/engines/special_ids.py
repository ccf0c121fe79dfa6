"""The ids that pad batches and that end a turn, chosen from a tokenizer, `config.json` and `generation_config.json`.
Law: the model and its inputs use the same id; an id without a row in the model does not count.

Padding: the model's own pad id, by which it finds a text's last token. Without one: the tokenizer's pad, end or first
token, which is then set in the model too. Ends: every token that any of the three names, if texts cannot spell it. So a
default that was never changed (`eos_token_id: 2`, an ordinary word) ends no turn.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from schemas.errors import ModelError


def agree_on_padding(model: Any, tokenizer: Any, *, name: str, after: Sequence[int] = ()) -> int:
    """The id that pads batches; it is also set in the model. `after`: the tokens after every text.

    Raises ModelError when there is none.
    """
    config, rows = model.config.get_text_config(), model.get_input_embeddings().num_embeddings
    own = getattr(config, "pad_token_id", None)
    if own is None or not 0 <= own < rows:
        spare = (tokenizer.pad_token_id, tokenizer.eos_token_id, tokenizer.bos_token_id)
        fitting = [one for one in spare if one is not None and 0 <= one < rows and one not in after]
        if not fitting:
            raise ModelError(
                f"{name}: neither config.json nor its tokenizer names a token to fill batches up with: "
                "set pad_token_id in its config.json"
            )
        own = fitting[0]
    for each in (model.config, config):
        each.pad_token_id = own
    return own


def turn_ends(tokenizer: Any, *named: int | Sequence[int] | None, rows: int | None, name: str) -> frozenset[int]:
    """Ids that end a turn, from those `named` by the model's files and the tokenizer's own.

    Raises ModelError when there is none: every completion would run to its limit.
    """
    markup = {*tokenizer.get_added_vocab().values(), *tokenizer.all_special_ids}
    ids = [one for each in (*named, tokenizer.eos_token_id) for one in _several(each)]
    ends = frozenset(one for one in ids if one in markup and (rows is None or one < rows))
    if not ends:
        raise ModelError(
            f"{name}: no token ends a turn: set eos_token_id in its generation_config.json, or eos_token in its "
            "tokenizer_config.json"
        )
    return ends


def _several(named: int | Sequence[int] | None) -> Iterable[int]:
    if named is None:
        return ()
    return (named,) if isinstance(named, int) else named
