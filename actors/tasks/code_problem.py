"""Functions for given problems: how one is asked for, read, and shown to a student.

Law: the problem's tests are in no prompt, no draft and no chat. They are the passage's reference, which gates alone
read.
"""

from collections.abc import Sequence

from actors.tasks.code import ANSWER, LONGEST, QUESTION, code_blocks, shown_code, tests_it
from actors.tasks.code_reading import write_code
from actors.tasks.field_reading import checked_field
from actors.tasks.one_call import OneCall, asked_with
from actors.tasks.prompts import neutralise
from actors.tasks.reading import said_in
from schemas.config_tasks import Code
from schemas.orders import Lease
from schemas.recovery import Repairs
from schemas.samples import Draft, FinishReason, Malformed, MalformedReason, Message, Prompt, Texts

SYSTEM = (
    "Write the Python function that the problem asks for, with the standard library alone. Reply with one block of "
    "code that holds the whole function, with its imports."
)
EDIT_CODE = "This function is wrong:\n{code}\nWrite it again."
SHORTER = "Write the function alone: the last reply did not end."


class CodeProblemTask(OneCall):
    """The `Task` of problems with hidden tests."""

    repairs = (Repairs.EDIT_CODE, Repairs.LOWER_TEMPERATURE)
    form_repairs = (Repairs.ANSWER_SHORTER, Repairs.RESTATE_FORM)

    def __init__(self, config: Code) -> None:
        self._config = config

    def prompt(self, lease: Lease) -> Prompt:
        """The problem; behind it the function that is to be written again."""
        problem, repair = neutralise(lease.passage.text), lease.repair
        if repair is not None and repair.kind == Repairs.EDIT_CODE and repair.previous is not None:
            problem = f"{problem}\n\n{EDIT_CODE.format(code=shown_code(repair.previous.answer))}"
        if repair is not None and repair.kind == Repairs.ANSWER_SHORTER:
            problem = f"{problem}\n\n{SHORTER}"
        return asked_with(SYSTEM, problem, self._config.sampling, lease)

    def read(self, lease: Lease, text: str, finish: FinishReason) -> Draft | Malformed:
        """The problem with the function, or why the text holds none. A block that imports the function is left out.
        Never raises, whatever the text."""
        problem = lease.passage.text
        said = said_in(text, finish, passage=problem)
        if isinstance(said, Malformed):
            return said
        blocks = code_blocks(said, finish)
        if isinstance(blocks, Malformed):
            return blocks
        functions = [block for block in blocks if not tests_it(block)]
        if len(functions) != 1:
            detail = f"there must be one block of code with the function; there are {len(functions)}"
            return Malformed(MalformedReason.REPEATED if functions else MalformedReason.NO_ANSWER, detail)
        code = checked_field(ANSWER, functions[0], LONGEST[ANSWER], passage=problem)
        return code if isinstance(code, Malformed) else Draft({QUESTION: problem, ANSWER: code})

    def messages(self, passage: str, draft: Draft) -> Sequence[Message]:
        """What a student is trained on: the problem as it stands, then the function."""
        return (Message("user", passage), Message("assistant", draft.answer))

    def key(self, draft: Draft) -> Texts | None:
        """None: the problem is the corpus's, and asked again on purpose."""
        return None

    def written(self, draft: Draft) -> str:
        """The function between fences."""
        return write_code({ANSWER: draft.answer})
