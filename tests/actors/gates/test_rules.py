"""Rules as expressions: what they may say, what is refused before a run, and what happens on odd samples."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.gates.fields import fields_of
from actors.gates.own import ExpressionGate, OwnSettings
from actors.gates.rules import MOST_WORK, BadRule, RuleFailed, Sample, read_rule
from schemas.recovery import FailureMode
from schemas.samples import answered
from schemas.verdicts import Errored, GateName, GateRequest, Passed, Rejected
from tests.doubles.passages import passage_of

PASSAGE = passage_of("Velmora was founded in 1623.")
REQUEST = GateRequest("o:1", PASSAGE, answered("When was Velmora founded?", "In 1623, as an AI."))


def score(rule: str, request: GateRequest = REQUEST, **scores: float) -> float:
    return read_rule(rule).score(Sample(fields_of(request), scores))


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("words(answer) <= 5", 1.0),
        ("words(answer) <= 4", 0.0),
        ("len(answer) / 36", 0.5),
        ("contains(lower(answer), 'as an ai')", 1.0),
        ("not contains(answer, 'as an AI')", 0.0),
        ("'1623' in answer and '1623' in passage", 1.0),
        ("startswith(answer, 'In') or endswith(answer, '!')", 1.0),
        (r"matches(answer, '\d{4}')", 1.0),
        (r"matches(question, '^Who|\?$')", 1.0),
        ("0 < words(answer) < 100", 1.0),
        ("1 if attempt == 1 else 0", 1.0),
        ("min(1, words(answer) / 10)", 0.5),
        ("count(passage, 'e') >= 2 - 1 * 1", 1.0),
        ("quote == '' and reference == ''", 1.0),
        ("score('reward') * 0.5", 0.4),
    ],
)
def test_what_a_rule_can_say(rule: str, expected: float) -> None:
    """Names, texts, numbers, comparisons and a few functions."""
    assert score(rule, reward=0.8) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (
            "words(anser) < 3",
            "'anser' is unknown; a rule may name question, answer, quote, passage, reference, attempt",
        ),
        ("answer.upper() == 'X'", "only these are called: len, words, lower"),
        ("__import__('os').system('ls')", "only these are called"),
        ("answer.__class__", "cannot stand in a rule"),
        ("answer[0] == 'I'", "cannot stand in a rule"),
        ("[x for x in answer]", "cannot stand in a rule"),
        ("(lambda: True)()", "only these are called"),
        ("f'{answer}' == ''", "cannot stand in a rule"),
        ("9 ** 9 ** 9 > 1", "cannot stand in a rule; numbers know + - * / %"),
        ("'a' * 999 == answer", "is a text, where a number must stand (character 1)"),
        ("answer + 'a' == ''", "is a text, where a number must stand"),
        ("answer < question", "a text is not compared in this way"),
        ("answer < 3", "a text is compared with a number (character 10)"),
        ("words(answer) and True", "is a number, where a truth must stand"),
        ("lower(answer)", "comes to a text; it must come to true or false, or to a score in [0, 1]"),
        ("words(answer", "no expression at character 6: '(' was never closed"),
        ("words(answer, 3)", "words takes 1: text"),
        ("matches(answer, question)", "the pattern must be written out, in quotes"),
        ("matches(answer, '(a')", "no pattern: missing ):"),
        ("score(answer) > 0", "score takes the name of a gate, in quotes"),
        ("1e400 > 1", "is no text, no number up to 1e15"),
        ("True and " * 200 + "True", "an expression of 1,804 characters, at most 1,000 are read"),
        ("+".join("1" for _ in range(300)) + " > 1", "too long: split it over several gates"),
        ("(" * 300 + "1", "no expression"),
        ("", "no expression"),
        ("True; True", "no expression"),
        ("x := True", "no expression"),
        ("\0", "no expression"),
        ("None", "is no text"),
        ("answer is answer", "a text is not compared in this way"),
    ],
)
def test_what_is_refused_when_it_is_read(rule: str, says: str) -> None:
    """Before any sample: in one line, with the place."""
    with pytest.raises(BadRule) as raised:
        read_rule(rule)
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("1 / (words(answer) - 5) > 0", "it divides by zero"),
        ("words(answer)", "it comes to 5, and a score is in [0, 1]"),
        ("score('reward') > 0.5", "the gate reward gave this sample no score"),
        ("1e15 * 1e15 * " + " * ".join(["1e15"] * 30) + " > 1", None),
    ],
)
def test_what_comes_to_nothing_is_an_error(rule: str, says: str | None) -> None:
    """Of one sample: neither passed nor rejected."""
    if says is None:
        assert score(rule) == 1.0  # infinite is more than one
        return
    with pytest.raises(RuleFailed) as raised:
        score(rule)
    assert str(raised.value) == says


def test_the_work_on_long_texts_is_bounded() -> None:
    """A text of any length is gone through a bounded number of times, patterns included."""
    long = GateRequest("o:1", PASSAGE, answered("Q", "a" * (MOST_WORK // 2)))
    with pytest.raises(RuleFailed, match="too long"):
        score("contains(answer, 'b') or contains(answer, 'c') or contains(answer, 'd')", long)
    with pytest.raises(RuleFailed, match="too long"):
        score("matches(answer, 'b') or matches(answer, 'c') or matches(answer, 'd')", long)


@given(st.text(max_size=80))
@settings(max_examples=500, deadline=None)
def test_no_text_breaks_the_reader(text: str) -> None:
    """It is a rule or it is refused."""
    try:
        read_rule(text)
    except BadRule as bad:
        assert "\n" not in str(bad)


async def test_a_rule_as_a_gate() -> None:
    """Passed, rejected with the mode that it brings, or errored: never a rejection for want of a score."""
    settings = OwnSettings(GateName("short"), 0.5, (FailureMode("too_long"),))

    async def said(rule: str) -> object:
        return await ExpressionGate(settings, read_rule(rule)).check(REQUEST)

    assert await said("words(answer) < 9") == Passed(GateName("short"), 1.0, 0.5)
    rejected = await said("words(answer) < 2")
    assert rejected == Rejected(GateName("short"), 0.0, 0.5, mode=FailureMode("too_long"))
    errored = await said("words(answer) / 0 > 1")
    assert isinstance(errored, Errored) and errored.detail == "the rule cannot be evaluated: it divides by zero"


def test_a_task_of_ones_own_has_fields_of_its_own() -> None:
    """They cannot be known before a sample: one that a draft does not have is an error of that sample."""
    with pytest.raises(BadRule, match="'summary' is unknown"):
        read_rule("words(summary) < 9")
    rule = read_rule("words(summary) < 9", texts=None)
    assert rule.score(Sample({"summary": "Two words."})) == 1.0
    with pytest.raises(RuleFailed, match="the draft has no field 'summary'"):
        rule.score(Sample(fields_of(REQUEST)))


LEVEL = {"level": ("easy", "very hard")}


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("level == 'esay'", "'level' is never 'esay'; did you mean 'easy'? (character 10)"),
        ("words(summary) < 9 or ('7' != level)", "'level' is never '7'; it is one of 'easy', 'very hard'"),
        ("words(summary) < (9 if summary != level == 'hard' else 30)", "did you mean 'very hard'?"),
    ],
)
def test_a_value_that_cannot_be_is_a_misspelt_one(rule: str, says: str) -> None:
    """Such a comparison is never true, so that a gate would judge something else than its author meant."""
    with pytest.raises(BadRule) as raised:
        read_rule(rule, ("summary", "level"), values=LEVEL)
    assert says in str(raised.value)


@pytest.mark.parametrize("rule", ["level != 'very hard'", "summary == 'esay'", "contains(level, 'hard')"])
def test_a_value_that_may_be_is_none(rule: str) -> None:
    """One of those that are known, one of a name whose values are not, and a part of one."""
    read = read_rule(rule, ("summary", "level"), values=LEVEL)
    assert read.score(Sample({"summary": "a", "level": "very hard"})) == float(rule.startswith("contains"))
