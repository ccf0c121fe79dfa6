"""What a run that goes on will come to, by the orders that were issued first; and what recovery saved.

Law: nothing is said before `ENOUGH` orders have ended, and nothing without an interval. Both are statements about this
run's own orders, models and gates.
"""

from math import exp, log, sqrt

from actors.counts.rates import Z_95
from schemas.credit import ROLLOUTS
from schemas.distributions import AttemptEnd
from schemas.orders import STALE
from schemas.outlook import Estimated, Outlook, Saving
from schemas.probes import PROBES
from schemas.progress import Summary

ENOUGH = 30
"""Orders, or accepted samples at first attempts and by repairs."""
ASIDE = (PROBES, ROLLOUTS, STALE)
"""Roles whose tokens are not those of attempts."""
UNITS = ((1e9, " G"), (1e6, " M"), (1e3, " k"), (1.0, ""))


def outlook(summary: Summary, *, wanted: int | None = None) -> Outlook | None:
    """What all orders that were issued will come to. `wanted`: the accepted samples that end the run, if a number of
    them does. None while it cannot be said: too few orders, or more to be read and no number wanted."""
    cohort, counts = summary.cohort, summary.counts
    is_over = not counts.outstanding or (wanted is not None and counts.accepted >= wanted)
    if cohort.orders < ENOUGH or is_over or not (summary.all_planned or wanted):
        return None
    share = (cohort.accepted + 0.5) / (cohort.orders + 1)
    mean = cohort.tokens / cohort.orders
    variance = max(0.0, cohort.squares / cohort.orders - mean**2)
    odds = share * (1 - share)
    if wanted is None:
        orders, spread = float(counts.issued), 0.0
    else:
        orders = wanted / share
        spread = wanted * (1 - share) / share**2 + orders**2 * odds / (share**2 * cohort.orders)
    rest = max(0.0, orders - cohort.orders)
    tokens = cohort.tokens + rest * mean
    error = sqrt(rest * variance + rest**2 * variance / cohort.orders + mean**2 * spread)
    if wanted is not None:
        accepted = Estimated(wanted, wanted, wanted)
    else:
        wide = Z_95 * sqrt(rest * odds + rest**2 * odds / cohort.orders)
        value, most = cohort.accepted + rest * share, counts.issued - counts.dead_lettered - counts.not_needed
        low, value, high = (min(max(each, counts.accepted), most) for each in (value - wide, value, value + wide))
        accepted = Estimated(value, low, high)
    low = max(cohort.tokens, tokens - Z_95 * error)
    return Outlook(accepted, Estimated(tokens, low, tokens + Z_95 * error))


def saving(summary: Summary) -> Saving | None:
    """What recovery saved; None for a run that recovered too few. The interval is that of the counts of samples: first
    attempts and repairs are taken to cost what they did."""
    counts = summary.counts
    if counts.first_pass < ENOUGH or counts.accepted - counts.first_pass < ENOUGH:
        return None
    decided = [row for row in summary.spent if row.end is not AttemptEnd.NOT_NEEDED and row.role not in ASIDE]
    attempts = sum(row.prompt_tokens + row.completion_tokens for row in decided)
    repairs = sum(row.tokens for row in summary.repairs)
    rollouts = sum(row.tokens for row in summary.roles if row.role == ROLLOUTS)
    first = attempts - repairs
    recovering, discarding = (attempts + rollouts) / counts.accepted, first / counts.first_pass
    if not first:
        return None
    later = counts.accepted - counts.first_pass
    ratio, part = recovering / discarding, later / counts.accepted
    error = Z_95 * part * sqrt(1 / later + 1 / counts.first_pass)
    share = Estimated(1 - ratio, 1 - exp(log(ratio) + error), 1 - exp(log(ratio) - error))
    return Saving(recovering, discarding, share)


def outlook_words(found: Outlook | None) -> str:
    """What goes behind the number of accepted samples; nothing where nothing is known."""
    if found is None:
        return ""
    accepted, tokens = found.accepted, found.tokens
    between = "" if accepted.low == accepted.high else f" ({accepted.low:,.0f}–{accepted.high:,.0f})"
    size, unit = next((size, unit) for size, unit in UNITS if tokens.value >= size or size == 1.0)
    value, low, high = (f"{each / size:,.3g}" for each in (tokens.value, tokens.low, tokens.high))
    return f"accepted{between}, {value}{unit} tokens ({low}–{high})"


def saving_words(found: Saving | None) -> str:
    """A line for terminal and report; nothing where nothing is known."""
    if found is None:
        return ""
    share = found.share
    if share.value >= 0:
        means = f"{share.value:.0%} saved (95%: {share.low:.0%} to {share.high:.0%})"
    else:
        means = f"{-share.value:.0%} more (95%: {-share.high:.0%} to {-share.low:.0%})"
    return (
        f"an accepted sample took {found.recovering:,.0f} tokens; by first attempts alone, each rejected draft thrown "
        f"away, {found.discarding:,.0f}: {means}"
    )
