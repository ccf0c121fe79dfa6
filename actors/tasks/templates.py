"""Prompts as a user writes them: Jinja templates of a few names and nothing that can take long or fail.

Law: a template that has passed `template_fault` renders whatever it is given: no name in it is unknown, nothing is
called, no value grows, no loop stands inside another. So a folder that a stranger made may hold templates: they run no
code, and a prompt's length is bounded by its passage's, shown at most `MOST_MENTIONS` times, and by the configuration.
"""

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from types import SimpleNamespace

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from msgspec import Struct

LONGEST_TEMPLATE = 20_000
"""In characters."""
MOST_MENTIONS = 4
"""How often one template may show one text."""
DEEPEST = 30
"""Levels of a template's tree: Python's own limits for what Jinja makes of it are near 100."""
FILTERS = frozenset({"capitalize", "lower", "title", "trim", "upper"})
"""Each takes any text and gives one about as long."""
LOOP = ("first", "last", "index")
"""What may be asked of `loop`."""
WORDS_OF_JINJA = frozenset(
    {"and", "else", "elif", "false", "False", "for", "if", "import", "in", "is", "loop", "none", "None", "not", "or"}
    | {"recursive", "self", "super", "true", "True"}
)
"""No name of a user's may be one of them."""
ALLOWED = (
    "it may hold names, texts in quotes, if, for over a list, ==, !=, and, or, not, ~ and the filters "
    f"{', '.join(sorted(FILTERS))}"
)
_ENVIRONMENT = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True
)
_PLAIN = (nodes.Output, nodes.And, nodes.Or, nodes.Not, nodes.Concat, nodes.If, nodes.Operand)


class TemplateNames(Struct, frozen=True):
    """What a template may name. `texts`: perhaps long, shown a few times and in no loop; `words`: short ones; `groups`:
    each with the names of its parts (`group.part` among the texts: a long one); `lists`: each with the
    names of its items' parts."""

    texts: Collection[str]
    words: Collection[str]
    groups: Mapping[str, Collection[str]]
    lists: Mapping[str, Collection[str]]


class PreviousDraft(SimpleNamespace):
    """A rejected draft's fields by their names, one line each; false, and every field empty, where there is none."""

    def __bool__(self) -> bool:
        return any(vars(self).values())

    def __str__(self) -> str:
        return "\n".join(f"{name.capitalize()}: {text}" for name, text in vars(self).items() if text)


def template_fault(text: str, names: TemplateNames) -> str | None:
    """The first thing that keeps a text from being a template of these names, in words; None if it is one."""
    if len(text) > LONGEST_TEMPLATE:
        return f"has {len(text):,} characters; a template has at most {LONGEST_TEMPLATE:,}"
    try:
        tree = _ENVIRONMENT.parse(text)
        walk = _Walk(names)
        fault = next((found for node in tree.body for found in walk.faults(node, {}, DEEPEST)), None)
    except TemplateSyntaxError as error:
        return f"line {error.lineno}: {' '.join(str(error.message).split())}"
    except RecursionError:
        return "is nested too deeply"
    except ValueError as error:  # a number that Python does not read
        return f"cannot be read: {' '.join(str(error).split())}"
    if fault is not None:
        return fault
    often = next((name for name, count in walk.mentions.items() if count > MOST_MENTIONS), None)
    return None if often is None else f"shows '{often}' {walk.mentions[often]} times; at most {MOST_MENTIONS}"


def mentioned(text: str, names: TemplateNames) -> Collection[str]:
    """Of the names of texts, those that a template without faults shows or asks about."""
    walk = _Walk(names)
    for node in _ENVIRONMENT.parse(text).body:
        for _ in walk.faults(node, {}, DEEPEST):
            pass
    return walk.mentions.keys()


def template_of(text: str) -> Template:
    """The template of a text without faults, ready to render."""
    return _ENVIRONMENT.from_string(text)


def rendered(template: Template, named: Mapping[str, object]) -> str:
    """Without the empty lines at its ends that conditions leave."""
    return template.render(named).strip("\n")


def nearest_of(name: str, known: Collection[str]) -> str:
    """`; did you mean 'x'?`, or what there is."""
    near = get_close_matches(name, list(known), n=1)
    return f"; did you mean '{near[0]}'?" if near else f"; there is {', '.join(known)}"


