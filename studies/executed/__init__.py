"""Verdicts by computation with typed repair, and what else the same tokens buy. In reading order: `problems` (what is
asked about, and each text that a writer gives), `script` (faults, rates, and how a writer takes a hint), `writer` (the
script as an engine), `arms` (policies), `runs` (the product's loop), `truth` (tests that no gate sees), `plan_1`."""
