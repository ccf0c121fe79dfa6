"""`gleaner verify`: proves a folder from its files alone.

`fold` follows every order through the ledger and fills a `book`. `passing`, `configuration`, `shards`, `rows`, `files`,
`chain` and `manifest` check gates, run.yaml and the other files against it. `verify` runs all checks; it also reads the
documents again and compares every passage with its slice. `executed`: what was executed, as rows must have it;
`executions`: what `--execute` executes again.
"""
