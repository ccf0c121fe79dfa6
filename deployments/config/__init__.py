"""The configuration: `load` reads it; `schema`: what stands at each key's field; `rules`, `gate_rules`, `servers`,
`secrets`: what the types cannot say; `faults`: what is wrong, in one line; `identity`: what may change in a folder;
`recorded`: run.yaml against the ledger; `docs`: its page.
"""
