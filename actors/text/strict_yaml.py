"""YAML as a configuration is written in. Law: plain values alone, and never more work than the text is long.

Aliases share what they name, so they cost nothing; merge keys (`<<`) copy, so they are bounded.
"""

import re
from typing import Any, ClassVar

import yaml

MOST_BYTES = 1 << 20
"""Of a configuration's file."""
CONSTRUCTOR_FAULTS = (ValueError, KeyError, AttributeError, IndexError, TypeError, OverflowError, RecursionError)
"""What PyYAML's constructors raise for a value that does not fit its tag (`!!int x`), and for endless nesting."""
PLAIN_EXPONENT = re.compile(r"^[-+]?[0-9]+[eE][-+]?[0-9]+$")
MOST_MERGED = 10_000
"""Keys that merge keys may copy, all of one text together."""
_MERGE = "tag:yaml.org,2002:merge"
_LONGEST = 60


def parse(text: str) -> object:
    """The text's one value. Raises yaml.YAMLError, and one of `CONSTRUCTOR_FAULTS`."""
    return yaml.load(text, Loader=StrictLoader)


class StrictLoader(yaml.SafeLoader):
    """Plain YAML, with every key once and as text, with 1e-3 read as a number and 2024-10-21 (a version) as text."""

    yaml_implicit_resolvers: ClassVar[Any] = {
        letter: [(tag, form) for tag, form in known if tag != "tag:yaml.org,2002:timestamp"]
        for letter, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self._merged = 0

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set[str]()
        for key, _ in node.value:
            if key.tag == _MERGE:
                continue
            name = self.construct_object(key, deep=True)
            if not isinstance(name, str):
                problem = f"the key {_shown(name)} is not text; write it in quotes"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            if name in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {_shown(name)} is there twice", key.start_mark
                )
            seen.add(name)
        return super().construct_mapping(node, deep)

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Each merged mapping is counted before it is copied, with what it has merged itself."""
        for key, value in node.value:
            if key.tag != _MERGE:
                continue
            for each in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                if isinstance(each, yaml.MappingNode):
                    self.flatten_mapping(each)
                    self._count(1 + len(each.value), key)
        super().flatten_mapping(node)

    def _count(self, merged: int, key: yaml.Node) -> None:
        self._merged += merged
        if self._merged > MOST_MERGED:
            problem = f"merge keys copy more than {MOST_MERGED:,} keys"
            raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)


StrictLoader.add_implicit_resolver("tag:yaml.org,2002:float", PLAIN_EXPONENT, list("-+0123456789"))


def _shown(name: object) -> str:
    text = "null" if name is None else str(name).lower() if isinstance(name, bool) else repr(name)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
