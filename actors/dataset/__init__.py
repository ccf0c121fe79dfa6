"""The output folder: shards of samples and dead letters, the manifest, checksums and the dataset's card.

`rows` says what a row holds, `writer` when a shard is written, `files` how anything reaches the disk, `manifest` and
`card` what describes the whole. Law: what stands in the ledger can be written again; what is on disk under its final
name is whole.
"""
