"""Plan 2 of `studies/stepwise` on real models, by one command (docs/studies/scale.md). In reading order: `settings`,
`problems`, `policy` (a checkpoint behind the product's engine), `texts` (how the plan's own code reads texts), `draws`
(drawn and credited once), `lessons` (what an arm learns from), `learn` (TRL, in its own process), `run`, `results`.
"""
