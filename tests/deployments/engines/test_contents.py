"""No text gives a token that was added to a vocabulary: of every kind of tokenizer, and whatever the text spells."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast, PythonBackend

from deployments.engines.contents import ContentTokenizer
from schemas.errors import EngineError, ErrorKind, ModelError
from tests.doubles import tiny_models

ADDED = ("<think>", "</think>", "<tool_response>", "<a<", "a<b>")
"""Qwen's and others': added, but not called special; the last two overlap."""
TEXTS = st.lists(st.sampled_from((*ADDED, *tiny_models.SPECIAL, "  ", "a")) | st.text(max_size=4)).map("".join)


def bytes_with_added(*added: str) -> PreTrainedTokenizerFast:
    made = tiny_models.tokenizer()
    made.add_tokens([*added])
    return made


def unigram() -> PreTrainedTokenizerFast:
    """T5's and XLM-R's kind: `</s>` is a piece of the vocabulary itself, and full-width characters become plain."""
    pieces = [("<unk>", 0.0), ("<s>", 0.0), ("</s>", 0.0), *((each, -3.0) for each in "▁</s>a")]
    core = Tokenizer(models.Unigram(pieces, unk_id=0))
    core.normalizer = normalizers.NFKC()  # pyright: ignore[reportAttributeAccessIssue]
    core.pre_tokenizer = pre_tokenizers.Metaspace()  # pyright: ignore[reportAttributeAccessIssue]
    core.decoder = decoders.Metaspace()  # pyright: ignore[reportAttributeAccessIssue]
    core.post_processor = processors.TemplateProcessing(  # pyright: ignore[reportAttributeAccessIssue]
        single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    core.enable_truncation(4)
    return PreTrainedTokenizerFast(tokenizer_object=core, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


class Slow(PythonBackend):
    """A tokenizer in Python: a token a character."""

    def __init__(self, **options: object) -> None:
        self._known = {"<unk>": 0, **{chr(code): code for code in range(1, 128)}}
        super().__init__(unk_token="<unk>", **options)  # type: ignore[arg-type]

    @property
    def vocab_size(self) -> int:
        return 128

    def get_vocab(self) -> dict[str, int]:
        return self._known | self.added_tokens_encoder

    def _tokenize(self, text: str, **options: object) -> list[str]:
        return list(text)

    def _convert_token_to_id(self, token: str) -> int:
        return self._known.get(token, 0)

    def _convert_id_to_token(self, index: int) -> str:
        return chr(index)


WITH_ADDED = bytes_with_added(*ADDED)
CONTENTS = ContentTokenizer(WITH_ADDED, "tiny")


@given(TEXTS)
def test_added_tokens_are_characters(text: str) -> None:
    """A passage about chat models spells their markup; a model that thinks must not see its thoughts end there."""
    ids = CONTENTS.text(text)
    assert not set(ids) & set(WITH_ADDED.get_added_vocab().values())
    assert WITH_ADDED.decode(ids) == text


def test_a_tokenizer_of_pieces() -> None:
    """The same where the vocabulary itself holds markup, spelled plainly or in full width; nothing is cut short."""
    contents, made = ContentTokenizer(unigram(), "tiny"), unigram()
    for text in ("a</s>a", "＜/s＞", "</s>" * 3, "<s>aa</s>"):
        ids = contents.single(text)
        assert (ids[0], ids[-1]) == (1, 2)
        assert not {1, 2} & set(ids[1:-1])
        assert str(made.decode(ids[1:-1])).replace(" ", "") == text.replace("＜", "<").replace("＞", ">")


def test_a_tokenizer_written_in_python() -> None:
    """It says of no token where it stood; markup is broken all the same."""
    made = Slow()
    made.add_tokens(["<think>", "</think>"])
    contents = ContentTokenizer(made, "tiny")
    assert contents.text("so <think>a</think>.") == [ord(each) for each in "so <think>a</think>."]


def test_white_space_that_was_added_is_kept() -> None:
    """GPT-NeoX has tokens for runs of spaces, Gemma for line ends: they are how code was read in training."""
    made = bytes_with_added("    ", "<think>")
    assert made.get_added_vocab()["    "] in ContentTokenizer(made, "tiny").text("a    b")


def test_a_model_that_is_padded_with_a_character() -> None:
    """Some are, with `!`: it stays the character that it is, and no order dies of it."""
    made = tiny_models.tokenizer()
    made.pad_token = "!"
    assert ContentTokenizer(made, "tiny").text("Hi!") == tiny_models.tokenizer().encode("Hi!")


def test_a_character_that_is_read_as_markup() -> None:
    """A normaliser makes it so; it cannot be broken up: that order's own error, with the character."""
    made = PreTrainedTokenizerFast(tokenizer_object=with_piece("TEL"), pad_token="TEL", unk_token="<unk>")
    with pytest.raises(EngineError, match="'℡', one of the model's own tokens") as raised:
        ContentTokenizer(made, "tiny").text("a℡")
    assert raised.value.kind is ErrorKind.PERMANENT


def with_piece(piece: str) -> Tokenizer:
    core = Tokenizer(models.Unigram([("<unk>", 0.0), (piece, 0.0), ("a", -3.0)], unk_id=0))
    core.normalizer = normalizers.NFKC()  # pyright: ignore[reportAttributeAccessIssue]
    return core


def test_a_long_text_is_cut_inside_what_stands_around_it() -> None:
    """Models that read the last token read their own end there, however long the text."""
    contents = ContentTokenizer(unigram(), "tiny")
    ids = contents.single("a" * 20, longest=6)
    assert len(ids) == 6
    assert (ids[0], ids[-1]) == (1, 2)


def test_what_stands_around_a_text_must_be_the_models() -> None:
    """A classifier with another model's tokenizer."""
    contents = ContentTokenizer(unigram(), "tiny")
    contents.check_single(3)
    with pytest.raises(ModelError, match="tiny: its tokenizer puts token 2 around a text; the model has 2"):
        contents.check_single(2)
