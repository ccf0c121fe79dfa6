"""Shards of accepted samples and of dead letters.

`writer` decides when a shard is written, `shards` which ends go into it, `rows` what a row holds, `spans` how it is
named. `strangers`: shard files that the ledger does not know. `manifest`, `gone_keys`: run.yaml and manifest.json of
any folder. `courier`, `deliveries`, `sink_thread`, `sinks`, `conformance`: shards for sinks.
Law: every shard can be written again from the ledger; a file under its final name is complete.
"""
