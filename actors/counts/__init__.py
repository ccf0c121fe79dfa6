"""Folds over the ledger's records: every count that anybody shows. `tally` holds them all; `sums` adds those of
several queue shards; one file a subject beside them; `rates`: shares and their intervals.
"""
