"""`gleaner export`: a ledger's lives as training signal, with the lineage of every row.

splits          which split a document's rows fall into
families        what is read of a ledger, passage by passage
faults          which rejected attempts are negatives
wording         passage and draft to prompt and completion
columns         the columns that formats share
preferences     sft, dpo, kto
hard_negatives  every rejected attempt with its reasons
solutions       rft
credited        solutions with what their steps are worth
pits            dpo_steps, dpo_prefix
stepwise        stepwise, advantages
formats         every format: columns, rows, trainer
files           rows to files: a few at a time, each file whole or not there
card            the README of an export
export          the whole, from a ledger to a folder
"""
