"""A run's folder between runs. `output`: checks who may write it. `draining`: `gleaner drain`. `replay`: puts dead
letters back into the queue. `rescore`: accepts dead letters by their recorded scores. `repair`: mends a ledger that
cannot be replayed. `exports`: training data. `proof`: `gleaner verify`; `execution`: its `--execute`. `shards`: writes
the shards that the ledger has ends for. `settings`: the folder's configuration, and one given with a command.
"""
