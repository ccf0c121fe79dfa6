"""Shards of accepted samples and of dead letters.

`writer` says when a shard is written, `shards` which ends go into it, `rows` what a row holds, `spans` how it is named;
`strangers`: files that the ledger does not know; `manifest`, `gone_keys`: run.yaml and manifest.json of any folder.
Law: what stands in the ledger can be written again; what is on disk under its final name is whole.
"""
