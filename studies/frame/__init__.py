"""The frame of studies: a plan that is committed first, parts that are made once, words that a rule says.

In reading order: `plan` (what a plan file holds, and what is a mistake in one), `commit` (git: is the plan committed,
which code is this; seeds), `statistics` (tallies of units to effects, tests, power), `given` (what a part of a study
gets from the frame: seeds, test sets, data), `runner` (parts as files), `results` (all parts in one file), `verdicts`
(the words), `page` (plan and results as a page); for studies of recovery `loop` (the product's, in this process) and
`spending` (what the same tokens buy of each arm). docs/studies/README.md says how a study is made with it.
"""
