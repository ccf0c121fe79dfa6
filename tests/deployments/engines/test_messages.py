"""A chat without the role `system` says the same, in the same order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.engines.messages import BETWEEN, merge_system
from schemas.samples import Message

ROLES = {"s": "system", "u": "user", "a": "assistant"}


def chat(*turns: str) -> tuple[Message, ...]:
    """`s:text`, `u:text`, `a:text`."""
    return tuple(Message(ROLES[turn[0]], turn[2:]) for turn in turns)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (("s:Be brief.", "u:Who?"), ("u:Be brief.\n\nWho?",)),
        (("u:Who?",), ("u:Who?",)),
        (("s:Be brief.", "s:Be kind.", "u:Who?", "a:Me"), ("u:Be brief.\n\nBe kind.\n\nWho?", "a:Me")),
        (("s:Be brief.", "a:It was"), ("u:Be brief.", "a:It was")),
        (("u:Who?", "a:Me", "s:Be kind.", "u:Why?"), ("u:Who?", "a:Me", "u:Be kind.\n\nWhy?")),
        (("u:Who?", "s:Be kind."), ("u:Who?\n\nBe kind.",)),
        (("u:Who?", "u:Why?"), ("u:Who?", "u:Why?")),
        ((), ()),
    ],
)
def test_a_system_message_joins_the_users_turn_beside_it(before: tuple[str, ...], after: tuple[str, ...]) -> None:
    """Gemma's template raises on the role `system`: its text goes to the user's turn."""
    assert merge_system(chat(*before)) == chat(*after)


TURNS = st.builds(lambda role, text: f"{role}:{text}", st.sampled_from("sua"), st.text("abc", max_size=4))


@given(st.lists(TURNS))
def test_no_text_is_lost(turns: list[str]) -> None:
    """Whatever the order of the turns, their texts stand in the same order, and no system message is left."""
    merged = merge_system(chat(*turns))
    assert all(message.role != "system" for message in merged)
    assert "".join(message.content for message in merged).replace(BETWEEN, "") == "".join(turn[2:] for turn in turns)
