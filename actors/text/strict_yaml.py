"""Reads YAML in the form of a configuration. Law: only plain values, and work in proportion to the text.

Aliases share the value that they name, so they cost nothing. Merge keys (`<<`) copy it, so their number is bounded.
"""

import re
from typing import Any, ClassVar

import yaml

MOST_BYTES = 1 << 20
"""The largest configuration file."""
CONSTRUCTOR_FAULTS = (ValueError, KeyError, AttributeError, IndexError, TypeError, OverflowError, RecursionError)
"""Errors of PyYAML's constructors for a value that does not fit its tag (`!!int x`), and for too deep nesting."""
PLAIN_EXPONENT = re.compile(r"^[-+]?[0-9]+[eE][-+]?[0-9]+$")
MOST_MERGED = 10_000
"""The most keys that all merge keys of one text may copy."""
_MERGE = "tag:yaml.org,2002:merge"
_LONGEST = 60


def parse(text: str) -> object:
    """The text's one value. Raises yaml.YAMLError or one of `CONSTRUCTOR_FAULTS`."""
    return yaml.load(text, Loader=StrictLoader)


class StrictLoader(yaml.SafeLoader):
    """Plain YAML: every key once and as text, 1e-3 as a number, and 2024-10-21 (a version) as text."""

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
        """Counts each merged mapping before it is copied, with the mappings that it merges itself."""
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
