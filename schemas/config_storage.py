"""`storage`: how a run whose output is in an object store is shipped there."""

from typing import Annotated

from schemas.config_base import Config, any_resume


class Storage(Config, frozen=True):
    """Of a run with `--output s3://…` (docs/storage.md). Other runs do not read it."""

    ship_s: Annotated[
        float,
        any_resume(
            "If the machine and its disk are lost, so many seconds of attempts at most are paid again. The ledger is "
            "shipped twice in this time.",
            ge=0.5,
            le=600,
        ),
    ] = 10.0
