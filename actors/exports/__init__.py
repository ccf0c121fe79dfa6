"""`gleaner export`: turns a ledger's orders into training data, with the lineage of every row.

splits          which split a document's rows are in
families        reads a ledger, passage by passage
faults          which rejected attempts are negatives
wording         passage and draft to prompt and completion
columns         the columns that formats share
preferences     sft, dpo, kto
ranked          dpo_ranked
hard_negatives  every rejected attempt with its reasons
solutions       rft
credited        credited solutions and the values of their steps
pits            dpo_steps, dpo_prefix
stepwise        stepwise, advantages
formats         every format: columns, rows, trainer
files           writes rows to files, each file whole or absent
card            the README of an export
export          a whole export, from a ledger to a folder
"""
