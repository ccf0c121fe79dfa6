"""Builds the credit of rejected solutions. It has a file of its own, because it imports SciPy."""

from actors.credit.desk import CreditDesk
from actors.credit.plan import RolloutOwner
from actors.queue.credits import Credits, CreditTerms
from schemas.config import FRESH_POOL, RunConfig
from schemas.config_credit import Credit
from schemas.credit import PolicyVersion


def credits_of(config: RunConfig, credit: Credit) -> Credits:
    """The listener for credit. `credit`: the configuration's section."""
    restart = config.recovery.policy != "naive_resample"
    terms = CreditTerms(credit, temperature=config.task.sampling.temperature, restart=restart)
    return Credits(CreditDesk(credit, credit_source(config)), terms)


def credit_source(config: RunConfig) -> RolloutOwner:
    """The policy that continues prefixes of rejected solutions: the pool of fresh orders, with their sampling."""
    sampling, model = config.task.sampling, config.pools[FRESH_POOL].engine.model
    drawn = f"T {sampling.temperature:g}, top-p {sampling.top_p:g}, at most {sampling.max_tokens} tokens"
    return RolloutOwner(PolicyVersion(f"{FRESH_POOL}: {model} ({drawn})"), config.seed)
