"""Folds over the ledger's records: every count that anybody shows.

`tally` lists the folds; `entries` says what a record means to them. A fold is a file: `orders`, `spend`, `verdicts`,
`overlap`, `failures`, `credits`, `course`, `probes` (with `probed_gates` and `drift`), `firsts` (with `advice`, what
follows from them).
`fields` reads what a table's fields say of themselves (`schemas/measures.py`); `together` makes one of several shards'
tables. `rates`: shares and their intervals.
"""
