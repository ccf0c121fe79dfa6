"""Rules for gates of `form: cascade`. Law: a cascade that is let through has two gates that judge the same thing and
nothing else, and probes that calibrate its band."""

from collections.abc import Iterator

from deployments.config.faults import at, below, nearest, shown
from schemas.config import RunConfig
from schemas.config_cascade import Cascade, cascades
from schemas.config_gates import Classifier, GateModel, LikelihoodJudge, LlmJudge, TokenJudge, kind_of

CHEAP = (Classifier, TokenJudge, LikelihoodJudge)
"""Forms whose score is graded, so that a band of it can be found."""


def broken_cascades(config: RunConfig) -> Iterator[str]:
    """The faults of all cascades, as `path: what is wrong`."""
    asked_by: dict[str, str] = {}
    for name, cascade in cascades(config.gates).items():
        path = below("gates", name)
        yield from _broken_steps(path, name, cascade, config)
        for key, step in (("cheap", cascade.cheap), ("judge", cascade.judge)):
            other = asked_by.setdefault(step, name)
            if other != name:
                yield at(f"{path}.{key}", f"'{step}' is a gate of the cascade '{other}' already; give each its own")
        if cascade.cheap == cascade.judge:
            yield at(f"{path}.judge", f"'{cascade.judge}' is the cheap gate too; a cascade is of two gates")
        if not cascade.bad_passed and not cascade.good_rejected:
            yield at(path, "bad_passed and good_rejected are both 0, so the cheap gate decides nothing; use its judge")
        if not config.probes.rate:
            yield at(path, "only probes calibrate its band: without probes.rate the judge would decide everything")


def _broken_steps(path: str, name: str, cascade: Cascade, config: RunConfig) -> Iterator[str]:
    for key, step in (("cheap", cascade.cheap), ("judge", cascade.judge)):
        gate = config.gates.get(step)
        if gate is None:
            hint = nearest(step, config.gates) or f"; the gates are {', '.join(config.gates)}"
            yield at(f"{path}.{key}", f"there is no gate {shown(step)}{hint}")
            continue
        if not isinstance(gate, GateModel) or (key == "cheap" and isinstance(gate, LlmJudge)):
            forms = "classifier, token or likelihood" if key == "cheap" else "classifier, token, likelihood or llm"
            yield at(f"{path}.{key}", f"'{step}' must be of form {forms}")
            continue
        if kind_of(step, gate) != kind_of(name, cascade):
            what = f"'{step}' is of kind {kind_of(step, gate)}, and the cascade of kind {kind_of(name, cascade)}"
            yield at(f"{path}.{key}", f"{what}; they must judge the same thing")
        if gate.share < 1:
            yield at(f"{below('gates', step)}.share", f"it judges for the cascade '{name}' alone; give that the share")
        if key == "cheap" and gate.threshold != 0.5:
            rule = f"nothing is decided by it: the cascade '{name}' has a band that probes calibrate; leave it out"
            yield at(f"{below('gates', step)}.threshold", rule)
