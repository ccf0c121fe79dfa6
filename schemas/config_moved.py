"""Moves keys of earlier versions to their present names, and writes short forms out. Law: a file that was valid keeps
its meaning. A key that cannot be moved is refused with its present name. Values are new objects."""

from typing import Any

from schemas.errors import ConfigError

_SETTINGS = ("short_circuit", "duplicate_similarity")
"""Keys that were once in `gates`, which now holds gates alone."""
_ONCE_FIXED = ("faithfulness", "reward", "verifier")
"""Keys that every configuration once had; null meant that there was no such gate."""

_ONE_SECTION = {
    "injection": "is probes now (its rate, kinds and injector): probes are beside the orders, which are left alone",
    "audit": "is probes now (its rate, good and labelled)",
}
"""Sections of two old mechanisms that are one now. Their rates had another meaning, so they are refused."""


def moved(values: Any) -> Any:
    """The values of a YAML file, with each key in its present place. Raises ConfigError."""
    if not isinstance(values, dict):
        return values
    for name, now in _ONE_SECTION.items():
        if name in values:
            raise ConfigError(f"{name}: {now}")
    gates = values.get("gates")
    if not isinstance(gates, dict):
        return values
    named = {name: gate for name, gate in gates.items() if gate is not None or name not in _ONCE_FIXED}
    settings = {name: named.pop(name) for name in _SETTINGS if name in named}
    verifier = named.get("verifier")
    if isinstance(verifier, dict) and "form" not in verifier:
        named["verifier"] = {"form": "verifier", **verifier}
    if "provenance" in named:
        _shown(named)
    named = {name: _with_kind(_engine_of_a_pool(gate)) for name, gate in named.items()}
    return {**values, "gates": named, **_judging(values, settings)}


def _engine_of_a_pool(gate: Any) -> Any:
    """`engine: {pool: NAME}` is short for `{kind: pool, pool: NAME}`."""
    engine = gate.get("engine") if isinstance(gate, dict) else None
    if not isinstance(engine, dict) or "pool" not in engine or "kind" in engine:
        return gate
    return {**gate, "engine": {"kind": "pool", **engine}}


def _with_kind(gate: Any) -> Any:
    """Adds `kind: transformers` to an encoder without a kind: once there was no other."""
    if not isinstance(gate, dict) or not isinstance(provenance := gate.get("provenance"), dict):
        return gate
    encoder = provenance.get("encoder")
    if not isinstance(encoder, dict) or "kind" in encoder:
        return gate
    return {**gate, "provenance": {**provenance, "encoder": {"kind": "transformers", **encoder}}}


def _judging(values: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    if not settings:
        return {}
    judging = values.get("judging", {})
    if not isinstance(judging, dict):
        return {}
    for name in settings:
        if name in judging:
            raise ConfigError(f"gates.{name}: is judging.{name} now, which the file has too")
    return {"judging": {**settings, **judging}}


def _shown(named: dict[str, Any]) -> None:
    """Moves `gates.provenance` to the faithfulness gate: it said what that gate is shown."""
    provenance, judge = named.pop("provenance"), named.get("faithfulness")
    if isinstance(judge, dict) and "provenance" not in judge:
        named["faithfulness"] = {**judge, "provenance": provenance}
    elif provenance != {"mode": "exact"}:
        raise ConfigError(
            "gates.provenance: says what gates.faithfulness is shown, and "
            + ("it says so itself" if isinstance(judge, dict) else "there is no such gate")
            + "; the key is gates.NAME.provenance now"
        )
