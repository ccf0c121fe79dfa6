"""The row of panels about the gates: what labelled samples and injections say of them."""

from deployments.monitoring.panel import Panel, Query, Row

TRUSTED = Row(
    "Can the gates be trusted?",
    (
        Panel(
            "Drift",
            "Has a gate begun to judge otherwise? Anything but 0 is a change that chance does not explain.",
            "zero",
            "none",
            (Query("sum(gleaner_canary_drift)"),),
            width=3,
        ),
        Panel(
            "Canaries",
            "How many labelled samples have been judged?",
            "number",
            "short",
            (Query('sum(gleaner_canaries_ended_total{fate="judged"})'),),
            width=3,
        ),
        Panel(
            "Recall of canaries",
            "How many of the bad ones does each gate catch of late, and how sure is that?",
            "lines",
            "percentunit",
            (Query('max by (gate, bound) (gleaner_canary_rate{rate="recall"})', "{{gate}} {{bound}}"),),
            width=9,
        ),
        Panel(
            "Good canaries that pass",
            "How many of the good ones does each gate let pass, and how right are its rejections?",
            "lines",
            "percentunit",
            (
                Query(
                    'max by (gate, rate) (gleaner_canary_rate{rate!="recall", bound="value"})',
                    "{{gate}} {{rate}}",
                ),
            ),
            width=9,
        ),
        Panel(
            "Recall by flaw",
            "What does each gate see, and to what is it blind?",
            "lines",
            "percentunit",
            (Query('max by (gate, flaw) (gleaner_canary_recall{bound="value"})', "{{gate}}: {{flaw}}"),),
        ),
        Panel(
            "Injections caught",
            "How many of the orders made bad on purpose are caught at once, over the whole run?",
            "bars",
            "percentunit",
            (
                Query(
                    'sum by (flaw) (gleaner_injections_total{fate="caught"})'
                    ' / sum by (flaw) (gleaner_injections_total{fate=~"caught|missed"})',
                    "{{flaw}}",
                ),
            ),
        ),
        Panel(
            "Searches that find the passage",
            "How often does a search for evidence find the sample's own passage?",
            "lines",
            "percentunit",
            (Query("sum(gleaner_searches_hit_total) / sum(gleaner_searches_total)"),),
        ),
    ),
)
