"""Messages in the form that a model or server takes."""

from collections.abc import Sequence

from schemas.samples import Message

BETWEEN = "\n\n"
"""Between the texts of two messages that become one."""


def merge_system(messages: Sequence[Message]) -> tuple[Message, ...]:
    """The same chat without the role `system`, for models that refuse it (Gemma, Mistral's first).

    A system message becomes part of the user's turn beside it, in the same order, with an empty line between the two.
    Without a user's turn beside it, it becomes one. No text is lost, and user and assistant alternate as before.
    """
    merged: list[Message] = []
    joins = False
    for message in messages:
        system = message.role == "system"
        if merged and merged[-1].role == "user" and (joins or system) and message.role != "assistant":
            merged[-1] = Message("user", merged[-1].content + BETWEEN + message.content)
        else:
            merged.append(Message("user", message.content) if system else message)
        joins = system
    return tuple(merged)