class _Walk:
    """Goes through a template's tree and counts how often each text stands in it."""

    def __init__(self, names: TemplateNames) -> None:
        self._names = names
        self.mentions: dict[str, int] = {}

    def faults(self, node: nodes.Node, items: Mapping[str, Collection[str]], deep: int) -> Iterator[str]:
        """What is wrong with a node and those inside it. `items`: what a loop around it names, with their parts."""
        if not deep:
            yield "is nested too deeply"
            return
        match node:
            case nodes.Const(value=str(text)) if not text.replace("\n", "").replace("\t", "").isprintable():
                yield f"line {node.lineno}: a text in quotes holds a character that cannot be printed"
            case nodes.TemplateData() | nodes.Const(value=str() | int() | None):
                return
            case nodes.Name(name=name):
                yield from self._named(name, items)
            case nodes.Getattr(node=nodes.Name(name=name), attr=part):
                yield from self._part(name, part, items)
            case nodes.For():
                yield from self._loop(node, items, deep)
            case nodes.Filter(name=name) if name not in FILTERS:
                yield f"there is no filter '{name}'{nearest_of(name, sorted(FILTERS))}"
            case _ if _is_plain(node):
                for inner in node.iter_child_nodes():
                    yield from self.faults(inner, items, deep - 1)
            case _:
                yield f"line {node.lineno}: {type(node).__name__} is not for templates: {ALLOWED}"

    def _named(self, name: str, items: Mapping[str, Collection[str]]) -> Iterator[str]:
        if name in self._names.texts:
            yield from self._text(name, items)
        elif name in items or any(text.startswith(f"{name}.") for text in self._names.texts):
            parts = items.get(name, self._names.groups.get(name, ()))
            yield f"'{name}' has parts; name one: {', '.join(f'{name}.{part}' for part in parts)}"
        elif name in self._names.lists:
            yield f"'{name}' is a list: {{% for each in {name} %}} goes through it"
        elif name not in self._names.groups and name not in self._names.words:
            yield f"there is no '{name}'{nearest_of(name, self._known(items))}"

    def _text(self, name: str, items: Mapping[str, Collection[str]]) -> Iterator[str]:
        self.mentions[name] = self.mentions.get(name, 0) + 1
        if items:
            yield f"shows '{name}' inside a loop; put it before or behind it"

    def _part(self, name: str, part: str, items: Mapping[str, Collection[str]]) -> Iterator[str]:
        parts = items.get(name, self._names.groups.get(name))
        if parts is None and name in self._known(items):
            yield f"'{name}' has no parts, so no '{part}'"
        elif parts is None:
            yield f"there is no '{name}'{nearest_of(name, self._known(items))}"
        elif part not in parts:
            yield f"'{name}' has no '{part}'{nearest_of(part, parts)}"
        elif f"{name}.{part}" in self._names.texts:
            yield from self._text(f"{name}.{part}", items)

    def _loop(self, node: nodes.For, items: Mapping[str, Collection[str]], deep: int) -> Iterator[str]:
        match node:
            case nodes.For() if items:
                yield f"line {node.lineno}: a loop inside a loop"
            case nodes.For(iter=nodes.Name(name=over), target=nodes.Name(name=each), test=None, recursive=False):
                if over not in self._names.lists:
                    known = nearest_of(over, self._names.lists) if self._names.lists else ""
                    yield f"line {node.lineno}: there is no list '{over}'{known}"
                    return
                if each in self._known({}) or each in WORDS_OF_JINJA:
                    yield f"line {node.lineno}: '{each}' is a name already; call the loop's item something else"
                inner = {each: self._names.lists[over], "loop": LOOP}
                for within in node.body:
                    yield from self.faults(within, inner, deep - 1)
                for within in node.else_:
                    yield from self.faults(within, {}, deep - 1)
            case _:
                yield f"line {node.lineno}: a loop is {{% for NAME in LIST %}}, without more"

    def _known(self, items: Mapping[str, Collection[str]]) -> list[str]:
        return [*self._names.texts, *self._names.words, *self._names.groups, *self._names.lists, *items]


def _is_plain(node: nodes.Node) -> bool:
    """Whether a node is fine where those inside it are."""
    match node:
        case nodes.Filter(node=nodes.Expr(), args=[], kwargs=[], dyn_args=None, dyn_kwargs=None):
            return True
        case nodes.Compare(ops=operands):
            return all(each.op in ("eq", "ne") for each in operands)
        case nodes.CondExpr(expr2=nodes.Expr()):
            return True
    return isinstance(node, _PLAIN)
