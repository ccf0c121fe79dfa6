"""What the dashboard shows: rows of panels, each the answer to one question, as PromQL.

Law: a query is written for all runs; the selection of one is put into it by `dashboard`, so that none is forgotten.
"""

from deployments.monitoring.panel import Panel, Query, Row, quantiles, rate_of
from deployments.monitoring.trust import TRUSTED

GOING = Row(
    "Is it going?",
    (
        Panel(
            "Phase",
            "Where is the run?",
            "name",
            "none",
            (Query("max by (phase) (gleaner_run_phase) == 1", "{{phase}}"),),
            width=3,
        ),
        Panel(
            "Unaccounted orders",
            "Was an order lost or doubled? Anything but 0 is a fault.",
            "zero",
            "none",
            (Query("sum(gleaner_orders_unaccounted)"),),
            width=3,
        ),
        Panel(
            "Accepted",
            "How many samples are there?",
            "number",
            "short",
            (Query('sum(gleaner_orders_ended_total{end="accepted"})'),),
            width=3,
        ),
        Panel(
            "Outstanding",
            "How many orders have no end yet?",
            "number",
            "short",
            (Query("sum(gleaner_orders_outstanding)"),),
            width=3,
        ),
        Panel(
            "Yield",
            "Which share of the orders that ended became a sample?",
            "number",
            "percentunit",
            (Query('sum(gleaner_orders_ended_total{end="accepted"}) / sum(gleaner_orders_ended_total)'),),
            width=3,
        ),
        Panel(
            "Recovered",
            "Which share of the orders that a gate rejected was accepted later?",
            "number",
            "percentunit",
            (Query("sum(gleaner_orders_recovered_total) / sum(gleaner_orders_rejected_total)"),),
            width=3,
        ),
        Panel(
            "Tokens a sample",
            "What does an accepted sample cost, failed attempts included?",
            "number",
            "short",
            (Query('sum(gleaner_tokens_total) / sum(gleaner_orders_ended_total{end="accepted"})'),),
            width=3,
        ),
        Panel(
            "Budget spent",
            "Which share of the token budget is gone? 0 without a budget.",
            "number",
            "percentunit",
            (Query("sum(gleaner_tokens_total) / sum(gleaner_budget_tokens)"),),
            width=3,
        ),
        Panel(
            "Attempts",
            "How fast does it go, and what do attempts come to?",
            "stacked",
            "cps",
            (Query(rate_of("gleaner_attempt_seconds_count", "outcome"), "{{outcome}}"),),
        ),
        Panel(
            "Orders outstanding",
            "Is there work, and where does it lie?",
            "stacked",
            "short",
            (Query("sum by (state) (gleaner_orders_outstanding)", "{{state}}"),),
        ),
        Panel(
            "In flight",
            "In which stage are samples now? The longest queue is at the bottleneck.",
            "stacked",
            "short",
            (Query("sum by (stage) (gleaner_in_flight)", "{{stage}}"),),
        ),
    ),
)
SLOW = Row(
    "What is slow?",
    (
        Panel(
            "Calls by pool",
            "Which pool or gate takes the time of an attempt?",
            "lines",
            "s",
            quantiles("gleaner_stage_seconds", "pool", "{{pool}}"),
        ),
        Panel(
            "Attempts by outcome",
            "How long does an attempt take from lease to decision?",
            "lines",
            "s",
            quantiles("gleaner_attempt_seconds", "outcome", "{{outcome}}"),
        ),
        Panel(
            "Time in the queue",
            "How long does work wait for a conductor? Repairs should hardly wait.",
            "lines",
            "s",
            quantiles("gleaner_queue_wait_seconds", "turn", "{{turn}}"),
        ),
        Panel(
            "Orders from plan to end",
            "How long until an order is settled, queue and all attempts together?",
            "lines",
            "s",
            quantiles("gleaner_order_seconds", "outcome", "{{outcome}}"),
        ),
        Panel(
            "Ledger commits",
            "Does the disk hold it up?",
            "lines",
            "s",
            quantiles("gleaner_commit_seconds", "", ""),
        ),
        Panel(
            "Age of the oldest ready order",
            "Does anything starve?",
            "lines",
            "s",
            (Query("max by (instance) (gleaner_queue_oldest_seconds)", "{{instance}}"),),
        ),
    ),
)
IDLE = Row(
    "What is idle, and why?",
    (
        Panel(
            "Replicas",
            "Does each pool have what it wants, and is what it wants what it needs?",
            "lines",
            "short",
            (
                Query("sum by (pool) (gleaner_replicas_ready)", "{{pool}} ready"),
                Query("sum by (pool) (gleaner_replicas_wanted)", "{{pool}} wanted"),
                Query("sum by (pool) (gleaner_replicas_needed)", "{{pool}} needed"),
            ),
        ),
        Panel(
            "Why replicas are not full",
            "Which pool idles, and is it for want of work, another pool, the budget, its server or a loading model?",
            "stacked",
            "percentunit",
            (
                Query(
                    'avg by (pool, reason) (avg_over_time(gleaner_pool_idle{reason!="busy"}[$__rate_interval]))',
                    "{{pool}}: {{reason}}",
                ),
            ),
        ),
        Panel(
            "Why there are as many",
            "What do the decisions on replicas rest on?",
            "stacked",
            "percentunit",
            (
                Query(
                    'avg by (pool, why) (avg_over_time(gleaner_scale_reason{why!="steady"}[$__rate_interval]))',
                    "{{pool}}: {{why}}",
                ),
            ),
        ),
        Panel(
            "Starting and draining",
            "Which replicas come or go?",
            "lines",
            "short",
            (
                Query("sum by (pool) (gleaner_replicas_starting)", "{{pool}} starting"),
                Query("sum by (pool) (gleaner_replicas_draining)", "{{pool}} draining"),
            ),
        ),
        Panel(
            "Changes of scale",
            "How often is a pool scaled, and why? Many changes: it swings.",
            "bars",
            "short",
            (
                Query(
                    "sum by (pool, why) (increase(gleaner_scale_changes_total[$__rate_interval]))", "{{pool}}: {{why}}"
                ),
            ),
        ),
        Panel(
            "Conductors, and pools they wait for",
            "Is somebody there to work, and is a pool paused because it fails?",
            "lines",
            "short",
            (
                Query("sum(gleaner_conductors)", "conductors"),
                Query("sum by (pool) (gleaner_pool_paused)", "{{pool}} paused"),
            ),
        ),
    ),
)
FAILING = Row(
    "What is failing, and why?",
    (
        Panel(
            "Orders that ended without a sample",
            "Why are orders given up?",
            "stacked",
            "cps",
            (Query('sum by (end) (rate(gleaner_orders_ended_total{end!="accepted"}[$__rate_interval]))', "{{end}}"),),
        ),
        Panel(
            "Rejections by gate",
            "Which gate rejects, and how much of what it sees?",
            "lines",
            "percentunit",
            (
                Query(
                    'sum by (gate) (rate(gleaner_verdicts_total{verdict="rejected"}[$__rate_interval]))'
                    " / sum by (gate) (rate(gleaner_verdicts_total[$__rate_interval]))",
                    "{{gate}}",
                ),
            ),
        ),
        Panel(
            "Which gate rejected alone",
            "Do both gates earn their cost, or does one say what the other says?",
            "stacked",
            "cps",
            (
                Query(
                    'sum by (rejected_by) (rate(gleaner_gate_overlap_total{rejected_by!="none"}[$__rate_interval]))',
                    "{{rejected_by}}",
                ),
            ),
        ),
        Panel(
            "Gate scores",
            "Do scores drift towards the threshold?",
            "lines",
            "none",
            quantiles("gleaner_gate_score", "gate", "{{gate}}"),
        ),
        Panel(
            "Diagnoses",
            "Why do samples fail?",
            "stacked",
            "cps",
            (Query(rate_of("gleaner_diagnoses_total", "mode"), "{{mode}}"),),
        ),
        Panel(
            "Malformed completions",
            "What do malformed completions lack? Cut off: raise max_tokens; no label, no answer: see the prompt.",
            "stacked",
            "cps",
            (Query(rate_of("gleaner_malformed_total", "defect"), "{{defect}}"),),
        ),
        Panel(
            "Recovery by mode and repair",
            "Which repair mends which failure? Accepted of tried, over the whole run.",
            "bars",
            "percentunit",
            (
                Query(
                    "sum by (mode, repair) (gleaner_repairs_accepted_total)"
                    " / sum by (mode, repair) (gleaner_repairs_total)",
                    "{{mode}}: {{repair}}",
                ),
            ),
        ),
        Panel(
            "Failed calls",
            "Which pool fails, and how? Most are tried again and end well.",
            "stacked",
            "cps",
            (Query(rate_of("gleaner_call_failures_total", "pool, error"), "{{pool}}: {{error}}"),),
        ),
        Panel(
            "Errors that ended an attempt",
            "What did trying again not mend?",
            "stacked",
            "cps",
            (Query(rate_of("gleaner_errors_total", "where, error"), "{{where}}: {{error}}"),),
        ),
        Panel(
            "Lost on the way",
            "Outcomes that came too late or could not be recorded, and documents that could not be used.",
            "lines",
            "short",
            (
                Query("sum(gleaner_outcomes_stale_total)", "stale outcomes"),
                Query("sum(gleaner_outcomes_unreported_total)", "unreported outcomes"),
                Query("sum(gleaner_documents_refused_total)", "refused documents"),
            ),
        ),
    ),
)
COSTS = Row(
    "What does it cost?",
    (
        Panel(
            "Tokens by pool",
            "Who spends?",
            "stacked",
            "short",
            (Query(rate_of("gleaner_tokens_total", "pool, tokens"), "{{pool}} {{tokens}}"),),
        ),
        Panel(
            "Tokens by outcome",
            "How much goes into attempts that came to nothing?",
            "stacked",
            "short",
            (Query(rate_of("gleaner_tokens_total", "outcome"), "{{outcome}}"),),
        ),
        Panel(
            "Calls under way",
            "How many calls does each pool carry at once (seconds of calls a second)?",
            "lines",
            "short",
            (Query(rate_of("gleaner_call_seconds_total", "pool"), "{{pool}}"),),
        ),
    ),
)

ROWS = (GOING, SLOW, IDLE, FAILING, TRUSTED, COSTS)
