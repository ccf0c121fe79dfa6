"""Folds over the ledger's records: every count that is shown anywhere.

`tally` lists the folds; `entries` adds the order's state to each record. Each fold has a file: `orders`, `spend`,
`verdicts`, `overlap`, `diversity`, `shares`, `failures`, `credits`, `course`, `probes` (with `probed_gates` and
`drift`), `firsts` (with `issue_order` and `advice`). `distributions`: histograms. `fields` reads the annotations of a
table's fields (`schemas/measures.py`); `together` adds up the tables of several shards. `rates`: shares and their
intervals.
"""
