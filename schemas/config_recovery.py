"""The `recovery:` section: what happens to rejected samples."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from msgspec import field

from schemas.config_base import Config, Name, replay


class Recovery(Config, frozen=True):
    """The policy for rejected samples: which repairs, and how many attempts."""

    gone: ClassVar[Mapping[str, str]] = {
        "search_passages": "leave it out; passages are looked up in where the corpus has at most 50,000",
        "stop_below": "leave it out; `adaptive` gives up below a quarter of what first attempts yield by token",
        "exploration": "leave it out; `adaptive` draws a twentieth of its repairs evenly among all",
    }

    policy: Annotated[
        Literal["rules", "adaptive", "naive_resample", "discard"],
        replay("Diagnose and repair by a table; or by what pays in this run; or draw again; or give up at once."),
    ] = "rules"
    max_attempts: Annotated[int, replay("Attempts of an order altogether.", ge=1, le=32)] = 4
    escalate_to: Annotated[
        Name | None, replay("A stronger pool: for the last attempt; under `adaptive`, wherever it pays.")
    ] = None
    repairs: Annotated[
        dict[str, tuple[str, ...]],
        replay("Failure modes, each with its repairs, best first, in place of the built-in row (docs/recovery.md)."),
    ] = field(default_factory=dict)
    own_repairs: Annotated[
        dict[str, str],
        replay(
            'Repairs of your own by name: words that the model is told besides, or `module:function`; `""`: the '
            "task knows it by name."
        ),
    ] = field(default_factory=dict)
    bar: Annotated[
        Literal["raised", "same"],
        replay(
            "What the faithfulness gate asks of a repaired sample: more with each attempt, or the same as "
            "of a first one."
        ),
    ] = "raised"
