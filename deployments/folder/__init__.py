"""A run's folder between runs. `output`: who may write it. `replay`: dead letters back. `rescore`: dead letters
accepted by the scores they have. `repair`: a ledger that cannot be replayed. `exports`: training signal.
`proof`: `gleaner verify`. `shards`: brought up to the ledger. `settings`: the configuration, and one given beside it.
"""
