"""The configuration. `load` reads it; `schema`: words and class of each key; `rules`, `gate_rules`, `reader_rules`,
`recovery_rules`, `servers`, `secrets`: rules beyond types; `faults`: a fault in one line; `identity`: the keys that may
change in a folder; `recorded`: compares run.yaml with the ledger; `docs`: writes its page.
"""
