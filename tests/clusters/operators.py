"""The schemas of KubeRay, Kueue and the Prometheus operator, and what they say of a manifest.

As an API server validates: a field that a schema does not know is a fault, unless the schema keeps unknown ones.
"""

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

SCHEMAS = Path(__file__).parent / "schemas" / "operators.json.gz"
KEPT = "x-kubernetes-preserve-unknown-fields"
POD = ("spec", "headGroupSpec", "template")
"""Where RayCluster's schema has that of a pod's template."""


@cache
def _schemas() -> dict[str, Any]:
    return _closed(json.loads(gzip.decompress(SCHEMAS.read_bytes())))


def _closed(schema: Any) -> Any:
    """The schema without room for fields that it does not name."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(value) for name, value in schema.items()}
    properties = schema.get("properties")
    if isinstance(properties, dict) and schema.get("type") == "object" and not schema.get(KEPT):
        closed.setdefault("additionalProperties", False)
    return closed


def faults(manifest: dict[str, Any]) -> list[str]:
    """What the manifest's operator would refuse, by path. Raises KeyError for a resource that no schema here is of."""
    return _faults(manifest, _schemas()[f"{manifest['apiVersion']} {manifest['kind']}"])


def template_faults(template: dict[str, Any]) -> list[str]:
    """The same for the template of a pod, which core resources have too."""
    schema = _schemas()["ray.io/v1 RayCluster"]
    for name in POD:
        schema = schema["properties"][name]
    return _faults(template, schema)


def _faults(value: dict[str, Any], schema: dict[str, Any]) -> list[str]:
    found = Draft202012Validator(schema).iter_errors(value)
    return [f"{'.'.join(map(str, fault.absolute_path))}: {fault.message}" for fault in found]
