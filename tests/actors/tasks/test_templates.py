"""Templates of a user's: what may stand in one, what is refused with which words, and that no other one fails."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.tasks.templates import (
    LONGEST_TEMPLATE,
    PreviousDraft,
    TemplateNames,
    mentioned,
    template_fault,
    template_of,
)

NAMES = TemplateNames(("passage",), ("repair",), {"previous": ("title", "summary")}, {"fields": ("name", "what")})


class Item:
    """One of the fields."""

    name, what = "title", "a few words"


def rendered(text: str, **previous: str) -> str:
    said = PreviousDraft(**{"title": "", "summary": "", **previous})
    return template_of(text).render(passage="PASSAGE", repair="", previous=said, fields=[Item, Item])


GOOD = {
    "{{ passage }} hi": "PASSAGE hi",
    "{{ passage|lower ~ '!' }}": "passage!",
    "{% for each in fields %}\n{{ loop.index }} {{ each.name }}: {{ each.what }}\n{% endfor %}\n": (
        "1 title: a few words\n2 title: a few words\n"
    ),
    "{% for each in fields %}{{ each.name }}{% if not loop.last %}, {% endif %}{% endfor %}": "title, title",
    "{% if previous %}not: {{ previous.title }}{% else %}first{% endif %}": "first",
    "{{ previous }}|{{ previous.title }}|": "||",
    "{% if repair == 'plainer' %}a{% elif repair != '' and passage %}b{% else %}c{% endif %}": "c",
    "{{ 'x' if repair else 'y' }}{# said to nobody #}": "y",
    "{% for each in fields %}{% if not repair %}{{ repair }}.{% endif %}{% endfor %}": "..",
    "{% raw %}{{ x }}{% endraw %}<&": "{{ x }}<&",
}


@pytest.mark.parametrize("text", GOOD)
def test_what_a_template_may_hold(text: str) -> None:
    """Nothing is escaped: a prompt is no page."""
    assert template_fault(text, NAMES) is None
    assert rendered(text) == GOOD[text]


def test_a_rejected_draft_is_shown_whole_or_by_its_fields() -> None:
    """`previous` alone is its lines; a field that it lacks is left out."""
    assert rendered("{{ previous }}", title="Amber") == "Title: Amber"
    assert rendered("{% if previous %}{{ previous.title }}{% endif %}", title="Amber") == "Amber"


BAD = {
    "{{ passge }}": "there is no 'passge'; did you mean 'passage'?",
    "{{ x }}": "there is no 'x'; there is passage, repair, previous, fields",
    "{{ previous.titel }}": "'previous' has no 'titel'; did you mean 'title'?",
    "{{ previous.__class__ }}": "'previous' has no '__class__'; there is title, summary",
    "{{ passage.upper }}": "'passage' has no parts, so no 'upper'",
    "{{ fields }}": "'fields' is a list: {% for each in fields %} goes through it",
    "{% for each in fields %}{{ each }}{% endfor %}": "'each' has parts; name one: each.name, each.what",
    "{% for each in fields %}{{ each.nam }}{% endfor %}": "'each' has no 'nam'; did you mean 'name'?",
    "{% for each in feilds %}{% endfor %}": "line 1: there is no list 'feilds'; did you mean 'fields'?",
    "{% for each in fields %}{{ passage }}{% endfor %}": "shows 'passage' inside a loop; put it before or behind it",
    "{% for a in fields %}{% for b in fields %}{% endfor %}{% endfor %}": "line 1: a loop inside a loop",
    "{% for passage in fields %}{% endfor %}": (
        "line 1: 'passage' is a name already; call the loop's item something else"
    ),
    "{% for each in range(9) %}{% endfor %}": "line 1: a loop is {% for NAME in LIST %}, without more",
    "{{ loop.index }}": "there is no 'loop'; there is passage, repair, previous, fields",
    "{{ passage|uper }}": "there is no filter 'uper'; did you mean 'upper'?",
    "{{ passage * 5 }}": "line 1: Mul is not for templates",
    "{{ passage.__init__() }}": "line 1: Call is not for templates",
    "{{ passage['x'] }}": "line 1: Getitem is not for templates",
    "{{ passage|title(1) }}": "line 1: Filter is not for templates",
    "{{ 'x' if repair }}": "line 1: CondExpr is not for templates",
    "{{ passage < 'x' }}": "line 1: Compare is not for templates",
    "{% set x = passage %}": "line 1: Assign is not for templates",
    "{% include '/etc/passwd' %}": "line 1: Include is not for templates",
    "{% macro x() %}{% endmacro %}": "line 1: Macro is not for templates",
    "\n{{ passage": "line 2: unexpected end of template, expected 'end of print statement'.",
    "{{ passage }}" * 5: "shows 'passage' 5 times; at most 4",
    "{% for self in fields %}{% endfor %}": "line 1: 'self' is a name already; call the loop's item something else",
    "{{ " + "9" * 5_000 + " }}": "cannot be read: Exceeds the limit (4300 digits)",
    "{{ '\\ud800' }}": "line 1: a text in quotes holds a character that cannot be printed",
    "{{ 'a\\x' }}": "line 1: truncated",
    "x" * (LONGEST_TEMPLATE + 1): "has 20,001 characters; a template has at most 20,000",
    "{{ " + "(" * 5_000 + "passage" + ")" * 5_000 + " }}": "is nested too deeply",
    "{% if repair %}" * 40 + "{% endif %}" * 40: "is nested too deeply",
    "{{ " + "not " * 4_000 + "passage }}": "is nested too deeply",
}


@pytest.mark.parametrize("text", BAD, ids=lambda text: text[:40])
def test_what_is_refused_and_why(text: str) -> None:
    """What could fail in the middle of a run, take long, or reach further than the prompt."""
    assert (template_fault(text, NAMES) or "").startswith(BAD[text])


def test_what_a_template_shows_is_known() -> None:
    """Also in a branch that is not taken at first; of texts alone."""
    assert set(mentioned("{% if repair %}{{ passage|upper }}{% endif %}", NAMES)) == {"passage"}
    assert not mentioned("{{ repair }}", NAMES)


PIECES = [
    *("{{ passage }}", "{{ repair|title }}", "{{ previous }}", "{{ previous.title }}", "{{ each.name }}", "{{ x }}"),
    *("{% for each in fields %}", "{% endfor %}", "{% if previous %}", "{% if not repair %}", "{% elif passage %}"),
    *("{% else %}", "{% endif %}", "{% if each.what == 'a' %}", "{{ loop.first }}", "{#", "#}", "text\n", "{{", "}}"),
    *("{{ 'a' ~ repair if previous.summary else each.name }}", "{%- if 'x' != passage -%}"),
]


@given(
    text=st.one_of(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), st.text("{}%#|'\"~ pasge\n.()-+\\x09_"))
)
def test_what_passes_renders(text: str) -> None:
    """Whatever the values: the first attempt, a repair, an empty passage."""
    fault = template_fault(text, NAMES)
    if fault is not None:
        assert "\n" not in fault
        return
    rendered(text)
    template_of(text).render(passage="", repair="x", previous=PreviousDraft(title="a", summary="b"), fields=[])
